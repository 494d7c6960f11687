"""The notebooks that tests read, and the marks of a test of each of them."""

import nbformat
import pytest

from tutorial_lib.course.runs import NOTEBOOKS, notebooks

TOP = NOTEBOOKS.parent
LESSONS = notebooks([])
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda path: path.stem)


def cells(path, kind):
    """The cells of a notebook that are "code" or "markdown"."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]
