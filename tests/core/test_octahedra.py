import pytest
import torch
from torch import Generator

from tutorial_lib.datasets import octahedra


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


def test_nothing_is_too_near_to_anything():
    generator = Generator().manual_seed(5)
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
