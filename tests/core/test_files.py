"""Damaged files: each kind of file that the library reads, broken in each way, is refused in words and never run."""

import gzip
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.io import write
from rdkit import Chem
from torch import nn

from tutorial_lib import datasets, storage, training
from tutorial_lib.datasets import hamiltonians, qm9, silicon
from tutorial_lib.inpainting import places
from tutorial_lib.models import denoiser
from tutorial_lib.models.hierarchical import materials
from tutorial_lib.training import streaming

TOP = Path(__file__).parent.parent.parent


class Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


@pytest.fixture
def bomb(tmp_path):
    """The bytes of a pickle that does something; the test fails if it was done."""
    place = tmp_path / "unpickled"
    yield pickle.dumps(Bomb(place), protocol=2)
    assert not place.exists(), "what is in the file was run"


def flipped(whole, at):
    broken = bytearray(whole)
    broken[at] ^= 1
    return bytes(broken)


def damages(whole):
    """A file cut off, with one bit changed, and empty."""
    return {"cut off": whole[: len(whole) // 2], "one bit": flipped(whole, len(whole) // 2), "empty": b""}


WATER = "water_rhf_500k"
SHIPPED = {
    "silicon": (silicon.DATA, "amorphous_silicon.extxyz.gz", lambda data: datasets.load_amorphous("test", data=data)),
    "silica": (silicon.DATA, "silica.extxyz.gz", lambda data: datasets.load_silica("test", data=data)),
    "crystal": (silicon.DATA, "crystal.extxyz.gz", lambda data: datasets.crystal()),
    "qm9": (qm9.DATA, qm9.SUBSET, lambda data: qm9.load("train", data=data)),
    "water": (hamiltonians.DATA, f"{WATER}.npz", lambda data: hamiltonians.load(WATER, "train", data=data)),
    "polycubes": (storage.WEIGHTS, "polycubes.pt", materials.trained_on_polycubes),
    "growth": (storage.WEIGHTS, "growth.pt", materials.trained_to_grow),
    "molecules": (storage.WEIGHTS, "molecules.pt", materials.trained_on_molecules),
    "octahedra": (storage.WEIGHTS, "octahedra.pt", materials.trained_on_octahedra),
    "denoiser": (storage.WEIGHTS, "denoiser.pt", lambda data: denoiser.trained_denoiser(data=data)),
    "silica weights": (storage.WEIGHTS, "silica.pt", lambda data: denoiser.trained_denoiser("silica", data=data)),
    "places": (storage.WEIGHTS, "places.pt", places.trained_position_scorer),
}


def test_every_shipped_file_is_tried_and_has_a_checksum_and_a_source():
    there = set()
    for folder in {folder for folder, _, _ in SHIPPED.values()}:
        files = {path.name for path in folder.iterdir() if path.is_file()} - {"SOURCES.md", storage.SUMS}
        assert files == {line.split()[1] for line in (folder / storage.SUMS).read_text().splitlines()}
        text = (folder / "SOURCES.md").read_text()
        assert all(name.removesuffix(".npz") in text for name in files)
        there |= files
    assert there == {name for _, name, _ in SHIPPED.values()} | {f"{name}.npz" for name in hamiltonians.NAMES}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_that_is_not_the_shipped_one_is_refused_unread(name, tmp_path, bomb, monkeypatch):
    folder, file, load = SHIPPED[name]
    shutil.copy(folder / storage.SUMS, tmp_path)
    monkeypatch.setattr(materials, "octahedra_autoencoder", lambda clouds: nn.Linear(1, 1))  # it takes a minute
    monkeypatch.setattr(silicon, "DATA", tmp_path)  # where `crystal` looks, and takes no other folder
    monkeypatch.setattr(materials, "octahedra_to_train_on", lambda n: [])
    for content in [*damages((folder / file).read_bytes()).values(), bomb]:
        (tmp_path / file).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{file} is not the file that was shipped.*Fetch it again") as caught:
            load(tmp_path)
        named = re.findall(r"scripts/\w+/\w+\.py", str(caught.value))
        assert all((TOP / script).exists() for script in named)
        assert named or name in ("silicon", "silica", "crystal"), "LAMMPS takes hours: a reader has other cells"


@pytest.fixture
def cells():
    """A cell of 8 atoms as extended XYZ."""
    rows = "".join(f"Si {x}.1 {y}.2 {z}.3\n" for x in (0, 3) for y in (0, 3) for z in (0, 3))
    return f'8\nLattice="6 0 0 0 6 0 0 0 6" Properties=species:S:1:pos:R:3 pbc="T T T"\n{rows}'


READERS = [datasets.load_amorphous, lambda path, **options: list(qm9.read(path, **options))]
loaders = pytest.mark.parametrize("load", READERS, ids=["silicon", "qm9"])


@loaders
def test_a_file_of_ones_own_that_is_broken_is_refused(load, cells, tmp_path, bomb):
    own = tmp_path / "own.extxyz"
    own.write_text(cells)
    assert len(load(own)[0]) == 8
    broken = {
        "cut off": cells[:150].encode(),
        "no element": cells.replace("Si", "Qq").encode(),
        "no number": cells.replace("3.3", "3.x").encode(),
        "pickle": bomb,
        "noise": np.random.default_rng(0).bytes(500),
    }
    for how, content in broken.items():
        own.write_bytes(content)
        with pytest.raises(ValueError, match=r"own\.extxyz (?i:.*xyz)"):
            pytest.fail(f"{how}: {load(own)}")
    packed = gzip.compress(cells.encode())
    for content in (packed[:-20], flipped(packed, len(packed) - 6), bomb):
        (tmp_path / "own.extxyz.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"own\.extxyz\.gz (?i:.*xyz)"):
            load(tmp_path / "own.extxyz.gz")
    for suffix in ("traj", "trj", "pkl", "db", "json", "nc"):
        (tmp_path / f"own.{suffix}").write_bytes(bomb)
        with pytest.raises(ValueError, match=rf"own\.{suffix}(?i:.*xyz)"):
            load(tmp_path / f"own.{suffix}")
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path)


@loaders
@pytest.mark.parametrize("name", ["Si@300K.extxyz", "a.extxyz@1", "a@-1.xyz", "POSCAR_a.extxyz", "postgres.extxyz"])
def test_the_file_that_is_named_is_read_whatever_its_name_says_to_others(load, name, cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for other in ("Si", "a.extxyz", "a"):
        (tmp_path / other).write_text(cells.replace("Si", "Ge"))
    (tmp_path / name).write_text(cells * 3)
    for path in (name, tmp_path / name):
        assert [str(atoms.symbols) for atoms in load(path)] == ["Si8"] * 3
    with pytest.raises(FileNotFoundError, match=r"a\.extxyz@0"):
        load(tmp_path / "a.extxyz@0")


@loaders
@pytest.mark.parametrize("between", ["\n", "\n \n\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_blank_lines_between_cells_hide_none_and_others_are_refused(load, between, packed, cells, tmp_path):
    path = tmp_path / ("own.extxyz.gz" if packed else "own.extxyz")
    text = between.join([cells, cells, cells.replace("Si", "Ge"), ""])
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert [str(atoms.symbols) for atoms in load(path)] == ["Si8", "Si8", "Ge8"]
    (tmp_path / "own.xyz").write_text(text + "the end\n" + cells)
    with pytest.raises(ValueError, match=r"own\.xyz cannot be read.*a number of atoms is due and b'the end"):
        load(tmp_path / "own.xyz")


@loaders
@pytest.mark.parametrize("suffix", ["sdf", "mol"])
def test_all_molecules_of_a_structure_data_file_are_read(load, suffix, tmp_path):
    path = tmp_path / f"own.{suffix}"
    four = [Chem.MolFromSmiles(text) for text in ("C", "CO", "N", "CCO")]
    for molecule in four:
        molecule.SetProp("energy", "1.5")
    with Chem.SDWriter(str(path)) as writer:
        for molecule in four:
            writer.write(molecule)
    assert [str(atoms.symbols) for atoms in load(path)] == ["C", "CO", "N", "C2O"]


@loaders
@pytest.mark.parametrize("name", ["own.vasp", "own.gen", "own.gro", "own.pdb"])
def test_no_cell_behind_the_one_that_ase_reads_is_left_out_silently_and_none_is_read_half(load, name, tmp_path):
    path, cell, n_cells = tmp_path / name, bulk("Si", "diamond", a=5.43, cubic=True), 1 + (name == "own.pdb")
    write(path, [cell] * n_cells)
    assert [len(atoms) for atoms in load(path)] == [8] * n_cells
    whole = path.read_text()
    if name != "own.pdb":
        path.write_text(whole * 2)
        with pytest.raises(ValueError, match=rf"{name} .*(?i:xyz)"):
            load(path)
    if name in ("own.gro", "own.pdb"):
        path.write_text("".join(whole.splitlines(keepends=True)[:-3]))
        with pytest.raises(ValueError, match=rf"{name} cannot be read .*is it whole"):
            load(path)


@loaders
def test_a_file_without_atoms_is_no_empty_list(load, tmp_path):
    frame = "ITEM: TIMESTEP\n0\n"
    for name, text in {"own.json": "{}", "own.data": "nothing\n", "own.xyz": "\n\n", "own.lammpstrj": frame}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=rf"{name}(?i:.*xyz)"):
            pytest.fail(f"{name}: {load(tmp_path / name)}")
    new = "\n  ours\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\nM  END\n$$$$\n"
    for name, text in {"own.xyz": "0\n\n", "own.sdf": new}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=rf"{name} holds no atoms"):
            load(tmp_path / name)


DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
3
ITEM: BOX BOUNDS pp pp pp
0 5
0 5
0 5
ITEM: ATOMS id type x y z
1 1 0 0 0
2 2 1 1 1
3 2 3 3 3
"""


TYPED = ["own.dump", "own.lammpstrj", "own.dump.gz", "own.data", "data.own", "own.lmp", "own.extxyz", "own.xyz"]


@pytest.fixture(params=TYPED)
def typed(request, tmp_path):
    """A file in which atoms have types and no elements: one of the first, two of the second."""
    path = tmp_path / request.param
    if "dump" in path.name:
        path.write_bytes(gzip.compress(DUMP.encode()) if path.suffix == ".gz" else DUMP.encode())
    elif path.suffix == ".lammpstrj":
        path.write_text(DUMP * 2)
    elif path.suffix == ".xyz":  # as LAMMPS dumps it
        path.write_text("3\nAtoms. Timestep: 0\n1 0 0 0\n2 1 1 1\n2 3 3 3\n" * 2)
    elif path.suffix == ".extxyz":
        path.write_text("3\nProperties=type:I:1:pos:R:3\n1 0 0 0\n2 1 1 1\n2 3 3 3\n")
    else:
        places = [[0, 0, 0], [1, 1, 1], [3, 3, 3]]
        write(path, Atoms("SiO2", places, cell=[5, 5, 5]), format="lammps-data", specorder=["Si", "O"])
    return path


@loaders
def test_types_are_not_taken_for_elements(load, typed):
    with pytest.raises(ValueError, match=rf'{typed.name} says types .* no elements.*element="Si"'):
        load(typed)
    for found in load(typed, element=["Si", "O"]):
        assert str(found.symbols) == "SiO2"
        assert found.positions[2] == pytest.approx([3, 3, 3])
    with pytest.raises(ValueError, match=rf"{typed.name} holds atoms of type 2, and 1 symbols"):
        load(typed, element="Si")
    with pytest.raises(ValueError, match="'Qq' is no element"):
        load(typed, element=["Si", "Qq"])


@loaders
def test_elements_that_a_file_says_are_its_elements(load, cells, tmp_path):
    dump = DUMP.replace("id type", "id element").replace("1 1 0", "1 Si 0").replace("2 2 1", "2 O 1")
    masses = DUMP.replace("id type", "id mass").replace("1 1 0", "1 28.085 0").replace("2 2 1", "2 15.999 1")
    files = {
        "own.dump": (dump.replace("3 2 3", "3 O 3"), "SiO2"),
        "masses.dump": (masses.replace("3 2 3", "3 15.999 3"), "SiO2"),
        "own.extxyz": (cells, "Si8"),
    }
    pair = Atoms("Si2", [[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5])
    write(tmp_path / "own.data", pair, format="lammps-data", masses=True)
    assert [str(atoms.symbols) for atoms in load(tmp_path / "own.data")] == ["Si2"]
    for name, (text, symbols) in files.items():
        (tmp_path / name).write_text(text)
        assert [str(atoms.symbols) for atoms in load(tmp_path / name)] == [symbols]
        assert [str(atoms.symbols) for atoms in load(tmp_path / name, element=["Si", "O"])] == [symbols]
        with pytest.raises(ValueError, match=rf"{name} says .*Si.*, and element names Ge"):
            load(tmp_path / name, element="Ge")
    (tmp_path / "own.dump").write_text(DUMP.replace("2 2 1", "2 1 1").replace("3 2 3", "3 1 3"))
    assert [str(atoms.symbols) for atoms in load(tmp_path / "own.dump", element="Si")] == ["Si3"]


@pytest.fixture(scope="module")
def water():
    with np.load(hamiltonians.DATA / "water_rhf_500k.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def changed(part, value):
    return lambda known: known | {part: value(known[part].copy())}


GEOMETRIES = ("positions", "fock", "overlap", "energy")


def nan_inside(array):
    array[0, 0] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda known: known | {part: known[part][:0] for part in GEOMETRIES}, r"geometries\+, .*shape \(0, 3, 3\)"),
        (changed("fock", lambda fock: fock[:5]), r"fock must be .* geometries = 1000, and shape \(5, 7, 7\) arrived"),
        (changed("overlap", nan_inside), "matrices or energies hold NaN or infinity"),
        (changed("positions", lambda x: x[:, :2]), "positions must be"),
        (changed("energy", lambda x: x[:, None]), "energy must be"),
        (changed("numbers", lambda z: z * 0 + 200), r"numbers are \[200"),
        (changed("shells", lambda shells: shells + 1), "fock must be"),
        (lambda known: {"a": np.zeros(3)}, "own.npz is cut off or another file"),
        (changed("numbers", lambda z: np.array([Bomb("unpickled")], dtype=object)), "pickled objects"),
    ],
)
def test_matrices_of_ones_own_that_do_not_fit_are_refused(water, change, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "own.npz", **change(water))
    with pytest.raises(ValueError, match=rf"{message}(?s:.*)make_hamiltonians"):
        hamiltonians.read(tmp_path / "own.npz")
    assert not (tmp_path / "unpickled").exists()


def test_matrices_with_one_bit_changed_are_refused(water, tmp_path):
    whole, rng = (hamiltonians.DATA / "water_rhf_500k.npz").read_bytes(), np.random.default_rng(0)
    for content in [whole[:1000], *(flipped(whole, at) for at in rng.integers(0, len(whole), 12))]:
        (tmp_path / "own.npz").write_bytes(content)
        with pytest.raises(ValueError, match="cut off or another file"):
            hamiltonians.read(tmp_path / "own.npz")


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "own.pt"
    torch.save(nn.Linear(40, 40).state_dict(), path)
    return path


def test_a_broken_file_of_tensors_is_refused_without_torchs_advice_to_run_it(weights, bomb, tmp_path):
    broken = [*damages(weights.read_bytes()).values(), bomb, b"PK\x03\x04", b"not a file of tensors"]
    torch.save({"weight": Bomb(tmp_path / "unpickled")}, weights)
    for content in [*broken, weights.read_bytes()]:
        weights.write_bytes(content)
        with pytest.raises(ValueError, match=r"own\.pt is cut off or no file of tensors.*: train it again") as caught:
            storage.stored(weights, otherwise="train it again")
        assert "weights_only" not in str(caught.value)


def test_signing_a_changed_file_replaces_its_line_and_leaves_the_others_alone(tmp_path):
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for path in (other, one):
        path.write_bytes(path.name.encode())
        storage.sign(path)
    one.write_bytes(b"after")
    with pytest.raises(ValueError, match="train it again"):
        storage.verified(one, otherwise="train it again")
    storage.sign(one)
    assert (tmp_path / storage.SUMS).read_text() == storage.checksum_line(one) + storage.checksum_line(other)
    assert [storage.verified(path, otherwise="") for path in (one, other)] == [one, other]


def test_tensors_come_back_into_their_model_and_no_other(weights):
    state = storage.stored(weights, ["weight", "bias"], otherwise="")
    storage.sign(weights)
    model = storage.with_weights(nn.Linear(40, 40), weights)
    assert torch.equal(model.weight, state["weight"])
    assert not model.training
    with pytest.raises(ValueError, match=r"own\.pt holds the weights of another model.*size mismatch.*weights.py own"):
        storage.with_weights(nn.Linear(40, 41), weights)
    with pytest.raises(ValueError, match=r"own\.pt holds weight, bias, and history are needed: train"):
        storage.stored(weights, ["history"], otherwise="train")
    torch.save(torch.zeros(3), weights)
    with pytest.raises(ValueError, match=r"own\.pt holds Tensor"):
        storage.stored(weights, ["history"], otherwise="train")


def test_a_file_that_cannot_be_written_leaves_the_one_before_and_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    path, part = tmp_path / "own.pt", tmp_path / "own.pt.part"
    storage.keep({"step": torch.ones(1)}, path)
    before = path.read_bytes()
    part.mkdir()
    with pytest.raises(OSError, match=r"own\.pt could not be written.*still there: make room"):
        storage.keep({"step": torch.zeros(1)}, path)
    part.rmdir()
    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.keep({"step": torch.zeros(1)}, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of one's own, and the working folder elsewhere: nothing is made there."""
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_checkpoint_in_the_home_folder_is_written_there_and_found_again(home, as_path):
    path = as_path("~/kept/run.pt")
    history = train(path)
    assert (home / "kept" / "run.pt").is_file()
    assert training.load_history(path) == history == train(path, resume=True)


def test_files_in_the_home_folder_are_found_and_a_name_that_is_nobodys_stays(home, cells, water):
    (home / "own.extxyz").write_text(cells)
    np.savez(home / "own.npz", **water)
    shutil.copy(storage.WEIGHTS / "growth.pt", home)
    shutil.copy(storage.WEIGHTS / storage.SUMS, home)
    storage.writable(Path("~/own.pt"))
    storage.keep({"step": torch.ones(1)}, Path("~/own.pt"))
    assert storage.stored(Path("~/own.pt"), otherwise="")["step"].item() == 1
    assert len(datasets.load_amorphous("~/own.extxyz")) == len(list(qm9.read("~/own.extxyz"))) == 1
    assert len(streaming.CellFolder("~")) == 1
    assert len(hamiltonians.read("~/own.npz")) == 1000
    assert storage.verified(Path("~/growth.pt"), otherwise="") == home / "growth.pt"
    for name in ("~nobody_of_this_name/a.pt", "a~b.pt"):
        assert storage.expanded(name) == Path(name), "as a shell leaves it"


def train(path, model=None, **options):
    def loss(model, batch, generator):
        return {"loss": model(batch).square().mean()}

    options |= {"device": "cpu", "progress": False, "checkpoint": path}
    return training.train(model or nn.Linear(3, 1), torch.ones(8, 3), loss, training.Recipe(epochs=2), **options)


def test_a_checkpoint_that_is_damaged_or_of_something_else_is_not_resumed_and_its_history_not_read(tmp_path, bomb):
    path = tmp_path / "run.pt"
    train(path)
    with pytest.raises(ValueError, match=r"run\.pt holds the weights of another model.*train again"):
        train(path, nn.Linear(3, 2), resume=True)
    broken = [*damages(path.read_bytes()).values(), bomb]
    storage.keep({"weights": torch.zeros(3)}, path)
    for content in [path.read_bytes(), *broken]:
        path.write_bytes(content)
        damaged = "is cut off or no file of tensors.*train again"
        reason = damaged if content in broken else "holds weights, and recipe, history, model"
        for read in (training.load_history, lambda path: train(path, resume=True)):
            with pytest.raises(ValueError, match=rf"run\.pt {reason}"):
                read(path)
