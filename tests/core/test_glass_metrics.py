import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces

from tutorial_lib import datasets, metrics


@pytest.fixture(scope="module")
def glass():
    return datasets.load_amorphous("validation")[0]


def gas(n=400, length=22.0):
    return Atoms(f"Si{n}", np.random.default_rng(0).uniform(0, length, (n, 3)), cell=np.eye(3) * length, pbc=True)


def test_diamond_has_two_rings_of_six_an_atom_and_a_glass_others(glass):
    assert metrics.rings_per_atom(datasets.crystal()).tolist() == [0, 0, 0, 2, 0, 0, 0]
    assert metrics.rings_per_atom(datasets.crystal(), longest=5).tolist() == [0, 0, 0]
    three, four, five, six, seven, *_ = metrics.rings_per_atom(glass)
    assert three + four < 0.05 < 0.3 < five < seven < six < 1.2


def test_the_structure_factor_of_a_gas_is_one_and_that_of_a_crystal_is_in_its_bragg_peaks(glass):
    q, of_gas = metrics.structure_factor(gas(2000, 40.0))
    assert np.diff(q) == pytest.approx(0.15)
    assert np.nanmean(of_gas[5:]) == pytest.approx(1, abs=0.05)
    crystal = datasets.crystal()
    q, of_crystal = metrics.structure_factor(crystal)
    first = 2 * np.pi / 5.431 * 3**0.5  # the (111) reflection of diamond
    assert q[np.nonzero(of_crystal > 1)[0][0]] == pytest.approx(first, abs=0.08)
    assert np.nansum(of_crystal[q < 1.8]) < 1e-20
    _, of_glass = metrics.structure_factor(glass)
    assert of_glass[0] < 0.05
    assert of_glass.max() < 3


def test_the_strongest_wave_tells_a_crystal_that_fills_a_third_of_the_cell_from_a_glass(glass):
    crystal = datasets.crystal()
    assert metrics.strongest_wave(crystal) == pytest.approx(len(crystal))
    assert 5 < metrics.strongest_wave(glass) < 25
    assert metrics.strongest_wave(glass) > np.nanmax(metrics.structure_factor(glass)[1])
    lengths = crystal.cell.lengths()[0], glass.cell.lengths()[0]
    half = crystal[crystal.positions[:, 2] < 0.4 * lengths[0]]
    half.positions *= lengths[1] / lengths[0]
    both = glass[glass.positions[:, 2] >= 0.4 * lengths[1]] + half
    assert metrics.strongest_wave(both) > 35
    with pytest.raises(ValueError, match=r"no wave up to 0\.1 per A fits into the cell"):
        metrics.strongest_wave(glass, q_max=0.1)


def test_the_structure_factor_does_not_depend_on_the_cell_that_is_chosen_but_on_the_positions(glass):
    skewed = glass.copy()
    skewed.set_cell(glass.cell.array @ np.eye(3) + np.outer([0, 1, 0], glass.cell.array[0]), scale_atoms=False)
    assert np.allclose(*(metrics.structure_factor(a)[1] for a in (glass, skewed)))
    moved = glass.copy()
    moved.rattle(0.3, seed=0)
    assert not np.allclose(*(metrics.structure_factor(a)[1] for a in (glass, moved)), atol=0.01)


def test_the_energy_of_a_cell_has_its_forces_and_is_that_of_the_crystal_at_least(glass):
    atoms = bulk("Si", "diamond", a=5.43, cubic=True).repeat(2)
    atoms.rattle(0.1, seed=0)
    atoms.calc = metrics.StillingerWeber()
    theirs = calculate_numerical_forces(atoms, 1e-4, iatoms=[0, 7])
    assert atoms.get_forces()[[0, 7]] == pytest.approx(theirs, abs=1e-6)
    assert metrics.energy_above_crystal(datasets.crystal()) == 0
    assert metrics.energy_above_crystal(glass) == pytest.approx(0.225, abs=0.005)


def test_a_minimum_is_lower_and_a_crystal_comes_back_from_a_rattle(glass):
    crystal = datasets.crystal()
    crystal.rattle(0.1, seed=0)
    before = metrics.energy_above_crystal(crystal)
    assert before > 0.1
    assert abs(metrics.energy_above_crystal(metrics.minimised(crystal))) < 1e-4
    assert metrics.energy_above_crystal(crystal) == before
    assert metrics.energy_above_crystal(metrics.minimised(glass)) == pytest.approx(0.225, abs=0.005)


def test_the_minimum_of_a_gas_is_no_glass_but_better_than_it_looks():
    relaxed = metrics.minimised(gas(), steps=100)
    assert metrics.network_quality(relaxed).four_fold > 0.6


@pytest.mark.parametrize("measure", [metrics.rings_per_atom, metrics.structure_factor, metrics.energy_above_crystal])
def test_cells_that_have_no_bulk_are_refused(measure):
    atoms = gas(60, 11.0)
    atoms.pbc = False
    with pytest.raises(ValueError, match="not periodic in all directions"):
        measure(atoms)


@pytest.mark.parametrize("use", [metrics.energy_above_crystal, metrics.minimised])
def test_the_potential_is_for_silicon_in_cells_that_are_wide_enough(use):
    with pytest.raises(ValueError, match="the potential is silicon's, and the cell holds Ge"):
        use(bulk("Ge", "diamond", a=5.66, cubic=True).repeat(2))
    with pytest.raises(ValueError, match="Repeat it"):
        use(bulk("Si", "diamond", a=5.43, cubic=True))
