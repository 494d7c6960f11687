"""Codes that are drawn, and clouds made of them."""

import pytest
import torch
from e3nn import o3
from torch import Generator

from tutorial_lib import representations, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import hierarchical, pieces

IRREPS = o3.Irreps("2x0e+2x1o+2x2e+2x3o+2x4e")


def learn(model, data, loss, recipe):
    return training.train(model, data, loss, recipe, device="cpu", progress=False)["loss"]


def turned(codes, turn):
    return codes @ IRREPS.D_from_matrix(turn).to(codes).mT


@pytest.fixture
def codes(generator):
    return torch.randn(40, IRREPS.dim, generator=generator)


@pytest.fixture(scope="module")
def motifs():
    """What a corner of three cubes is made of, an autoencoder of it and a flow, both hardly trained."""
    generator = Generator().manual_seed(0)
    corner = polycubes.polycubes(3, mirrors_equal=True)[1]
    steps = [step for _ in range(40) for step in pieces.completions(corner, generator)]
    before, after = map(list, zip(*steps, strict=True))
    model = pieces.Surroundings(channels=8, seed=0)
    data = hierarchical.padded([*before, *after])
    history = learn(model, data, pieces.surroundings_loss, training.Recipe(40, 128, 1e-2))
    with torch.no_grad():
        flow = pieces.CodeFlow(model.encode(after), given_channels=2, channels=8, depth=1)
    return model, flow, corner, history


def test_the_velocity_turns_with_the_code_and_with_what_is_given(codes, generator):
    flow = pieces.CodeFlow(codes, given_channels=2, n_numbers=3, channels=8).double()
    points, given = (torch.randn(5, IRREPS.dim, generator=generator, dtype=torch.float64) for _ in range(2))
    time, numbers = torch.rand(5, dtype=torch.float64, generator=generator), torch.eye(5, 3).double()
    turn = representations.random_orthogonal(generator, (), torch.float64)
    here = flow(points, time, given, numbers)
    there = flow(turned(points, turn), time, turned(given, turn), numbers)
    assert torch.allclose(there, turned(here, turn), atol=1e-5)
    assert not torch.allclose(flow(turned(points, turn), time, given, numbers), turned(here, turn), atol=1e-3)


def test_the_velocity_sees_time_and_numbers_and_asks_for_what_was_announced(codes):
    flow = pieces.CodeFlow(codes, n_numbers=1, channels=8)
    time, numbers = torch.full((40,), 0.3), torch.ones(40, 1)
    here = flow(codes, time, numbers=numbers)
    assert not torch.allclose(flow(codes, time + 0.3, numbers=numbers), here, atol=1e-3)
    assert not torch.allclose(flow(codes, time, numbers=-numbers), here, atol=1e-3)
    for stretch in flow.scalars[-1].parameters():
        torch.nn.init.constant_(stretch, -1 if stretch.ndim == 1 else 0)
    assert flow(codes, time, numbers=numbers).isfinite().all(), "a part stretched by zero counts for nothing"
    with pytest.raises(ValueError, match="0 channels given and 1 numbers"):
        flow(codes, time)
    with pytest.raises(ValueError, match="n must be a whole number, 0 at least"):
        flow.draw(-1, Generator(), numbers=numbers)
    with pytest.raises(ValueError, match="up to l = 4"):
        pieces.CodeFlow(codes[:, 1:])


def test_codes_are_signals_and_back(codes):
    signals = hierarchical.signals_of(codes, 4)
    assert signals.shape == (25, 40, 2)
    assert torch.equal(hierarchical.codes_of(signals), codes)
    model = hierarchical.HierarchicalAutoencoder(latent_channels=2, channels=4)
    assert torch.equal(model.signals_of(codes), signals)
    for l_of in range(1, 5):
        size = signals[l_of**2 : (l_of + 1) ** 2].square().mean(dim=(0, 1)).sqrt()
        assert torch.allclose(pieces.CodeFlow(codes).scale[l_of**2, 0], size + 0.05)


def test_a_short_training_finds_one_code_in_all_its_poses(generator):
    irreps = o3.Irreps("1x0e+1x1o+1x2e")
    shown = torch.randn(1, irreps.dim, generator=generator)
    flow = pieces.CodeFlow(shown, lmax=2, channels=8, depth=2)

    def errors():
        drawn = flow.draw(100, Generator().manual_seed(0))
        assert drawn.shape == (100, irreps.dim)
        lengths = hierarchical.invariants(drawn, irreps) - hierarchical.invariants(shown, irreps)
        return lengths.norm(dim=1).median(), (drawn - shown).norm(dim=1).median()

    one, same, other = (flow.draw(3, Generator().manual_seed(seed), n_steps=2) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)
    before, _ = errors()
    history = learn(flow, (shown.repeat(128, 1),), pieces.drawing_loss, training.Recipe(120, 128, 1e-2))
    assert history[-1] < 0.7 * history[0]
    after, apart = errors()
    assert after < 0.7 * before
    assert apart > 0.5  # another pose


def test_motifs_complete_a_cloud_step_by_step(generator):
    for cloud in polycubes.polycubes(4, mirrors_equal=True):
        present = 1
        for before, after in pieces.completions(cloud, generator):
            near = before[before.norm(dim=1) < 1.2]
            assert len(near) <= len(after) <= 6
            assert len(near) == 0 or torch.cdist(near, after).amin(dim=1).max() < 1e-5
            present += len(after) - len(near)
        assert present <= 4


def test_what_stands_about_a_point_comes_back(motifs):
    model, _, corner, history = motifs
    assert history[-1] < 0.5 * history[0]
    around = corner[1:] - corner[:1]
    (found,) = model.decode(model.encode([around]).detach())
    assert hierarchical.worst_distance(found, around) < 0.15


def test_codes_of_surroundings_turn_with_them(generator):
    model = pieces.Surroundings(channels=8).double()
    around = torch.randn(4, 3, generator=generator).double()
    turn = representations.random_orthogonal(generator, (), torch.float64)
    assert torch.allclose(model.encode([around @ turn.mT]), turned(model.encode([around]), turn), atol=1e-5)


def test_clouds_have_at_most_as_many_points_as_are_wanted(motifs):
    model, flow, _, _ = motifs
    for cloud in pieces.completed(flow, model, 4, 5, Generator().manual_seed(0), rounds=4):
        assert 1 <= len(cloud) <= 4
        assert len(cloud) < 2 or torch.pdist(cloud).min() > 0.5


def test_what_is_seen_is_given_to_the_flow_and_what_is_drawn_continues_it(motifs, monkeypatch):
    model, flow, _, _ = motifs
    seen, ahead = [], torch.tensor([[1.0, 0, 0]])
    monkeypatch.setattr(model, "encode", lambda around: seen.extend(around) or around)
    monkeypatch.setattr(flow, "draw", lambda n, generator, given: given)
    monkeypatch.setattr(model, "decode", lambda codes: [torch.cat([x, -x]) if len(x) else ahead for x in codes])
    (line,) = pieces.completed(flow, model, 5, 1, Generator().manual_seed(0))
    assert torch.allclose(line, torch.arange(5.0)[:, None] * ahead)
    assert [x.tolist() for x in seen] == [[], *[[[-1.0, 0, 0]]] * 3]
