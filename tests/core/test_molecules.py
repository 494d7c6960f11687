import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from ase.cluster import Icosahedron
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from tutorial_lib.datasets import isomers
from tutorial_lib.representations import molecules


@pytest.fixture(scope="module")
def benzene():
    return molecule("C6H6")


def test_isomers_are_the_same_atoms_bonded_in_five_ways():
    found = isomers.molecules()
    assert {atoms.get_chemical_formula() for atoms in found.values()} == {"C4H6"}
    strings = ["C=CC=C", "CC#CC", "C=C1CC1", "C1C2CC12", "C1=CCC1"]
    assert [molecules.smiles(atoms) for atoms in found.values()] == strings
    assert all(np.abs(atoms.positions.mean(axis=0)).max() < 1e-12 for atoms in found.values())


def test_benzene_has_its_textbook_string_graph_and_fingerprint(benzene):
    assert molecules.smiles(benzene) == "c1ccccc1"
    graph = molecules.bond_graph(benzene)
    assert (graph == 1.5).sum() == 12, "six aromatic bonds, each twice"
    assert (graph == 1).sum() == 12, "six bonds to hydrogen"
    np.testing.assert_array_equal(graph, graph.T)
    assert np.unpackbits(molecules.fingerprint(benzene)).sum() == 3, "one atom, one arc, one longer arc"
    assert molecules.fingerprint(benzene, n_bits=1024).shape == (128,)


@pytest.mark.parametrize("text", ["N=CN", "C=N", "CC=NC", "CC(C)=N", "N=N", "CC=NO", "OC=N", "CC=CC", "CC(O)F", "CCO"])
def test_strings_and_bits_are_those_of_rdkit_in_any_pose_and_order_and_shape_of_a_double_bond(text, generator):
    atoms = molecules.from_smiles(text)
    turned = atoms[torch.randperm(len(atoms), generator=generator).tolist()]
    turned.rotate(50, (1, 2, 3))
    bits = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048).GetFingerprint(Chem.MolFromSmiles(text))
    for one in (atoms, turned):
        assert molecules.smiles(one) == Chem.CanonSmiles(text)
        assert np.flatnonzero(np.unpackbits(molecules.fingerprint(one))).tolist() == list(bits.GetOnBits())


def test_an_image_shows_every_atom_once_with_rows_along_y_and_forgets_depth(benzene):
    picture = molecules.image(benzene)
    assert picture.dtype == np.float32
    area = (8.0 / 63) ** 2 / (2 * np.pi * 0.3**2)
    assert picture.sum() * area == pytest.approx(benzene.numbers.sum(), rel=1e-3)
    deeper, turned = benzene.copy(), benzene.copy()
    deeper.positions[:, 2] *= 3
    np.testing.assert_allclose(molecules.image(deeper), picture)
    turned.rotate(40, "y")
    assert np.abs(molecules.image(turned) - picture).max() > 1
    pair = molecules.image(Atoms("CH", [[0, 0, 0], [3, 0, 0]]))
    assert pair[32].argmax() < 32, "carbon is left of the centroid"
    assert pair.sum(axis=1).argmax() in (31, 32)


@pytest.mark.parametrize("write_down", [molecules.smiles, molecules.bond_graph, molecules.fingerprint])
def test_what_chemistry_cannot_bond_is_refused(write_down, capfd):
    for strange in (Icosahedron("Cu", 2), molecule("CH3"), molecule("NaCl")):
        with pytest.raises(ValueError, match="no valences fit"):
            write_down(strange)
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="no atoms"):
        molecules.image(Atoms())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, r"2 molecules.*one at a time") for text in ("O.O", "[Na+].[Cl-]", "CCO.c1ccccc1")),
        *((text, "no element") for text in ("*C", "C*", "[*]", "C[*:1]")),
        ("OC1C2CC11OCC1C2", "no shape was found for 'OC1C2CC11OCC1C2': try a smaller molecule"),
        *((text, "no SMILES that RDKit can read") for text in ("C(", "C1CC", "not a molecule", "")),
    ],
)
def test_a_string_that_is_of_no_molecule_with_a_shape_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        molecules.from_smiles(text)


def test_rattled_copies_are_labelled_and_displaced_by_the_noise(generator):
    still = list(isomers.molecules().values())
    x, label = isomers.rattled(still, 200, 0.2, generator)
    assert x.shape == (1000, 10, 3)
    assert torch.bincount(label).tolist() == [200] * 5
    moved = x - torch.tensor(np.stack([atoms.positions for atoms in still]), dtype=x.dtype)[label]
    assert moved.std().item() == pytest.approx(0.2, rel=0.02)
    for names in ([], ["H2O", "C6H6"]):
        with pytest.raises(ValueError, match="of one size"):
            isomers.rattled([molecule(name) for name in names], 2, 0.1, generator)


BONDS = {  # angstrom, measured in the gas: K. P. Huber, G. Herzberg (1979), CRC Handbook of Chemistry and Physics
    "[H][H]": {"HH": 0.741}, "N#N": {"NN": 1.098}, "O=O": {"OO": 1.208}, "FF": {"FF": 1.412}, "O": {"HO": 0.958},
    "O=C=O": {"CO": 1.162}, "S=C=S": {"CS": 1.553}, "O=S=O": {"OS": 1.431}, "C=O": {"CO": 1.205, "CH": 1.111},
    "C#C": {"CC": 1.203, "CH": 1.063}, "OO": {"HO": 0.950, "OO": 1.475},
}  # fmt: skip


def test_a_molecule_shows_its_broad_side_and_is_not_its_mirror_image():
    x, y, z = molecules.from_smiles("CC(=O)Oc1ccccc1C(=O)O").positions.T
    assert x.std() > (y + z).std() / 2**0.5 > 2 * (z - y).std() / 2**0.5
    chirality = []
    for text in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"):
        methyl, centre, amine, acid = molecules.from_smiles(text).positions[:4]
        chirality.append(np.linalg.det(np.stack([methyl, amine, acid]) - centre))
    assert chirality[1] < -1 < 1 < chirality[0], "seen from the first, the others of @ go round anticlockwise"


@pytest.mark.parametrize("text", BONDS)
def test_small_molecules_have_the_bonds_that_are_measured(text):
    atoms = molecules.from_smiles(text)
    plain = Chem.AddHs(Chem.MolFromSmiles(text))
    for bond in plain.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        assert [atoms.symbols[k] for k in (i, j)] == [plain.GetAtomWithIdx(k).GetSymbol() for k in (i, j)]
        expected = BONDS[text]["".join(sorted(atoms.symbols[[i, j]]))]
        assert atoms.get_distance(i, j) == pytest.approx(expected, abs=0.05)
    assert np.ptp(atoms.positions[:, 0]) >= np.ptp(atoms.positions[:, 1]) - 1e-6, "widest along x"


@pytest.mark.parametrize(
    ("text", "pair", "least", "most"),
    [
        ("C#CC#C", (1, 2), 1.33, 1.43), ("N#CC#N", (1, 2), 1.34, 1.44), ("CN=C=S", (2, 3), 1.52, 1.62),
        ("[N-]=[N+]=O", (1, 2), 1.14, 1.24), ("O=S(=O)=O", (0, 1), 1.34, 1.50), ("C[Hg]C", (0, 1), 2.0, 2.2),
    ],
)  # fmt: skip
def test_a_bond_of_which_the_force_field_knows_nothing_has_a_length_of_its_order(text, pair, least, most):
    assert least < molecules.from_smiles(text).get_distance(*pair) < most


@pytest.mark.parametrize(
    ("text", "shortest"), [("CC12N=CN3C(C13)C2=O", 1.09), ("COC1=NC2CC3C2N13", 1.09), ("C12C3C4C1C5C2C3C45", 1.08)]
)
def test_a_cage_has_a_shape(text, shortest):
    atoms = molecules.from_smiles(text)
    distances = atoms.get_all_distances() + 9 * np.eye(len(atoms))
    assert distances.min() == pytest.approx(shortest, abs=0.05)
    assert (distances.min(axis=1) < 1.6).all()


def test_a_shape_with_nan_or_two_atoms_at_one_place_is_refused(monkeypatch):
    for spoilt in (np.nan, 0.0):

        def spoil(conformer, value=spoilt, **_):
            conformer.SetPositions(np.full((conformer.GetNumAtoms(), 3), value))

        monkeypatch.setattr(molecules.rdMolTransforms, "CanonicalizeConformer", spoil)
        with pytest.raises(ValueError, match="no shape was found for 'CCO'"):
            molecules.from_smiles("CCO")


@pytest.mark.parametrize("text", ["[He]", "[Na+]", "[OH-]", "[H]"])
def test_a_single_atom_or_ion_has_a_place(text):
    assert np.isfinite(molecules.from_smiles(text).positions).all()
