"""For readers who see other colours, no colours, or nothing: headings in order, words, redundant marks."""

import re
from itertools import combinations, pairwise

import nbformat
import numpy as np
import pytest
from books import BOOKS, NOTEBOOKS, SOLUTIONS, TOP, cells, each_notebook
from matplotlib.colors import to_rgb

from tutorial_lib import plotting
from tutorial_lib.plotting import palette

PAGES = [*BOOKS, *SOLUTIONS, TOP / "README.md", TOP / "CONTRIBUTING.md", NOTEBOOKS / "glossary.md"]
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
# Linear RGB as seen without one kind of cone: Machado, Oliveira and Fernandes (2009), severity 1.
SEEN = {
    "all cones": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no medium": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def lab(colour, cones):
    """CIE L*a*b* of a colour as seen with these cones, under daylight (D65)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array(TO_XYZ) @ np.clip(np.array(SEEN[cones]) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def markdown(path):
    """The text of a page, without its code."""
    texts = [path.read_text(encoding="utf-8")] if path.suffix == ".md" else [c.source for c in cells(path, "markdown")]
    return re.sub(r"```.*?```", "", "\n".join(texts), flags=re.DOTALL)


@each_page
def test_headings_come_in_order_and_pictures_in_prose_have_words(path):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", markdown(path), flags=re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(words.strip() for words in re.findall(r"!\[([^\]]*)\]", markdown(path)))


@each_notebook
def test_every_picture_that_a_cell_draws_has_words(path):
    book = nbformat.read(path, 4).cells
    for cell, after in zip(book, [*book[1:], None], strict=True):
        for output in cell.get("outputs", []):
            if "image/png" not in output.get("data", {}):
                continue
            if "text/html" in output.data:
                assert re.search(r'<img alt="[^"]{10,}"', output.data["text/html"])
            else:
                assert after.source.startswith("*Figure: "), cell.source
                words = output.metadata["image/png"]["alt"]
                assert len(words) > 30, "run it with --store"
                assert "](" not in words, "a link is no word"


@pytest.mark.parametrize("cones", SEEN)
def test_colours_can_be_told_apart_and_stand_out_from_paper(cones):
    seen = {name: lab(colour, cones) for name, colour in palette.COLOURS.items()}
    distances = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)}
    # 2.3 is what one just notices, side by side; a thin line needs several times that.
    assert min(distances.values()) > 15, min(distances, key=distances.get)
    assert max(colour[0] for colour in seen.values()) < 75


def test_figures_use_them():
    (ax,) = plotting.panels(1)
    labels = {"xlabel": "x (Å)", "ylabel": "y (Å)"}
    for colour in palette.COLOURS:
        plotting.curve(ax, [0, 1], [0, 1], colour=colour, label=colour, **labels)
        plotting.points(ax, [0, 1], [0, 1], colour=colour, label=colour, **labels)
    lines, dots = ax.lines[::2], ax.lines[1::2]
    assert len({(str(line._dash_pattern), line.get_linestyle()) for line in lines}) == len(palette.COLOURS)
    assert len({line.get_marker() for line in dots}) == len(palette.COLOURS)
