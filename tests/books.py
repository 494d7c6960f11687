"""The notebooks that tests read, the marks of a test of each of them, and how a cell is run."""

import linecache

import nbformat
import pytest

from tutorial_lib.course.runs import NOTEBOOKS, notebooks

TOP = NOTEBOOKS.parent
BOOKS = notebooks([])
DOOR, *LESSONS = BOOKS
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", BOOKS + SOLUTIONS, ids=lambda path: path.stem)


def cells(path, kind):
    """The cells of a notebook that are "code" or "markdown"."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def run(source, names):
    """What a cell defines, with a source that Python can show."""
    place = f"<cell {len(linecache.cache)}>"
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    exec(compile(source, place, "exec"), names)
    return names
