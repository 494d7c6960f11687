"""A reader's copies of the notebooks: made without outputs, brought up to date cell by cell, or made anew.

Beside the copies lie the originals that they were made from. What differs from those is the reader's, and stays.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.validator import normalize

BASES, BACKUPS = ".originals", "backups"


@dataclass(frozen=True)
class Copies:
    """Copies of all notebooks of a folder, solutions and glossary included, in another."""

    originals: Path
    folder: Path

    def names(self) -> list[str]:
        """The notebooks, solutions last, relative to either folder."""
        paths = [*sorted(self.originals.glob("[0-9]*.ipynb")), *sorted(self.originals.glob("solutions/*.ipynb"))]
        return [path.relative_to(self.originals).as_posix() for path in paths]

    def make(self) -> None:
        """Copy the notebooks that are not there yet, and the glossary."""
        for name in self.names():
            if not (self.folder / name).exists():
                self._make(name)
        for path in self.originals.glob("*.md"):
            shutil.copyfile(path, self.folder / path.name)

    def outdated(self) -> list[str]:
        """The copies whose originals have changed since."""
        return [n for n in self.names() if (self.folder / n).exists() and self._base(n) != self._original(n)]

    def update(self, name: str) -> int:
        """Bring a copy up to date by `merged`; the number of cells that the course and the reader both changed."""
        try:
            mine = nbformat.read(self.folder / name, as_version=4)
        except ValueError as problem:  # not JSON, or no notebook
            raise ValueError(
                f"{self.folder / name} is no notebook any more ({problem}): `python -m tutorial_lib reset {name[:2]}` "
                "makes a fresh one"
            ) from None
        original = self._original(name)
        book, n_conflicts = merged(self._base(name), original, mine)
        self._back_up(name)
        self._write(name, book, original)
        return n_conflicts

    def reset(self, name: str) -> None:
        """Make a copy anew; the reader's is backed up."""
        self._back_up(name)
        self._make(name)

    def _back_up(self, name: str) -> None:
        """Copy the reader's notebook to the backups, under its name and the time."""
        kept = self.folder / BACKUPS / f"{Path(name).stem}_{datetime.now():%Y-%m-%d_%H%M%S_%f}.ipynb"
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.folder / name, kept)

    def _original(self, name: str) -> NotebookNode:
        book = nbformat.read(self.originals / name, as_version=4)
        for cell in book.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return book

    def _base(self, name: str) -> NotebookNode:
        base = self.folder / BASES / name  # where it is lost, all that the reader has counts as changed
        return nbformat.read(base, as_version=4) if base.exists() else nbformat.v4.new_notebook()

    def _make(self, name: str) -> None:
        original = self._original(name)
        self._write(name, original, original)

    def _write(self, name: str, book: NotebookNode, original: NotebookNode) -> None:
        for path, written in ((self.folder / name, book), (self.folder / BASES / name, original)):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")  # so that a notebook is there whole, or as it was
            nbformat.write(written, part)
            part.replace(path)


def merged(base: NotebookNode, new: NotebookNode, mine: NotebookNode) -> tuple[NotebookNode, int]:
    """A reader's notebook with the changes of the course, and how many cells both have changed.

    Cells are told apart by their ids, so that they may move. What one side alone has changed, added or deleted is taken
    from it; a deleted cell stays where the other side has changed it. Where both changed a cell, the reader's stays and
    the new one stands below it as text.
    """
    _, mine = normalize(mine)
    before, theirs, own = ({cell.id: cell for cell in book.cells} for book in (base, new, mine))
    moved = [i for i in before if i in theirs] != [i for i in theirs if i in before]
    order = list(theirs if moved else own)
    for cells in (theirs, own):
        for previous, here in pairwise([None, *cells]):
            if here not in order:
                order.insert(order.index(previous) + 1 if previous else 0, here)
    kept, n_conflicts = [], 0
    for i in order:
        was, course, reader = (cells.get(i) for cells in (before, theirs, own))
        if _same(course, was) or (_same(course, reader) and reader):
            kept.append(reader)
        elif _same(reader, was) or not reader:
            kept.append(course)
        else:
            kept.append(reader)
            if course:
                kept.append(_as_text(course))
                n_conflicts += 1
    mine.cells = [cell for cell in kept if cell]
    return mine, n_conflicts


def _same(one: NotebookNode | None, other: NotebookNode | None) -> bool:
    return (one and (one.cell_type, one.source)) == (other and (other.cell_type, other.source))


def _as_text(cell: NotebookNode) -> NotebookNode:
    source = f"```python\n{cell.source}\n```" if cell.cell_type == "code" else cell.source
    return nbformat.v4.new_markdown_cell(f"*New in the course, where you had changed the cell above:*\n\n{source}")
