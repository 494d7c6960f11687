"""Functions on the sphere at points in space, and fields about them: numbers come in, figures go out."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tutorial_lib.plotting.palette import COLOURS

VIEW = {"elev": 50, "azim": -60}  # degrees, one view for all panels


def signals(
    panels: Mapping[str, tuple[Tensor, Tensor | None]], directions: Tensor, *, size: float = 0.6, limit: float = 1.25
) -> Figure:
    """Points in space with a function on the sphere at each of them: filled where positive, else a mesh; rows of four.

    Args:
        panels: title to positions (n, 3), edges of a cube, and values (n, a, b), no unit, or None for points alone.
        directions: (a, b, 3), the unit vectors at which values are given.
        size: of the largest function of a panel, in edges of a cube.
        limit: half the width of a panel, in edges of a cube.
    """
    if not panels:
        raise ValueError("no points to draw: pass at least one panel")
    across = min(4, len(panels))
    down = -(-len(panels) // across)
    figure = plt.figure(figsize=(2.4 * across, 2.4 * down))
    for place, (title, (positions, values)) in enumerate(panels.items(), start=1):
        ax = figure.add_subplot(down, across, place, projection="3d")
        points = np.asarray(positions)
        ax.scatter(*points.T, color=COLOURS["real"], s=14 if values is not None else 60, depthshade=False)
        if values is not None:
            numbers = np.asarray(values)
            numbers = numbers * size / max(np.abs(numbers).max(), 1e-12)
            for point, number in zip(points, numbers, strict=True):
                _lobe(ax, point, number, np.asarray(directions))
        ax.set_title(title, fontsize=9, pad=-2)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), zlim=(-limit, limit))
        ax.view_init(**VIEW)
        ax.set_axis_off()
        ax.set_box_aspect((1, 1, 1), zoom=1.5)
    figure.subplots_adjust(0, 0, 1, 0.93, 0, 0.08)
    return figure


def _lobe(ax: Axes, point: np.ndarray, values: np.ndarray, directions: np.ndarray) -> None:
    for part, colour in ((values.clip(min=0), "model"), (-values.clip(max=0), "baseline")):
        x, y, z = np.moveaxis(point + part[..., None] * directions, -1, 0)
        if colour == "model":
            ax.plot_surface(x, y, z, color=COLOURS[colour], rcount=24, ccount=24, linewidth=0)
        else:
            ax.plot_wireframe(x, y, z, color=COLOURS[colour], rcount=12, ccount=12, linewidth=0.5)


def cross_section(ax: Axes, values: Tensor, points: Tensor, *, title: str, limit: float) -> Axes:
    """A field of probabilities (m, m) in a plane, rows upwards, with points (n, 2) of it; all in edges of a cube."""
    if values.ndim != 2:
        raise ValueError(f"a plane of values is drawn: shape {tuple(values.shape)} arrived")
    extent = (-limit, limit, -limit, limit)
    drawn = ax.imshow(np.asarray(values), origin="lower", extent=extent, cmap="viridis", vmin=0, vmax=1)
    ax.plot(*np.asarray(points).reshape(-1, 2).T, "o", markersize=9, markerfacecolor="none", color=COLOURS["failure"])
    ax.figure.colorbar(drawn, ax=ax, label="probability of a point", shrink=0.8)
    ax.set(title=title, xlabel="x (edges of a cube)", ylabel="y (edges of a cube)")
    return ax
