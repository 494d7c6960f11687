import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list

from tutorial_lib.environments import nearest_neighbours, neighbour_pairs


def sorted_distances(positions):
    return positions.norm(dim=-1).sort(dim=1).values


def test_pairs_agree_with_ase(cell):
    ours = neighbour_pairs(cell, 4.0)
    first, second, distance = neighbor_list("ijd", cell, 4.0)
    assert set(zip(ours[0], ours[1], strict=True)) == set(zip(first, second, strict=True))
    np.testing.assert_allclose(np.sort(ours[2]), np.sort(distance), atol=1e-10)


def test_vectors_point_from_the_first_atom_to_the_second(cell):
    first, second, distance, vector = neighbour_pairs(cell, 3.0)
    expected = cell.get_distances(first[0], second[:4], mic=True, vector=True)
    np.testing.assert_allclose(vector[:4], expected[: len(vector[:4])], atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1), distance, atol=1e-10)


def test_neighbours_come_nearest_first(motifs_of_cell):
    distance = motifs_of_cell.norm(dim=-1)
    assert (distance.diff(dim=1) >= 0).all()


def test_crystal_has_four_bonds_and_twelve_second_neighbours():
    crystal = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    distance = nearest_neighbours(crystal, n_neighbours=16, cutoff=4.0).positions.norm(dim=-1)
    bond, second = 5.431 * 3**0.5 / 4, 5.431 / 2**0.5
    torch.testing.assert_close(distance, torch.tensor([bond] * 4 + [second] * 12).expand(64, 16))


def test_environments_do_see_a_strain(cell, motifs_of_cell):
    strained = cell.copy()
    strained.set_cell(cell.cell.array * 0.98, scale_atoms=True)
    other = nearest_neighbours(strained).positions
    assert (sorted_distances(other)[:400, 0] - sorted_distances(motifs_of_cell)[:400, 0]).abs().max() > 0.01


def test_many_cells_are_the_cells_one_by_one(cell):
    turned = cell.copy()
    turned.rotate(30, "z", rotate_cell=True)
    both = nearest_neighbours([cell, turned])
    for index, one in enumerate((cell, turned)):
        alone = nearest_neighbours(one)
        assert torch.equal(both.positions[both.cell == index], alone.positions)
        assert torch.equal(both.atom[both.cell == index], alone.atom)


def test_atoms_with_too_few_neighbours_are_dropped_and_counted(cell):
    environments = nearest_neighbours(cell, n_neighbours=12)
    counts = np.bincount(neighbour_pairs(cell, 4.0)[0], minlength=512)
    assert environments.dropped == (counts < 12).sum() > 0
    assert len(environments) == (counts >= 12).sum()
    assert environments.positions.norm(dim=-1).min() > 1.5, "a padded neighbour sits at the origin"


def test_a_cluster_needs_no_cell():
    cluster = Atoms("Si3", [[0, 0, 0], [2.3, 0, 0], [0, 2.4, 0]])
    assert nearest_neighbours(cluster, n_neighbours=2).positions.shape == (3, 2, 3)


def test_positions_that_are_not_finite_are_refused(cell):
    broken = cell.copy()
    broken.positions[7, 1] = np.nan
    with pytest.raises(ValueError, match="cell 1: the position of atom 7 is not finite"):
        nearest_neighbours([cell, broken])


def test_empty_input_is_refused():
    with pytest.raises(ValueError, match="no cell was given"):
        nearest_neighbours([])
    with pytest.raises(ValueError, match="cell 0: it holds no atoms"):
        nearest_neighbours(Atoms())


def test_a_cell_too_small_for_the_cutoff_says_how_large_it_must_be():
    with pytest.raises(ValueError, match=r"5\.43 A wide.*needs 8 A.*atoms\.repeat\(\(2, 2, 2\)\)"):
        nearest_neighbours(bulk("Si", "diamond", a=5.431, cubic=True))


def test_the_advice_for_a_small_cell_works():
    crystal = bulk("Si", "diamond", a=5.431)
    with pytest.raises(ValueError, match=r"atoms\.repeat\(\(3, 3, 3\)\)"):
        nearest_neighbours(crystal)
    assert len(nearest_neighbours(crystal.repeat((3, 3, 3)))) == 54


def test_a_periodic_cell_without_volume_is_refused():
    with pytest.raises(ValueError, match="no volume"):
        nearest_neighbours(Atoms("Si", pbc=True))


def test_no_atom_with_enough_neighbours_is_an_error_with_a_way_out(cell):
    with pytest.raises(ValueError, match="raise the cutoff or lower n_neighbours"):
        nearest_neighbours(cell, n_neighbours=40)


@pytest.mark.parametrize("options", [{"n_neighbours": 0}, {"cutoff": -1.0}, {"cutoff": float("nan")}])
def test_nonsense_options_are_refused(cell, options):
    with pytest.raises(ValueError, match="both must be positive"):
        nearest_neighbours(cell, **options)


def test_something_else_than_cells_is_refused():
    with pytest.raises(TypeError, match=r"a str arrived: silicon\.load_amorphous"):
        nearest_neighbours("test")
