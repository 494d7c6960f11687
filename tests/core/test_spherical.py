import math

import pytest
import torch
from torch import Generator

from tutorial_lib.models import spherical
from tutorial_lib.models.equivariant import representation
from tutorial_lib.representations import random_orthogonal

LMAX = 3


def draw(*shape):
    return torch.randn(*shape, generator=Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.fixture
def turn():
    """An orthogonal matrix, and how it acts on the coefficients of a signal."""
    q = random_orthogonal(Generator().manual_seed(1))
    irreps = " + ".join(f"{degree}{'eo'[degree % 2]}" for degree in range(LMAX + 1))
    return q, representation(irreps, q)


def turned(signals, D):
    return torch.einsum("ij,jpc->ipc", D, signals)


def test_weights_of_the_quadrature_integrate_polynomials_of_their_degree_and_no_higher():
    directions, weights = spherical.quadrature(4)
    x, y, z = directions.T
    means = [(weights * values).sum().item() for values in (x**0, x**2, x**2 * y**2, y**4, x * y * z)]
    assert means == pytest.approx([1, 1 / 3, 1 / 15, 1 / 5, 0])
    assert (weights * z**10).sum().item() != pytest.approx(1 / 11, rel=1e-3)
    directions, weights = spherical.quadrature(2 * LMAX)
    values = spherical.harmonics(LMAX, directions)  # orthonormal
    assert torch.allclose(values.mT @ (weights[:, None] * values), torch.eye(16, dtype=torch.float64), atol=1e-12)


def test_a_soft_harmonic_fades_at_the_centre_and_is_the_usual_one_far_away():
    far, centre = 1e6 * draw(5, 3), torch.zeros(1, 3, dtype=torch.float64)
    assert torch.allclose(spherical.harmonics(LMAX, far, softness=0.1), spherical.harmonics(LMAX, far), atol=1e-9)
    soft = spherical.harmonics(LMAX, centre, softness=0.1)[0]
    assert soft[0] == 1
    assert (soft[1:] == 0).all()
    with pytest.raises(ValueError, match="length 0, and so no direction"):
        spherical.harmonics(LMAX, centre)


def test_a_product_has_the_product_of_the_values():
    # l = 1 times l = 1 has no part beyond l = 2, so nothing is cut off.
    one, other, at = draw(9, 1, 1), draw(9, 1, 1), draw(20, 3)
    one[4:] = other[4:] = 0
    value = spherical.harmonics(2, at)
    both = (value @ one[:, :, 0]) * (value @ other[:, :, 0])
    assert torch.allclose(value @ spherical.product(one, other)[:, :, 0], both)
    one, other = draw(16, 4, 2), draw(4, 4, 2)  # of different lmax: that of the higher one
    filled = torch.cat([other, torch.zeros(12, 4, 2, dtype=torch.float64)])
    assert torch.allclose(spherical.product(one, other), spherical.product(one, filled))
    assert torch.allclose(spherical.product(one, 3 * torch.ones(1, 4, 2, dtype=torch.float64)), 3 * one)


def test_products_mixtures_and_bends_turn_with_their_input(turn):
    _, D = turn
    one, other = draw(16, 5, 4), draw(16, 5, 4)
    bend, mix = spherical.EquivariantNonlinearity(4, LMAX).double(), spherical.EquivariantLinear(4, 6, LMAX).double()
    for name, parameter in [*bend.named_parameters(), *mix.named_parameters()]:
        if "bias" in name:
            torch.nn.init.ones_(parameter)  # as after training
    acted = [
        (spherical.product(turned(one, D), turned(other, D)), spherical.product(one, other)),
        (bend(turned(one, D)), bend(one)),
        (mix(turned(one, D)), mix(one)),
        (spherical.normalised(turned(one, D)), spherical.normalised(one)),
    ]
    for after, before in acted:
        assert torch.allclose(after, turned(before, D), atol=1e-10)
        assert not torch.allclose(after, before, atol=1e-2)


def test_normalising_all_l_together_leaves_forbidden_ones_at_rounding():
    signal = draw(16, 1, 4)
    signal[1:4] = 1e-7 * draw(3, 1, 4)  # what symmetry forbids, and rounding leaves
    assert spherical.normalised(signal)[1:4].abs().max() < 1e-6
    assert spherical.normalised(signal).square().mean().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("lmax", "apart"), [(2, 110), (4, 68), (6, 43)])
def test_two_directions_are_two_peaks_if_l_is_high_enough(lmax, apart):
    half = math.radians(apart / 2)
    two = torch.tensor([[math.sin(half), math.cos(half), 0.0], [-math.sin(half), math.cos(half), 0.0]])
    signal = spherical.harmonics(lmax, two).sum(dim=0)
    assert len(spherical.signal_peaks(signal)) == 2
    assert len(spherical.signal_peaks(spherical.harmonics(lmax - 1, two).sum(dim=0))) == 1
    (found,) = spherical.signal_peaks(spherical.harmonics(4, two[:1])[0])
    assert (found @ two[0]).item() > math.cos(math.radians(4))
    for signal in (torch.zeros(5), torch.full((9,), math.nan)):
        with pytest.raises(ValueError, match=r"\(lmax \+ 1\)\^2 finite coefficients"):
            spherical.signal_peaks(signal)


def test_a_field_turns_with_its_signal(turn):
    q, D = turn
    field, signals, places = spherical.OccupancyField(4, LMAX, 3.0).double(), draw(16, 2, 4), draw(30, 3)
    of = torch.arange(30) % 2
    before = field(signals, places, of)
    assert torch.allclose(field(turned(signals, D), places @ q.mT, of), before, atol=1e-10)
    assert not torch.allclose(field(signals, places @ q.mT, of), before, atol=1e-4)


def test_a_blob_is_one_at_its_point_and_knows_its_width():
    points, places = torch.tensor([[[0.0, 0, 0], [2, 0, 0]]]), torch.tensor([[[0.0, 0, 0], [0, 0.3, 0], [1.0, 0, 0]]])
    values = spherical.gaussian_targets(places, points, 0.3)[0]
    assert values.tolist() == pytest.approx([1, math.exp(-0.5), math.exp(-1 / 0.18)])


def test_occupancies_beyond_nought_and_one_are_refused():
    with pytest.raises(ValueError, match="between 0, empty, and 1, occupied"):
        spherical.excess_cross_entropy(torch.zeros(2), torch.tensor([0.5, 1.1]))
    with pytest.raises(ValueError, match="places must be a whole number, 1 at least"):
        spherical.excess_cross_entropy(torch.zeros(0), torch.zeros(0))


def test_places_to_train_on_are_near_the_points_around_them_and_anywhere():
    points, counts = torch.full((2, 3, 3), 1e3), torch.tensor([1, 2])
    points[0, 0], points[1, :2] = torch.tensor([1.0, 0, 0]), torch.tensor([[0.0, 1, 0], [0, -1, 0]])
    places = spherical.places_about(points, counts, Generator().manual_seed(0), width=0.1, radius=3.0, n=400)
    nearest = torch.cdist(places, points).amin(dim=2)
    assert (places.norm(dim=2) < 4).all(), "no place belongs to what only fills up"
    assert (nearest[:, :200] < 0.6).all()
    assert (nearest[:, 200:300] > 0.19).all()
    assert places[:, 300:].norm(dim=2).max() > 2.5


def gaussians(*points):
    """A field whose blobs stand at points, whatever the signal says."""

    def field(signals, places, of):
        return torch.logit(
            spherical.gaussian_targets(places[None], torch.tensor(points)[None], 0.2)[0].clamp(1e-6, 1 - 1e-6)
        )

    return field


def test_peaks_are_found_where_blobs_are_and_as_many():
    points = [[0.5, 0.0, 0.1], [-0.3, 0.7, 0.2], [0.0, -1.0, -0.9]]
    found, of = spherical.peaks(gaussians(*points), torch.zeros(1, 2, 1), width=0.2, radius=2.0)
    assert of.tolist() == [0, 0, 0, 1, 1, 1]
    for one in (found[:3], found[3:]):
        assert torch.cdist(torch.tensor(points), one).amin(dim=1).max() < 1e-3


def test_a_ring_has_no_peak_and_one_beyond_the_radius_or_below_one_half_is_deleted():
    near, far = [0.5, 0.0, 0.0], [2.1, 0.0, 0.0]
    found, _ = spherical.peaks(gaussians(near, far), torch.zeros(1, 1, 1), width=0.2, radius=2.0)
    assert len(found) == 1

    def weaker(signals, places, of):
        return gaussians(near)(signals, places, of).clamp(max=-0.1)

    def ring(signals, places, of):  # on which many ascents end
        apart = (places[:, :2].norm(dim=1) - 0.7).square() + places[:, 2].square()
        return torch.logit((-apart / 0.08).exp().clamp(1e-6, 1 - 1e-6))

    for field in (weaker, ring):
        assert len(spherical.peaks(field, torch.zeros(1, 1, 1), width=0.2, radius=2.0)[0]) == 0


def test_merging_does_not_depend_on_order_and_keeps_owners_apart():
    places = torch.tensor([[0.0, 0, 0], [0.2, 0, 0], [0.4, 0, 0], [5, 0, 0], [0, 0, 0]])
    of = torch.tensor([0, 0, 0, 0, 1])
    means, owners, group = spherical.merge(places, of, 0.25)
    assert means[owners.argsort(), 0].sort().values.tolist() == pytest.approx([0, 0.2, 5])
    assert owners.sort().values.tolist() == [0, 0, 1]
    assert group[0] == group[1] == group[2] != group[3]
    back = spherical.merge(places.flip(0), of.flip(0), 0.25)[0]
    assert torch.allclose(means.sort(dim=0).values, back.sort(dim=0).values)
    nothing = spherical.merge(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), 0.1)
    assert [len(part) for part in nothing] == [0, 0, 0]


def test_one_step_of_climbing_leads_to_the_middle_of_a_blob_and_no_farther_than_a_width():
    near, far = torch.tensor([[0.6, 0.05, 0.1]]), torch.tensor([[0.5, 0.6, 0.1]])
    field, nobody, first = gaussians([0.5, 0.0, 0.1]), torch.zeros(1, 1, 1), torch.zeros(1, dtype=torch.long)
    middle = spherical.climbed(field, nobody, near, first, width=0.2)
    assert torch.allclose(middle, torch.tensor([[0.5, 0.0, 0.1]]), atol=1e-5)
    step = spherical.climbed(field, nobody, far, first, width=0.2) - far
    assert step.norm().item() == pytest.approx(0.16, rel=1e-3)
