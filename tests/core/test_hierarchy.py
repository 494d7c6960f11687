import math

import pytest
import torch
from torch import Generator

from tutorial_lib.datasets import polycubes
from tutorial_lib.metrics import equivariance_error
from tutorial_lib.models import hierarchical
from tutorial_lib.models.equivariant import representation
from tutorial_lib.models.hierarchical import FLAT, TETRIS, HierarchicalAutoencoder, Level
from tutorial_lib.representations import random_orthogonal
from tutorial_lib.training import Recipe, train

NAMES, PIECES = polycubes.pieces()
FIVE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1]])
SIX = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 1, 1], [1, 1, 1]])
CLOUDS = [FIVE - FIVE.mean(dim=0), PIECES[5], SIX - SIX.mean(dim=0)]
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-9}  # processors round float32 differently


def learn(model, clouds, recipe):
    data = hierarchical.padded(clouds)
    return train(model, data, hierarchical.reconstruction_loss, recipe, device="cpu", progress=False)


def poolings(clouds, levels=TETRIS):
    return hierarchical.pooled(hierarchical.points_of(*hierarchical.padded(clouds)), levels)


@pytest.fixture(scope="module")
def trained():
    """A small model that has learnt two pieces."""
    model = HierarchicalAutoencoder(channels=12, seed=0)
    learn(model, [PIECES[5], PIECES[2]], Recipe(200, 2, 8e-3))
    return model


def test_padded_clouds_come_back_about_their_centroids_and_see_their_own_points_only():
    positions, counts = hierarchical.padded([cloud + 7 for cloud in CLOUDS])
    points = hierarchical.points_of(positions, counts)
    assert counts.tolist() == [5, 4, 6]
    for n, cloud in enumerate(CLOUDS):
        assert torch.allclose(points.positions[points.cloud == n], cloud, atol=1e-5)
    target, source = points.pairs()
    assert len(target) == 5 * 4 + 4 * 3 + 6 * 5
    assert (points.cloud[target] == points.cloud[source]).all()
    assert (target != source).all()


def test_a_square_is_gathered_into_its_four_bonds_and_not_torn():
    bonds, whole = poolings([PIECES[2]])
    assert len(bonds.centres.positions) == 4
    assert torch.allclose(bonds.centres.positions.norm(dim=1), torch.full((4,), 0.5))
    assert torch.bincount(bonds.member).tolist() == [2, 2, 2, 2]
    assert len(whole.centres.positions) == 1


def test_children_stand_about_their_centres_and_fill_up_with_what_is_far_away():
    bonds, whole = poolings(CLOUDS)
    children, counts = bonds.children()
    assert (counts == 2).all()
    assert torch.allclose(children.norm(dim=2), torch.full((len(counts), 2), 0.5))
    moved, _ = bonds.children(torch.tensor([[0.0, 0, 0.1]]).expand(len(counts), 3))
    assert torch.allclose(moved - children, torch.tensor([0, 0, -0.1]).expand_as(moved), atol=1e-6)
    children, counts = whole.children()
    assert counts.tolist() == [int((bonds.centres.cloud == n).sum()) for n in range(3)]
    assert children[1, counts[1] :].abs().amin() > 100


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("levels", [TETRIS, FLAT], ids=["two levels", "flat"])
def test_the_code_turns_with_the_cloud_and_does_not_see_where_it_is(dtype, levels):
    model = HierarchicalAutoencoder(levels, channels=8, seed=1).to(dtype)
    q = random_orthogonal(Generator().manual_seed(2), (), dtype)
    D = representation(str(model.latent_irreps), q)
    clouds = PIECES.to(dtype)
    error = equivariance_error(model, clouds, lambda x: x @ q.mT + 0.3, lambda z: z @ D.mT)
    assert error < TOLERANCE[dtype]
    assert equivariance_error(model, clouds, lambda x: x @ q.mT, lambda z: z) > 0.01


def test_a_code_is_that_of_its_cloud_in_any_numbering_and_whoever_is_beside_it():
    model = HierarchicalAutoencoder(channels=8, seed=1)
    for cloud, code in zip(CLOUDS, model.encode(CLOUDS), strict=True):
        assert torch.allclose(model.encode([cloud.roll(1, dims=0)])[0], code, atol=1e-5)


@pytest.mark.parametrize(("lmax", "inside"), [(3, 4), (5, 2)], ids=["lower", "higher than the signals inside"])
def test_the_irreps_of_the_code_are_as_asked(lmax, inside):
    model = HierarchicalAutoencoder(latent_lmax=lmax, latent_channels=5, lmax=inside, channels=4)
    assert str(model.latent_irreps) == "+".join(f"5x{n}{'eo'[n % 2]}" for n in range(lmax + 1))
    code = model.encode(PIECES)
    assert code.shape == (8, model.latent_irreps.dim)
    assert torch.equal(hierarchical.codes_of(model.signals_of(code)), code)


def test_what_comes_back_is_what_went_in_and_turns_with_its_code(trained):
    clouds = [PIECES[5], PIECES[2]]
    code = trained.encode(clouds)
    for found, true in zip(trained.decode(code), clouds, strict=True):
        assert hierarchical.worst_distance(found, true) < 0.1
    q = random_orthogonal(Generator().manual_seed(3), (), torch.float32)
    turned = trained.decode(code @ representation(str(trained.latent_irreps), q).mT)
    for found, there in zip(trained.decode(code), turned, strict=True):
        assert hierarchical.worst_distance(found @ q.mT, there) < 5e-3
        assert hierarchical.worst_distance(found, there) > 0.1
    assert hierarchical.exact(trained, [cloud + 3 for cloud in clouds]).tolist() == [True, True]
    assert not hierarchical.exact(trained, [PIECES[3]]).item()


def test_unfolding_tells_every_level_and_merges_what_is_found_twice(trained):
    bonds, cubes = trained.unfold(trained.encode(PIECES[5:6]))
    assert len(bonds.points.positions) == 3
    assert len(cubes.proposals) == 6
    assert len(cubes.points.positions) == 4
    assert torch.equal(cubes.parents.positions, bonds.points.positions)


def test_the_loss_is_zero_for_perfect_fields_and_has_a_term_a_level(trained):
    batch, generator = hierarchical.padded(CLOUDS), Generator().manual_seed(0)
    terms = hierarchical.reconstruction_loss(HierarchicalAutoencoder(channels=4), batch, generator)
    assert set(terms) == {"loss", "level 1", "level 2"}
    assert terms["loss"].item() == pytest.approx(sum(terms[f"level {k}"].item() for k in (1, 2)), rel=1e-5)
    learnt = hierarchical.reconstruction_loss(trained, hierarchical.padded([PIECES[5], PIECES[2]]), generator)
    assert 0 < learnt["loss"] < 0.02 < terms["loss"]


def test_training_again_with_the_same_seed_gives_the_same_model():
    models = [HierarchicalAutoencoder(channels=4, seed=3) for _ in range(2)]
    for model in models:
        learn(model, list(PIECES), Recipe(epochs=3, batch_size=4, seed=1))
    assert torch.equal(models[0].encode(PIECES), models[1].encode(PIECES))


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        (PIECES[0], r"cloud 0 must be \(points, 3\), and shape \(3,\)"),
        ([PIECES[0], torch.zeros(1, 3)], "cloud 1 has 1 points: there is nothing to encode"),
        ([torch.zeros(2, 3)], "two points of cloud 0 coincide"),
        ([torch.tensor([[0.0, 0, 0], [0.2, 0, 0], [1, 0, 0]])], "two points of cloud 0 are 0.20 apart"),
        ([PIECES[0] * math.nan], "points of cloud 0 hold NaN"),
        ([torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]])], "no neighbour within the pooling radius of 1.2"),
        ([], "clouds are"),
    ],
    ids=["one cloud", "one point", "coincident", "near", "nan", "lonely", "none"],
)
def test_clouds_and_levels_from_which_nothing_could_come_back_are_refused(clouds, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalAutoencoder(channels=4).encode(clouds)
    with pytest.raises(ValueError, match="the last level has to gather all points"):
        HierarchicalAutoencoder((Level(1.2, 0.2, 1.0),))


def test_a_code_without_peaks_decodes_to_an_empty_cloud_and_one_that_is_none_is_refused():
    model = HierarchicalAutoencoder(channels=4)  # untrained: most places are empty
    for code, message in (
        (torch.zeros(2, 49), r"codes must be \(N, 50\), and shape \(2, 49\)"),
        (torch.zeros(50), r"\(50,\)"),
        (torch.full((1, 50), math.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            model.decode(code)
    with pytest.warns(UserWarning, match="2 of 2 codes decode to no point at all"):
        clouds = model.decode(torch.zeros(2, 50))
    assert [tuple(cloud.shape) for cloud in clouds] == [(0, 3), (0, 3)]


def test_the_shipped_model_gives_back_shapes_that_it_has_never_seen():
    _, test = polycubes.held_out(0)
    model = hierarchical.trained_on_polycubes()
    assert hierarchical.exact(model, test[:8]).all()
    assert not hierarchical.exact(hierarchical.polycube_autoencoder(), test[:2]).any()


def test_worst_and_matched_distances_are_those_of_the_best_pairing():
    assert hierarchical.worst_distance(PIECES[0].flip(0), PIECES[0]) == pytest.approx(0, abs=1e-6)
    assert hierarchical.worst_distance(PIECES[0] + torch.tensor([0, 0.3, 0]), PIECES[0]) == pytest.approx(0.3, abs=1e-6)
    assert hierarchical.worst_distance(PIECES[0][:3], PIECES[0]) == math.inf
    assert hierarchical.worst_distance(torch.zeros(0, 3), torch.zeros(0, 3)) == 0
    assert hierarchical.matched_error(PIECES.flip(1), PIECES).max() < 1e-10
    assert hierarchical.matched_error(PIECES + 0.5, PIECES)[0].item() == pytest.approx(0.75)
    with pytest.raises(ValueError, match="at most six points"):
        hierarchical.matched_error(torch.zeros(1, 7, 3), torch.zeros(1, 7, 3))


def test_a_head_gives_a_pseudoscalar_and_scalars_and_slots_are_as_symmetric_as_the_piece():
    model = HierarchicalAutoencoder(channels=8, seed=1)
    head, mirror = hierarchical.PieceHead(model.latent_irreps, seed=2), torch.diag(torch.tensor([-1.0, 1, 1]))
    with torch.no_grad():
        here, there = head(model.encode(PIECES)), head(model.encode(PIECES @ mirror))
        slots = hierarchical.SlotDecoder(model, seed=2)(model.encode(PIECES))
    assert torch.allclose(here[:, 1:], there[:, 1:], atol=1e-4)
    assert torch.allclose(here[:, 0], -there[:, 0], atol=1e-4)
    assert here[:2, 0].abs().min() > 1e-3, "of a screw it does not vanish"
    sizes = dict(zip(NAMES, slots.norm(dim=2).amax(dim=1).tolist(), strict=True))
    assert sizes["square"] < 1e-4, "no vector but zero is left alone by a quarter turn and a mirror"
    assert sizes["line"] < 1e-4
    assert sizes["L"] > 1e-2
