import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, graphene, molecule, nanotube
from ase.neighborlist import neighbor_list

from tutorial_lib.representations import nearest_neighbours, neighbour_pairs


def test_crystal_has_four_bonds_and_twelve_second_neighbours():
    crystal = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    distance = nearest_neighbours(crystal, n_neighbours=16, cutoff=4.0).positions.norm(dim=-1)
    bond, second = 5.431 * 3**0.5 / 4, 5.431 / 2**0.5
    torch.testing.assert_close(distance, torch.tensor([bond] * 4 + [second] * 12).expand(64, 16))


def test_environments_do_see_a_strain(cell, motifs_of_cell):
    strained = cell.copy()
    strained.set_cell(cell.cell.array * 0.98, scale_atoms=True)
    nearest, before = (x.norm(dim=-1)[:400, 0] for x in (nearest_neighbours(strained).positions, motifs_of_cell))
    assert (nearest - before).abs().max() > 0.01


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


def test_a_cluster_needs_no_cell_and_what_is_far_apart_is_no_neighbour():
    cluster = Atoms("Si3", [[0, 0, 0], [2.3, 0, 0], [0, 2.4, 0]])
    assert nearest_neighbours(cluster, n_neighbours=2).positions.shape == (3, 2, 3)
    far = Atoms("Si4", [[0, 0, 0], [2, 0, 0], [1e6, 0, 0], [1e6, 0, 2]])
    assert neighbour_pairs(far, 4.0)[0].tolist() == [0, 1, 2, 3]
    assert len(neighbour_pairs(molecule("H2O"), 1e-12)[0]) == 0


def test_the_advice_for_a_small_cell_works_and_options_that_leave_no_cloud_are_refused(cell):
    crystal = bulk("Si", "diamond", a=5.431)
    with pytest.raises(ValueError, match=r"atoms\.repeat\(\(3, 3, 3\)\)"):
        nearest_neighbours(crystal)
    assert len(nearest_neighbours(crystal.repeat((3, 3, 3)))) == 54
    for options, message in [
        ({"n_neighbours": 0}, "n_neighbours must be a whole number, 1 at least, and 0"),
        ({"cutoff": -1.0}, r"cut-off is -1\.0 A: it must be above 0"),
        ({"cutoff": float("nan")}, "cut-off is nan A"),
        ({"n_neighbours": 40}, "raise the cutoff or lower n_neighbours"),
    ]:
        with pytest.raises(ValueError, match=message):
            nearest_neighbours(cell, **options)


def pair_in(*lengths):
    return Atoms("Si2", [[0, 0, 0], [2, 0, 0]], cell=np.diag(lengths), pbc=True)


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([], ValueError, "no cell was given"),
        ("test", TypeError, r"a str arrived: silicon\.load_amorphous"),
        (Atoms(), ValueError, "cell 0: it holds no atoms"),
        ([bulk("Si").repeat(3), Atoms("Si2", [[0, 0, 0], [0, np.nan, 0]])], ValueError, "cell 1: .*atom 1 is not fin"),
        (Atoms("Si", pbc=True), ValueError, "no volume"),
        (bulk("Si", a=5.431, cubic=True), ValueError, r"5\.43 A wide.*needs 8 A.*atoms\.repeat\(\(2, 2, 2\)\)"),
        (graphene(size=(3, 3, 1)), ValueError, r"6\.39 A wide.*needs 8 A.*atoms\.repeat\(\(2, 2, 1\)\)"),
        (pair_in(1e6, 10, 10), ValueError, r"1e\+06 A long and 10 A wide.*cut it into pieces"),
        (pair_in(3e3, 3e3, 10), ValueError, "3000 A long and 10 A wide"),
        (pair_in(np.inf, 10, 10), ValueError, "cell is not finite, or too large"),
        (pair_in(np.nan, 10, 10), ValueError, "cell is not finite, or too large"),
        (pair_in(1e300, 10, 10), ValueError, "cell is not finite, or too large"),
    ],
)
def test_cells_that_cannot_be_searched_are_refused_in_words(cells, error, message):
    with pytest.raises(error, match=message):
        nearest_neighbours(cells)


TILTED = Atoms("Si2", [[0, 0, 0], [1.5, 1.5, 1.0]], cell=[[9, 0, 0], [1, 9, 0], [8, 8, 1]], pbc=[True, True, False])


@pytest.mark.parametrize(
    ("atoms", "n_pairs"),
    [
        (graphene(size=(6, 6, 1)), 864),
        (fcc111("Cu", (4, 4, 3)), 480),
        (nanotube(5, 5, length=4), 960),
        (TILTED, 2),
        (TILTED.repeat((3, 2, 1)), 12),
    ],
    ids=["a sheet", "a slab without vacuum", "a tube", "a tilted free axis", "the same repeated"],
)
def test_sheets_slabs_and_tubes_have_the_pairs_of_ase(atoms, n_pairs):
    assert len(neighbour_pairs(atoms, 3.0)[0]) == n_pairs == len(neighbor_list("i", atoms, 3.0))


@pytest.mark.parametrize("scaled", [[1 / 3, 1 / 3, 0.2], [0.3333, 0.3333, 0.2], [4 / 3, 1 / 3, -0.8]])
def test_two_atoms_almost_at_one_place_are_refused(scaled):
    cell = [[10, 0, 0], [3.1, 9.7, 0], [-2.3, 1.9, 10.3]]
    atoms = Atoms("Si3", scaled_positions=[[1 / 3, 1 / 3, 0.2], scaled, [0.7, 0.7, 0.7]], cell=cell, pbc=True)
    with pytest.raises(ValueError, match="atoms 0 and 1 stand at one place"):
        neighbour_pairs(atoms, 4.0)


@pytest.mark.parametrize("cutoff", [20.0, 1e5, 1e300])
def test_a_cutoff_beyond_a_molecule_sees_all_of_it(cutoff):
    benzene = molecule("C6H6")
    first, second, distance, vector = neighbour_pairs(benzene, cutoff)
    assert sorted(zip(first, second, strict=True)) == [(i, j) for i in range(12) for j in range(12) if i != j]
    np.testing.assert_allclose(vector, benzene.positions[second] - benzene.positions[first], atol=1e-12)
    assert (distance[1:] >= distance[:-1])[first[1:] == first[:-1]].all()


def random_cell(rng):
    """A triclinic cell of either hand: a bulk, slab, tube, cluster, or one with atoms one lattice vector apart."""
    pbc = rng.random(3) < 0.6
    cell = rng.uniform(9.0, 13.0) * (np.eye(3) + rng.uniform(-0.25, 0.25, (3, 3)))
    cell[~pbc] *= rng.choice([0.0, 0.3, 1.0, 3.0], size=(3 - pbc.sum(), 1))  # what ASE builds without vacuum, and more
    cell = cell * rng.choice([-1, 1], size=(3, 1))
    frame = np.where(pbc[:, None], cell, rng.uniform(3.0, 12.0, 3)[:, None] * np.eye(3))
    positions = rng.uniform(-0.5, 1.5, (int(rng.integers(1, 25)), 3)) @ frame
    if rng.random() < 0.02:
        positions = np.concatenate([positions, positions[:1] + rng.integers(-1, 2, 3) * pbc @ cell])
    atoms = Atoms(f"Si{len(positions)}", positions, cell=cell, pbc=pbc)
    atoms.rotate(rng.uniform(0, 360), rng.normal(size=3), rotate_cell=True)
    return atoms, rng.uniform(1.0, 4.0)


def test_random_cells_have_the_pairs_of_ase_or_are_refused_for_a_listed_reason():
    rng, refused = np.random.default_rng(0), []
    for _ in range(400):
        atoms, cutoff = random_cell(rng)
        try:
            first, second, distance, vector = neighbour_pairs(atoms, cutoff)
        except ValueError as error:
            refused.append(str(error))
            continue
        by_ase = neighbor_list("ijdD", atoms, cutoff)
        assert len(first) == len(by_ase[0])
        ours, theirs = (
            np.lexsort((rows[1], rows[2].round(6), rows[0])) for rows in ((first, second, distance), by_ase)
        )
        for mine, other in zip((first, second, distance, vector), by_ase, strict=True):
            np.testing.assert_allclose(mine[ours], other[theirs], atol=1e-9)
    assert len(refused) <= 20, refused
    assert all("at one place" in reason or "A wide, and a cut-off" in reason for reason in refused), refused
