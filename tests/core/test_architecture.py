"""Which folder may import which stands in pyproject.toml; `lint-imports` reads it, and says what breaks it."""

import ast
from pathlib import Path

from importlinter.cli import lint_imports

import tutorial_lib

LIBRARY = Path(tutorial_lib.__file__).parent
LONGEST = 250  # lines; past it a file is two modules


def test_data_flows_downwards(monkeypatch, capsys):
    monkeypatch.chdir(LIBRARY.parent)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_every_public_name_of_a_folder_is_there():
    for door in LIBRARY.glob("*/__init__.py"):
        module = __import__(f"tutorial_lib.{door.parent.name}", fromlist=["*"])
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_a_folder_opens_with_its_sentence():
    doors = [path for path in LIBRARY.rglob("__init__.py") if path.parent != LIBRARY]
    assert [path for path in doors if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_a_file_is_one_idea_long():
    lengths = {path.relative_to(LIBRARY): len(path.read_text().splitlines()) for path in LIBRARY.rglob("*.py")}
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}
