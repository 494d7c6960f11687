"""Pictures with an axis of their own: matrices, images, maps of codes and arrows come in, an axis goes out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tutorial_lib.plotting.palette import COLOURS


def matrix(ax: Axes, gram: Tensor, *, title: str, limit: float) -> Axes:
    """A Gram matrix as a picture; the limit (angstrom^2) has the strongest colour, one for all that are compared."""
    if gram.ndim != 2:
        raise ValueError(f"one matrix is drawn at a time: shape {tuple(gram.shape)} arrived")
    picture = ax.imshow(np.asarray(gram), cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.figure.colorbar(picture, ax=ax, label="inner product (Å²)", shrink=0.8)
    ax.set(title=title, xlabel="atom j", ylabel="atom i")
    return ax


def orbital_matrix(
    ax: Axes, values: Tensor, *, title: str, limit: float, functions: Sequence[str] = (), unit: str = "hartree"
) -> Axes:
    """A matrix between functions of a basis as a picture: entries beyond the limit have the strongest colour.

    `functions` are the names of the rows, and of the columns of a square matrix.
    """
    if values.ndim != 2:
        raise ValueError(f"one matrix is drawn at a time: shape {tuple(values.shape)} arrived")
    picture = ax.imshow(np.asarray(values), cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.figure.colorbar(picture, ax=ax, label=unit, shrink=0.8, extend="both")
    ax.set(title=title, xticks=[], yticks=[])
    if functions:
        ax.set_yticks(range(len(values)), functions)
        if values.shape[0] == values.shape[1]:
            ax.set_xticks(range(len(values)), functions, rotation=90)
    return ax


def gallery(things: Mapping[str, str | np.ndarray]) -> Sequence[Axes]:
    """Strings, lists of bytes and matrices side by side, each with its name.

    Bytes (n,) are drawn as a block of bits, images and matrices (n, n) in colour; tables (n, 3) are written out.
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
    """Grey pictures in a row, ink black, one for each axis and title."""
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(np.asarray(picture), cmap="Greys")
        ax.set_title(title)
        ax.set_axis_off()
    return axes


def latent_map(ax: Axes, codes: Tensor, labels: Tensor, *, title: str) -> Axes:
    """Two-dimensional codes, each drawn as the figure of its class, a whole number below ten."""
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
    """Points in the plane of x and y, with a vector of each kind at each point; angstrom.

    `vectors` has for each name, with its unit, a key of `COLOURS` and vectors (n, 3).
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


def lobes(rows: Sequence[Mapping[str, np.ndarray | Tensor]], directions: np.ndarray | Tensor) -> Figure:
    """Functions on the sphere as surfaces, as far from the middle as their size: filled where positive, else a mesh.

    For each row of the figure title to values (m, n), given at unit vectors (m, n, 3), all on one scale.
    """
    if not any(rows):
        raise ValueError("no function to draw: pass at least one")
    across = max(len(row) for row in rows)
    largest = max(np.abs(np.asarray(values)).max() for row in rows for values in row.values())
    figure = plt.figure(figsize=(1.15 * across, 1.35 * len(rows)))
    for down, row in enumerate(rows):
        for place, (title, values) in enumerate(row.items(), start=(across - len(row)) // 2 + 1):
            ax = figure.add_subplot(len(rows), across, down * across + place, projection="3d")
            size = np.asarray(values)
            for part, colour in ((size.clip(min=0), "model"), (-size.clip(max=0), "baseline")):
                x, y, z = np.moveaxis(part[..., None] * np.asarray(directions), -1, 0)
                if colour == "model":
                    ax.plot_surface(x, y, z, color=COLOURS[colour], rcount=30, ccount=30, linewidth=0)
                else:
                    ax.plot_wireframe(x, y, z, color=COLOURS[colour], rcount=18, ccount=18, linewidth=0.6)
            ax.set_title(title, fontsize=9, pad=-4)
            ax.set(xlim=(-largest, largest), ylim=(-largest, largest), zlim=(-largest, largest))
            ax.set_axis_off()
            ax.set_box_aspect((1, 1, 1), zoom=1.7)
    return figure
