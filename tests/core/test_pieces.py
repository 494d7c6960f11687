"""Networks of octahedra that grow, codes that are drawn, and clouds made of them."""

import pytest
import torch
from e3nn import o3
from torch import Generator

from tutorial_lib import representations, training
from tutorial_lib.datasets import octahedra, polycubes
from tutorial_lib.datasets.octahedra import Octahedra
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical, pieces

IRREPS = o3.Irreps("2x0e+2x1o+2x2e+2x3o+2x4e")
SIX = torch.cat([torch.eye(3), -torch.eye(3)])
STRAIGHT, BENT = ([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def learn(model, data, loss, recipe):
    return training.train(model, data, loss, recipe, device="cpu", progress=False)["loss"]


def on_lattice(cells):
    """Octahedra without tilts, one a cell, that share corners where cells share faces."""
    middles = 2 * torch.tensor(cells, dtype=torch.float32)
    return Octahedra(middles, torch.unique((middles[:, None] + SIX).flatten(0, 1), dim=0))


@pytest.fixture(scope="module")
def clusters():
    generator = Generator().manual_seed(0)
    return [octahedra.cluster(n, generator) for n in (1, 2, 3, 4) for _ in range(6)]


def test_the_topology_of_tilted_octahedra_is_the_polycube_without_tilts():
    for cells in (STRAIGHT, BENT, [*BENT, [1, 1, 1]], [*BENT, [0, 1, 0]]):
        expected = polycube_of(torch.tensor(cells, dtype=torch.float32), mirrors_equal=True)
        assert pieces.topology(on_lattice(cells)) == expected
    generator = Generator().manual_seed(1)
    found = [pieces.topology(octahedra.cluster(4, generator)) for _ in range(40)]
    assert {len(shape) for shape in found if shape} == {4}
    assert sum(shape is not None for shape in found) > 38
    assert len(set(found)) > 4


def test_topology_does_not_see_pose_or_mirror(clusters):
    for network in clusters:
        turn = representations.random_orthogonal(Generator().manual_seed(2), (), torch.float32)
        for move in (turn, -turn):
            turned = Octahedra(network.middles @ move.mT + 3, network.corners @ move.mT + 3)
            assert pieces.topology(turned) == pieces.topology(network) is not None


def test_wrong_networks_have_no_topology():
    pair = on_lattice([[0, 0, 0], [1, 0, 0]])
    moved = pair.corners.clone()
    moved[0] *= 1.2
    askew = pair.corners.clone()
    askew[0] += torch.tensor([0, 0.5, 0])
    bend = torch.deg2rad(torch.tensor(30.0))
    turn = torch.tensor([[bend.cos(), -bend.sin(), 0], [bend.sin(), bend.cos(), 0], [0, 0, 1]])
    other = torch.tensor([1.0, 0, 0]) + torch.tensor([1.0, 0, 0]) @ turn.mT
    other_corners = other + SIX[[0, 1, 2, 4, 5]] @ turn.mT
    corners = {
        "five corners": pair.corners[1:],
        "seven corners": torch.cat([pair.corners, torch.tensor([[0.0, 0.7, 0.7]])]),
        "a corner of nobody": torch.cat([pair.corners, torch.tensor([[9.0, 0, 0]])]),
        "a corner too far": moved,
        "a corner askew": askew,
    }
    wrong = {name: Octahedra(pair.middles, those) for name, those in corners.items()} | {
        "two parts": on_lattice([[0, 0, 0], [3, 0, 0]]),
        "a bent joint": Octahedra(torch.stack([torch.zeros(3), other]), torch.cat([SIX, other_corners])),
        "shared edges": octahedra.layer(2),
        "a clash": Octahedra(torch.cat([pair.middles, pair.middles[:1] + 0.4]), torch.cat([pair.corners, SIX + 0.4])),
    }
    assert pieces.topology(pair) is not None
    for name, network in wrong.items():
        assert pieces.topology(network) is None, name


def test_bends_are_those_that_the_cluster_was_given():
    assert torch.allclose(pieces.bends(on_lattice(STRAIGHT)), torch.zeros(2), atol=0.1)
    bends = pieces.bends(octahedra.cluster(5, Generator().manual_seed(0)))
    assert len(bends) == 4
    assert (bends < octahedra.TILT + 0.1).all()
    assert bends.max() > 1


def test_every_free_corner_is_an_attachment_unless_that_is_unknown():
    pair, generator = on_lattice([[0, 0, 0], [1, 0, 0]]), Generator().manual_seed(0)
    straight, bent = (pieces.topology(on_lattice(cells)) for cells in (STRAIGHT, BENT))
    counts = {}
    for name, known in {"both": {straight, bent}, "straight": {straight}}.items():
        clouds, n_points, places, n_places, kinds = pieces.attachments([pair], known, generator)
        assert torch.equal(clouds[0], pair.points)
        assert n_points.tolist() == [13]
        assert kinds[0].tolist() == [0] * 2 + [1] * 11
        assert torch.allclose(torch.cdist(places[0], pair.corners).amin(dim=1), torch.ones(len(places[0])), atol=1e-5)
        counts[name] = int(n_places)
    assert counts == {"both": 10, "straight": 2}
    with pytest.raises(ValueError, match="one at least"):
        pieces.attachments([pair], set(), generator)


def test_gaps_and_what_is_left_make_the_network(clusters):
    clouds, counts, places, n_places, kinds = pieces.gaps(clusters, Generator().manual_seed(0))
    assert set(n_places.tolist()) == {1, 2, 3, 4, 5}
    for i, network in enumerate(clusters):
        middles = kinds[i, : counts[i]] == 0
        left, gone = clouds[i, : counts[i]][~middles], places[i, : n_places[i]]
        assert torch.equal(clouds[i, : counts[i]][middles], network.middles)
        assert pieces.topology(Octahedra(network.middles, left)) is None
        again = Octahedra(network.middles, torch.cat([left, gone]))
        assert pieces.topology(again) == pieces.topology(network)


@pytest.fixture(scope="module")
def heads():
    """Trained on single octahedra and pairs, for some seconds."""
    generator = Generator().manual_seed(0)
    known = [octahedra.cluster(n, generator, tilt=5.0) for n in (1, 2) for _ in range(16)]
    shapes = {pieces.topology(network) for network in known}
    examples = pieces.attachments(known * 2, shapes, generator), pieces.gaps(known * 2, generator)
    heads = pieces.network_heads()
    for head, data, epochs in zip(heads, examples, (5, 12), strict=True):
        learn(head, data, hierarchical.growth_loss, training.Recipe(epochs, 8, 5e-3))
    return heads


def test_an_octahedron_grows_into_two_and_stays_where_it_is(heads):
    one = octahedra.cluster(1, Generator().manual_seed(3))
    grown = pieces.more_octahedra(heads, [one] * 10, 2, Generator().manual_seed(0))
    assert sum(pieces.topology(network) is not None for network in grown) > 5
    for network in grown:
        assert torch.equal(network.middles[:1], one.middles)
        assert torch.equal(network.corners[:6], one.corners)
    assert len({tuple(network.middles[1].round(decimals=1).tolist()) for network in grown}) > 3


def test_heads_that_propose_nothing_leave_networks_as_they_are():
    heads = pieces.network_heads()
    for head in heads:
        torch.nn.init.constant_(head.field.rest[-1].bias, -50.0)
    one = octahedra.cluster(1, Generator().manual_seed(3))
    (left,) = pieces.more_octahedra(heads, [one], 3, Generator().manual_seed(0))
    assert torch.equal(left.points, one.points)


def test_a_head_tells_kinds_apart():
    head, one = pieces.network_heads()[0], octahedra.cluster(1, Generator().manual_seed(3))
    cloud = torch.zeros(7, dtype=torch.long)
    one_metal, all_metal = torch.tensor([0] + [1] * 6), torch.zeros(7, dtype=torch.long)
    signals = [head(hierarchical.Points(one.points, cloud, 1, kinds)) for kinds in (one_metal, all_metal)]
    assert not torch.allclose(*signals, atol=1e-3)


def test_ascents_begin_about_the_points_that_are_named():
    head = hierarchical.GrowthHead(seed=0)
    torch.nn.init.constant_(head.field.rest[-1].bias, 5.0)
    far = torch.tensor([[0.0, 0, 0], [20, 0, 0]])
    for at in (0, 1):
        named = {"about": [torch.tensor([at])], "starts": 40}
        found = hierarchical.sites(head, [far], Generator().manual_seed(0), **named).places
        assert len(found) > 0
        assert ((found - far[at]).norm(dim=1) < 2).all()


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
    with pytest.raises(ValueError, match="0 channels given and 1 numbers"):
        flow(codes, time)
    with pytest.raises(ValueError, match="up to l = 4"):
        pieces.CodeFlow(codes[:, 1:])


def test_codes_are_signals_and_back(codes):
    signals = hierarchical.signals_of(codes, 4)
    assert signals.shape == (25, 40, 2)
    assert torch.equal(hierarchical.codes_of(signals), codes)
    model = hierarchical.HierarchicalAutoencoder(latent_channels=2, channels=4)
    assert torch.equal(model.signals_of(codes), signals)


def test_a_short_training_finds_one_code_in_all_its_poses(generator):
    irreps = o3.Irreps("1x0e+1x1o+1x2e")
    shown = torch.randn(1, irreps.dim, generator=generator)
    flow = pieces.CodeFlow(shown, lmax=2, channels=8, depth=2)

    def errors():
        drawn = flow.draw(100, Generator().manual_seed(0))
        assert drawn.shape == (100, irreps.dim)
        lengths = hierarchical.invariants(drawn, irreps) - hierarchical.invariants(shown, irreps)
        return lengths.norm(dim=1).median(), (drawn - shown).norm(dim=1).median()

    before, _ = errors()
    history = learn(flow, (shown.repeat(128, 1),), pieces.drawing_loss, training.Recipe(120, 128, 1e-2))
    assert history[-1] < 0.7 * history[0]
    after, apart = errors()
    assert after < 0.7 * before
    assert apart > 0.5  # another pose


def test_one_seed_draws_one_way_and_another_another(codes):
    flow = pieces.CodeFlow(codes, channels=8)
    one, same, other = (flow.draw(3, Generator().manual_seed(seed), n_steps=2) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


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
