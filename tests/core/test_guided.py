"""Codes that lead growth, and operators that change codes without decoding them."""

import pytest
import torch
from torch import Generator

from benchmarks.research import operators
from tutorial_lib import representations, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical
from tutorial_lib.models.equivariant import representation
from tutorial_lib.models.hierarchical import Points


@pytest.fixture(scope="module")
def model():
    return hierarchical.trained_on_polycubes()


@pytest.fixture(scope="module")
def head():
    return hierarchical.trained_to_grow()


@pytest.fixture(scope="module")
def unseen():
    return polycubes.held_out(0)[1]


def turned(model, codes, q):
    return codes @ representation(str(model.latent_irreps), q).to(codes).mT


def test_what_a_code_says_turns_with_it(model, unseen, generator):
    codes = model.encode(unseen[:2]).detach()
    q = representations.random_orthogonal(generator, (), torch.float32)
    places, cloud = 0.8 * torch.randn(20, 3, generator=generator), torch.arange(20) % 2
    points = Points(0.8 * torch.randn(6, 3, generator=generator), torch.arange(6) % 2, 2)
    there = Points(points.positions @ q.mT, points.cloud, 2)
    favour = hierarchical.led_by(model, codes)
    here = favour(places, cloud, points)
    assert here.abs().max() > 1
    turned_favour = hierarchical.led_by(model, turned(model, codes, q))
    assert torch.allclose(turned_favour(places @ q.mT, cloud, there), here, atol=1e-3)
    assert not torch.allclose(favour(places @ q.mT, cloud, there), here, atol=1e-1)
    assert torch.allclose(hierarchical.led_by(model, codes, strength=2.0)(places, cloud, points), 2 * here)


def test_a_code_leads_to_its_own_piece_and_no_code_to_any(model, head, unseen):
    codes = model.encode(unseen).detach()
    shapes = [polycube_of(shape, mirrors_equal=True) for shape in unseen]
    same = {}
    for strength in (0.0, 10.0):
        made = hierarchical.guided_decode(head, model, codes, 6, Generator().manual_seed(0), strength=strength)
        assert all(len(cloud) == 6 for cloud in made)
        found = [polycube_of(cloud, mirrors_equal=True) for cloud in made]
        same[strength] = sum(a == b for a, b in zip(found, shapes, strict=True)) / len(shapes)
    assert same[10.0] > 0.75
    assert same[0.0] < 0.2


def test_half_way_between_two_codes_a_led_growth_finds_a_piece_and_the_decoder_finds_none(model, head, unseen):
    one, other = model.encode(unseen[:14]).detach(), model.encode(unseen[14:]).detach()
    codes = (one + other) / 2 * (one.norm(dim=1) / (one + other).norm(dim=1) * 2)[:, None]
    led = hierarchical.guided_decode(head, model, codes, 6, Generator().manual_seed(0), strength=3.0)
    plain = model.unfold(codes)[-1].points
    assert sum(polycube_of(cloud, mirrors_equal=True) is not None for cloud in led) > 11
    shapes = [polycube_of(plain.positions[plain.cloud == k], mirrors_equal=True) for k in range(14)]
    assert sum(shape is not None and len(shape) == 6 for shape in shapes) < 5


def test_a_code_that_says_nothing_still_gives_a_piece(model, head):
    nothing = torch.zeros(2, model.latent_irreps.dim)
    made = hierarchical.guided_decode(head, model, nothing, 4, Generator().manual_seed(0))
    assert [len(cloud) for cloud in made] == [4, 4]


def test_codes_of_another_size_are_named(model, head):
    with pytest.raises(ValueError, match="codes must be"):
        hierarchical.guided_decode(head, model, torch.zeros(2, 7), 4, Generator())
    with pytest.raises(ValueError, match="codes must be"):
        operators.CodeOperator(model)(torch.zeros(2, 7), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="NaN"):
        hierarchical.led_by(model, torch.full((1, model.latent_irreps.dim), torch.nan))


def test_an_operator_turns_with_code_and_place(generator):
    model = hierarchical.HierarchicalAutoencoder(latent_lmax=3, latent_channels=2, channels=4, seed=0).double()
    operator = operators.CodeOperator(model, channels=6).double()
    codes = torch.randn(5, model.latent_irreps.dim, generator=generator, dtype=torch.float64)
    places = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    q = representations.random_orthogonal(generator, (), torch.float64)
    here = operator(codes, places)
    assert torch.allclose(operator(turned(model, codes, q), places @ q.mT), turned(model, here, q), atol=1e-9)
    assert not torch.allclose(operator(turned(model, codes, q), places), turned(model, here, q), atol=1e-3)


def test_pairs_of_codes_are_of_a_cloud_with_and_without_one_point_and_never_tear_it(model, unseen, monkeypatch):
    encoded = []
    encode = type(model).encode
    monkeypatch.setattr(type(model), "encode", lambda self, clouds: encoded.append(clouds) or encode(self, clouds))
    without, place, whole, own = operators.pairs_of_codes(model, unseen, Generator().manual_seed(0))
    less, more = encoded
    assert without.shape == whole.shape == (28, model.latent_irreps.dim)
    for rest, cloud, at, own_at in zip(less, more, place, own, strict=True):
        again = torch.cat([rest, (rest.mean(dim=0) + at)[None]])
        assert polycube_of(again, mirrors_equal=True) == polycube_of(cloud, mirrors_equal=True)
        assert polycube_of(rest, mirrors_equal=True) is not None
        assert torch.allclose(own_at, at * (len(cloud) - 1) / len(cloud), atol=1e-5)


def test_an_operator_learns_what_a_point_more_does_to_a_code(model):
    clouds = [shape for shape in polycubes.held_out(0)[0] if len(shape) in (4, 5)]
    without, place, whole, _ = operators.pairs_of_codes(model, clouds, Generator().manual_seed(0))
    operator = operators.CodeOperator(model)
    recipe = training.Recipe(epochs=30, batch_size=16, learning_rate=5e-3)
    data = without, place, whole
    history = training.train(operator, data, operators.operator_loss, recipe, device="cpu", progress=False)
    assert history["loss"][-1] < 0.2 < 0.5 < history["loss"][0]
