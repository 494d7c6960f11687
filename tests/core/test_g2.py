import numpy as np
import pytest

from tutorial_lib.datasets import g2


def test_there_are_148_molecules_of_two_to_fourteen_atoms_and_fourteen_elements():
    molecules = g2.molecules()
    sizes = [len(atoms) for atoms in molecules]
    assert (len(molecules), min(sizes), max(sizes)) == (148, 2, g2.LARGEST)
    assert len({atoms.info["name"] for atoms in molecules}) == 148
    assert g2.elements(molecules)[:2] == ("H", "C")
    assert len(g2.elements(molecules)) == 14


@pytest.mark.parametrize(
    ("name", "kcal"),  # without the motion of nuclei; A. Karton et al., J. Chem. Phys. 125, 144108 (2006)
    [("CH4", 420.4), ("H2O", 233.0), ("N2", 228.5), ("CO", 259.7), ("HF", 141.6), ("C6H6", 1368.1)],
)
def test_energies_are_those_of_atomisation(name, kcal):
    (atoms,) = [atoms for atoms in g2.molecules() if atoms.info["name"] == name]
    assert atoms.info["energy"] * len(atoms) == pytest.approx(-kcal * 0.0433641, abs=0.1)


def test_the_split_keeps_rare_elements_among_the_seen_ones_and_is_always_the_same():
    seen, unseen = g2.split(0)
    names = [{atoms.info["name"] for atoms in part} for part in (seen, unseen)]
    assert [len(part) for part in names] == [118, 30]
    assert not names[0] & names[1]
    assert set(g2.elements(unseen)) <= set(g2.elements(seen))
    assert "Be" in g2.elements(seen)
    again = g2.split(0)[1]
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(unseen, again, strict=True))
    assert names[1] != {atoms.info["name"] for atoms in g2.split(1)[1]}
