import pytest
import torch
from torch import Generator

from benchmarks.research import octahedra_networks as networks
from tutorial_lib import representations, training
from tutorial_lib.datasets import octahedra
from tutorial_lib.datasets.octahedra import Octahedra
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical

SIX = torch.cat([torch.eye(3), -torch.eye(3)])
STRAIGHT, BENT = ([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def on_lattice(cells):
    return networks.straight(torch.tensor(cells, dtype=torch.float32))


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_every_middle_has_six_corners_at_right_angles_and_neighbours_share_one(n):
    cluster = octahedra.cluster(n, Generator().manual_seed(n))
    apart = torch.cdist(cluster.middles, cluster.corners)
    bonded = apart < 1.1
    assert bonded.sum(dim=1).tolist() == [6] * n
    assert torch.allclose(apart[bonded], torch.ones(6 * n), atol=1e-5)
    for middle, row in zip(cluster.middles, bonded, strict=True):
        out = cluster.corners[row] - middle
        assert torch.allclose((out @ out.mT).abs().sum(dim=1), torch.full((6,), 2.0), atol=1e-4)
    shared = bonded.sum(dim=0)
    assert shared.max() <= 2
    assert (shared == 2).sum() == n - 1
    assert len(cluster.corners) == 5 * n + 1


@pytest.mark.parametrize("tilt", [0.0, 15.0])
def test_joints_are_bent_by_no_more_than_asked(tilt):
    generator, bends = Generator().manual_seed(3), []
    for _ in range(30):
        cluster = octahedra.cluster(2, generator, tilt=tilt)
        joint = cluster.corners[(torch.cdist(cluster.middles, cluster.corners) < 1.1).all(dim=0)]
        one, other = cluster.middles - joint
        bends.append(180 - torch.rad2deg(torch.acos((one @ other).clamp(-1, 1))).item())
    assert max(bends) < tilt + 0.2
    assert max(bends) > 0.8 * tilt


def test_tilted_clusters_differ_one_seed_gives_one_cluster_and_atoms_are_in_angstrom():
    clusters = [octahedra.cluster(3, Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    one, again, other = (cluster.points for cluster in clusters)
    assert torch.equal(one, again)
    assert not torch.allclose(torch.pdist(one).sort().values, torch.pdist(other).sort().values, atol=1e-3)
    atoms = clusters[0].atoms()
    assert atoms.get_chemical_formula() == "O16W3"
    assert abs(atoms.get_distance(0, 3) - octahedra.METAL_OXYGEN) < 1e-4


def test_nothing_is_too_near_to_anything(generator):
    for _ in range(10):
        cluster = octahedra.cluster(6, generator)
        assert torch.pdist(cluster.middles).min() > octahedra.MIDDLES_APART
        assert torch.pdist(cluster.corners).min() > octahedra.CORNERS_APART
        apart = torch.cdist(cluster.middles, cluster.corners)
        assert not ((apart > 1.05) & (apart < octahedra.FOREIGN)).any()


def test_a_piece_of_the_layer_is_hexagonal_and_shares_edges():
    piece = octahedra.layer(7)
    assert len(piece.middles) == 7
    assert len(piece.corners) == 24
    bonded = torch.cdist(piece.middles, piece.corners) < 1.1
    assert bonded.sum(dim=1).tolist() == [6] * 7
    assert int((bonded[0] & bonded[1]).sum()) == 2  # an edge
    around = piece.middles[1:]
    assert torch.allclose(around.norm(dim=1), torch.full((6,), around[0].norm().item()), atol=1e-4)
    angles = torch.atan2(around[:, 1], around[:, 0]).sort().values
    assert torch.allclose(angles.diff(), torch.full((5,), torch.pi / 3), atol=1e-4)
    assert torch.allclose(piece.middles[:, 2], torch.zeros(7), atol=1e-5)


def test_impossible_clusters_are_refused():
    with pytest.raises(ValueError, match="n must be a whole number, 1 at least, and 0"):
        octahedra.cluster(0, Generator())
    with pytest.raises(ValueError, match=r"a tilt of 50\.0 degrees: 0 to 30"):
        octahedra.cluster(2, Generator(), tilt=50.0)
    with pytest.raises(ValueError, match="a piece of 20 octahedra: 1 to 19"):
        octahedra.layer(20)


@pytest.fixture(scope="module")
def clusters():
    generator = Generator().manual_seed(0)
    return [octahedra.cluster(n, generator) for n in (1, 2, 3, 4) for _ in range(6)]


def test_the_topology_of_tilted_octahedra_is_the_polycube_without_tilts():
    for cells in (STRAIGHT, BENT, [*BENT, [1, 1, 1]], [*BENT, [0, 1, 0]]):
        expected = polycube_of(torch.tensor(cells, dtype=torch.float32), mirrors_equal=True)
        assert networks.topology(on_lattice(cells)) == expected
    generator = Generator().manual_seed(1)
    found = [networks.topology(octahedra.cluster(4, generator)) for _ in range(40)]
    assert {len(shape) for shape in found if shape} == {4}
    assert sum(shape is not None for shape in found) > 38
    assert len(set(found)) > 4


def test_topology_does_not_see_pose_or_mirror(clusters, generator):
    for network in clusters:
        turn = representations.random_orthogonal(generator, (), torch.float32)
        for move in (turn, -turn):
            turned = Octahedra(network.middles @ move.mT + 3, network.corners @ move.mT + 3)
            assert networks.topology(turned) == networks.topology(network) is not None


def test_wrong_networks_have_no_topology():
    pair = on_lattice([[0, 0, 0], [1, 0, 0]])
    first = torch.arange(len(pair.corners))[:, None] == 0
    bend = torch.deg2rad(torch.tensor(30.0))
    turn = torch.tensor([[bend.cos(), -bend.sin(), 0], [bend.sin(), bend.cos(), 0], [0, 0, 1]])
    other = SIX[0] + SIX[0] @ turn.mT
    other_corners = other + SIX[[0, 1, 2, 4, 5]] @ turn.mT
    corners = {
        "five corners": pair.corners[1:],
        "seven corners": torch.cat([pair.corners, torch.tensor([[0.0, 0.7, 0.7]])]),
        "a corner of nobody": torch.cat([pair.corners, torch.tensor([[9.0, 0, 0]])]),
        "a corner too far": torch.where(first, 1.2 * pair.corners, pair.corners),
        "a corner askew": torch.where(first, pair.corners + torch.tensor([0, 0.5, 0]), pair.corners),
    }
    wrong = {name: Octahedra(pair.middles, those) for name, those in corners.items()} | {
        "two parts": on_lattice([[0, 0, 0], [3, 0, 0]]),
        "a bent joint": Octahedra(torch.stack([torch.zeros(3), other]), torch.cat([SIX, other_corners])),
        "shared edges": octahedra.layer(2),
        "a clash": Octahedra(torch.cat([pair.middles, pair.middles[:1] + 0.4]), torch.cat([pair.corners, SIX + 0.4])),
    }
    assert networks.topology(pair) is not None
    for name, network in wrong.items():
        assert networks.topology(network) is None, name


def test_bends_are_those_that_the_cluster_was_given():
    assert torch.allclose(networks.bends(on_lattice(STRAIGHT)), torch.zeros(2), atol=0.1)
    bends = networks.bends(octahedra.cluster(5, Generator().manual_seed(0)))
    assert len(bends) == 4
    assert (bends < octahedra.TILT + 0.1).all()
    assert bends.max() > 1


def test_every_free_corner_is_an_attachment_unless_that_is_unknown():
    pair, generator = on_lattice([[0, 0, 0], [1, 0, 0]]), Generator().manual_seed(0)
    straight, bent = (networks.topology(on_lattice(cells)) for cells in (STRAIGHT, BENT))
    counts = {}
    for name, known in {"both": {straight, bent}, "straight": {straight}}.items():
        clouds, n_points, places, n_places, kinds = networks.attachments([pair], known, generator)
        assert torch.equal(clouds[0], pair.points)
        assert n_points.tolist() == [13]
        assert kinds[0].tolist() == [0] * 2 + [1] * 11
        assert torch.allclose(torch.cdist(places[0], pair.corners).amin(dim=1), torch.ones(len(places[0])), atol=1e-5)
        counts[name] = int(n_places)
    assert counts == {"both": 10, "straight": 2}
    with pytest.raises(ValueError, match="one at least"):
        networks.attachments([pair], set(), generator)


def test_gaps_and_what_is_left_make_the_network(clusters):
    clouds, counts, places, n_places, kinds = networks.gaps(clusters, Generator().manual_seed(0))
    assert set(n_places.tolist()) == {1, 2, 3, 4, 5}
    for i, network in enumerate(clusters):
        middles = kinds[i, : counts[i]] == 0
        left, gone = clouds[i, : counts[i]][~middles], places[i, : n_places[i]]
        assert torch.equal(clouds[i, : counts[i]][middles], network.middles)
        assert networks.topology(Octahedra(network.middles, left)) is None
        again = Octahedra(network.middles, torch.cat([left, gone]))
        assert networks.topology(again) == networks.topology(network)


@pytest.fixture(scope="module")
def heads():
    """Trained on single octahedra and pairs, for some seconds."""
    generator = Generator().manual_seed(0)
    known = [octahedra.cluster(n, generator, tilt=5.0) for n in (1, 2) for _ in range(16)]
    shapes = {networks.topology(network) for network in known}
    examples = networks.attachments(known * 2, shapes, generator), networks.gaps(known * 2, generator)
    heads = networks.network_heads()
    for head, data, epochs in zip(heads, examples, (5, 12), strict=True):
        recipe = training.Recipe(epochs, 8, 5e-3)
        training.train(head, data, hierarchical.growth_loss, recipe, device="cpu", progress=False)
    return heads


def test_an_octahedron_grows_into_two_and_stays_where_it_is(heads):
    one = octahedra.cluster(1, Generator().manual_seed(3))
    grown = networks.more_octahedra(heads, [one] * 10, 2, Generator().manual_seed(0))
    assert sum(networks.topology(network) is not None for network in grown) > 5
    for network in grown:
        assert torch.equal(network.middles[:1], one.middles)
        assert torch.equal(network.corners[:6], one.corners)
    assert len({tuple(network.middles[1].round(decimals=1).tolist()) for network in grown}) > 3


def test_a_head_tells_kinds_apart_and_heads_that_propose_nothing_leave_networks_as_they_are(generator):
    heads, one = networks.network_heads(), octahedra.cluster(1, Generator().manual_seed(3))
    cloud = torch.zeros(7, dtype=torch.long)
    one_metal, all_metal = torch.tensor([0] + [1] * 6), torch.zeros(7, dtype=torch.long)
    signals = [heads[0](hierarchical.Points(one.points, cloud, 1, kinds)) for kinds in (one_metal, all_metal)]
    assert not torch.allclose(*signals, atol=1e-3)
    for head in heads:
        torch.nn.init.constant_(head.field.rest[-1].bias, -50.0)
    (left,) = networks.more_octahedra(heads, [one], 3, generator)
    assert torch.equal(left.points, one.points)
