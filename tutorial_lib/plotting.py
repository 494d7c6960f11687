"""Every figure of the course: numbers and an axis come in, the axis goes out with its labels and units.

The only room that imports matplotlib. One object has one colour in every notebook, from the palette
of Okabe and Ito, which colour-blind readers can tell apart.
"""

import io
from collections.abc import Mapping, Sequence
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.utils import rotate
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

COLOURS = {
    "real": "#000000",
    "crystal": "#E69F00",
    "model": "#0072B2",
    "baseline": "#D55E00",
    "generated": "#009E73",
    "failure": "#CC79A7",
}
DASHES = {"real": "-", "crystal": "--", "model": "-", "baseline": ":", "generated": "-.", "failure": ":"}


def panels(n: int, *, width: float = 8.0, height: float = 3.0) -> list[Axes]:
    """Axes side by side in one figure.

    Args:
        n: how many.
        width: of the figure, inches.
        height: of the figure, inches.

    Returns:
        `n` axes.

    Raises:
        ValueError: n is below 1.
    """
    _, axes = plt.subplots(1, n, figsize=(width, height), layout="constrained", squeeze=False)
    return list(axes[0])


def curve(ax: Axes, x: Sequence, y: Sequence, *, colour: str, label: str, xlabel: str, ylabel: str) -> Axes:
    """A line in the colour and the dash of what it shows.

    Args:
        ax: where to draw.
        x: horizontal values.
        y: vertical values.
        colour: a key of `COLOURS`.
        label: for the legend.
        xlabel: with its unit.
        ylabel: with its unit.

    Returns:
        The axis.

    Raises:
        KeyError: the colour is none of ours.
    """
    ax.plot(x, y, color=COLOURS[colour], linestyle=DASHES[colour], label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    return ax


def distributions(ax: Axes, samples: Mapping[str, tuple[str, Tensor]], *, xlabel: str, bins: int = 60) -> Axes:
    """Histograms over each other, as steps.

    Args:
        ax: where to draw.
        samples: label to a pair of a key of `COLOURS` and numbers of any shape, in the unit of the axis.
        xlabel: with its unit.
        bins: how many, over the range of all samples.

    Returns:
        The axis.

    Raises:
        ValueError: there is no sample.
    """
    if not samples:
        raise ValueError("no sample to draw: pass at least one")
    values = {label: np.asarray(numbers).ravel() for label, (_, numbers) in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins=bins)
    for label, (colour, _) in samples.items():
        height, _ = np.histogram(values[label], bins=edges, density=True)
        ax.stairs(height, edges, color=COLOURS[colour], linestyle=DASHES[colour], label=label)
    ax.set(xlabel=xlabel, ylabel="probability density")
    ax.legend(frameon=False)
    return ax


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


def training_history(ax: Axes, histories: Mapping[str, Mapping[str, Sequence[float]]], *, term: str) -> Axes:
    """One term of the loss over the epochs.

    Args:
        ax: where to draw.
        histories: label to the history that `training.train` gave.
        term: which of its terms.

    Returns:
        The axis.

    Raises:
        KeyError: a history has no such term.
    """
    for (label, history), style in zip(histories.items(), ("-", "--", ":", "-."), strict=False):
        ax.plot(range(1, len(history[term]) + 1), history[term], linestyle=style, label=label)
    ax.set(xlabel="epoch", ylabel=f"{term} (nats)" if term == "kl" else f"{term} (no unit)", ylim=(0, None))
    ax.legend(frameon=False)
    return ax


def bars(ax: Axes, heights: Mapping[str, tuple[str, float]], *, ylabel: str) -> Axes:
    """Labelled bars with their values written on them.

    Args:
        ax: where to draw.
        heights: label to a pair of a key of `COLOURS` and a height.
        ylabel: with its unit.

    Returns:
        The axis.

    Raises:
        KeyError: a colour is none of ours.
    """
    colours = [COLOURS[colour] for colour, _ in heights.values()]
    drawn = ax.bar(list(heights), [height for _, height in heights.values()], color=colours)
    ax.bar_label(drawn, fmt="%.2f")
    ax.margins(y=0.1)
    ax.set(ylabel=ylabel)
    ax.tick_params(axis="x", labelrotation=20)
    return ax


def seeds(ax: Axes, x: Sequence, values: Sequence[Sequence], *, xlabel: str, ylabel: str) -> Axes:
    """Means over seeds with the seeds themselves as dots, over a logarithmic horizontal axis.

    Args:
        ax: where to draw.
        x: horizontal values.
        values: for each of them one value a seed.
        xlabel: with its unit.
        ylabel: with its unit.

    Returns:
        The axis.

    Raises:
        ValueError: the numbers of values differ.
    """
    table = np.asarray(values)
    ax.plot(x, table.mean(axis=1), color=COLOURS["model"], label=f"mean of {table.shape[1]} seeds")
    ax.plot(x, table, linestyle="none", marker="o", markersize=3, color=COLOURS["model"])
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    ax.legend(frameon=False)
    return ax


def still(atoms: Atoms, bond: float, centre: int | None) -> bytes:
    """A picture of atoms as PNG, for pages that run no code.

    Args:
        atoms: what to show; its cell is drawn if it has one.
        bond: angstrom; closer atoms are joined by a line.
        centre: the atom that gets another colour and a square, or None.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: there are no atoms.
    """
    if len(atoms) == 0:
        raise ValueError("there are no atoms to draw")
    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    ax = figure.subplots()
    turn = rotate("-75x,20y,5z")
    x, y, depth = (atoms.positions @ turn).T
    first, second = np.triu_indices(len(atoms), 1)
    joined = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1) < bond
    for i, j in zip(first[joined], second[joined], strict=True):
        ax.plot(x[[i, j]], y[[i, j]], color="0.5", linewidth=3, zorder=min(depth[i], depth[j]))
    for at in range(len(atoms)):
        marker, colour = ("s", "model") if at == centre else ("o", "crystal")
        ax.plot(x[at], y[at], marker, color=COLOURS[colour], markeredgecolor="k", markersize=14, zorder=depth[at])
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
    figure.savefig(file, format="png", dpi=80)
    return file.getvalue()
