"""Which folder may import which. A new arrow is a decision, and it is made here."""

import ast
import functools
import tomllib
from pathlib import Path

import tutorial_lib

FOLDERS = Path(tutorial_lib.__file__).parent
# A module imports its neighbours in its folder, `vocabulary`, `modes`, and what its folder is allowed.
ALLOWED = {
    "checkpoints": "files",
    "exercises": "alignment gram symmetry tetris",
    "exercises.spare": "exercises symmetry",
    "extensions.flow": "alignment bumps inpainting motifs reconstruction training transport",
    "extensions.hamiltonian": "alignment bumps hamiltonians training",
    "extensions.missing_atom": "bumps",
    "extensions.pieces": "bumps hierarchy octahedra sphere tetris transport",
    "hamiltonians": "files shipped",
    "hierarchy": "bumps g2 octahedra shipped sphere tetris training",
    "inpainting": "alignment gram motifs training",
    "molecules": "conformers",
    "octahedra": "symmetry",
    "places": "bumps inpainting shipped",
    "qm9": "files shipped structures",
    "recipes": "training",
    "reconstruction": "alignment motifs",
    "shipped": "files",
    "silicon": "environments files shipped structures",
    "sphere": "bumps",
    "streaming": "engine files structures",
    "structures": "files",
    "synchronisation": "alignment",
    "training": "checkpoints engine files",
    "vae": "gram",
    "viewer": "plotting",
}
LONGEST = 250  # lines; past it a file is two modules


@functools.cache
def modules():
    """The source of every module of the library, by its dotted name; that of a folder is its __init__.py."""
    names = {".".join(path.relative_to(FOLDERS).with_suffix("").parts): path for path in FOLDERS.rglob("*.py")}
    return {name.removesuffix(".__init__"): path.read_text(encoding="utf-8") for name, path in names.items()}


@functools.cache
def imported(module):
    """What a module imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = node.module == "tutorial_lib"
            found |= {f"tutorial_lib.{alias.name}" for alias in node.names} if inside else {node.module}
    return found


def arrows(module):
    return {name.removeprefix("tutorial_lib.") for name in imported(module) if name.startswith("tutorial_lib.")}


def folder(module):
    """The folder of a module on the map: `extensions` and `exercises` hold folders of their own."""
    first, *rest = module.split(".")
    return f"{first}.{rest[0]}" if rest and (first == "extensions" or rest[0] == "spare") else first


def test_a_folder_imports_what_the_map_allows():
    found = {}
    for module in modules():
        there = {folder(name) for name in arrows(module)} - {folder(module), "vocabulary", "modes"}
        found[folder(module)] = found.get(folder(module), set()) | there
    assert {name: " ".join(sorted(there)) for name, there in found.items() if there} == ALLOWED


def test_the_modules_have_no_circle():
    reached = set()
    while left := set(modules()) - reached:
        free = {module for module in left if arrows(module) & set(modules()) <= reached}
        assert free, f"a circle among {left}"
        reached |= free


def test_only_plotting_imports_matplotlib():
    users = {module for module in modules() if any(name.startswith("matplotlib") for name in imported(module))}
    assert {folder(module) for module in users} == {"plotting"}


def test_every_package_is_installed():
    doors = [path.parent.relative_to(FOLDERS.parent) for path in FOLDERS.rglob("__init__.py")]
    project = tomllib.loads((FOLDERS.parent / "pyproject.toml").read_text())
    assert set(project["tool"]["setuptools"]["packages"]) == {".".join(door.parts) for door in doors}


def test_a_file_is_one_idea_long():
    assert {module: n for module, text in modules().items() if (n := len(text.splitlines())) > LONGEST} == {}
