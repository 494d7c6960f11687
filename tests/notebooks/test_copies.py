import json
import shutil
import subprocess
from unittest.mock import Mock

import nbformat
import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tutorial_lib import __main__ as command
from tutorial_lib.course import runs
from tutorial_lib.course.copies import Copies, merged


def book(**sources):
    """A notebook of code cells that have been run; the names of the arguments are their ids."""
    cells = [
        new_code_cell(source, id=name, outputs=[new_output("stream", text="ran")], execution_count=1)
        for name, source in sources.items()
    ]
    return new_notebook(cells=cells)


def sources(of_book):
    return [cell.source for cell in of_book.cells]


@pytest.fixture
def copies(tmp_path):
    """Copies of one notebook with an exercise, its solution and the glossary."""
    originals = tmp_path / "notebooks"
    (originals / "solutions").mkdir(parents=True)
    nbformat.write(book(task="Task", stub="def answer(): ...", check="check(answer)"), originals / "01_one.ipynb")
    nbformat.write(book(solution="def answer(): 42"), originals / "solutions" / "01_solutions.ipynb")
    (originals / "glossary.md").write_text("words")
    made = Copies(originals, tmp_path / "my_course")
    made.make()
    return made


def answered(copies):
    """The reader has answered, run, and made a cell of their own."""
    mine = nbformat.read(copies.folder / "01_one.ipynb", 4)
    mine.cells[1] |= {"source": "def answer(): 42", "outputs": [new_output("stream", text="mine")]}
    mine.cells.insert(2, new_code_cell("my_notes", id="own"))
    nbformat.write(mine, copies.folder / "01_one.ipynb")
    return mine


def change_original(copies, **new_sources):
    nbformat.write(book(**new_sources), copies.originals / "01_one.ipynb")


def test_copies_have_no_outputs_and_what_a_reader_writes_stays(copies):
    for name in copies.names():
        cells = nbformat.read(copies.folder / name, 4).cells
        assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)
    assert (copies.folder / "glossary.md").read_text() == "words"
    mine = answered(copies)
    copies.make()
    assert nbformat.read(copies.folder / "01_one.ipynb", 4) == mine
    assert copies.outdated() == []


def test_an_update_keeps_answers_and_cells_where_the_course_adds_changes_moves_and_deletes(copies):
    answered(copies)
    before = (copies.folder / "01_one.ipynb").read_bytes()
    change_original(copies, new="New", check="check(answer, 2)", task="Task 2", stub="def answer(): ...")
    assert copies.outdated() == ["01_one.ipynb"]
    assert copies.update("01_one.ipynb") == 0
    updated = nbformat.read(copies.folder / "01_one.ipynb", 4)
    assert sources(updated) == ["New", "check(answer, 2)", "Task 2", "def answer(): 42", "my_notes"]
    assert [cell.outputs[0].text if cell.outputs else None for cell in updated.cells] == [
        None,
        None,
        None,
        "mine",
        None,
    ]
    assert [path.read_bytes() for path in (copies.folder / "backups").iterdir()] == [before]
    assert copies.outdated() == []
    change_original(copies, stub="def answer(): ...")
    copies.update("01_one.ipynb")
    assert sources(nbformat.read(copies.folder / "01_one.ipynb", 4)) == ["def answer(): 42", "my_notes"]
    copies.reset("01_one.ipynb")
    assert sources(nbformat.read(copies.folder / "01_one.ipynb", 4)) == ["def answer(): ..."]
    assert len(list((copies.folder / "backups").iterdir())) == 3


BASE = {"a": "A", "b": "B", "c": "C"}


@pytest.mark.parametrize(
    ("new", "mine", "expected"),
    [
        (BASE, BASE, "ABC"),
        ({"a": "A", "b": "X", "c": "C"}, BASE, "AXC"),
        (BASE, {"a": "A", "b": "Y", "c": "C"}, "AYC"),
        ({"a": "A", "b": "Z", "c": "C"}, {"a": "A", "b": "Z", "c": "C"}, "AZC"),
        ({"c": "C", "a": "A", "b": "B"}, {"a": "Y", "b": "B", "c": "C"}, "CYB"),
        (BASE, {"c": "C", "a": "A", "b": "B"}, "CAB"),
        ({"a": "A", "c": "C"}, BASE, "AC"),
        ({"a": "A", "c": "C"}, {"a": "A", "b": "Y", "c": "C"}, "AYC"),
        (BASE, {"a": "A", "c": "C"}, "AC"),
        ({"a": "A", "b": "X", "c": "C"}, {"a": "A", "c": "C"}, "AXC"),
        ({"a": "A", "n": "N", "b": "B", "c": "C"}, {"a": "A", "o": "O", "b": "B", "c": "C"}, "ANOBC"),
        ({"n": "N"}, {}, "N"),
        ({}, {"o": "O", "a": "Y"}, "OY"),
    ],
)
def test_what_one_side_changed_is_taken_from_it(new, mine, expected):
    cells, n_conflicts = merged(book(**BASE), book(**new), book(**mine))
    assert ("".join(sources(cells)), n_conflicts) == (expected, 0)


def test_where_both_changed_a_cell_the_readers_stays_and_the_new_one_stands_below_as_text():
    cells, n_conflicts = merged(book(**BASE), book(a="A", b="X", c="C"), book(a="A", b="Y", c="C"))
    assert n_conflicts == 1
    assert sources(cells)[:2] == ["A", "Y"]
    assert cells.cells[2].cell_type == "markdown"
    assert "```python\nX\n```" in cells.cells[2].source


def test_cells_with_one_id_or_none_are_all_kept():
    mine = book(**BASE)
    mine.cells += [new_code_cell("B again", id="b"), new_markdown_cell("no id")]
    del mine.cells[-1]["id"]
    with pytest.warns(Warning, match="id"):
        assert sources(merged(book(**BASE), book(**BASE), mine)[0]) == ["A", "B", "C", "B again", "no id"]


def test_an_answer_stays_also_where_the_original_that_it_was_made_from_is_lost(copies):
    answered(copies)
    (copies.folder / ".originals" / "01_one.ipynb").unlink()
    change_original(copies, task="Task", stub="def answer(x): ...", check="check(answer)")
    assert copies.update("01_one.ipynb") == 1
    first, mine, news, *rest = sources(nbformat.read(copies.folder / "01_one.ipynb", 4))
    assert (first, mine, rest) == ("Task", "def answer(): 42", ["my_notes", "check(answer)"])
    assert "def answer(x): ..." in news


def test_a_copy_that_is_no_notebook_is_left_alone(copies):
    broken = copies.folder / "01_one.ipynb"
    broken.write_text("{")
    change_original(copies, task="New")
    with pytest.raises(ValueError, match=r"01_one\.ipynb is no notebook any more .*reset"):
        copies.update("01_one.ipynb")
    assert broken.read_text() == "{"


def test_a_notebook_that_is_saved_keeps_its_pictures_and_loses_its_widgets(tmp_path):
    widget = {runs.WIDGET: {"model_id": "gone"}, "text/plain": "a widget"}
    cell = new_code_cell(
        "view()", outputs=[new_output("display_data", data=d) for d in (widget, widget | {"image/png": "iV"})]
    )
    saved = new_notebook(cells=[cell], metadata={"widgets": {runs.WIDGET: {}}})
    manager = FileContentsManager(root_dir=str(tmp_path), pre_save_hook="tutorial_lib.course.server.save_pictures")
    manager.save({"type": "notebook", "format": "json", "content": saved}, "mine.ipynb")
    manager.save({"type": "file", "format": "text", "content": "words"}, "notes.txt")
    stored = json.loads((tmp_path / "mine.ipynb").read_text())
    assert [set(output["data"]) for output in stored["cells"][0]["outputs"]] == [{"text/plain", "image/png"}]
    assert "widgets" not in stored["metadata"]


def test_the_commands_make_update_and_reset_copies(copies, monkeypatch, capsys):
    def call(*words, answer="n"):
        monkeypatch.setattr(command.sys, "argv", ["tutorial_lib", *words])
        monkeypatch.setattr("builtins.input", Mock(side_effect=[answer]))
        command.main()
        return capsys.readouterr().out

    monkeypatch.setattr(runs, "NOTEBOOKS", copies.originals)
    assert "all copies are up to date" in call("update")
    answered(copies)
    change_original(copies, task="Task 2", stub="def answer(x): ...", check="check(answer)")
    assert "in 1 place your cell stands above the new one" in call("update")
    for no in ("n", "", EOFError):
        assert "nothing has changed" in call("reset", "1", answer=no)
        assert sources(nbformat.read(copies.folder / "01_one.ipynb", 4))[1] != "def answer(x): ..."
    assert "what you had is in" in call("reset", "1", answer=" Yes")
    assert sources(nbformat.read(copies.folder / "01_one.ipynb", 4))[1] == "def answer(x): ..."
    (copies.folder / "01_one.ipynb").write_text("{")
    shutil.copyfile(copies.originals / "01_one.ipynb", copies.originals / "02_two.ipynb")
    call("update")
    change_original(copies, task="Task 3")
    shutil.copyfile(copies.originals / "01_one.ipynb", copies.originals / "02_two.ipynb")
    with pytest.raises(SystemExit, match="python -m tutorial_lib reset 01"):
        call("update")
    assert sources(nbformat.read(copies.folder / "02_two.ipynb", 4))[0] == "Task 3"


def test_the_copies_are_no_part_of_the_repository():
    top = runs.NOTEBOOKS.parent
    assert subprocess.run(["git", "check-ignore", "-q", "my_course/01_invariance.ipynb"], cwd=top).returncode == 0
