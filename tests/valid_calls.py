"""One call that works of each public function: what `test_fuzz` starts from, before it spoils an argument.

`calls()` gives room.name -> (function, arguments, keyword arguments). What a call needs and is slow to make, such as a
cell or a model, is made once.
"""

import functools
from itertools import permutations

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list
from e3nn import o3
from scipy.linalg import eigh, orthogonal_procrustes
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist, pdist
from scipy.spatial.transform import Rotation
from scipy.stats import sem
from torch import Generator, nn

from tutorial_lib import (
    alignment,
    bumps,
    environments,
    equivariant,
    g2,
    gram,
    hamiltonians,
    hierarchy,
    inpainting,
    molecules,
    motifs,
    octahedra,
    places,
    primer,
    qm9,
    reconstruction,
    silicon,
    sphere,
    symmetry,
    synchronisation,
    tetris,
    training,
    transport,
    vae,
    vocabulary,
)
from tutorial_lib.alignment import procrustes
from tutorial_lib.equivariant import graph as equivariant_graph
from tutorial_lib.equivariant import network as equivariant_network
from tutorial_lib.exercises import judge
from tutorial_lib.extensions import flow, missing_atom
from tutorial_lib.extensions.flow import charts
from tutorial_lib.extensions.flow import judges as flow_judges
from tutorial_lib.extensions.flow import network as flow_network
from tutorial_lib.extensions.hamiltonian import (
    basis,
    blocks,
    graphs,
    layers,
    learning,
    nonlinear,
    reach,
    rivals,
    variants,
)
from tutorial_lib.extensions.hamiltonian import judges as hamiltonian_judges
from tutorial_lib.extensions.missing_atom import graphs as hole_graphs
from tutorial_lib.extensions.missing_atom import votes
from tutorial_lib.extensions.pieces import completion, drawing, joints, networks, surroundings
from tutorial_lib.hierarchy import atoms as hierarchy_atoms
from tutorial_lib.hierarchy import codes as hierarchy_codes
from tutorial_lib.hierarchy import (
    growing,
    guided,
    heads,
    levels,
    materials,
    operators,
    points,
    polycubes,
    unfolding,
)
from tutorial_lib.hierarchy import motifs as hierarchy_motifs
from tutorial_lib.hierarchy import training as hierarchy_training
from tutorial_lib.inpainting import holes, library, objective
from tutorial_lib.sphere import fields, signals
from tutorial_lib.vae import losses


def dice():
    return Generator().manual_seed(0)


def draw(*shape, dtype=torch.float32):
    """Numbers in general position, the same for the same shape."""
    return torch.randn(*shape, generator=Generator().manual_seed(sum(shape)), dtype=dtype)


def turns(*batch, dtype=torch.float32):
    return symmetry.random_rotation(dice(), batch, dtype)


@functools.cache
def cell():
    """27 atoms of silicon in a cell of 12 angstrom."""
    grid = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3) * 3.0
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, grid.shape)
    return Atoms("Si27", positions=grid + noise, cell=[9.0] * 3, pbc=True)


@functools.cache
def real():
    """96 motifs of amorphous silicon, float32."""
    return environments.nearest_neighbours(silicon.load_amorphous("validation")[0]).positions[:96].float()


@functools.cache
def canonical():
    return alignment.Template.fit(real(), n_starts=1, n_rounds=2).canonical(real())


@functools.cache
def dense():
    """One silicon cell with many bonds."""
    return silicon.crystal()


@functools.cache
def some_qm9():
    return tuple(qm9.load("validation")[:4])


@functools.cache
def water():
    return hamiltonians.load("water_rhf_500k", "train")[:6]


@functools.cache
def water_blocks():
    return blocks.Blocks(water().numbers, water().shells)


@functools.cache
def water_shapes():
    return graphs.shapes(water().numbers, water().positions)


@functools.cache
def water_standard():
    return learning.Standard.fit(water_blocks(), water().fock)


@functools.cache
def water_network():
    return variants.network("gate", water_blocks(), channels=4)


@functools.cache
def tree():
    """The hierarchical autoencoder of polycubes."""
    return polycubes.trained_on_polycubes()


@functools.cache
def tree_of_molecules():
    return materials.molecule_autoencoder().eval()


@functools.cache
def grower():
    return polycubes.trained_to_grow()


@functools.cache
def pieces():
    return tuple(tetris.pieces()[1][k] for k in (2, 5))


@functools.cache
def shapes():
    """All polycubes of two and three cubes."""
    return tuple(shape for n in (2, 3) for shape in tetris.polycubes(n, mirrors_equal=True))


@functools.cache
def seer():
    return equivariant.EquivariantNetwork()


@functools.cache
def piece_head():
    return heads.PieceHead(tree().latent_irreps)


@functools.cache
def pairs_of_octahedra():
    return tuple(octahedra.cluster(n, dice()) for n in (2, 3))


@functools.cache
def network_growers():
    return networks.network_heads()


@functools.cache
def velocity():
    chart = charts.Principal.fit(canonical())
    return flow.Flow(chart, flow.MotifVelocity(chart, 16, 1), n_steps=2)


@functools.cache
def hole_set():
    return missing_atom.MoleculeSet(list(some_qm9()))


@functools.cache
def hole_network():
    return missing_atom.CartesianNetwork(8, 4, 1).eval()


@functools.cache
def surrounding():
    return surroundings.Surroundings(channels=4)


def points_here():
    return points.points_of(*points.padded(pieces()))


def call(function, *args, **kwargs):
    return function, args, kwargs


def small_cloud_loss(model, batch, generator):
    return {"loss": model(batch).square().mean()}


def square(x):
    return x.square().sum(dim=(-1, -2))


def rotate(x):
    return x @ turns(dtype=x.dtype).mT


def still(point, time):
    return 0.1 * point


class Line(nn.Linear):
    """A model of the caller's."""

    def forward(self, x):
        return super().forward(x)


class Mean(nn.Module):
    """One vector of features a cloud."""

    def forward(self, x):
        return x.mean(dim=1)


ATOMS = {
    "alignment.matching.aligned_rmsd": lambda: call(
        alignment.aligned_rmsd, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False, reorder=True
    ),
    "alignment.matching.match_atoms": lambda: call(
        alignment.match_atoms, draw(2, 4, 3), draw(2, 6, 3), allow_mirror=True
    ),
    "alignment.procrustes.best_rotation": lambda: call(
        alignment.best_rotation, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False
    ),
    "alignment.procrustes.turned_onto": lambda: call(
        procrustes.turned_onto, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False
    ),
    "alignment.procrustes.check_choice": lambda: call(procrustes.check_choice, True),
    "vocabulary.check_shapes": lambda: call(vocabulary.check_shapes, positions=(draw(3, 5, 3), "*batch atoms+ 3")),
    "vocabulary.check_finite": lambda: call(vocabulary.check_finite, draw(3, 5, 3)),
    "vocabulary.check_counts": lambda: call(vocabulary.check_counts, n=3),
    "vocabulary.check_indices": lambda: call(vocabulary.check_indices, 3, of=torch.arange(3)),
    "alignment.template.Template.fit": lambda: call(alignment.Template.fit, real()[:12], n_starts=1, n_rounds=1),
    "alignment.template.Template.canonical": lambda: call(alignment.Template(real()[0]).canonical, real()[:3]),
    "bumps.gaussians": lambda: call(bumps.gaussians, draw(4), draw(5), 0.3),
    "environments.neighbour_pairs": lambda: call(environments.neighbour_pairs, cell(), 3.5),
    "environments.nearest_neighbours": lambda: call(
        environments.nearest_neighbours, [cell()], n_neighbours=4, cutoff=4.0
    ),
    "gram.gram_matrix": lambda: call(gram.gram_matrix, draw(3, 5, 3)),
    "gram.upper_triangle": lambda: call(gram.upper_triangle, gram.gram_matrix(draw(3, 5, 3))),
    "gram.from_upper_triangle": lambda: call(gram.from_upper_triangle, draw(3, 15)),
    "gram.permuted": lambda: call(gram.permuted, draw(3, 15), dice()),
    "gram.Standardiser.fit": lambda: call(gram.Standardiser.fit, gram.gram_matrix(draw(9, 5, 3))),
    "gram.Standardiser.features": lambda: call(
        gram.Standardiser.fit(gram.gram_matrix(draw(9, 5, 3))).features, gram.gram_matrix(draw(2, 5, 3))
    ),
    "gram.Standardiser.gram": lambda: call(gram.Standardiser.fit(gram.gram_matrix(draw(9, 5, 3))).gram, draw(2, 15)),
    "gram.nearest_rank3": lambda: call(gram.nearest_rank3, gram.gram_matrix(draw(3, 5, 3)) + torch.eye(5)),
    "gram.positions_from_gram": lambda: call(gram.positions_from_gram, gram.gram_matrix(draw(3, 5, 3))),
    "motifs.centre_distances": lambda: call(motifs.centre_distances, real()[:9]),
    "motifs.pair_distances": lambda: call(motifs.pair_distances, real()[:9]),
    "motifs.bond_angles": lambda: call(motifs.bond_angles, real()[:9]),
    "motifs.validity": lambda: call(motifs.validity, real()[:9]),
    "motifs.wasserstein": lambda: call(motifs.wasserstein, draw(20), draw(30)),
    "motifs.descriptor": lambda: call(motifs.descriptor, real()[:9]),
    "motifs.coverage": lambda: call(motifs.coverage, real()[:20], real()[20:40]),
    "motifs.novelty": lambda: call(motifs.novelty, real()[:20], real()[20:60]),
    "motifs.compare": lambda: call(motifs.compare, real()[:30], real()[30:60], real()[60:]),
    "reconstruction.gram_error": lambda: call(
        reconstruction.gram_error, gram.gram_matrix(draw(3, 5, 3)), gram.gram_matrix(draw(3, 5, 3) + 1)
    ),
    "reconstruction.PrincipalComponents": lambda: call(reconstruction.PrincipalComponents, draw(30, 15), 4),
    "reconstruction.PrincipalComponents.encode": lambda: call(
        reconstruction.PrincipalComponents(draw(30, 15), 4).encode, draw(3, 15)
    ),
    "reconstruction.PrincipalComponents.reconstruct": lambda: call(
        reconstruction.PrincipalComponents(draw(30, 15), 4).reconstruct, draw(3, 15)
    ),
    "reconstruction.nearest_training": lambda: call(reconstruction.nearest_training, draw(3, 15), draw(30, 15)),
    "reconstruction.nearest_motif_rmsd": lambda: call(
        reconstruction.nearest_motif_rmsd, real()[:2], real()[2:12], n_candidates=2
    ),
    "silicon.network_quality": lambda: call(silicon.network_quality, dense()),
    "silicon.bond_angles": lambda: call(
        silicon.bond_angles, np.array([0, 0, 1, 1]), np.random.default_rng(0).normal(size=(4, 3))
    ),
    "silicon.radial_distribution": lambda: call(silicon.radial_distribution, [cell()], cutoff=4.0, bin_width=0.5),
    "silicon.load_amorphous": lambda: call(silicon.load_amorphous, "validation"),
    "silicon.crystal": lambda: call(silicon.crystal),
    "symmetry.random_orthogonal": lambda: call(symmetry.random_orthogonal, dice(), (2,), torch.float32),
    "symmetry.random_rotation": lambda: call(symmetry.random_rotation, dice(), (2,), torch.float32),
    "symmetry.equivariance_error": lambda: call(
        symmetry.equivariance_error, lambda x: x, draw(3, 5, 3), rotate, rotate
    ),
    "symmetry.invariance_error": lambda: call(symmetry.invariance_error, square, draw(3, 5, 3), rotate),
    "symmetry.symmetry_ledger": lambda: call(
        symmetry.symmetry_ledger, {"sum of squares": square}, draw(3, 5, 3, dtype=torch.float64)
    ),
    "synchronisation.synchronise": lambda: call(synchronisation.synchronise, turns(3, 3) * 0 + torch.eye(3)),
    "synchronisation.chained": lambda: call(synchronisation.chained, turns(3, 3) * 0 + torch.eye(3)),
    "synchronisation.rotation_error": lambda: call(synchronisation.rotation_error, turns(4), turns(4).mT),
    "molecules.isomers": lambda: call(molecules.isomers),
    "molecules.shaken": lambda: call(molecules.shaken, [molecule("H2O"), molecule("H2O")], 3, 0.1, dice()),
    "molecules.bonded": lambda: call(molecules.bonded, molecule("CH3OH")),
    "molecules.smiles": lambda: call(molecules.smiles, molecule("CH3OH")),
    "molecules.from_smiles": lambda: call(molecules.from_smiles, "CO"),
    "molecules.bond_graph": lambda: call(molecules.bond_graph, molecule("CH3OH")),
    "molecules.fingerprint": lambda: call(molecules.fingerprint, molecule("CH3OH"), 64),
    "molecules.image": lambda: call(molecules.image, molecule("CH3OH"), 8, 8.0),
    "hamiltonians.load": lambda: call(hamiltonians.load, "water_rhf_500k", "train"),
    "hamiltonians.read": lambda: call(hamiltonians.read, hamiltonians.DATA / "water_rhf_500k.npz"),
    "hamiltonians.symmetric": lambda: call(hamiltonians.symmetric, np.arange(12.0).reshape(2, 6)),
    "hamiltonians.check_molecule": lambda: call(
        hamiltonians.check_molecule, torch.tensor([8, 1, 1]), water().positions[0]
    ),
    "qm9.load": lambda: call(qm9.load, "validation"),
    "g2.molecules": lambda: call(g2.molecules),
    "g2.elements": lambda: call(g2.elements, [molecule("H2O"), molecule("CH4")]),
    "g2.split": lambda: call(g2.split, 0),
    "octahedra.cluster": lambda: call(octahedra.cluster, 2, dice(), tilt=10.0),
    "octahedra.layer": lambda: call(octahedra.layer, 3),
    "octahedra.Octahedra.atoms": lambda: call(pairs_of_octahedra()[0].atoms),
    "tetris.pieces": lambda: call(tetris.pieces),
    "tetris.polycubes": lambda: call(tetris.polycubes, 3, mirrors_equal=True),
    "tetris.held_out": lambda: call(tetris.held_out, 0, 28),
    "tetris.polycube_of": lambda: call(tetris.polycube_of, pieces()[0], mirrors_equal=True, within=0.1),
    "tetris.census": lambda: call(tetris.census, list(pieces()), [list(pieces())] * 2, list(pieces())),
    "tetris.random_trees": lambda: call(tetris.random_trees, 3, dice(), most=4, apart=0.95),
    "tetris.with_trees": lambda: call(tetris.with_trees, list(pieces()), dice(), times=2, most=4),
    "primer.perceptron": lambda: call(primer.perceptron, [3, 4, 2], seed=0),
    "primer.Autoencoder": lambda: call(primer.Autoencoder, 6, [4], 2, seed=0),
    "primer.Autoencoder.encode": lambda: call(primer.Autoencoder(6, [4], 2, seed=0).encode, draw(3, 6)),
    "primer.Autoencoder.decode": lambda: call(primer.Autoencoder(6, [4], 2, seed=0).decode, draw(3, 2)),
    "primer.Autoencoder.forward": lambda: call(primer.Autoencoder(6, [4], 2, seed=0), draw(3, 6)),
    "primer.restoring": lambda: call(primer.restoring, Line(6, 6), draw(3, 6), dice()),
    "primer.naming": lambda: call(primer.naming, Line(6, 3), (draw(3, 6), torch.arange(3)), dice()),
    "primer.accuracy": lambda: call(primer.accuracy, Line(6, 3), draw(3, 6), torch.arange(3)),
    "primer.digits": lambda: call(primer.digits, "test"),
    "transport.normal": lambda: call(transport.normal, torch.rand(4), draw(4, 6), torch.rand(6)),
    "transport.crossing": lambda: call(transport.crossing, draw(4, 6), dice()),
    "transport.matching_error": lambda: call(transport.matching_error, still, draw(4, 6), torch.rand(6), dice()),
    "transport.transport": lambda: call(transport.transport, still, draw(4, 6), 2, since=0.0, until=1.0),
    "transport.between": lambda: call(transport.between, draw(4, 6), draw(4, 6) + 1, torch.rand(4)),
    "transport.log_likelihood": lambda: call(transport.log_likelihood, still, draw(4, 6), 2),
    "vae.losses.kl_divergence": lambda: call(losses.kl_divergence, draw(4, 6), draw(4, 6)),
    "vae.losses.evidence_loss": lambda: call(vae.evidence_loss, beta=0.1, reduction="sum", permute=False),
    "vae.losses.overlap": lambda: call(losses.overlap, draw(4, 6, 3), 2.0),
    "vae.losses.aligned_loss": lambda: call(
        vae.aligned_loss, beta=0.1, describe=gram.gram_matrix, error=alignment.aligned_rmsd, shake=0.1
    ),
    "vae.losses.active_units": lambda: call(losses.active_units, vae.VariationalAutoencoder(), draw(4, 36)),
    "vae.networks.VariationalAutoencoder": lambda: call(vae.VariationalAutoencoder, 6, [5], 2),
    "vae.networks.VariationalAutoencoder.encode": lambda: call(vae.VariationalAutoencoder().encode, draw(4, 36)),
    "vae.networks.VariationalAutoencoder.decode": lambda: call(vae.VariationalAutoencoder().decode, draw(4, 8)),
    "vae.networks.VariationalAutoencoder.reconstruct": lambda: call(
        vae.VariationalAutoencoder().reconstruct, draw(4, 36)
    ),
    "vae.networks.VariationalAutoencoder.sample": lambda: call(vae.VariationalAutoencoder().sample, 3, dice()),
    "vae.networks.AlignedAutoencoder": lambda: call(vae.AlignedAutoencoder, 8, [5], 2),
    "vae.networks.AlignedAutoencoder.decode": lambda: call(vae.AlignedAutoencoder(8, [5], 8).decode, draw(4, 8)),
    "training.train": lambda: call(
        training.train, nn.Linear(3, 1), draw(8, 3), small_cloud_loss, training.Recipe(1), device="cpu", progress=False
    ),
    "training.profile": lambda: call(training.profile),
    "training.best_device": lambda: call(training.best_device),
    "exercises.judge.close": lambda: call(judge.close, draw(3), draw(3), 1e-6),
    "exercises.judge.random_cloud": lambda: call(judge.random_cloud, 4, dice()),
}
HOLES = {
    "inpainting.holes.taken_out": lambda: call(holes.taken_out, real()[:4], 2, "any", dice()),
    "inpainting.holes.apart": lambda: call(holes.apart, draw(4, 2, 3), draw(4, 2, 3) + 1),
    "inpainting.holes.restored_error": lambda: call(holes.restored_error, draw(4, 5, 2, 3), draw(4, 2, 3)),
    "inpainting.holes.closest": lambda: call(holes.closest, draw(4, 6, 3), draw(4, 5, 2, 3)),
    "inpainting.holes.shell_places": lambda: call(holes.shell_places, (4, 2), 2.0, 4.0, draw(3), dice()),
    "inpainting.holes.by_cell": lambda: call(holes.by_cell, draw(8).abs(), torch.arange(8) % 2),
    "inpainting.holes.check_known": lambda: call(holes.check_known, real()[:4, :6], 2, 8, 1.0),
    "inpainting.library.Library": lambda: call(library.Library, real()[:20]),
    "inpainting.library.Library.find": lambda: call(library.Library(real()[:20]).find, real()[20:23, :6], 3),
    "inpainting.objective.from_products": lambda: call(objective.from_products, draw(4, 6, 3), draw(4, 6, 2)),
    "inpainting.ranking.inpaint": lambda: call(
        inpainting.inpaint, real()[:3, :7], 1, inpainting.RandomPlaces(), 2, dice()
    ),
    "inpainting.baselines.RandomPlaces.complete": lambda: call(
        inpainting.RandomPlaces().complete, real()[:3, :7], 1, 4, dice()
    ),
    "inpainting.baselines.Retrieval": lambda: call(inpainting.Retrieval, real()[:20], 0.5),
    "inpainting.baselines.Retrieval.complete": lambda: call(
        inpainting.Retrieval(real()[:20]).complete, real()[20:22, :7], 1, 4, dice()
    ),
    "inpainting.baselines.TemplateCompletion": lambda: call(inpainting.TemplateCompletion, real()[0]),
    "inpainting.baselines.LinearGaussian": lambda: call(inpainting.LinearGaussian, canonical()),
    "inpainting.baselines.LinearGaussian.complete": lambda: call(
        inpainting.LinearGaussian(canonical()).complete, canonical()[:2, :7], 1, 4, dice()
    ),
    "places.bumps": lambda: call(places.bumps, draw(4).abs()),
    "places.PlaceScorer": lambda: call(places.PlaceScorer, 8, 4.05, 8),
    "places.PlaceScorer.forward": lambda: call(places.PlaceScorer(width=8), real()[:3, :7], draw(3, 5, 3)),
    "places.PlaceScorer.complete": lambda: call(
        places.PlaceScorer(width=8).eval().complete, real()[:2, :7], 1, 4, dice()
    ),
    "places.place_loss": lambda: call(places.place_loss, n_places=4, shake=0.1),
    "extensions.flow.charts.Principal.fit": lambda: call(charts.Principal.fit, canonical()),
    "extensions.flow.charts.Principal.coordinates": lambda: call(
        charts.Principal.fit(canonical()).coordinates, canonical()[:3]
    ),
    "extensions.flow.charts.Principal.positions": lambda: call(
        charts.Principal.fit(canonical()).positions, draw(3, 21)
    ),
    "extensions.flow.charts.Scaled.fit": lambda: call(charts.Scaled.fit, real()),
    "extensions.flow.charts.Scaled.coordinates": lambda: call(charts.Scaled.fit(real()).coordinates, real()[:3]),
    "extensions.flow.charts.Scaled.positions": lambda: call(charts.Scaled.fit(real()).positions, draw(3, 8, 3)),
    "extensions.flow.completion.FlowCompletion.complete": lambda: call(
        flow.FlowCompletion(velocity(), dice()).complete, canonical()[:2, :7], 1, 2, dice()
    ),
    "extensions.flow.generator.Flow.sample": lambda: call(velocity().sample, 3, dice()),
    "extensions.flow.generator.Flow.decode": lambda: call(velocity().decode, draw(3, 21)),
    "extensions.flow.generator.Flow.encode": lambda: call(velocity().encode, canonical()[:3]),
    "extensions.flow.generator.Flow.interpolate": lambda: call(
        velocity().interpolate, canonical()[:1], canonical()[1:2], torch.linspace(0, 1, 3)
    ),
    "extensions.flow.generator.Flow.log_likelihood": lambda: call(velocity().log_likelihood, canonical()[:2], 2),
    "extensions.flow.judges.statistics": lambda: call(flow_judges.statistics, real()[:9]),
    "extensions.flow.judges.two_sample_auc": lambda: call(
        flow_judges.two_sample_auc, real()[:24], real()[24:48], seed=0
    ),
    "extensions.flow.judges.memory": lambda: call(flow_judges.memory, real()[:8], real()[8:40], real()[40:48]),
    "extensions.flow.judges.mean_miss": lambda: call(flow_judges.mean_miss, real()[:24], real()[24:48]),
    "extensions.flow.network.TimeWaves.forward": lambda: call(flow_network.TimeWaves(), torch.rand(4)),
    "extensions.flow.network.MotifVelocity.forward": lambda: call(velocity().velocity, draw(3, 21), torch.rand(3)),
    "extensions.flow.physics.central_energy": lambda: call(flow.central_energy, real()[:9]),
    "extensions.flow.physics.dihedral_angles": lambda: call(flow.dihedral_angles, real()[:9]),
    "extensions.flow.sets.SetVelocity.forward": lambda: call(flow.SetVelocity(8, 1), draw(3, 8, 3), torch.rand(3)),
}
FIELDS = {
    "equivariant.graph.spherical_harmonics": lambda: call(equivariant_graph.spherical_harmonics, "0e + 1o", draw(4, 3)),
    "equivariant.graph.representation": lambda: call(equivariant.representation, "0e + 1o", turns(2)),
    "equivariant.graph.neighbour_graph": lambda: call(
        equivariant_graph.neighbour_graph, 0.5 * draw(3, 4, 3), cutoff=2.0, lmax=1, n_radial=2
    ),
    "equivariant.graph.pair_graph": lambda: call(
        equivariant_graph.pair_graph,
        torch.tensor([0, 1, 2]),
        torch.tensor([1, 2, 0]),
        draw(3, 3),
        cutoff=5.0,
        lmax=1,
        n_radial=2,
        shape=(1, 3),
    ),
    "equivariant.network.EquivariantNetwork.forward": lambda: call(seer(), 0.5 * draw(3, 4, 3)),
    "equivariant.network.EquivariantNetwork.each_point": lambda: call(seer().each_point, 0.5 * draw(3, 4, 3)),
    "equivariant.network.EquivariantNetwork.graph": lambda: call(seer().graph, 0.5 * draw(3, 4, 3)),
    "equivariant.network.gate_for": lambda: call(equivariant_network.gate_for, "2x0e + 1o"),
    "equivariant.network.logits": lambda: call(equivariant.logits, draw(3, 8)),
    "sphere.signals.degrees": lambda: call(signals.degrees, 2),
    "sphere.signals.harmonics": lambda: call(sphere.harmonics, 2, draw(5, 3), softness=0.1),
    "sphere.signals.quadrature": lambda: call(sphere.quadrature, 4),
    "sphere.signals.product": lambda: call(sphere.product, draw(9, 4, 2), draw(9, 4, 2) + 1),
    "sphere.signals.normalised": lambda: call(sphere.normalised, draw(9, 4, 2)),
    "sphere.signals.Mix.forward": lambda: call(sphere.Mix(2, 3, 2), draw(9, 4, 2)),
    "sphere.signals.Bend.forward": lambda: call(sphere.Bend(2, 2), draw(9, 4, 2)),
    "sphere.signals.signal_peaks": lambda: call(sphere.signal_peaks, draw(9), least=0.5, n_directions=200),
    "sphere.fields.Field.forward": lambda: call(
        fields.Field(2, 2, 1.0, 4), draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "sphere.fields.Field.answers": lambda: call(
        fields.Field(2, 2, 1.0, 4).answers, draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "sphere.fields.Field.kinds": lambda: call(
        fields.Field(2, 2, 1.0, 4, kinds=2).kinds, draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "sphere.fields.blobs": lambda: call(fields.blobs, draw(2, 6, 3), draw(2, 4, 3), 0.2),
    "sphere.fields.excess": lambda: call(fields.excess, draw(2, 6), torch.rand(2, 6)),
    "sphere.fields.places_about": lambda: call(
        fields.places_about, draw(2, 4, 3), torch.tensor([4, 3]), dice(), width=0.2, radius=1.0, n=5
    ),
    "sphere.peaks.peaks": lambda: call(sphere.peaks, fields.Field(2, 2, 1.0, 4), draw(9, 3, 2), width=0.2, radius=1.0),
    "sphere.peaks.climbed": lambda: call(
        sphere.climbed, fields.Field(2, 2, 1.0, 4), draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3, width=0.2
    ),
    "sphere.peaks.merge": lambda: call(sphere.merge, draw(6, 3), torch.arange(6) % 3, 0.5),
    "extensions.hamiltonian.basis.wigner": lambda: call(basis.wigner, 2, turns()),
    "extensions.hamiltonian.basis.from_pyscf": lambda: call(basis.from_pyscf, 2),
    "extensions.hamiltonian.basis.change_of_basis": lambda: call(basis.change_of_basis, water().shells),
    "extensions.hamiltonian.basis.turn": lambda: call(basis.turn, water().shells, turns()),
    "extensions.hamiltonian.blocks.Blocks": lambda: call(blocks.Blocks, water().numbers, water().shells),
    "extensions.hamiltonian.blocks.Blocks.coefficients": lambda: call(water_blocks().coefficients, water().fock),
    "extensions.hamiltonian.blocks.Blocks.matrices": lambda: call(
        water_blocks().matrices, water_blocks().coefficients(water().fock)
    ),
    "extensions.hamiltonian.graphs.shapes": lambda: call(graphs.shapes, water().numbers, water().positions, lmax=2),
    "extensions.hamiltonian.graphs.seen": lambda: call(graphs.seen, 3),
    "extensions.hamiltonian.graphs.bumps": lambda: call(graphs.bumps, draw(4).abs()),
    "extensions.hamiltonian.judges.orbitals": lambda: call(hamiltonian_judges.orbitals, water().fock, water().overlap),
    "extensions.hamiltonian.judges.judged": lambda: call(hamiltonian_judges.judged, water().fock + 0.001, water()),
    "extensions.hamiltonian.layers.products": lambda: call(
        layers.products, draw(5, 4), "0e + 1o", "0e + 1o", "0e + 1o"
    ),
    "extensions.hamiltonian.layers.ways_of_rows": lambda: call(layers.ways_of_rows, [1, 3], [2, 1]),
    "extensions.hamiltonian.layers.Linear.forward": lambda: call(layers.Linear("0e + 1o", 3, 2), draw(4, 5, 3)),
    "extensions.hamiltonian.learning.Standard.fit": lambda: call(learning.Standard.fit, water_blocks(), water().fock),
    "extensions.hamiltonian.learning.Standard.targets": lambda: call(water_standard().targets, water().fock),
    "extensions.hamiltonian.learning.Standard.matrices": lambda: call(
        water_standard().matrices, water_standard().targets(water().fock)[0]
    ),
    "extensions.hamiltonian.learning.matrix_loss": lambda: call(
        learning.matrix_loss, water_standard(), water_shapes(), water().fock
    ),
    "extensions.hamiltonian.learning.predicted": lambda: call(
        learning.predicted, water_network(), water_standard(), water_shapes()
    ),
    "extensions.hamiltonian.network.HamiltonianNetwork.forward": lambda: call(water_network(), water_shapes()),
    "extensions.hamiltonian.nonlinear.Gate.forward": lambda: call(nonlinear.Gate("0e + 1o", 4, 4), draw(4, 5, 4)),
    "extensions.hamiltonian.nonlinear.Gradient.forward": lambda: call(
        nonlinear.Gradient("0e + 1o", 4, 4), draw(4, 5, 4)
    ),
    "extensions.hamiltonian.nonlinear.TensorSquare.forward": lambda: call(
        nonlinear.TensorSquare("0e + 1o", 4, 4), draw(4, 5, 4)
    ),
    "extensions.hamiltonian.reach.needed_irreps": lambda: call(reach.needed_irreps, water_blocks()),
    "extensions.hamiltonian.reach.check_reachable": lambda: call(
        reach.check_reachable, water_blocks(), reach.needed_irreps(water_blocks()), "0e + 1o + 2e"
    ),
    "extensions.hamiltonian.rivals.polynomial": lambda: call(rivals.polynomial, water(), water(), 1),
    "extensions.hamiltonian.variants.network": lambda: call(variants.network, "gate", water_blocks(), channels=4),
    "extensions.hamiltonian.variants.size": lambda: call(variants.size, nn.Linear(2, 2)),
    "extensions.missing_atom.graphs.MoleculeSet": lambda: call(
        missing_atom.MoleculeSet, list(some_qm9()), cutoff=3.0, n_bumps=4
    ),
    "extensions.missing_atom.graphs.MoleculeSet.every_hole": lambda: call(hole_set().every_hole),
    "extensions.missing_atom.graphs.MoleculeSet.without": lambda: call(
        hole_set().without, torch.tensor([0, 1]), torch.tensor([2, 3])
    ),
    "extensions.missing_atom.graphs.bumps": lambda: call(hole_graphs.bumps, draw(4).abs(), 3.0, 5),
    "extensions.missing_atom.graphs.nearest_elements": lambda: call(missing_atom.nearest_elements, hole_set()),
    "extensions.missing_atom.network.CartesianNetwork.forward": lambda: call(
        hole_network(), hole_set().without(torch.tensor([0, 1]), torch.tensor([2, 3]))
    ),
    "extensions.missing_atom.votes.vote_loss": lambda: call(votes.vote_loss, hole_set()),
    "extensions.missing_atom.votes.results": lambda: call(
        votes.results, hole_network(), hole_set(), (torch.tensor([0, 1]), torch.tensor([2, 3]))
    ),
    "extensions.missing_atom.votes.every_answer": lambda: call(votes.every_answer, hole_network(), hole_set()),
    "extensions.missing_atom.votes.answers": lambda: call(votes.answers, hole_network(), some_qm9()[0], 1),
    "extensions.missing_atom.votes.guess": lambda: call(votes.guess, hole_network(), some_qm9()[0], 1),
}
HIERARCHY = {
    "hierarchy.autoencoder.HierarchicalAutoencoder.encode": lambda: call(tree().encode, list(pieces())),
    "hierarchy.autoencoder.HierarchicalAutoencoder.forward": lambda: call(tree(), list(pieces())),
    "hierarchy.autoencoder.HierarchicalAutoencoder.decode": lambda: call(
        tree().decode, tree().encode(list(pieces())).detach()
    ),
    "hierarchy.autoencoder.HierarchicalAutoencoder.unfold": lambda: call(
        tree().unfold, tree().encode(list(pieces())).detach()
    ),
    "hierarchy.autoencoder.HierarchicalAutoencoder.signals_of": lambda: call(
        tree().signals_of, tree().encode(list(pieces())).detach()
    ),
    "hierarchy.autoencoder.HierarchicalAutoencoder.flat": lambda: call(
        tree().flat, tree().signals_of(draw(3, tree().latent_irreps.dim))
    ),
    "hierarchy.atoms.clouds_of": lambda: call(hierarchy_atoms.clouds_of, tree_of_molecules(), [molecule("H2O")]),
    "hierarchy.atoms.examples": lambda: call(hierarchy_atoms.examples, tree_of_molecules(), [molecule("H2O")]),
    "hierarchy.atoms.encode_atoms": lambda: call(hierarchy_atoms.encode_atoms, tree_of_molecules(), [molecule("H2O")]),
    "hierarchy.atoms.decode_atoms": lambda: call(
        hierarchy_atoms.decode_atoms,
        tree_of_molecules(),
        hierarchy_atoms.encode_atoms(tree_of_molecules(), [molecule("H2O")]).detach(),
    ),
    "hierarchy.atoms.same_molecule": lambda: call(
        hierarchy_atoms.same_molecule, molecule("H2O"), molecule("H2O"), within=0.2
    ),
    "hierarchy.codes.signals_of": lambda: call(hierarchy_codes.signals_of, draw(3, 18), 2),
    "hierarchy.codes.codes_of": lambda: call(hierarchy_codes.codes_of, draw(9, 3, 2)),
    "extensions.pieces.drawing.CodeFlow": lambda: call(drawing.CodeFlow, draw(20, 50), lmax=4, channels=4, depth=1),
    "extensions.pieces.drawing.CodeFlow.draw": lambda: call(
        drawing.CodeFlow(draw(20, 50), lmax=4, channels=4, depth=1).draw, 2, dice(), n_steps=2
    ),
    "extensions.pieces.drawing.drawing_loss": lambda: call(
        drawing.drawing_loss, drawing.CodeFlow(draw(20, 50), lmax=4, channels=4, depth=1), (draw(3, 50),), dice()
    ),
    "hierarchy.growing.sites": lambda: call(growing.sites, grower(), [torch.zeros(1, 3)], dice()),
    "hierarchy.growing.grow": lambda: call(growing.grow, grower(), [torch.zeros(1, 3)], 3, dice()),
    "hierarchy.growing.removable": lambda: call(growing.removable, grower(), pieces()[0]),
    "hierarchy.growing.edited": lambda: call(growing.edited, grower(), list(pieces()), 1, dice()),
    "hierarchy.growth.GrowthHead.forward": lambda: call(grower(), points_here()),
    "hierarchy.growth.growth_recipe": lambda: call(hierarchy.growth_recipe, 20, 0),
    "hierarchy.growth.growth_loss": lambda: call(
        hierarchy.growth_loss, hierarchy.GrowthHead(channels=4), hierarchy.additions(shapes()), dice()
    ),
    "hierarchy.guided.led_by": lambda: call(
        guided.led_by, tree(), tree().encode(list(pieces())).detach(), strength=1.0
    ),
    "hierarchy.guided.guided_decode": lambda: call(
        guided.guided_decode, grower(), tree(), tree().encode(list(pieces())).detach(), 2, dice()
    ),
    "hierarchy.heads.PieceHead.forward": lambda: call(piece_head(), draw(2, tree().latent_irreps.dim)),
    "hierarchy.heads.SlotDecoder.forward": lambda: call(
        heads.SlotDecoder(tree(), channels=4), draw(2, tree().latent_irreps.dim)
    ),
    "hierarchy.heads.matched_error": lambda: call(heads.matched_error, draw(3, 4, 3), draw(3, 4, 3) + 1),
    "hierarchy.heads.invariants": lambda: call(heads.invariants, draw(3, 8), o3.Irreps("2x0e + 2x1o")),
    "extensions.pieces.joints.topology": lambda: call(joints.topology, pairs_of_octahedra()[0]),
    "extensions.pieces.joints.steps_of": lambda: call(joints.steps_of, pairs_of_octahedra()[0]),
    "extensions.pieces.joints.bends": lambda: call(joints.bends, pairs_of_octahedra()[0]),
    "hierarchy.levels.check": lambda: call(levels.check, list(pieces()), hierarchy.TETRIS),
    "hierarchy.levels.gathered": lambda: call(levels.gathered, points_here(), hierarchy.TETRIS),
    "hierarchy.levels.out_of_reach": lambda: call(
        levels.out_of_reach, levels.gathered(points_here(), hierarchy.TETRIS), hierarchy.TETRIS
    ),
    "hierarchy.materials.octahedra_to_train_on": lambda: call(materials.octahedra_to_train_on, 0, 2),
    "hierarchy.materials.octahedra_levels": lambda: call(
        materials.octahedra_levels, [network.points for network in pairs_of_octahedra()], "found"
    ),
    "hierarchy.motifs.Motifs.fit": lambda: call(hierarchy_motifs.Motifs.fit, points_here(), 1.2),
    "hierarchy.motifs.signal_powers": lambda: call(hierarchy_motifs.signal_powers, points_here(), 1.2),
    "extensions.pieces.networks.network_heads": lambda: call(networks.network_heads, 0, sight=1.8),
    "extensions.pieces.networks.attachments": lambda: call(
        networks.attachments, list(pairs_of_octahedra()), [joints.topology(pairs_of_octahedra()[1])], dice()
    ),
    "extensions.pieces.networks.gaps": lambda: call(networks.gaps, list(pairs_of_octahedra()), dice()),
    "extensions.pieces.networks.more_octahedra": lambda: call(
        networks.more_octahedra, network_growers(), [pairs_of_octahedra()[0]], 1, dice()
    ),
    "hierarchy.operators.CodeOperator.forward": lambda: call(
        operators.CodeOperator(tree(), channels=4), draw(2, tree().latent_irreps.dim), draw(2, 3)
    ),
    "hierarchy.operators.pairs_of_codes": lambda: call(operators.pairs_of_codes, tree(), list(pieces()), dice()),
    "hierarchy.operators.operator_loss": lambda: call(
        operators.operator_loss,
        operators.CodeOperator(tree(), channels=4),
        operators.pairs_of_codes(tree(), list(pieces()), dice())[:3],
        dice(),
    ),
    "hierarchy.points.padded": lambda: call(points.padded, list(pieces())),
    "hierarchy.points.in_one_part": lambda: call(points.in_one_part, pieces()[0], 1.2),
    "hierarchy.points.points_of": lambda: call(points.points_of, *points.padded(pieces())),
    "hierarchy.points.Points.pairs": lambda: call(points_here().pairs, 1.2),
    "hierarchy.polycubes.polycube_autoencoder": lambda: call(polycubes.polycube_autoencoder, 0),
    "hierarchy.polycubes.trained_on_polycubes": lambda: call(polycubes.trained_on_polycubes),
    "hierarchy.polycubes.trained_to_grow": lambda: call(polycubes.trained_to_grow),
    "hierarchy.polycubes.free_places": lambda: call(polycubes.free_places, pieces()[0]),
    "hierarchy.polycubes.additions": lambda: call(polycubes.additions, list(shapes()), most=5),
    "extensions.pieces.surroundings.Surroundings.encode": lambda: call(surrounding().encode, [draw(2, 3), draw(3, 3)]),
    "extensions.pieces.surroundings.Surroundings.decode": lambda: call(
        surrounding().decode, surrounding().encode([draw(2, 3), draw(3, 3)]).detach()
    ),
    "extensions.pieces.completion.completions": lambda: call(completion.completions, pieces()[0], dice()),
    "hierarchy.training.reconstruction_loss": lambda: call(
        hierarchy_training.reconstruction_loss, tree(), points.padded(pieces()), dice(), shake=0.01
    ),
    "hierarchy.training.worst_distance": lambda: call(hierarchy_training.worst_distance, draw(4, 3), draw(4, 3) + 1),
    "hierarchy.training.reconstruction_errors": lambda: call(
        hierarchy_training.reconstruction_errors, tree(), list(pieces())
    ),
    "hierarchy.training.exact": lambda: call(hierarchy_training.exact, tree(), list(pieces()), within=0.1),
    "hierarchy.unfolding.unfold": lambda: call(
        unfolding.unfold, tree(), tree().signals_of(draw(2, tree().latent_irreps.dim))
    ),
}
VALID = ATOMS | HOLES | FIELDS | HIERARCHY


# What has no valid call here, and why. A key is a name, or the beginning of one that ends with a dot.
EXCEPTIONS = {
    "exercises.": "the judges take any answer at all: see test_a_judge_has_a_sentence_for_any_answer",
    "plotting.": "pictures of what other rooms have checked; drawn and looked at in test_plotting",
    "viewer.": "pictures again: test_viewer",
    "recipes.": "tables of constants, whose only argument is a seed",
    "extensions.flow.generator.recipe": "a table of constants",
    "extensions.hamiltonian.variants.recipe": "a table of constants",
    "files.": "test_files breaks files in every way",
    "shipped.": "test_files again",
    "checkpoints.": "test_files again",
    "hierarchy.points.check_kinds": "a check: test_a_model_of_several_species_takes_no_atom_for_the_first_of_them",
    "extensions.missing_atom.graphs.MoleculeSet.to": "test_containers_follow_the_batch_to_its_device",
    "extensions.hamiltonian.graphs.Shapes.to": "test_containers_follow_the_batch_to_its_device",
    "modes.": "test_valid_calls_work_in_any_mode_and_spoil_nothing_for_later",
    "extensions.flow.generator.Flow.update_average": "takes no argument",
    "engine.": "what the loop of training asks: test_training and test_streaming",
    "conformers.": "what molecules.from_smiles asks, which is tried",
    "lab.": "a door of Jupyter's: test_main",
    "structures.": "test_files again",
    "streaming.": "reads folders: test_streaming breaks them",
    "qm9.read": "test_files again",
    "qm9.rows": "test_files again",
    "places.trained_places": "test_files again",
    "hierarchy.materials.trained_on_octahedra": "test_files again",
    "hierarchy.materials.trained_on_molecules": "test_files again",
    "hierarchy.materials.octahedra_autoencoder": "makes a model; its levels are tried with octahedra_levels",
    "hierarchy.materials.molecule_autoencoder": "a seed is its only argument",
    "hierarchy.materials.motif_autoencoder": "a seed is its only argument",
    "equivariant.graph.default_dtype": "a context without numbers",
    "training.one_thread": "a context without arguments",
    "training.threads": "a context without numbers to compute",
    "extensions.flow.generator.flow_loss": "takes no argument",
    "inpainting.ranking.Completer": "the names that a model has to have",
    "inpainting.ranking.Completer.complete": "the names that a model has to have",
    "silicon.NetworkQuality.failed_gates": "takes no argument",
    "symmetry.Ledger.verdict": "words about numbers that symmetry_ledger made",
    "symmetry.Ledger.verdicts": "words about numbers that symmetry_ledger made",
    "primer.Apply.forward": "hands on to the function that it was given",
    "inpainting.baselines.RandomPlaces": "two numbers; tried with .complete",
    "extensions.flow.completion.FlowCompletion": "keeps a flow; tried with .complete",
    "extensions.missing_atom.votes.vote": "takes what the network said: tried with answers",
    "extensions.pieces.completion.completed": "needs a trained flow of codes: test_found_levels",
    "extensions.pieces.surroundings.surroundings_loss": "a loss: its batches come from completions",
    "inpainting.latent.LatentCompletion": "seconds a call: test_inpainting",
    "inpainting.latent.LatentCompletion.complete": "seconds a call: test_inpainting",
    "inpainting.objective.TalkCompletion": "seconds a call: test_inpainting",
    "inpainting.objective.TalkCompletion.complete": "seconds a call: test_inpainting",
}
EXCEPTIONS |= dict.fromkeys(
    (
        "equivariant.graph.Graph.gather",
        "equivariant.network.Convolution.forward",
        "extensions.flow.network.MotifVelocity.looks",
        "extensions.hamiltonian.blocks.Blocks.swap",
        "extensions.hamiltonian.layers.Convolution.forward",
        "extensions.hamiltonian.network.Head.forward",
        "extensions.hamiltonian.nonlinear.Compared.inner",
        "extensions.hamiltonian.nonlinear.Compared.forward",
        "extensions.hamiltonian.nonlinear.Gradient.gradient",
        "extensions.missing_atom.graphs.Holes.sums",
        "extensions.missing_atom.graphs.Holes.gathered",
        "extensions.missing_atom.network.Layer.forward",
        "hierarchy.autoencoder.HierarchicalAutoencoder.ascend",
        "hierarchy.autoencoder.HierarchicalAutoencoder.descend",
        "hierarchy.autoencoder.HierarchicalAutoencoder.judgement",
        "extensions.pieces.drawing.CodeFlow.forward",
        "hierarchy.growth.GrowthHead.judged",
        "hierarchy.layers.",
        "hierarchy.levels.Gathering.children",
        "hierarchy.motifs.Motifs.kind_of",
        "hierarchy.motifs.Motifs.members",
    ),
    "a part of a network, which gets what the rest of it made",
)
LARGE = ("one of 1e30", "all 1e30 times as large")
EMPTY = ("no atom", "no batch")
SINGLE = ("a dimension less", "all zero", "all the same", "all minus one", "all large")
# NaN that may come out of finite numbers: (name, ways) and why. A name that ends with a dot stands for all below it.
NAN_ALLOWED = {
    ("primer.restoring", EMPTY): "the mean over no examples; training refuses to train on none",
    ("transport.matching_error", EMPTY): "the mean over no examples again",
    ("extensions.pieces.drawing.drawing_loss", EMPTY): "the mean over no examples again",
    ("hierarchy.growth.growth_loss", EMPTY): "the mean over no examples again",
    ("inpainting.holes.by_cell", SINGLE): "the standard error of a single cell: documented as no number",
    ("transport.", LARGE): "float32 ends at 3e38, and squares before it; what comes in has no unit, rms about 1",
    ("extensions.flow.generator.", LARGE): "the same: numbers in charts are about 1",
    ("extensions.flow.network.", LARGE): "the same",
    ("extensions.flow.sets.", LARGE): "the same",
    ("extensions.hamiltonian.nonlinear.", LARGE): "the same: features inside a network are about 1",
    ("sphere.peaks.climbed", LARGE): "the same: places in widths of a blob",
    ("sphere.signals.product", LARGE): "the same: numbers of a signal are about 1",
    ("hierarchy.heads.PieceHead.forward", LARGE): "the same: numbers of a code are about 1",
    ("hierarchy.heads.invariants", LARGE): "the same",
    ("hierarchy.operators.operator_loss", LARGE): "the same",
    ("alignment.procrustes.turned_onto", LARGE): "the core behind best_rotation, which refuses them",
}


def _best_rotation(source, target, allow_mirror):
    # scipy's own for rotations; the orthogonal Procrustes problem where mirrors are allowed.
    if allow_mirror:
        return [[orthogonal_procrustes(t, s)[0] for s, t in zip(source, target, strict=True)]]
    return [[Rotation.align_vectors(t, s)[0].as_matrix() for s, t in zip(source, target, strict=True)]]


def _best_of_all_orders(a, b, allow_mirror, reorder):
    orders = permutations(range(a.shape[1])) if reorder else [range(a.shape[1])]
    orders = [list(order) for order in orders]
    of_pair = [min(Rotation.align_vectors(x, y[order])[1] for order in orders) for x, y in zip(a, b, strict=True)]
    return [np.array(of_pair) / a.shape[1] ** 0.5]


def _neighbour_distances(atoms, cutoff):
    first, distance = neighbor_list("id", atoms, cutoff)
    return [distance[np.lexsort((distance, first))]]


# What NumPy, SciPy or ASE say of the same arguments, as arrays in float64: the first of those in the result.
REFERENCES = {
    "alignment.matching.aligned_rmsd": _best_of_all_orders,
    "alignment.procrustes.best_rotation": _best_rotation,
    "bumps.gaussians": lambda x, centres, width: [
        np.exp(-0.5 * ((x[..., None] - centres) / width) ** 2).clip(np.exp(-bumps.FARTHEST))
    ],
    "environments.neighbour_pairs": _neighbour_distances,
    "gram.gram_matrix": lambda x: [np.einsum("...ia,...ja->...ij", x, x)],
    "motifs.centre_distances": lambda x: [np.sort(np.linalg.norm(x, axis=2), axis=1)],
    "motifs.pair_distances": lambda x: [[np.sort(pdist(cloud)) for cloud in x]],
    "reconstruction.nearest_training": lambda x, training: [training[cKDTree(training).query(x)[1]]],
    "extensions.hamiltonian.judges.orbitals": lambda fock, s: [[eigh(f, o)[0] for f, o in zip(fock, s, strict=True)]],
    "hierarchy.heads.matched_error": lambda x, y: [
        [d[linear_sum_assignment(d)].mean() for d in (cdist(a, b, "sqeuclidean") for a, b in zip(x, y, strict=True))]
    ],
    "inpainting.holes.by_cell": lambda x, cell: [x.mean(), sem([x[cell == k].mean() for k in np.unique(cell)])],
    "sphere.fields.blobs": lambda x, y, width: [
        [np.exp(-(cdist(a, b).min(1) ** 2) / (2 * width**2)) for a, b in zip(x, y, strict=True)]
    ],
}
# Each of a batch by itself, in float64, gives the same as all at once.
PER_ITEM = """
    alignment.matching.match_atoms alignment.template.Template.canonical gram.from_upper_triangle gram.upper_triangle
    gram.Standardiser.features gram.Standardiser.gram motifs.bond_angles motifs.descriptor reconstruction.gram_error
    reconstruction.PrincipalComponents.encode reconstruction.PrincipalComponents.reconstruct
    reconstruction.nearest_motif_rmsd primer.Autoencoder.forward transport.transport transport.between
    transport.log_likelihood vae.losses.kl_divergence vae.losses.overlap vae.networks.VariationalAutoencoder.reconstruct
    vae.networks.AlignedAutoencoder.decode inpainting.holes.apart inpainting.holes.restored_error
    inpainting.holes.closest inpainting.library.Library.find inpainting.objective.from_products places.bumps
    places.PlaceScorer.forward extensions.flow.charts.Principal.coordinates extensions.flow.charts.Principal.positions
    extensions.flow.generator.Flow.decode extensions.flow.generator.Flow.encode
    extensions.flow.generator.Flow.log_likelihood extensions.flow.judges.statistics
    extensions.flow.network.TimeWaves.forward extensions.flow.network.MotifVelocity.forward
    extensions.flow.physics.central_energy extensions.flow.physics.dihedral_angles
    extensions.flow.sets.SetVelocity.forward equivariant.graph.representation equivariant.network.logits
    equivariant.network.EquivariantNetwork.forward equivariant.network.EquivariantNetwork.each_point
    sphere.signals.harmonics extensions.hamiltonian.blocks.Blocks.coefficients
    extensions.hamiltonian.blocks.Blocks.matrices extensions.hamiltonian.layers.products
    extensions.hamiltonian.learning.Standard.matrices hierarchy.heads.PieceHead.forward
    hierarchy.heads.SlotDecoder.forward hierarchy.heads.invariants hierarchy.operators.CodeOperator.forward
"""
