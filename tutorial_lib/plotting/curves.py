"""Figures with two axes: numbers and an axis come in, the axis goes out with its labels and units.

`colour` is a key of `COLOURS` everywhere, and labels hold their units.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from tutorial_lib.plotting.palette import COLOURS, DASHES, MARKERS
from tutorial_lib.shapes import check_counts


def panels(n: int, *, width: float = 8.0, height: float = 3.0) -> list[Axes]:
    """Axes side by side in one figure, whose size is in inches."""
    return list(plt.figure(figsize=(width, height), layout="constrained").subplots(1, n, squeeze=False)[0])


def curve(ax: Axes, x: Sequence, y: Sequence, *, colour: str, label: str, xlabel: str, ylabel: str) -> Axes:
    """A line in the colour and the dash of what it shows."""
    ax.plot(x, y, color=COLOURS[colour], linestyle=DASHES[colour], label=label)
    return _labelled(ax, xlabel=xlabel, ylabel=ylabel)


def points(ax: Axes, x: Sequence, y: Sequence, *, colour: str, label: str, xlabel: str, ylabel: str) -> Axes:
    """Dots in the colour and of the form of what they show."""
    ax.plot(x, y, color=COLOURS[colour], linestyle="none", marker=MARKERS[colour], markersize=3, label=label)
    return _labelled(ax, xlabel=xlabel, ylabel=ylabel)


def distributions(ax: Axes, samples: Mapping[str, tuple[str, Tensor]], *, xlabel: str, bins: int = 60) -> Axes:
    """Histograms over each other, as steps: label to a key of `COLOURS` and numbers of any shape."""
    check_counts(n_samples=len(samples))
    values = {label: np.asarray(numbers).ravel() for label, (_, numbers) in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins=bins)
    for label, (colour, _) in samples.items():
        height, _ = np.histogram(values[label], bins=edges, density=True)
        ax.stairs(height, edges, color=COLOURS[colour], linestyle=DASHES[colour], label=label)
    return _labelled(ax, xlabel=xlabel, ylabel="probability density")


def training_history(
    ax: Axes, histories: Mapping[str, Mapping[str, Sequence[float]]], *, term: str, unit: str = "no unit"
) -> Axes:
    """One term of the loss over the epochs, from the histories that `training.train` gave; "kl" is in nats."""
    for (label, history), style in zip(histories.items(), ("-", "--", ":", "-."), strict=False):
        ax.plot(range(1, len(history[term]) + 1), history[term], linestyle=style, label=label)
    return _labelled(ax, xlabel="epoch", ylabel=f"{term} ({'nats' if term == 'kl' else unit})", ylim=(0, None))


def bars(ax: Axes, heights: Mapping[str, tuple[str, float]], *, ylabel: str) -> Axes:
    """Labelled bars, each a key of `COLOURS` and a height, with their values written on them."""
    colours = [COLOURS[colour] for colour, _ in heights.values()]
    ax.bar_label(ax.bar(list(heights), [height for _, height in heights.values()], color=colours), fmt="%.3g")
    ax.set(ylabel=ylabel, ymargin=0.1)
    ax.tick_params(axis="x", labelrotation=20)
    return ax


def seeds(
    ax: Axes, x: Sequence, values: Sequence[Sequence], *, xlabel: str, ylabel: str, colour="model", label=""
) -> Axes:
    """Means over seeds, with one value a seed as dots, over a logarithmic horizontal axis."""
    table = np.asarray(values)
    n_seeds = table.shape[1]
    words = ", ".join(filter(None, [label, f"mean of {n_seeds} seeds" if n_seeds > 1 else "one run"]))
    ax.plot(x, table.mean(axis=1), color=COLOURS[colour], linestyle=DASHES[colour], label=words)
    ax.plot(x, table, linestyle="none", marker=MARKERS[colour], markersize=3, color=COLOURS[colour])
    return _labelled(ax, xlabel=xlabel, ylabel=ylabel, xscale="log")


def _labelled(ax: Axes, **settings: object) -> Axes:
    ax.set(**settings)
    ax.legend(frameon=False)
    return ax
