"""Which room may import which. A new arrow is a decision, and it is made here."""

import ast
from pathlib import Path

import pytest

import tutorial_lib

ROOMS = Path(tutorial_lib.__file__).parent
ALLOWED = {
    "__init__": set(),
    "vocabulary": set(),
    "environments": {"vocabulary"},
    "silicon": {"environments"},
    "gram": {"vocabulary"},
    "motifs": {"vocabulary"},
    "vae": {"gram", "vocabulary"},
    "reconstruction": {"vocabulary"},
    "training": set(),
    "recipes": {"training"},
    "plotting": set(),
    "viewer": {"plotting"},
    "__main__": set(),
}


def imported(room: str) -> set[str]:
    """The modules that a room imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse((ROOMS / f"{room}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module == "tutorial_lib":
            found |= {f"tutorial_lib.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def arrows(room: str) -> set[str]:
    return {name.split(".")[1] for name in imported(room) if name.startswith("tutorial_lib.")}


def test_every_room_is_on_the_map():
    assert {path.stem for path in ROOMS.glob("*.py")} == set(ALLOWED)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_what_the_map_allows(room):
    assert arrows(room) == ALLOWED[room]


def test_the_map_has_no_circle():
    reached: list[str] = []
    while len(reached) < len(ALLOWED):
        free = [room for room in ALLOWED if room not in reached and ALLOWED[room] <= set(reached)]
        assert free, f"a circle among {set(ALLOWED) - set(reached)}"
        reached += free


def test_only_plotting_imports_matplotlib():
    users = {room for room in ALLOWED if any(name.startswith("matplotlib") for name in imported(room))}
    assert users == {"plotting"}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_explains_itself_in_its_first_lines(room):
    assert ast.get_docstring(ast.parse((ROOMS / f"{room}.py").read_text()))


@pytest.mark.parametrize("room", ALLOWED)
def test_nothing_unpickles_objects(room):
    source = (ROOMS / f"{room}.py").read_text()
    assert source.count("torch.load(") == source.count("weights_only=True")
    assert "allow_pickle=True" not in source
    assert "import pickle" not in source
