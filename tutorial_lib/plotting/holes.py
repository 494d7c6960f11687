"""Clouds with an atom missing, and candidates for it: positions come in, figures go out."""

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tutorial_lib.plotting.palette import COLOURS
from tutorial_lib.plotting.pictures import field
from tutorial_lib.shapes import check_counts

BOND = 2.85  # A, from the centre


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


def candidates(panels: Mapping[str, Hole]) -> Figure:
    """Known atoms about their centre, a ring where an atom is missing, diamonds for candidates, the first one marked.

    A diamond is as large as its share. Bonds of the centre are drawn. Panels stand side by side.
    """
    check_counts(n_panels=len(panels))
    figure = plt.figure(figsize=(3.4 * len(panels), 3.6))
    for place, (title, hole) in enumerate(panels.items(), start=1):
        known, missing, guessed, share = (np.asarray(part) for part in hole)
        ax = figure.add_subplot(1, len(panels), place, projection="3d", computed_zorder=False)
        for atom in known[np.linalg.norm(known, axis=1) < BOND]:
            ax.plot(*np.stack([np.zeros(3), atom]).T, color="0.6", linewidth=2, zorder=1)
        ax.scatter(0, 0, 0, marker="s", s=60, color=COLOURS["model"], label="centre", zorder=2)
        filled = {"color": COLOURS["crystal"], "edgecolor": "k", "depthshade": False}
        ax.scatter(*known.T, s=60, label="known", zorder=2, **filled)
        sizes = 15 + 200 * share
        style = {"marker": "D", "color": COLOURS["generated"], "depthshade": False, "zorder": 3}
        ax.scatter(*guessed[1:].T, s=sizes[1:], alpha=0.5, label="candidate", **style)
        ax.scatter(*guessed[:1].T, s=sizes[:1], edgecolor="k", linewidth=2, label="first guess", **style)
        ring = {"facecolor": "none", "edgecolor": COLOURS["real"], "linewidth": 2, "depthshade": False}
        ax.scatter(*missing.T, s=220, label="missing", zorder=4, **ring)
        ax.set_title(title, fontsize=9)
        ax.set(xlim=(-4, 4), ylim=(-4, 4), zlim=(-4, 4), box_aspect=(1, 1, 1))
        ax.set(xlabel="x (Å)", ylabel="y (Å)", zlabel="z (Å)")
        ax.tick_params(labelsize=6, pad=-2)
        ax.view_init(elev=25, azim=-50)  # degrees, one view for all panels
    figure.axes[0].legend(fontsize=7, loc="upper left", frameon=False)
    figure.tight_layout()
    return figure


def density(ax: Axes, values: Tensor, points: Tensor, *, bonded: float, limit: float) -> Axes:
    """How likely each point of a plane is, with the truth as a ring.

    Args:
        ax: where to draw.
        values: (m, m), relative to the largest, no unit; rows go up, columns to the right.
        points: (n, 2), angstrom, where atoms were.
        bonded: angstrom, how far from the centre the atom stands that the horizontal axis runs to.
        limit: half the width of the plane, angstrom.
    """
    field(ax, values, "density, relative to the largest", limit=limit)
    ring = {"markersize": 14, "markerfacecolor": "none", "markeredgewidth": 2, "color": COLOURS["failure"]}
    ax.plot(*np.asarray(points).reshape(-1, 2).T, "o", label="missing", **ring)
    ax.plot(0, 0, "s", color=COLOURS["model"], label="centre")
    ax.plot(bonded, 0, "o", color=COLOURS["crystal"], markeredgecolor="k", markersize=9, label="bonded atom")
    ax.legend(fontsize=8, loc="lower right")
    ax.set(xlabel="towards the bonded atom (Å)", ylabel="at right angles (Å)")
    return ax
