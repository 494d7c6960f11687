import pickle
import zipfile

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import write

from scripts.data import make_qm9_subset as script
from tutorial_lib.datasets import qm9
from tutorial_lib.storage import sign

METHANE = (
    "dsgdb9nsd_000001.xyz,1,\"C\",\"InChI=1S/CH4/h1H4\",5,\"[4,1,0,0,0]\",\"['C','H','H','H','H']\","
    '"[[-0.01,1.08,0.],[0.002,-0.006,0.002],[1.01,1.46,0.],[-0.54,1.44,-0.87],[-0.52,1.43,0.9e0]]"\n'
)
HEAD = "XYZ_file,Index,SMILES,InChi,N_atoms,Stoichiometry,Elements,XYZ_Ang\n"


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "small.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in qm9.TABLES:
            archive.writestr(table, HEAD + METHANE)
        archive.writestr(script.LICENCE, "MIT License\n\nCopyright")
    return path


@pytest.fixture(scope="module")
def splits():
    return {split: qm9.load(split) for split in qm9.SPLITS}


@pytest.mark.parametrize("split", qm9.SPLITS)
def test_a_split_holds_as_many_molecules_of_the_sizes_as_it_says(splits, split):
    sizes = [len(atoms) for atoms in splits[split]]
    least, *_, most = (split if split[0].isdigit() else "5-18").split("-") * 2
    assert len(sizes) == (500 if split == "validation" else 1000)
    assert int(least) <= min(sizes) <= max(sizes) <= int(most)
    assert set("".join(str(atoms.symbols) for atoms in splits[split])) <= set("HCNOF0123456789")


def test_no_molecule_is_in_two_splits_and_no_string_of_a_test_molecule_was_trained_on(splits):
    everyone = [atoms.info["index"] for molecules in splits.values() for atoms in molecules]
    assert len(set(everyone)) == len(everyone) == 5500
    known = {atoms.info["smiles"] for atoms in splits["train"]}
    assert [sum(atoms.info["smiles"] in known for atoms in splits[name]) for name in qm9.SPLITS[1:]] == [0] * 5


def test_molecules_are_whole(splits):
    for atoms in splits["5-18"][:50]:
        distance = atoms.get_all_distances() + 9 * np.eye(len(atoms))
        assert (distance.min(axis=1) < 1.7).all()
        assert distance.min() > 0.9
        assert atoms.info["smiles"]


def test_the_wheel_is_read_without_installing_it_and_extended_xyz_is_too(wheel, tmp_path):
    some = list(qm9.read(wheel))
    assert [str(atoms.symbols) for atoms in some] == ["CH4"] * 3
    assert some[0].positions[4] == pytest.approx([-0.52, 1.43, 0.9])
    assert some[0].info == {"index": 1, "smiles": "C"}
    write(tmp_path / "own.xyz", [molecule("H2O"), molecule("CH3OH")], format="extxyz")
    assert [len(atoms) for atoms in qm9.read(tmp_path / "own.xyz")] == [3, 6]


def test_a_wheel_that_is_broken_says_how_to_fetch_it_again(wheel, tmp_path):
    whole = wheel.read_bytes()
    for content in (whole[:300], whole[:90] + bytes(20) + whole[110:], pickle.dumps([1])):
        wheel.write_bytes(content)
        with pytest.raises(ValueError, match=r"cut off or another file.*pip download qm9pack==1\.0\.3"):
            list(qm9.read(wheel))
    with zipfile.ZipFile(wheel, "w") as archive:
        for table in qm9.TABLES:
            archive.writestr(table, HEAD)
    with pytest.raises(ValueError, match=r"small\.whl holds no molecules: fetch it again"):
        list(qm9.read(wheel))
    with pytest.raises(FileNotFoundError, match="pip download"):
        qm9.read(tmp_path / "nowhere.xyz")
    with pytest.raises(ValueError, match=r"no split '20'.*25-29"):
        qm9.load("20")


def test_the_draw_is_seeded_and_its_parts_do_not_overlap():
    sizes = np.repeat(np.arange(1, 30), 400)
    parts, again, other = script.draw(sizes, 0), script.draw(sizes, 0), script.draw(sizes, 1)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)
    assert not np.array_equal(parts["train"], other["train"])
    assert len(np.unique(np.concatenate(list(parts.values())))) == sum(map(len, parts.values()))
    assert sizes[parts["train"]].max() <= 18
    assert set(sizes[parts["23"]]) == {23}


def test_what_is_packed_comes_back(tmp_path):
    some = [Atoms("CH", [[0, 0, 0], [0, 0, 1.1]], info={"index": 7, "smiles": "[CH]"})]
    arrays = {f"{split}_{name}": array for split in qm9.SPLITS for name, array in script.packed(some).items()}
    np.savez(tmp_path / qm9.SUBSET, **arrays)
    sign(tmp_path / qm9.SUBSET)
    (back,) = qm9.load("19", data=tmp_path)
    assert str(back.symbols) == "CH"
    assert back.positions[1, 2] == pytest.approx(1.1)
    assert back.info == {"index": 7, "smiles": "[CH]"}


def test_the_script_takes_the_wheel_that_its_sources_name_only(wheel, tmp_path, monkeypatch):
    text = (qm9.DATA / "SOURCES.md").read_text()
    assert qm9.SHA256 in text
    assert "Copyright (c) 2024 Raghu" in text
    with pytest.raises(SystemExit, match="SHA-256"):
        script.checked(wheel)
    with pytest.raises(SystemExit, match="pip download"):
        script.checked(tmp_path / "nowhere.whl")
    monkeypatch.setattr(qm9, "SHA256", script.hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert script.checked(wheel) == wheel
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(script.LICENCE, "All rights reserved")
    monkeypatch.setattr(qm9, "SHA256", script.hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(SystemExit, match="licence"):
        script.checked(wheel)
