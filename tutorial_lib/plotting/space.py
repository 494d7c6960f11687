"""Things in space: points with functions on the sphere, clouds with an atom missing, and planes through a field.

Numbers come in, figures go out.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from tutorial_lib import metrics
from tutorial_lib.plotting.axes import field
from tutorial_lib.plotting.palette import COLOURS
from tutorial_lib.shapes import check_counts, check_shapes


class Hole(NamedTuple):
    """What one panel shows.

    Attributes:
        known: (k, 3), angstrom, about the centre.
        missing: (m, 3), angstrom, where the atoms were.
        candidates: (c, 3), angstrom, where they may be, the first guess first.
        share: (c,), how much each candidate counts, no unit.
    """

    known: Tensor
    missing: Tensor
    candidates: Tensor
    share: Tensor


def candidates(ax: Axes, hole: Hole, *, title: str) -> Axes:
    """Known atoms about their centre, a ring where an atom is missing, diamonds for candidates, the first one marked.

    The picture's plane holds the centre, the missing atom (the first of several) and the first guess, so that these are
    as far from each other as they look. Of the others, what is small and pale stands behind the plane. A diamond is as
    large as its share. Bonds of the centre are drawn.
    """
    check_shapes(**{name: (getattr(hole, name), f"{name}+ 3") for name in ("known", "missing", "candidates")})
    check_shapes(candidates=(hole.candidates, "candidates 3"), share=(hole.share, "candidates"))
    up, beside = (part[0].double() for part in (hole.missing, hole.candidates))
    if torch.linalg.cross(up, beside).norm() < 1e-6 * up.norm() * beside.norm():
        beside = torch.eye(3, dtype=torch.float64)[up.abs().argmin()]  # any plane will do
    frame = torch.linalg.qr(torch.stack([up, beside], dim=1)).Q
    frame = frame * (frame * torch.stack([up, beside], dim=1)).sum(0).sign()
    axes = torch.stack([frame[:, 1], frame[:, 0], torch.linalg.cross(frame[:, 1], frame[:, 0])], dim=1)
    known, missing, guessed = (np.asarray(part.double() @ axes) for part in hole[:3])
    share, known = np.asarray(hole.share), known[known[:, 2].argsort()]  # what is nearest to the reader comes last
    for atom in known[np.linalg.norm(known, axis=1) < metrics.BOND_CUTOFF]:
        ax.plot([0, atom[0]], [0, atom[1]], color="0.6", linewidth=2, zorder=1)
    ax.scatter(0, 0, marker="s", s=90, color=COLOURS["model"], label="centre", zorder=2)
    near = np.clip((known[:, 2] + 4) / 8, 0, 1)
    colours = [
        np.array(to_rgb(COLOURS["crystal"])) * part + np.ones(3) * (1 - part) for part in 0.3 + 0.7 * near[:, None]
    ]
    sizes = 60 + 180 * near
    ax.scatter(*known[:, :2].T, s=sizes, c=colours, edgecolor="k", linewidth=0.8, label="known", zorder=2)
    ax.scatter(*(known[:, :2] + np.array([-0.12, 0.12])).T, s=sizes / 12, color="w", alpha=0.8, linewidth=0, zorder=2)
    sizes = 15 + 200 * share
    style = {"marker": "D", "color": COLOURS["generated"], "zorder": 3}
    ax.scatter(*guessed[1:, :2].T, s=sizes[1:], alpha=0.5, label="candidate", **style)
    ax.scatter(*guessed[:1, :2].T, s=sizes[:1], edgecolor="k", linewidth=2, label="first guess", **style)
    ring = {"facecolor": "none", "edgecolor": COLOURS["real"], "linewidth": 2}
    ax.scatter(*missing[:, :2].T, s=220, label="missing", zorder=4, **ring)
    ax.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal", xlabel="across (Å)", title=title)
    ax.set_ylabel("towards the missing atom (Å)")
    return ax


def density(ax: Axes, values: Tensor, points: Tensor, *, bonded: float, limit: float) -> Axes:
    """How likely each point of a plane is, with the truth as a ring.

    Args:
        ax: where to draw.
        values: (m, m), relative to the largest, no unit; rows go up, columns to the right.
        points: (n, 2), angstrom, where atoms were.
        bonded: angstrom, how far from the centre the atom stands that the horizontal axis runs to.
        limit: half the width of the plane, angstrom.
    """
    check_shapes(points=(points, "points 2"))
    field(ax, values, "density, relative to the largest", limit=limit)
    ring = {"markersize": 14, "markerfacecolor": "none", "markeredgewidth": 2, "color": COLOURS["failure"]}
    ax.plot(*np.asarray(points).T, "o", label="missing", **ring)
    ax.plot(0, 0, "s", color=COLOURS["model"], label="centre")
    ax.plot(bonded, 0, "o", color=COLOURS["crystal"], markeredgecolor="k", markersize=9, label="bonded atom")
    ax.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    ax.set(xlabel="towards the bonded atom (Å)", ylabel="at right angles (Å)")
    return ax


def signals(
    panels: Mapping[str, tuple[Tensor, Tensor | None]],
    directions: Tensor,
    *,
    size: float = 0.6,
    limit: float = 1.25,
    joined: float = 0.0,
) -> Figure:
    """Points in space with a function on the sphere at each of them: filled where positive, else a mesh; rows of four.

    Args:
        panels: title to positions (n, 3), edges of a cube, and values (n, a, b), no unit, or None for points alone.
        directions: (a, b, 3), the unit vectors at which values are given.
        size: of the largest function of a panel, in edges of a cube.
        limit: half the width of a panel, in edges of a cube.
        joined: points alone are joined by lines where they are nearer than this, in edges of a cube.
    """
    check_counts(n_panels=len(panels))
    across, down = min(4, len(panels)), math.ceil(len(panels) / 4)
    figure = plt.figure(figsize=(2.4 * across, 2.4 * down))
    for place, (title, (positions, values)) in enumerate(panels.items(), start=1):
        ax = figure.add_subplot(down, across, place, projection="3d")
        check_shapes(**{f"positions of {title!r}": (positions, "points 3")})
        points = np.asarray(positions)
        for start, end in combinations(points if values is None else (), 2):
            if np.linalg.norm(start - end) < joined:
                ax.plot(*np.stack([start, end]).T, color="0.6", linewidth=2)
        ax.scatter(*points.T, color=COLOURS["real"], s=14 if values is not None else 60, depthshade=False)
        if values is not None:
            given = {f"values of {title!r}": (values, "points a b"), "directions": (directions, "a b 3")}
            check_shapes(positions=(positions, "points 3"), **given)
            numbers = np.asarray(values)
            for point, number in zip(points, numbers * size / max(np.abs(numbers).max(), 1e-12), strict=True):
                _lobe(ax, number, directions, point)
        ax.set_title(title, fontsize=9, pad=-2)
        ax.view_init(elev=50, azim=-60)
        _bare(ax, limit, zoom=1.5)
    figure.subplots_adjust(0, 0, 1, 0.93, 0, 0.08)
    return figure


def lobes(
    rows: Sequence[Mapping[str, np.ndarray | Tensor]], directions: np.ndarray | Tensor, *, axes: str = ""
) -> Figure:
    """Functions on the sphere as surfaces, as far from the middle as their size: filled where positive, else a mesh.

    For each row of the figure title to values (m, n), given at unit vectors (m, n, 3), all on one scale. `axes`, such
    as "xyz", names the three directions in the upper left corner, the last one upwards, where the first row is short.
    """
    check_counts(n_functions=sum(map(len, rows)))
    across = max(len(row) for row in rows)
    largest = max(np.abs(np.asarray(values)).max() for row in rows for values in row.values())
    figure = plt.figure(figsize=(1.15 * across, 1.35 * len(rows)))
    for down, row in enumerate(rows):
        for place, (title, values) in enumerate(row.items(), start=(across - len(row)) // 2 + 1):
            ax = figure.add_subplot(len(rows), across, down * across + place, projection="3d")
            asked = {f"values of {title!r}": (values, "a b"), "directions": (directions, "a b 3")}
            check_shapes(**{name: (torch.as_tensor(numbers), words) for name, (numbers, words) in asked.items()})
            _lobe(ax, np.asarray(values), directions, lines=(30, 18), linewidth=0.6)
            ax.set_title(title, fontsize=9, pad=-4)
            _bare(ax, largest, zoom=1.7)
    if axes:
        ax = figure.add_axes((0.02, 0.78, 0.2, 0.2), projection="3d")
        for name, axis in zip(axes, np.eye(3), strict=True):
            ax.quiver(0, 0, 0, *axis, color=COLOURS["real"], linewidth=0.8, arrow_length_ratio=0.25)
            ax.text(*1.3 * axis, name, ha="center", va="center", fontsize=9)
        _bare(ax, 1.0, zoom=1.2)
    return figure


def _lobe(ax, values, directions, point=0.0, *, lines=(24, 12), linewidth=0.5) -> None:
    ends = [point + part[..., None] * np.asarray(directions) for part in (values.clip(min=0), -values.clip(max=0))]
    positive, negative = (np.moveaxis(end, -1, 0) for end in ends)
    ax.plot_surface(*positive, color=COLOURS["model"], rcount=lines[0], ccount=lines[0], linewidth=0)
    ax.plot_wireframe(*negative, color=COLOURS["baseline"], rcount=lines[1], ccount=lines[1], linewidth=linewidth)


def _bare(ax: Axes, limit: float, *, zoom: float) -> None:
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), zlim=(-limit, limit))
    ax.set_axis_off()
    ax.set_box_aspect((1, 1, 1), zoom=zoom)


def cross_section(ax: Axes, values: Tensor, points: Tensor, *, title: str, limit: float) -> Axes:
    """A field of probabilities (m, m) in a plane, rows upwards, with points (n, 2) of it; all in edges of a cube."""
    check_shapes(points=(points, "points 2"))
    field(ax, values, "probability of a point", limit=limit)
    for colour, width in ((COLOURS["real"], 3.2), ("white", 1.2)):  # a circle that is seen on light and on dark
        ring = {"markerfacecolor": "none", "markeredgecolor": colour, "markeredgewidth": width}
        ax.plot(*np.asarray(points).T, "o", markersize=9, **ring)
    ax.set(title=title, xlabel="x (edges of a cube)", ylabel="y (edges of a cube)")
    return ax
