"""Which room may import which. A new arrow is a decision, and it is made here."""

import ast
import re
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


LONGEST = 250  # lines; past it a file is two rooms
UNITS = ("angstrom", "degree", "eV", "g/cm3", "nats", "no unit", "unit of", "share", "standardised")
ARRAYS = ("Tensor", "Positions", "Motifs", "Gram", "Orthogonal", "UpperTriangle", "Features", "Latent", "Scalars")


def faults(source: str) -> list[str]:
    """What is missing in the docstrings of the public functions of a module, and whether it is too long."""
    found = []
    if len(source.splitlines()) > LONGEST:
        found.append(f"{len(source.splitlines())} lines, at most {LONGEST} are allowed")
    for node in public_functions(ast.parse(source)):
        text = ast.get_docstring(node) or ""
        arguments = [a for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs] if a.arg != "self"]
        arguments = [a for a in arguments if a.arg != "cls"]
        returns = node.returns is not None and ast.unparse(node.returns) not in ("None", "Iterator[None]")
        annotations = " ".join(ast.unparse(a.annotation) for a in arguments if a.annotation)
        annotations += " " + ast.unparse(node.returns) if returns else ""
        for heading, needed in [("Raises:", True), ("Args:", bool(arguments)), ("Returns:", returns)]:
            if needed and heading not in text:
                found.append(f"{node.name} has no {heading[:-1]}")
        takes_arrays = not set(ARRAYS).isdisjoint(re.findall(r"\w+", annotations))
        if takes_arrays and not any(unit in text for unit in UNITS):
            found.append(f"{node.name} names no unit")
    return found


def public_functions(module: ast.Module):
    """Functions and methods whose names, and whose classes' names, begin with a letter."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(ast.Module(node.body, []))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_is_short_and_its_doors_are_labelled(room):
    assert faults((ROOMS / f"{room}.py").read_text()) == []


GOOD = '''
def length(positions: Positions) -> Tensor:
    """How long.

    Args:
        positions: angstrom.

    Returns:
        angstrom.

    Raises:
        Nothing.
    """
'''


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GOOD.replace("Raises:", ""), "length has no Raises"),
        (GOOD.replace("Args:", ""), "length has no Args"),
        (GOOD.replace("Returns:", ""), "length has no Returns"),
        (GOOD.replace("angstrom", "long"), "length names no unit"),
        ("def f():\n    pass", "f has no Raises"),
        ("class A:\n" + GOOD.replace("Raises:", "").replace("\n", "\n    "), "length has no Raises"),
        (GOOD + "\n" * 250, "lines, at most 250"),
    ],
)
def test_the_checker_sees_what_is_missing(source, message):
    assert faults(GOOD) == []
    assert message in " ".join(faults(source))


def test_a_new_arrow_and_a_circle_would_be_seen(tmp_path, monkeypatch):
    (tmp_path / "gram.py").write_text("def f():\n    from tutorial_lib.vae import evidence_loss\n")
    monkeypatch.setitem(globals(), "ROOMS", tmp_path)
    assert arrows("gram") == {"vae"}
    monkeypatch.setitem(ALLOWED, "gram", {"vae", "vocabulary"})
    with pytest.raises(AssertionError, match="a circle among"):
        test_the_map_has_no_circle()
