"""Figures with two axes: curves, histograms, bars, matrices, images, maps of codes and arrows.

Numbers and an axis come in, the axis goes out with its labels and units. `colour` is a key of `COLOURS` everywhere, and
labels hold their units.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor, from_numpy

from tutorial_lib.plotting.palette import COLOURS, DASHES, MARKERS
from tutorial_lib.shapes import check_counts, check_shapes


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


def sample_paths(ax: Axes, data: Tensor, paths: Tensor, *, title: str) -> Axes:
    """Paths (steps + 1, N, 2) in a plane from rings to dots, over the data (M, 2) that they should lead to."""
    check_shapes(data=(data, "examples 2"), paths=(paths, "times points 2"))
    ax.plot(*np.asarray(data).T, linestyle="none", marker=".", markersize=2, color="0.75", zorder=0)
    ax.plot(*np.asarray(paths).transpose(2, 0, 1), color=COLOURS["model"], linewidth=0.7)
    ax.plot(*np.asarray(paths[0]).T, linestyle="none", marker="o", markersize=3, fillstyle="none", color="0.4")
    ax.plot(*np.asarray(paths[-1]).T, linestyle="none", marker="o", markersize=3, color=COLOURS["baseline"])
    ax.set(
        xlabel="x (standardised)", ylabel="y (standardised)", title=title, aspect="equal", xlim=(-3, 3), ylim=(-3, 3)
    )
    return ax


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


def rows(ax: Axes, table: Mapping[str, Sequence[float]], columns: Mapping[str, str], *, xlabel: str) -> Axes:
    """A table as dots, its first row on top: of each name one number for each column, label to a key of `COLOURS`."""
    names = list(table)[::-1]
    by_column = zip(*(table[name] for name in names), strict=True)
    for numbers, (label, colour) in zip(by_column, columns.items(), strict=True):
        ax.plot(numbers, names, color=COLOURS[colour], linestyle="none", marker=MARKERS[colour], label=label)
    ax.grid(axis="y", alpha=0.3)
    ax.set(xlabel=xlabel)
    if len(columns) > 1:  # above the axes, where no marker of the legend can be taken for one of the table
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(columns))
    return ax


def _labelled(ax: Axes, **settings: object) -> Axes:
    ax.set(**settings)
    ax.legend(frameon=False)
    return ax


def picture(ax: Axes, values: Tensor, label: str, *, extend: str = "neither", **shown: object) -> None:
    """A plane of values in colours, beside the scale of these."""
    check_shapes(values=(values, "rows columns"))
    ax.figure.colorbar(ax.imshow(np.asarray(values), **shown), ax=ax, label=label, shrink=0.8, extend=extend)


def field(ax: Axes, values: Tensor, label: str, *, limit: float) -> None:
    """Values from 0 to 1 in a plane as far as `limit` to each side of the origin, rows upwards."""
    picture(ax, values, label, origin="lower", extent=(-limit, limit, -limit, limit), vmin=0, vmax=1)


def matrix(ax: Axes, gram: Tensor, *, title: str, limit: float) -> Axes:
    """A Gram matrix as a picture, its entries i <= j in whole numbers.

    The limit (angstrom^2) has the strongest colour, one for all that are compared.
    """
    picture(ax, gram, "inner product (Å²)", extend="both", cmap="RdBu_r", vmin=-limit, vmax=limit)
    values = np.rint(np.asarray(gram)) + 0.0  # and no minus before a zero
    for i, j in zip(*np.triu_indices_from(values), strict=True):
        ink = "white" if abs(values[i, j]) > 0.6 * limit else "black"
        ax.text(j, i, f"{values[i, j]:.0f}", ha="center", va="center", fontsize=7, color=ink, in_layout=False)
    ax.set(title=title, xlabel="atom j", ylabel="atom i")
    return ax


def orbital_matrix(
    ax: Axes,
    values: Tensor,
    *,
    title: str,
    limit: float,
    functions: Sequence[str] = (),
    unit: str = "hartree",
    signed: bool = True,
) -> Axes:
    """A matrix between functions of a basis as a picture: entries beyond the limit have the strongest colour.

    `functions` are the names of the rows, and of the columns of a square matrix; colours begin at zero if not `signed`.
    """
    colours = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "Blues", "vmin": 0}
    beyond = ("both" if signed else "max") if np.abs(np.asarray(values)).max(initial=0) > limit else "neither"
    picture(ax, values, unit, extend=beyond, vmax=limit, **colours)
    ax.set(title=title, xticks=[], yticks=[])
    if functions:
        ax.set_yticks(range(len(values)), functions)
        if values.shape[0] == values.shape[1]:
            ax.set_xticks(range(len(values)), functions, rotation=90)
    return ax


def flow_chart(ax: Axes, boxes: Mapping[str, tuple[str, float, float]], arrows: Sequence[tuple[str, str]]) -> Axes:
    """Boxes with words in them, and arrows from one to another.

    `boxes` has for each text a key of `COLOURS` and the place of its middle, both coordinates from 0 to 1, upwards.
    """
    check_counts(n_boxes=len(boxes))
    drawn = {}
    for words, (colour, x, y) in boxes.items():
        frame = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": COLOURS[colour], "linewidth": 2}
        frame["linestyle"] = DASHES[colour]
        drawn[words] = ax.text(x, y, words, ha="center", va="center", fontsize=9, bbox=frame, zorder=2)
    for start, end in arrows:
        style = {"arrowstyle": "-|>", "color": "0.3", "patchA": drawn[start].get_bbox_patch()}
        style |= {"patchB": drawn[end].get_bbox_patch(), "shrinkA": 3, "shrinkB": 3}
        ax.annotate("", boxes[end][1:], boxes[start][1:], arrowprops=style, zorder=3)  # after the boxes that clip it
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    return ax


def gallery(things: Mapping[str, str | np.ndarray], scales: Mapping[str, str]) -> Sequence[Axes]:
    """Strings, lists of bytes and matrices side by side, each with its name.

    Bytes (n,) are drawn as a block of bits, images and matrices (n, n) in colour beside a scale; `scales` has the words
    for both. Tables (n, 3) are written out, under x, y and z.
    """
    check_counts(n_things=len(things))
    n_rows = -(-len(things) // 3)
    figure = plt.figure(figsize=(9.0, 3.0 * n_rows), layout="constrained")
    axes = [figure.add_subplot(n_rows, 3, place, title=name) for place, name in enumerate(things, start=1)]
    for ax, (name, thing) in zip(axes, things.items(), strict=True):
        ax.set_axis_off()
        ax.set_box_aspect(1)  # so that all titles of a row stand at one height
        if isinstance(thing, str):
            ax.text(0.5, 0.5, thing, ha="center", va="center", family="monospace", fontsize=14)
        elif thing.ndim == 1:
            bits = np.unpackbits(thing)
            ax.set_axis_on()
            ax.set(xticks=[], yticks=[], xlabel=scales.get(name, ""))
            ax.imshow(bits.reshape(-1, 64), cmap="Greys", interpolation="nearest", aspect="auto")
            ax.plot(*np.divmod(bits.nonzero()[0], 64)[::-1], "s", color=COLOURS["failure"], markersize=5)
        elif thing.shape[1] == 3:
            rows = [[f"{axis:>6}" for axis in "xyz"], *([f"{number:6.2f}" for number in row] for row in thing)]
            table = "\n".join(map(" ".join, rows))
            ax.text(0.5, 0.5, table, ha="center", va="center", family="monospace", fontsize=9)
        else:
            limit, signed = abs(thing).max(), thing.min() < 0
            colours = {"cmap": "RdBu_r" if signed else "Reds", "vmin": -limit if signed else 0, "vmax": limit}
            picture(ax, from_numpy(thing), scales[name], **colours)
    return axes


def digits(axes: Sequence[Axes], pictures: Tensor, *, titles: Sequence[str]) -> Sequence[Axes]:
    """Grey pictures in a row, ink black, one for each axis and title."""
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(np.asarray(picture), cmap="Greys")
        ax.set_title(title)
        ax.set_axis_off()
    return axes


def latent_map(ax: Axes, codes: Tensor, labels: Tensor, *, title: str) -> Axes:
    """Two-dimensional codes, each drawn as the figure of its class, a whole number below ten."""
    check_shapes(codes=(codes, "codes 2"))
    for label in range(10):
        x, y = np.asarray(codes[labels == label]).T
        ax.plot(x, y, linestyle="none", marker=f"${label}$", markersize=5, color=f"C{label}")
    ax.set(title=title, xlabel="first latent number (no unit)", ylabel="second (no unit)")
    return ax


def arrows(
    ax: Axes,
    positions: Tensor,
    vectors: Mapping[str, tuple[str, Tensor]],
    *,
    title: str,
    limit: float = 2.0,
    areas: float | Sequence[float] = 144.0,
) -> Axes:
    """Points in the plane of x and y, with a vector of each kind at each point; angstrom.

    `vectors` has for each name, with its unit, a key of `COLOURS` and vectors (n, 3); `areas` are those of the dots.
    """
    check_shapes(positions=(positions, "points 3"), **{name: (kind[1], "points 3") for name, kind in vectors.items()})
    x, y, _ = np.asarray(positions).T
    scaled = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.012}
    for name, (colour, vector) in vectors.items():
        ax.quiver(x, y, *np.asarray(vector)[:, :2].T, color=COLOURS[colour], label=name, **scaled)
    ax.scatter(x, y, s=areas, color=COLOURS["real"], zorder=3)
    ax.set(title=title, xlabel="x (Å)", ylabel="y (Å)", xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.legend(frameon=False, loc="upper left")
    return ax
