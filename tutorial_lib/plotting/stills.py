"""Still pictures of atoms, for pages that run no code: atoms come in, the bytes of a PNG go out."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.utils import rotate
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import KDTree

from tutorial_lib import metrics
from tutorial_lib.plotting.palette import COLOURS, KINDS
from tutorial_lib.representations import neighbour_pairs
from tutorial_lib.shapes import check, check_counts

BOND_STRETCH = 1.28
BALL, STICK = 0.5, 0.12  # of the covalent radius; A
SMALLEST = 0.02  # radius of a ball, of the size of the picture
FINE = 900  # points along the longer side in which atoms are computed
CAMERA = "-75x,20y,5z"
FILM = 30  # quality of its pictures, of 100
PALE = 0.6  # of the way to white, the farthest
LIGHT = np.array([-0.4, 0.55, 0.73])  # its direction: from the left, from above, and from the reader
SILICON = 14  # has the colour of the course, every other element that of Jmol


class Arrow(NamedTuple):
    """A vector from one place to another (angstrom); its strength goes from 0, a hair, to 1, as thick as a bond."""

    start: np.ndarray
    end: np.ndarray
    strength: float


def still(
    atoms: Atoms,
    centre: int | None,
    camera: str = CAMERA,
    arrows: Sequence[Arrow] = (),
    kinds: Sequence[int] | None = None,
) -> bytes:
    """A picture of atoms as PNG, for pages that run no code.

    Atoms closer than 1.28 times the sum of their covalent radii (2.84 A for silicon) are joined by a line. A cell is
    drawn if there is one; `centre` has another colour and a square; `camera` is a rotation as ASE writes it; `kinds`
    stand for elements: each atom bears its number, and a colour by it.
    """
    check_counts(n_atoms=len(atoms))
    ax = Figure(figsize=(3.2, 3.2), layout="constrained").subplots()
    by_kind = {} if kinds is None else {"colours": np.array([to_rgb(of_kind(k)) for k in kinds]), "words": kinds}
    _draw_atoms(ax, atoms, centre, camera, **by_kind)
    for arrow in arrows:
        start, end = (np.asarray(place) @ rotate(camera) for place in (arrow.start, arrow.end))
        style = {"arrowstyle": "-|>", "color": COLOURS["model"], "linewidth": 0.4 + 3 * arrow.strength}
        ax.annotate("", end[:2], start[:2], arrowprops=style | {"shrinkA": 0, "shrinkB": 0}, zorder=100)
        ax.update_datalim([end[:2], start[:2]])
    ax.autoscale_view()
    return _png(ax.figure)


def strip(frames: Sequence[Atoms], centre: int | None, camera: str = CAMERA) -> bytes:
    """Stills of several frames in a row as PNG, all on one scale, under what `atoms.info["name"]` may hold."""
    check_counts(n_frames=len(frames))
    figure = Figure(figsize=(1.6 * len(frames), 1.9), layout="constrained")
    figure.get_layout_engine().set(wspace=0.1)  # of a panel, or the atoms of two frames seem to be one cluster
    limit = 1.2 * max(np.abs(atoms.positions).max() for atoms in frames)
    for ax, atoms in zip(figure.subplots(1, len(frames), squeeze=False)[0], frames, strict=True):
        _draw_atoms(ax, atoms, centre, camera, font=5, span=2 * limit)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), title=atoms.info.get("name", ""))
    return _png(figure)


def coordination(ax: Axes, atoms: Atoms, *, title: str, camera: str = CAMERA) -> Axes:
    """A periodic cell of silicon in three dimensions, and on every atom without four bonds how many it has.

    Bonds are counted within 2.85 A, through the walls of the cell. Atoms with four have the colour of silicon; those
    with fewer and those with more have colours of their own.
    """
    wrapped = atoms.copy()
    wrapped.wrap()
    first, *_ = neighbour_pairs(wrapped, metrics.BOND_CUTOFF, apart=0.0)
    n_bonds = np.bincount(first, minlength=len(atoms))
    kinds = np.array([to_rgb(COLOURS[name]) for name in ("failure", "crystal", "model")])
    words = ["" if n == 4 else str(n) for n in n_bonds]
    _draw_atoms(ax, wrapped, None, camera, font=5, colours=kinds[1 + np.sign(n_bonds - 4)], words=words)
    ax.set_title(title)
    return ax


def film(frames: Mapping[str, Atoms], *, alt: str, seconds: float = 0.2) -> HTML:
    """Cells as `coordination` draws them, one after another, as an animated picture behind a button.

    It needs no program in the page, and stands still until a reader opens it; `alt` is for whoever does not see it.
    """
    check_counts(n_frames=len(frames))
    check(alt.strip(), "alt is empty: say in one sentence what there is to see")
    pictures = []
    for title, atoms in frames.items():
        figure = Figure(figsize=(4, 4))
        coordination(figure.add_axes((0, 0, 1, 0.93)), atoms, title=title)
        figure.savefig(png := io.BytesIO(), format="png", dpi=100)
        pictures.append(Image.open(png).convert("RGB"))
    times = [*[int(1000 * seconds)] * (len(frames) - 1), 2000]  # the last one stays
    picture = in_page(pictures, alt, quality=FILM, duration=times, loop=0)
    return HTML(
        f"<details><summary>Play: {len(frames)} pictures, again and again until closed</summary>{picture}</details>"
    )


def in_page(pictures: Sequence[Image.Image], alt: str, **settings: object) -> str:
    """Pictures, one after another, as an HTML element that holds them: WebP, with its settings."""
    first, *more = pictures
    first.save(file := io.BytesIO(), "WEBP", save_all=bool(more), append_images=more, **settings)
    source = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    return f'<img alt="{html.escape(alt)}" src="{source}">'


def scatter_map(properties: Mapping[str, np.ndarray]) -> bytes:
    """A map of points as PNG: the first two properties are the axes, the third is the colour."""
    check(len(properties) >= 3, f"two axes and a colour are needed: {list(properties)} arrived")
    (x_name, x), (y_name, y), (colour_name, colour) = list(properties.items())[:3]
    ax = Figure(figsize=(5.0, 3.6), layout="constrained").subplots()
    ax.figure.colorbar(ax.scatter(x, y, c=colour, s=8, cmap="viridis"), ax=ax, label=colour_name)
    ax.set(xlabel=x_name, ylabel=y_name)
    return _png(ax.figure)


def of_kind(kind: int) -> str:
    """The colour of a kind of atoms that has no name; there are six, so that two kinds may share one."""
    return KINDS[kind % len(KINDS)]


def bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """The pairs of atoms that are drawn joined; neighbours across the walls of a cell are not.

    Neither are two with an atom between them that is joined to both, such as two metal atoms that share an oxygen.
    """
    reach = BOND_STRETCH * covalent_radii[atoms.numbers]
    near = KDTree(atoms.positions).query_pairs(2 * reach.max(initial=0), output_type="ndarray")
    first, second = near[np.lexsort(near.T[::-1])].T
    length = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1)
    joined = length < reach[first] + reach[second]
    lengths = dict(zip(zip(first[joined].tolist(), second[joined].tolist(), strict=True), length[joined], strict=True))
    ends: dict[int, dict[int, float]] = {}
    for (i, j), apart in lengths.items():
        ends.setdefault(i, {})[j] = ends.setdefault(j, {})[i] = apart
    straight = 0.8  # of the way over an atom between
    return [
        (i, j)
        for (i, j), apart in lengths.items()
        if all(apart < straight * (ends[i][k] + ends[j][k]) for k in ends[i].keys() & ends[j].keys())
    ]


def _draw_atoms(
    ax: Axes,
    atoms: Atoms,
    centre: int | None,
    camera: str,
    font: int = 9,
    span: float = 0.0,
    colours: np.ndarray | None = None,
    words: Sequence | None = None,
) -> None:
    """Shaded balls and sticks, words or the symbols of three elements or more on them, and the edges of a cell."""
    turn = rotate(camera)
    places, radii = atoms.positions @ turn, BALL * covalent_radii[atoms.numbers]
    radii = np.maximum(radii, SMALLEST * max(span, np.ptp(atoms.positions, axis=0).max()))
    if colours is None:
        colours = np.array([to_rgb(COLOURS["crystal"]) if n == SILICON else jmol_colors[n] for n in atoms.numbers])
    if words is None and len(set(atoms.numbers)) > 2:
        words = list(atoms.symbols)
    if centre is not None:
        colours[centre], radii[centre] = to_rgb(COLOURS["model"]), 1.25 * radii[centre]
    image, extent, seen = _rendered(places, radii, colours, bonds(atoms))
    ax.imshow(image, extent=extent, origin="lower", interpolation="antialiased")
    if words is not None:
        for at in seen.nonzero()[0]:  # no letter of an atom that is behind another
            dark = "k" if colours[at].mean() > 0.45 else "w"
            ax.text(*places[at, :2], words[at], ha="center", va="center", fontsize=font, color=dark)
    if atoms.cell.rank == 3:
        for corners in combinations(np.ndindex(2, 2, 2), 2):
            if np.abs(np.subtract(*corners)).sum() == 1:
                ends = corners @ atoms.cell.array @ turn
                ax.plot(ends[:, 0], ends[:, 1], color="k", linewidth=0.8, linestyle=":")
    ax.autoscale()
    ax.set(aspect="equal", xmargin=0.02, ymargin=0.02)
    ax.set_axis_off()


def _rendered(
    places: np.ndarray, radii: np.ndarray, colours: np.ndarray, joined: Sequence[tuple[int, int]]
) -> tuple[np.ndarray, tuple[float, float, float, float], np.ndarray]:
    """Balls and sticks as an image (rows, columns, 4), the nearest in front and the farther ones paler.

    Returns:
        The image; where its left, right, lower and upper edges are; and which middles of atoms are seen.
    """
    low, high = (places - radii[:, None]).min(axis=0), (places + radii[:, None]).max(axis=0)
    x, y = (np.arange(low[axis], high[axis], (high - low)[:2].max() / FINE) for axis in (0, 1))
    image, front = np.zeros((len(y), len(x), 4), np.uint8), np.full((len(y), len(x)), -np.inf)
    middles = [(i, (places[i] + places[j]) / 2) for pair in joined for i, j in (pair, pair[::-1])]
    balls = [(place, place, *ball) for place, *ball in zip(places, radii, colours, strict=True)]
    for start, end, radius, colour in balls + [(places[i], middle, STICK, colours[i]) for i, middle in middles]:
        (left, below), (right, above) = np.minimum(start, end)[:2] - radius, np.maximum(start, end)[:2] + radius
        here = slice(*np.searchsorted(y, (below, above))), slice(*np.searchsorted(x, (left, right)))
        away = np.stack(np.meshgrid(x[here[1]], y[here[0]]), axis=-1) - start[:2]
        line = end - start
        along = np.clip(away @ line[:2] / max(line[:2] @ line[:2], 1e-12), 0, 1)[..., None]
        away = away - along * line[:2]
        height = np.sqrt(np.maximum(radius**2 - (away**2).sum(axis=-1, keepdims=True), 0))
        depth = start[2] + along * line[2] + height
        seen = ((height > 0) & (depth > front[here][..., None]))[..., 0]
        light = np.clip(np.concatenate([away, height], axis=-1) @ LIGHT / radius, 0, 1)[..., None]
        shaded = np.clip(colour * (0.5 + 0.6 * light) + 0.45 * light**30, 0, 1)
        paler = PALE * np.clip((high[2] - depth) / (high[2] - low[2]), 0, 1)
        image[here][seen] = 255 * np.concatenate([shaded + paler * (1 - shaded), np.ones_like(light)], axis=-1)[seen]
        front[here][seen] = depth[seen][:, 0]
    above = front[np.searchsorted(y, places[:, 1]), np.searchsorted(x, places[:, 0])]
    return image, (x[0], x[-1], y[0], y[-1]), above < places[:, 2] + 1.01 * radii


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=200, bbox_inches="tight", pad_inches=0.1)
    return fewer_colours(file.getvalue())


def fewer_colours(png: bytes) -> bytes:
    """The picture with 256 colours: a third of the bytes, and hardly another picture."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return min(png, file.getvalue(), key=len)
