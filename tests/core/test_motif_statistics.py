import math

import pytest
import torch

from tutorial_lib import metrics

TETRAHEDRON = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5


@pytest.fixture
def perfect():
    """A tetrahedron of bonds of 2.35 A, and four atoms at 3.9 A behind its faces."""
    return torch.cat([2.35 * TETRAHEDRON, -3.9 * TETRAHEDRON])[None]


def test_distances_are_sorted_and_right(perfect):
    torch.testing.assert_close(metrics.centre_distances(perfect.flip(1)), torch.tensor([[2.35] * 4 + [3.9] * 4]))
    assert metrics.pair_distances(perfect).shape == (1, 28)
    assert metrics.pair_distances(perfect)[0, 0].item() == pytest.approx((perfect[0, 0] - perfect[0, 5]).norm())


def test_a_perfect_tetrahedron_has_six_angles_of_109_degrees_and_none_sees_pose_or_order(
    perfect, motifs_of_cell, generator
):
    shuffled = perfect[:, torch.randperm(8, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(metrics.bond_angles(shuffled), torch.full((1, 6), 109.4712), atol=1e-3, rtol=0)
    q, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator))
    same = (motifs_of_cell @ q.mT)[:, torch.randperm(8, generator=generator)]
    here, there = (metrics.bond_angles(x).sort(1).values for x in (motifs_of_cell, same))
    torch.testing.assert_close(there, here, atol=0.05, rtol=1e-3)


@pytest.mark.parametrize(
    ("atom", "place"),
    [(7, (0.0, 0.0, 4.06)), (7, (0.0, 0.0, 2.09)), (7, (1.36 + 1.1, 1.36, 1.36))],
    ids=["too far", "too close to the centre", "too close to an atom"],
)
def test_real_motifs_are_valid_and_one_with_an_atom_out_of_place_is_not(perfect, motifs_of_cell, atom, place):
    assert metrics.validity(motifs_of_cell).float().mean() > 0.99
    assert metrics.validity(perfect).item()
    perfect[0, atom] = torch.tensor(place)
    assert not metrics.validity(perfect).item()


def test_wasserstein_is_a_shift_for_shifted_samples():
    sample = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    assert metrics.wasserstein(sample + 0.7, sample) == pytest.approx(0.7, rel=1e-5)


def test_coverage_rewards_variety_and_novelty_distance(motifs_of_cell, perfect, generator):
    half, other = motifs_of_cell[::2], motifs_of_cell[1::2]
    assert metrics.coverage(half, other) > 0.9
    assert metrics.coverage(half[:1].expand(200, -1, -1), other) < 0.1
    assert metrics.novelty(half[:50], half) == 0
    assert 0.3 < metrics.novelty(other, half) < 0.7
    assert metrics.novelty(5 * torch.randn(50, 8, 3, generator=generator), half) == 1
    # Covered is within the fifth neighbour, and novel beyond the first.
    real = torch.cat([perfect * (1 + 0.01 * step) for step in range(10)])
    assert metrics.coverage(perfect * (1 - 0.045), real) == pytest.approx(0.1)
    assert metrics.coverage(perfect * (1 - 0.055), real) == 0
    assert metrics.novelty(perfect * (1 - 0.009), real) == 0
    assert metrics.novelty(perfect * (1 - 0.011), real) == 1


def test_a_comparison_prints_each_score_beside_its_floor(motifs_of_cell):
    real, training = motifs_of_cell[::2], motifs_of_cell[1::2]
    good = metrics.compare(training, real, training)
    bad = metrics.compare(1.2 * training, real, training)
    for name in ("W_r (A)", "W_dij (A)"):
        assert good.score[name] < 2 * good.floor[name] < bad.score[name]
    assert bad.score["valid (share)"] < 0.05 < good.score["valid (share)"]
    lines = str(bad).splitlines()
    assert "generated" in lines[0]
    assert "floor" in lines[0]
    assert len(lines) == 1 + len(bad.floor)


def test_too_few_atoms_motifs_or_numbers_are_refused(perfect, motifs_of_cell):
    for statistic in (metrics.centre_distances, metrics.bond_angles, metrics.validity, metrics.descriptor):
        with pytest.raises(ValueError, match=r"must be \(motifs\+, atoms\+, 3\)"):
            statistic(torch.zeros(0, 8, 3))
        with pytest.raises(ValueError, match="NaN or infinity"):
            statistic(perfect * torch.nan)
    with pytest.raises(ValueError, match="n_atoms must be a whole number, 4 at least, and 3 arrived"):
        metrics.bond_angles(perfect[:, :3])
    with pytest.raises(ValueError, match="n_real must be a whole number, 6 at least, and 5 arrived"):
        metrics.coverage(motifs_of_cell, motifs_of_cell[:5])
    with pytest.raises(ValueError, match="n_training must be a whole number, 2 at least, and 1 arrived"):
        metrics.novelty(motifs_of_cell, motifs_of_cell[:1])
    with pytest.raises(ValueError, match="a sample is empty"):
        metrics.wasserstein(torch.zeros(0), torch.ones(3))


@pytest.mark.parametrize("degrees", [0, 0.01, 179.99, 180])
def test_angles_near_a_straight_line_are_exact_in_single_precision(generator, degrees):
    x = torch.randn(100, 4, 3, generator=generator, dtype=torch.float64)
    across = torch.linalg.cross(x[:, 0], x[:, 2])
    across *= (x[:, 0].norm(dim=1) / across.norm(dim=1))[:, None]
    x[:, 1] = 1.5 * (math.cos(math.radians(degrees)) * x[:, 0] + math.sin(math.radians(degrees)) * across)
    found = metrics.bond_angles(x.float())
    assert (found - degrees).abs().amin(dim=1).max() < 2e-5
