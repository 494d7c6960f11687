"""Motifs that are found, levels made of them, species, and the judging of found points."""

import math
import warnings

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from torch import Generator

from tutorial_lib.datasets import octahedra, polycubes
from tutorial_lib.metrics import equivariance_error
from tutorial_lib.models import hierarchical
from tutorial_lib.models.equivariant import representation
from tutorial_lib.models.hierarchical import FoundMotifs, HierarchicalAutoencoder, Level
from tutorial_lib.models.hierarchical.found_motifs import signal_powers
from tutorial_lib.representations import random_orthogonal
from tutorial_lib.training import Recipe, train

GENERATOR = Generator().manual_seed(0)
CLUSTERS = [octahedra.cluster(1 + n % 4, GENERATOR) for n in range(24)]
CLOUDS = [cluster.points for cluster in CLUSTERS]
IS_METAL = torch.cat([torch.arange(len(cluster.points)) < len(cluster.middles) for cluster in CLUSTERS])
MOLECULE = Level(math.inf, width=0.25, radius=3.0, unit=1.2)
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-9}  # processors round float32 differently


def learn(model, data, recipe):
    return train(model, data, hierarchical.reconstruction_loss, recipe, device="cpu", progress=False)


def points(clouds):
    return hierarchical.points_of(*hierarchical.padded(clouds))


def found(clouds, reach=1.25):
    motifs = FoundMotifs.fit(points(CLOUDS), reach)
    return hierarchical.pooled(points(clouds), (Level(reach, 0.25, 1.5, motifs=motifs),))[0]


@pytest.mark.parametrize("reach", [1.25, 1.5, 1.6])
def test_the_middles_of_octahedra_are_found_without_species_also_where_corners_have_more_neighbours(reach):
    all_points = points(CLOUDS)
    motifs = FoundMotifs.fit(all_points, reach)
    assert len(motifs.chosen) == 1
    kind = motifs.kind_of(all_points)
    assert torch.equal(kind == motifs.chosen[0], IS_METAL)
    most = torch.bincount(all_points.pairs(reach)[0]).argmax()
    assert IS_METAL[most] == (reach == 1.25)  # the most crowded point is a corner where the reach is long


def test_clusters_are_the_octahedra_member_by_member_and_shared_corners_belong_to_two():
    pooling = found(CLOUDS)
    middles = torch.cat([cluster.middles - cluster.points.mean(dim=0) for cluster in CLUSTERS])
    assert len(pooling.centres.positions) == len(middles)
    assert torch.bincount(pooling.cluster).tolist() == [7] * len(middles)
    distance = torch.cdist(pooling.centres.positions, middles, compute_mode="donot_use_mm_for_euclid_dist")
    elsewhere = pooling.centres.cloud[:, None] != points(CLOUDS).cloud[IS_METAL]
    assert (distance + 100 * elsewhere).amin(dim=1).max() < 1e-4
    assert torch.bincount(pooling.member).max() == 2
    layer = found([octahedra.layer(7).points])  # which shares edges, and was not looked at
    assert torch.bincount(layer.cluster).tolist() == [7] * 7


def test_the_power_of_a_signal_counts_neighbours_and_does_not_turn():
    q = random_orthogonal(Generator().manual_seed(1), (), torch.float32)
    powers = signal_powers(points(CLOUDS), 1.25)
    assert torch.allclose(powers, signal_powers(points([cloud @ q.mT + 2 for cloud in CLOUDS]), 1.25), atol=1e-4)
    assert torch.allclose(powers[IS_METAL][:, 0], torch.full((int(IS_METAL.sum()),), 6.0), atol=1e-5)
    assert powers[IS_METAL][:, 1:4].abs().max() < 1e-4  # an octahedron is round up to l = 3
    assert powers[IS_METAL][:, 4].min() > 1
    pair = points([torch.tensor([[0.0, 0, 0], [0.3, -0.5, 0.7]])])
    assert torch.allclose(signal_powers(pair, 1.25), torch.ones(2, 5), atol=1e-5)


@pytest.mark.parametrize("shape", ["square", "T", "line"])
def test_a_tie_is_not_broken_whatever_the_pose_and_the_numbering(shape):
    names, pieces = polycubes.pieces()
    cloud = pieces[names.index(shape)]
    motifs = FoundMotifs.fit(points(list(pieces)), 1.2)
    level = (Level(1.2, 0.2, 1.2, motifs=motifs),)
    q = random_orthogonal(Generator().manual_seed(2), (), torch.float32)
    order = torch.tensor([2, 0, 3, 1])
    here, there = (hierarchical.pooled(points([some]), level)[0] for some in (cloud, cloud[order] @ q.mT))
    turned = here.centres.positions @ q.mT
    assert hierarchical.worst_distance(turned, there.centres.positions) < 1e-5
    assert torch.bincount(here.cluster).sort().values.tolist() == torch.bincount(there.cluster).sort().values.tolist()
    if shape == "square":  # four clusters of equal merit: all are kept
        assert len(here.centres.positions) == 4


def test_clusters_that_coincide_are_one():
    square = points([polycubes.pieces()[1][2]])
    level = Level(1.5, 0.2, 1.2, motifs=FoundMotifs.fit(square, 1.5))  # every cube sees all others
    pooling = hierarchical.pooled(square, (level,))[0]
    assert len(pooling.centres.positions) == 1
    assert pooling.member.tolist() == [0, 1, 2, 3]


def test_neither_a_point_without_neighbours_nor_an_unknown_surrounding_is_lost():
    cloud = torch.cat([octahedra.cluster(1, Generator().manual_seed(0)).points, torch.tensor([[4.0, 0, 0]])])
    pooling = found([cloud])
    assert sorted(torch.bincount(pooling.cluster).tolist()) == [1, 7]
    assert pooling.member.unique().tolist() == list(range(8))
    assert found([polycubes.pieces()[1][1]]).member.unique().tolist() == [0, 1, 2, 3]


def test_a_centre_is_the_mean_of_its_members_also_where_clusters_differ_in_size():
    pieces = points(list(polycubes.pieces()[1]))
    motifs = FoundMotifs.fit(pieces, 1.2)
    pooling = hierarchical.pooled(pieces, (Level(1.2, 0.2, 1.2, motifs=motifs),))[0]
    sizes = torch.bincount(pooling.cluster)
    assert len(sizes.unique()) > 1
    for k, centre in enumerate(pooling.centres.positions):
        members = pieces.positions[pooling.member[pooling.cluster == k]]
        assert torch.allclose(centre, members.mean(dim=0), atol=1e-5)


def test_two_kinds_gather_where_one_leaves_somebody_out_and_the_one_with_more_members_comes_first():
    generator = Generator().manual_seed(5)
    clusters = [octahedra.cluster(1 + n % 6, generator) for n in range(60)]
    these = points([cluster.points for cluster in clusters])
    motifs = FoundMotifs.fit(these, 1.6)

    def n_clusters(chosen):
        level = Level(1.6, 0.25, 2.0, motifs=FoundMotifs(1.6, motifs.kinds, chosen))
        return len(hierarchical.pooled(these, (level,))[0].centres.positions)

    assert n_clusters(motifs.chosen) == sum(len(cluster.middles) for cluster in clusters)
    assert all(n_clusters((kind,)) > n_clusters(motifs.chosen) for kind in range(len(motifs.kinds)))
    members = motifs.kinds[list(motifs.chosen), 0]
    assert len(members) == 2
    assert members[0] > members[1]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("how", ["found", "three", "pairs", "flat"])
def test_the_code_of_octahedra_turns_with_them(how, dtype):
    model = hierarchical.octahedra_autoencoder(CLOUDS, how, seed=1).to(dtype)
    clouds = torch.stack([CLOUDS[1], CLOUDS[5]]).to(dtype)
    q = random_orthogonal(Generator().manual_seed(3), (), dtype)
    D = representation(str(model.latent_irreps), q)
    assert model.latent_irreps.dim == 400
    assert equivariance_error(model, clouds, lambda x: x @ q.mT + 0.3, lambda z: z @ D.mT) < TOLERANCE[dtype]
    assert equivariance_error(model, clouds, lambda x: x @ q.mT, lambda z: z) > 0.01


def about(apart):
    return points([torch.tensor([[0.0, 0, 0], [apart, 0, 0], [1, 0, 0]])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FoundMotifs.fit(points(CLOUDS[:2]), 0.5), r"within the cut-off of 0\.5: take a longer cut-off"),
        (lambda: FoundMotifs.fit(about(0.0), 1.2), "two points coincide"),
        (lambda: FoundMotifs.fit(about(1e-7), 1.2), "two points coincide"),
        (lambda: hierarchical.octahedra_levels(CLOUDS, "four"), "levels 'four': there are found, three, pairs, flat"),
    ],
)
def test_levels_and_clouds_from_which_nothing_could_be_found_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_model_that_judges_deletes_false_middles_and_no_true_ones_and_decodes_what_it_has_learnt():
    clouds = [octahedra.cluster(2, Generator().manual_seed(seed)).points for seed in range(4)]
    levels = hierarchical.octahedra_levels(CLOUDS)
    model = HierarchicalAutoencoder(levels, latent_channels=8, channels=12, judges=True, seed=0)
    history = learn(model, hierarchical.padded(clouds), Recipe(70, 4, 8e-3))
    assert history["judge 2"][-1] < 0.1 < history["judge 2"][0]
    with torch.no_grad():
        poolings = hierarchical.pooled(points(clouds), model.levels)
        signals = model.from_latent(model.ascend(poolings)[-1])
        middles = poolings[1].points
        false = torch.tensor([[0.9, -0.7, 0.8]])
        places, cloud = torch.cat([middles.positions, false]), torch.cat([middles.cloud, torch.tensor([0])])
        everyone, above = hierarchical.Points(places, cloud, len(clouds)), torch.zeros(len(clouds), 3)
        below, _ = model.descend(1, signals, above, everyone, cloud, torch.arange(len(cloud)))
        kept = model.judgement(1, below) > 0
    assert kept.tolist() == [True] * len(middles.cloud) + [False]
    middles, true = model.unfold(model.encode(clouds))[0].points, poolings[0].centres
    for n in range(len(clouds)):
        assert hierarchical.worst_distance(middles.positions[middles.cloud == n], true.positions[true.cloud == n]) < 0.4


def test_on_the_way_down_true_points_stand_a_little_off_and_false_ones_among_them(monkeypatch):
    bonds = Level(1.25, width=0.25, radius=1.5, unit=2.0)
    model = HierarchicalAutoencoder((bonds, MOLECULE), channels=4, species=("H", "O"), judges=True)
    seen, batch = [], hierarchical.padded(list(polycubes.pieces()[1]))
    for part, name in ((model, "descend"), (model.fields[0], "loss"), (model.fields[0], "kinds")):
        old = getattr(part, name)
        monkeypatch.setattr(part, name, lambda *given, old=old: seen.append(given) or old(*given))
    hierarchical.reconstruction_loss(model, (*batch, torch.zeros(8, 4).long()), Generator().manual_seed(0))
    (*_, among, _, _), (_, _, _, rattled, _, _), (_, _, children, _), (_, about, cluster) = seen
    (pooling,) = hierarchical.pooled(hierarchical.points_of(*batch), (bonds,))
    off = rattled.positions - pooling.centres.positions
    assert off.std().item() == pytest.approx(0.03 * MOLECULE.unit, rel=0.2)
    assert torch.allclose(children, pooling.children(off)[0], atol=1e-5), "fields are asked from where points stand"
    more = about - pooling.points.positions[pooling.member] + rattled.positions[cluster]
    assert more.std().item() == pytest.approx(0.03 * bonds.unit, rel=0.2)
    false, cloud = among.positions[len(off) :], among.cloud[len(off) :, None]
    nearest = (torch.cdist(false, rattled.positions) + 99 * (cloud != rattled.cloud)).amin(dim=1) / MOLECULE.unit
    assert ((nearest > 0.35) & (nearest < 1.35)).tolist() == [True] * len(false)
    assert 3 < len(false) <= 8


@pytest.fixture(scope="module")
def small():
    """Two molecules, learnt by heart."""
    model = HierarchicalAutoencoder((MOLECULE,), channels=12, species=("H", "C", "O"), seed=0)
    model.largest = 5
    molecules = [molecule("H2O"), molecule("CH4")]
    learn(model, hierarchical.examples(model, molecules), Recipe(150, 2, 8e-3))
    return model, molecules


def test_molecules_come_back_with_their_elements_in_any_pose_and_numbering(small):
    model, molecules = small
    water, _ = molecules
    swapped = Atoms(["H", "O", "H"], positions=water.positions)
    code, renumbered, other = (hierarchical.encode_atoms(model, [x]) for x in (water, water[[2, 0, 1]], swapped))
    assert torch.allclose(code, renumbered, atol=1e-5)
    assert not torch.allclose(code, other, atol=1e-2)
    for seed in range(3):
        q = random_orthogonal(Generator().manual_seed(seed), (), torch.float64).numpy()
        turned = [Atoms(atoms.symbols, positions=atoms.positions @ q.T + 5) for atoms in molecules]
        back = hierarchical.decode_atoms(model, hierarchical.encode_atoms(model, turned))
        assert [hierarchical.same_molecule(a, b) for a, b in zip(back, turned, strict=True)] == [True, True]


def test_a_model_of_several_species_takes_no_atom_for_the_first_of_them():
    model = HierarchicalAutoencoder((MOLECULE,), channels=4, species=("H", "O"))
    clouds = 1.5 * torch.eye(3).repeat(2, 1, 1)
    for encode in (model, model.encode):
        with pytest.raises(ValueError, match="tells 2 species apart, and none were given"):
            encode(clouds)
    with pytest.raises(IndexError, match="species must count 2 from 0, and 2 arrived"):
        model(clouds, list(torch.tensor([[0, 1, 1], [2, 0, 0]])))
    one, other = model(clouds, list(torch.tensor([[0, 1, 1], [1, 0, 0]])))
    assert not torch.allclose(one, other, atol=1e-3)
    with pytest.raises(ValueError, match="tells 2 species apart"):
        hierarchical.grow(hierarchical.GrowthHead(kinds=2), [torch.zeros(1, 3)], 2, Generator())


def test_the_judge_of_molecules_asks_for_places_elements_and_number():
    water = molecule("H2O")
    moved, fewer, centred = water.copy(), water[:2], water.copy()
    moved.positions[0] += [0, 0, 0.5]
    centred.positions -= centred.positions.mean(axis=0)
    assert hierarchical.same_molecule(centred, water)
    assert hierarchical.same_molecule(centred[[2, 1, 0]], water)
    swapped = Atoms(["H", "O", "H"], positions=centred.positions)
    for wrong in (swapped, moved, fewer, centred + Atoms("H", [[0, 0, 3.0]])):
        assert not hierarchical.same_molecule(wrong, water)
    near, once = Atoms("H2", [[0, 0, -0.1], [0, 0, 0.1]]), Atoms("H2", [[0, 0, 0], [0, 0, 5.0]])
    assert not hierarchical.same_molecule(once, near)  # both are near the same one


def test_an_unknown_element_is_refused_and_what_is_large_is_encoded_with_a_warning(small):
    model, molecules = small
    narrow = HierarchicalAutoencoder((Level(math.inf, 0.2, 1.0),), channels=4)
    with pytest.warns(UserWarning, match=r"a point of cloud 0 lies 2\.00 from where it is gathered"):
        code = narrow.encode([torch.tensor([[-2.0, 0, 0], [2.0, 0, 0]])])
    assert torch.isfinite(code).all()
    with pytest.raises(ValueError, match=r"molecule 1 \(HCl\) holds Cl: this model knows H, C, O"):
        hierarchical.encode_atoms(model, [molecule("H2O"), molecule("HCl")])
    with pytest.warns(UserWarning, match="CH4O has 6 atoms, and nothing above 5 was trained on"):
        code = hierarchical.encode_atoms(model, [molecule("CH3OH")])
    assert torch.isfinite(code).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hierarchical.encode_atoms(model, molecules)


def test_invariants_of_a_code_do_not_turn_and_their_number_is_known(small):
    model, molecules = small
    code = hierarchical.encode_atoms(model, molecules)
    q = random_orthogonal(Generator().manual_seed(4), (), torch.float32)
    D = representation(str(model.latent_irreps), q)
    left = hierarchical.invariants(code, model.latent_irreps)
    assert left.shape == (2, 5 * 3)
    assert torch.allclose(left, hierarchical.invariants(code @ D.mT, model.latent_irreps), atol=1e-4)
    assert not np.allclose(left[0], left[1], atol=0.1)
