import pytest
import torch
from torch import Generator

from tutorial_lib import representations, training
from tutorial_lib.datasets import octahedra
from tutorial_lib.datasets.octahedra import Octahedra
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical, pieces

SIX = torch.cat([torch.eye(3), -torch.eye(3)])
STRAIGHT, BENT = ([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


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
        recipe = training.Recipe(epochs=epochs, batch_size=8, learning_rate=5e-3)
        training.train(head, data, hierarchical.growth_loss, recipe, device="cpu", progress=False)
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
