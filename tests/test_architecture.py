"""Which room may import which. A new arrow is a decision, and it is made here."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import tutorial_lib

ROOMS = Path(tutorial_lib.__file__).parent
ALLOWED = {
    "__init__": set(),
    "vocabulary": set(),
    "bumps": set(),
    "environments": {"vocabulary"},
    "files": set(),
    "shipped": {"files"},
    "silicon": {"environments", "shipped"},
    "gram": {"vocabulary"},
    "motifs": {"vocabulary"},
    "vae.networks": {"vocabulary"},
    "vae.losses": {"gram", "vae.networks", "vocabulary"},
    "vae": {"vae.networks", "vae.losses"},
    "reconstruction": {"alignment", "motifs", "vocabulary"},
    "checkpoints": {"files"},
    "engine": set(),
    "streaming": {"engine"},
    "training": {"checkpoints", "engine"},
    "recipes": {"training"},
    "inpainting.holes": {"vocabulary"},
    "inpainting.ranking": {"inpainting.holes", "motifs", "vocabulary"},
    "inpainting.library": {"alignment", "motifs", "vocabulary"},
    "inpainting.latent": {"alignment.procrustes", "inpainting.library", "inpainting.ranking", "motifs", "vocabulary"},
    "inpainting.objective": {"gram", "inpainting.ranking", "training", "vocabulary"},
    "inpainting.baselines": {
        "inpainting.holes",
        "inpainting.library",
        "inpainting.ranking",
        "motifs",
        "vocabulary",
    },
    "inpainting": {
        "inpainting.baselines",
        "inpainting.holes",
        "inpainting.latent",
        "inpainting.library",
        "inpainting.objective",
        "inpainting.ranking",
    },
    "places": {"bumps", "inpainting", "shipped", "vocabulary"},
    "symmetry": {"vocabulary"},
    "alignment.procrustes": {"vocabulary"},
    "alignment.matching": {"alignment.procrustes", "vocabulary"},
    "alignment.template": {"alignment.matching", "vocabulary"},
    "alignment": {"alignment.procrustes", "alignment.matching", "alignment.template"},
    "synchronisation": {"alignment", "vocabulary"},
    "molecules": {"vocabulary"},
    "primer": {"vocabulary"},
    "tetris": {"vocabulary"},
    "equivariant.graph": set(),
    "equivariant.network": {"equivariant.graph", "vocabulary"},
    "equivariant": {"equivariant.graph", "equivariant.network"},
    "sphere.signals": {"vocabulary"},
    "sphere.fields": {"bumps", "sphere.signals", "vocabulary"},
    "sphere.peaks": {"vocabulary"},
    "sphere": {"sphere.fields", "sphere.peaks", "sphere.signals"},
    "octahedra": {"symmetry"},
    "qm9": {"shipped"},
    "hamiltonians": {"shipped", "vocabulary"},
    "extensions": set(),
    "extensions.flow.charts": {"vocabulary"},
    "extensions.flow.completion": {"alignment", "extensions.flow.generator", "inpainting", "motifs", "vocabulary"},
    "extensions.flow.generator": {"training", "transport", "vocabulary"},
    "extensions.flow.judges": {"motifs", "reconstruction", "vocabulary"},
    "extensions.flow.network": {"bumps", "transport", "vocabulary"},
    "transport": {"vocabulary"},
    "extensions.flow.physics": {"motifs", "vocabulary"},
    "extensions.flow.sets": {"bumps", "extensions.flow.network", "transport", "vocabulary"},
    "extensions.flow": {
        "extensions.flow.charts",
        "extensions.flow.completion",
        "extensions.flow.generator",
        "extensions.flow.judges",
        "extensions.flow.network",
        "transport",
        "extensions.flow.physics",
        "extensions.flow.sets",
    },
    "extensions.hamiltonian.basis": {"hamiltonians", "vocabulary"},
    "extensions.hamiltonian.blocks": {"hamiltonians"},
    "extensions.hamiltonian.graphs": {"bumps", "hamiltonians"},
    "extensions.hamiltonian.judges": {"hamiltonians"},
    "extensions.hamiltonian.layers": set(),
    "extensions.hamiltonian.learning": {"extensions.hamiltonian.blocks", "extensions.hamiltonian.graphs"},
    "extensions.hamiltonian.network": {
        "extensions.hamiltonian.blocks",
        "extensions.hamiltonian.graphs",
        "extensions.hamiltonian.layers",
        "extensions.hamiltonian.reach",
    },
    "extensions.hamiltonian.nonlinear": {"extensions.hamiltonian.layers"},
    "extensions.hamiltonian.reach": {"extensions.hamiltonian.blocks"},
    "extensions.hamiltonian.rivals": {"alignment", "extensions.hamiltonian.basis", "hamiltonians"},
    "extensions.hamiltonian.variants": {
        "extensions.hamiltonian.blocks",
        "extensions.hamiltonian.network",
        "extensions.hamiltonian.nonlinear",
        "training",
    },
    "extensions.hamiltonian": {
        "extensions.hamiltonian.basis",
        "extensions.hamiltonian.blocks",
        "extensions.hamiltonian.graphs",
        "extensions.hamiltonian.judges",
        "extensions.hamiltonian.learning",
        "extensions.hamiltonian.network",
        "extensions.hamiltonian.nonlinear",
        "extensions.hamiltonian.rivals",
        "extensions.hamiltonian.variants",
    },
    "extensions.missing_atom.graphs": {"bumps", "vocabulary"},
    "extensions.missing_atom.network": {"extensions.missing_atom.graphs"},
    "extensions.missing_atom.votes": {
        "extensions.missing_atom.graphs",
        "extensions.missing_atom.network",
        "vocabulary",
    },
    "extensions.missing_atom": {
        "extensions.missing_atom.graphs",
        "extensions.missing_atom.network",
        "extensions.missing_atom.votes",
    },
    "g2": set(),
    "hierarchy.points": {"sphere", "vocabulary"},
    "hierarchy.motifs": {"hierarchy.points", "sphere", "vocabulary"},
    "hierarchy.levels": {"hierarchy.motifs", "hierarchy.points", "sphere", "vocabulary"},
    "hierarchy.layers": {"bumps", "hierarchy.levels", "hierarchy.points", "sphere", "vocabulary"},
    "hierarchy.unfolding": {"hierarchy.points", "sphere", "vocabulary"},
    "hierarchy.autoencoder": {
        "hierarchy.codes",
        "hierarchy.layers",
        "hierarchy.levels",
        "hierarchy.points",
        "hierarchy.unfolding",
        "sphere",
        "vocabulary",
    },
    "hierarchy.training": {
        "hierarchy.autoencoder",
        "hierarchy.levels",
        "hierarchy.points",
        "hierarchy.unfolding",
        "sphere",
    },
    "hierarchy.heads": {"hierarchy.autoencoder", "sphere", "vocabulary"},
    "hierarchy.atoms": {"hierarchy.autoencoder", "hierarchy.points", "vocabulary"},
    "hierarchy.growth": {"hierarchy.layers", "hierarchy.points", "sphere", "training", "vocabulary"},
    "hierarchy.growing": {"hierarchy.growth", "hierarchy.points", "vocabulary"},
    "hierarchy.guided": {"hierarchy.autoencoder", "hierarchy.growing", "hierarchy.growth", "hierarchy.points"},
    "hierarchy.operators": {
        "hierarchy.autoencoder",
        "hierarchy.layers",
        "hierarchy.points",
        "sphere",
        "vocabulary",
    },
    "hierarchy.polycubes": {
        "hierarchy.autoencoder",
        "hierarchy.growth",
        "hierarchy.points",
        "shipped",
        "tetris",
        "vocabulary",
    },
    "hierarchy.codes": {"vocabulary"},
    "extensions.pieces.drawing": {"bumps", "hierarchy.codes", "sphere", "transport", "vocabulary"},
    "extensions.pieces.surroundings": {"hierarchy.codes", "hierarchy.layers", "sphere", "vocabulary"},
    "extensions.pieces.completion": {"extensions.pieces.drawing", "extensions.pieces.surroundings"},
    "extensions.pieces.joints": {"octahedra", "tetris"},
    "extensions.pieces.networks": {
        "hierarchy.growing",
        "hierarchy.growth",
        "extensions.pieces.joints",
        "hierarchy.points",
        "octahedra",
        "tetris",
    },
    "hierarchy.materials": {
        "g2",
        "hierarchy.autoencoder",
        "hierarchy.levels",
        "hierarchy.motifs",
        "hierarchy.points",
        "octahedra",
        "shipped",
    },
    "hierarchy": {
        "hierarchy.atoms",
        "hierarchy.autoencoder",
        "hierarchy.codes",
        "hierarchy.growth",
        "hierarchy.growing",
        "hierarchy.guided",
        "hierarchy.heads",
        "hierarchy.levels",
        "hierarchy.materials",
        "hierarchy.motifs",
        "hierarchy.operators",
        "hierarchy.points",
        "hierarchy.polycubes",
        "hierarchy.training",
        "hierarchy.unfolding",
    },
    "extensions.pieces": {
        "extensions.pieces.completion",
        "extensions.pieces.drawing",
        "extensions.pieces.joints",
        "extensions.pieces.networks",
        "extensions.pieces.surroundings",
    },
    "plotting.palette": set(),
    "plotting.curves": {"plotting.palette"},
    "plotting.holes": {"plotting.palette"},
    "plotting.pictures": {"plotting.palette"},
    "plotting.spheres": {"plotting.palette"},
    "plotting.stills": {"plotting.palette"},
    "plotting": {
        "plotting.palette",
        "plotting.curves",
        "plotting.holes",
        "plotting.pictures",
        "plotting.spheres",
        "plotting.stills",
    },
    "viewer": {"plotting"},
    "exercises.judge": set(),
    "exercises.invariance": {"exercises.judge", "symmetry"},
    "exercises.gram_vae": {"exercises.judge", "gram"},
    "exercises.synchronisation": {"exercises.judge", "alignment", "gram", "symmetry"},
    "exercises.tetris": {"exercises.judge", "symmetry"},
    "exercises.hierarchical_autoencoder": {"exercises.judge", "symmetry"},
    "exercises.inpainting": {"exercises.judge"},
    "exercises.new_pieces": {"exercises.judge", "symmetry", "tetris"},
    "exercises.found_levels": {"exercises.judge", "symmetry"},
    "exercises.missing_atom": {"exercises.judge", "symmetry"},
    "exercises.flow_matching": {"exercises.judge"},
    "exercises.hamiltonians": {"exercises.judge", "symmetry"},
    "exercises.spare.invariance": {"exercises.judge"},
    "exercises.spare.flow_matching": {"exercises.judge"},
    "exercises.spare.found_levels": {"exercises.judge"},
    "exercises.spare.gram_vae": {"exercises.judge"},
    "exercises.spare.hamiltonians": {"exercises.judge"},
    "exercises.spare.hierarchical_autoencoder": {"exercises.judge"},
    "exercises.spare.inpainting": {"exercises.judge"},
    "exercises.spare.missing_atom": {"exercises.judge"},
    "exercises.spare.synchronisation": {"exercises.judge", "symmetry"},
    "exercises.spare.tetris": {"exercises.judge"},
    "exercises.spare": {
        "exercises.spare.flow_matching",
        "exercises.spare.found_levels",
        "exercises.spare.gram_vae",
        "exercises.spare.hamiltonians",
        "exercises.spare.hierarchical_autoencoder",
        "exercises.spare.inpainting",
        "exercises.spare.invariance",
        "exercises.spare.missing_atom",
        "exercises.spare.synchronisation",
        "exercises.spare.tetris",
    },
    "exercises": {
        "exercises.invariance",
        "exercises.gram_vae",
        "exercises.synchronisation",
        "exercises.tetris",
        "exercises.hierarchical_autoencoder",
        "exercises.inpainting",
        "exercises.new_pieces",
        "exercises.found_levels",
        "exercises.missing_atom",
        "exercises.flow_matching",
        "exercises.hamiltonians",
    },
    "__main__": set(),
}


def source(room: str) -> str:
    """The text of a room; a room with rooms inside is a folder, and its door is __init__.py."""
    path = ROOMS / room.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()


def imported(room: str) -> set[str]:
    """The modules that a room imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(source(room))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module == "tutorial_lib":
            found |= {f"tutorial_lib.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def arrows(room: str) -> set[str]:
    return {name.removeprefix("tutorial_lib.") for name in imported(room) if name.startswith("tutorial_lib.")}


def test_every_room_is_on_the_map():
    doors = [path.relative_to(ROOMS).with_suffix("") for path in ROOMS.rglob("*.py")]
    assert {".".join(door.parts).removesuffix(".__init__") for door in doors} == set(ALLOWED)


def test_every_package_is_installed():
    doors = [path.parent.relative_to(ROOMS.parent) for path in ROOMS.rglob("__init__.py")]
    project = tomllib.loads((ROOMS.parent / "pyproject.toml").read_text())
    assert set(project["tool"]["setuptools"]["packages"]) == {".".join(door.parts) for door in doors}


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
    assert users == {f"plotting.{room}" for room in ("curves", "holes", "pictures", "spheres", "stills")}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_explains_itself_in_its_first_lines(room):
    assert ast.get_docstring(ast.parse(source(room)))


@pytest.mark.parametrize("room", ALLOWED)
def test_nothing_unpickles_objects(room):
    text = source(room)
    assert text.count("torch.load(") == text.count("weights_only=True")
    assert "allow_pickle=True" not in text
    assert "import pickle" not in text


LONGEST = 250  # lines; past it a file is two rooms
UNITS = (
    "angstrom",
    "hartree",
    "edges of a cube",
    "unit of",
    "degree",
    "eV",
    "g/cm3",
    "nats",
    "no unit",
    "share",
    "standardised",
)
ARRAYS = ("Tensor", "Positions", "Motifs", "Gram", "Orthogonal", "UpperTriangle", "Features", "Latent", "Scalars")


def faults(text: str) -> list[str]:
    """What is missing in the docstrings of the public functions of a module, and whether it is too long."""
    found = []
    if len(text.splitlines()) > LONGEST:
        found.append(f"{len(text.splitlines())} lines, at most {LONGEST} are allowed")
    for node in public_functions(ast.parse(text)):
        told = ast.get_docstring(node) or ""
        arguments = [a for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs] if a.arg != "self"]
        arguments = [a for a in arguments if a.arg != "cls"]
        returns = node.returns is not None and ast.unparse(node.returns) not in ("None", "Iterator[None]")
        annotations = " ".join(ast.unparse(a.annotation) for a in arguments if a.annotation)
        annotations += " " + ast.unparse(node.returns) if returns else ""
        for heading, needed in [("Raises:", True), ("Args:", bool(arguments)), ("Returns:", returns)]:
            if needed and heading not in told:
                found.append(f"{node.name} has no {heading[:-1]}")
        takes_arrays = not set(ARRAYS).isdisjoint(re.findall(r"\w+", annotations))
        if takes_arrays and not any(unit in told for unit in UNITS):
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
    assert faults(source(room)) == []


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
    ("written", "message"),
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
def test_the_checker_sees_what_is_missing(written, message):
    assert faults(GOOD) == []
    assert message in " ".join(faults(written))


def test_a_new_arrow_and_a_circle_would_be_seen(tmp_path, monkeypatch):
    (tmp_path / "gram.py").write_text("def f():\n    from tutorial_lib.vae import evidence_loss\n")
    monkeypatch.setitem(globals(), "ROOMS", tmp_path)
    assert arrows("gram") == {"vae"}
    monkeypatch.setitem(ALLOWED, "gram", {"vae", "vocabulary"})
    with pytest.raises(AssertionError, match="a circle among"):
        test_the_map_has_no_circle()
