"""Still pictures of atoms, for pages that run no code: atoms come in, the bytes of a PNG go out."""

import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.utils import rotate
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_lib.plotting.palette import COLOURS
from tutorial_lib.shapes import check, check_counts

BOND_STRETCH = 1.28
CAMERA = "-75x,20y,5z"
SILICON = 14  # has the colour of the course, every other element that of Jmol


class Arrow(NamedTuple):
    """A vector from one place to another (angstrom); its strength goes from 0, a hair, to 1, as thick as a bond."""

    start: np.ndarray
    end: np.ndarray
    strength: float


def still(atoms: Atoms, centre: int | None, camera: str = CAMERA, arrows: Sequence[Arrow] = ()) -> bytes:
    """A picture of atoms as PNG, for pages that run no code.

    Atoms closer than 1.28 times the sum of their covalent radii (2.84 A for silicon) are joined by a line. A cell is
    drawn if there is one; `centre` has another colour and a square; `camera` is a rotation as ASE writes it.
    """
    check_counts(n_atoms=len(atoms))
    ax = Figure(figsize=(3.2, 3.2), layout="constrained").subplots()
    _draw_atoms(ax, atoms, centre, camera)
    for arrow in arrows:
        start, end = (np.asarray(place) @ rotate(camera) for place in (arrow.start, arrow.end))
        style = {"arrowstyle": "-|>", "color": COLOURS["model"], "linewidth": 0.4 + 3 * arrow.strength}
        ax.annotate("", end[:2], start[:2], arrowprops=style | {"shrinkA": 0, "shrinkB": 0}, zorder=100)
        ax.update_datalim([end[:2], start[:2]])
    ax.autoscale_view()
    return _png(ax.figure)


def strip(frames: Sequence[Atoms], centre: int | None, camera: str = CAMERA) -> bytes:
    """Stills of several frames in a row as PNG, all on one scale."""
    check_counts(n_frames=len(frames))
    figure = Figure(figsize=(1.6 * len(frames), 1.9), layout="constrained")
    limit = 1.15 * max(np.abs(atoms.positions).max() for atoms in frames)
    for ax, atoms in zip(figure.subplots(1, len(frames), squeeze=False)[0], frames, strict=True):
        _draw_atoms(ax, atoms, centre, camera, size=7)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
    return _png(figure)


def scatter_map(properties: Mapping[str, np.ndarray]) -> bytes:
    """A map of points as PNG: the first two properties are the axes, the third is the colour."""
    check(len(properties) >= 3, f"two axes and a colour are needed: {list(properties)} arrived")
    (x_name, x), (y_name, y), (colour_name, colour) = list(properties.items())[:3]
    ax = Figure(figsize=(5.0, 3.6), layout="constrained").subplots()
    ax.figure.colorbar(ax.scatter(x, y, c=colour, s=8, cmap="viridis"), ax=ax, label=colour_name)
    ax.set(xlabel=x_name, ylabel=y_name)
    return _png(ax.figure)


def bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """The pairs of atoms that are drawn joined; neighbours across the walls of a cell are not."""
    first, second = np.triu_indices(len(atoms), 1)
    bond = BOND_STRETCH * (covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]])
    joined = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1) < bond
    return list(zip(first[joined].tolist(), second[joined].tolist(), strict=True))


def _draw_atoms(ax: Axes, atoms: Atoms, centre: int | None, camera: str, size: int = 14) -> None:
    turn = rotate(camera)
    x, y, depth = (atoms.positions @ turn).T
    for i, j in bonds(atoms):
        ax.plot(x[[i, j]], y[[i, j]], color="0.5", linewidth=3, zorder=min(depth[i], depth[j]))
    for at, number in enumerate(atoms.numbers):
        colour = COLOURS["crystal"] if number == SILICON else jmol_colors[number]
        marker, colour = ("s", COLOURS["model"]) if at == centre else ("o", colour)
        style = {"markersize": size if number > 1 else 0.7 * size, "markeredgecolor": "k", "clip_on": False}
        ax.plot(x[at], y[at], marker, color=colour, zorder=depth[at], **style)
        if len(set(atoms.numbers)) > 2:
            ax.annotate(atoms.symbols[at], (x[at], y[at]), (8, 6), textcoords="offset points", fontsize=9)
    if atoms.cell.rank == 3:
        for corners in combinations(np.ndindex(2, 2, 2), 2):
            if np.abs(np.subtract(*corners)).sum() == 1:
                ends = corners @ atoms.cell.array @ turn
                ax.plot(ends[:, 0], ends[:, 1], color="k", linewidth=0.8, linestyle=":")
    ax.set(aspect="equal", xmargin=0.1, ymargin=0.1)
    ax.set_axis_off()


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80, bbox_inches="tight", pad_inches=0.15)
    return file.getvalue()
