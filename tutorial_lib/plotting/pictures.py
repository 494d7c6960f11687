"""Pictures: matrices, images, maps of codes and atoms come in; an axis goes out, or the bytes of a file."""

import io
from collections.abc import Mapping, Sequence
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.utils import rotate
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tutorial_lib.plotting.palette import COLOURS

BOND_STRETCH = 1.28
CAMERA = "-75x,20y,5z"
SILICON = 14  # has the colour of the course, every other element that of Jmol


def matrix(ax: Axes, gram: Tensor, *, title: str, limit: float) -> Axes:
    """A Gram matrix as a picture.

    Args:
        ax: where to draw.
        gram: (n, n), angstrom^2.
        title: what it is.
        limit: angstrom^2, the value of the strongest colour; the same for pictures that are compared.

    Returns:
        The axis.

    Raises:
        ValueError: the matrix is not two-dimensional.
    """
    if gram.ndim != 2:
        raise ValueError(f"one matrix is drawn at a time: shape {tuple(gram.shape)} arrived")
    picture = ax.imshow(np.asarray(gram), cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.figure.colorbar(picture, ax=ax, label="inner product (Å²)", shrink=0.8)
    ax.set(title=title, xlabel="atom j", ylabel="atom i")
    return ax


def gallery(things: Mapping[str, str | np.ndarray]) -> Sequence[Axes]:
    """Strings, lists of bytes and matrices side by side, each with its name.

    Args:
        things: name to a string, to bytes (n,), which are drawn as a block of bits, to an image or a matrix
            (n, n), or to a table of numbers (n, 3), written out; in their own units.

    Returns:
        One axis a thing.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not things:
        raise ValueError("nothing to draw: pass at least one thing")
    figure = plt.figure(figsize=(9.0, 3.0 * -(-len(things) // 3)), layout="constrained")
    axes = figure.subplots(-(-len(things) // 3), 3, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, (name, thing) in zip(axes, things.items(), strict=False):
        ax.set_title(name)
        if isinstance(thing, str):
            ax.text(0.5, 0.5, thing, ha="center", va="center", family="monospace", fontsize=14)
        elif thing.ndim == 1:
            bits = np.unpackbits(thing)
            ax.set_axis_on()
            ax.set(xticks=[], yticks=[])
            ax.imshow(bits.reshape(-1, 64), cmap="Greys", interpolation="nearest")
            ax.plot(*np.divmod(bits.nonzero()[0], 64)[::-1], "s", color=COLOURS["failure"], markersize=5)
        elif thing.shape[1] == 3:
            table = "\n".join(" ".join(f"{number:6.2f}" for number in row) for row in thing)
            ax.text(0.5, 0.5, table, ha="center", va="center", family="monospace", fontsize=9)
        else:
            limit = abs(thing).max()
            ax.imshow(thing, cmap="RdBu_r", vmin=-limit, vmax=limit)
    return list(axes[: len(things)])


def digits(axes: Sequence[Axes], pictures: Tensor, *, titles: Sequence[str]) -> Sequence[Axes]:
    """Grey pictures in a row, ink black.

    Args:
        axes: where to draw, one each.
        pictures: (N, rows, columns), no unit.
        titles: one each.

    Returns:
        The axes.

    Raises:
        ValueError: the numbers of axes, pictures and titles differ.
    """
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(np.asarray(picture), cmap="Greys")
        ax.set_title(title)
        ax.set_axis_off()
    return axes


def latent_map(ax: Axes, codes: Tensor, labels: Tensor, *, title: str) -> Axes:
    """Two-dimensional codes, each drawn as the figure of its class.

    Args:
        ax: where to draw.
        codes: (N, 2), no unit.
        labels: (N,), whole numbers below ten.
        title: what it is.

    Returns:
        The axis.

    Raises:
        ValueError: the codes are not two-dimensional.
    """
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"a map has two dimensions: codes of shape {tuple(codes.shape)} arrived")
    for label in range(10):
        x, y = np.asarray(codes[labels == label]).T
        ax.plot(x, y, linestyle="none", marker=f"${label}$", markersize=5, color=f"C{label}")
    ax.set(title=title, xlabel="first latent number (no unit)", ylabel="second (no unit)")
    return ax


def arrows(
    ax: Axes, positions: Tensor, vectors: Mapping[str, tuple[str, Tensor]], *, title: str, limit: float = 2.0
) -> Axes:
    """Points in the plane of x and y, with a vector of each kind at each point.

    Args:
        ax: where to draw.
        positions: (n, 3), angstrom.
        vectors: name to a key of `COLOURS` and (n, 3), in the unit that the name says.
        title: what it is.
        limit: angstrom, half the width of the picture.

    Returns:
        The axis.

    Raises:
        KeyError: a colour is none of ours.
    """
    x, y, _ = np.asarray(positions).T
    for name, (colour, vector) in vectors.items():
        along_x, along_y, _ = np.asarray(vector).T
        ax.quiver(
            x,
            y,
            along_x,
            along_y,
            color=COLOURS[colour],
            label=name,
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.012,
        )
    ax.plot(x, y, linestyle="none", marker="o", markersize=12, color=COLOURS["real"])
    ax.set(title=title, xlabel="x (Å)", ylabel="y (Å)", xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.legend(frameon=False, loc="upper left")
    return ax


def still(atoms: Atoms, centre: int | None, camera: str = CAMERA) -> bytes:
    """A picture of atoms as PNG, for pages that run no code.

    Atoms closer than 1.28 times the sum of their covalent radii (2.84 A for silicon) are joined by a line.

    Args:
        atoms: what to show, angstrom; its cell is drawn if it has one.
        centre: the atom that gets another colour and a square, or None.
        camera: the turns about the axes of the picture that bring the atoms into view, as ASE writes them.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: there are no atoms.
    """
    if len(atoms) == 0:
        raise ValueError("there are no atoms to draw")
    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    ax = figure.subplots()
    turn = rotate(camera)
    x, y, depth = (atoms.positions @ turn).T
    first, second = np.triu_indices(len(atoms), 1)
    bond = BOND_STRETCH * (covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]])
    joined = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1) < bond
    for i, j in zip(first[joined], second[joined], strict=True):
        ax.plot(x[[i, j]], y[[i, j]], color="0.5", linewidth=3, zorder=min(depth[i], depth[j]))
    for at, number in enumerate(atoms.numbers):
        colour = COLOURS["crystal"] if number == SILICON else jmol_colors[number]
        marker, colour = ("s", COLOURS["model"]) if at == centre else ("o", colour)
        size = 14 if number > 1 else 10
        ax.plot(
            x[at], y[at], marker, color=colour, markeredgecolor="k", markersize=size, zorder=depth[at], clip_on=False
        )
        if len(set(atoms.numbers)) > 2:
            ax.annotate(atoms.symbols[at], (x[at], y[at]), (8, 6), textcoords="offset points", fontsize=9)
    if atoms.cell.rank == 3:
        corners = np.array(list(np.ndindex(2, 2, 2)))
        for i, j in combinations(range(8), 2):
            if abs(corners[i] - corners[j]).sum() == 1:
                ends = corners[[i, j]] @ atoms.cell.array @ turn
                ax.plot(ends[:, 0], ends[:, 1], color="k", linewidth=0.8, linestyle=":")
    ax.set_aspect("equal")
    ax.margins(0.1)
    ax.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80, bbox_inches="tight", pad_inches=0.15)
    return file.getvalue()
