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

from tutorial_lib import datasets, inpainting, metrics, representations, shapes, training
from tutorial_lib.datasets import digits, g2, hamiltonians, isomers, octahedra, polycubes, qm9
from tutorial_lib.exercises import grader
from tutorial_lib.inpainting import flow_completion, holes, library, objective, places
from tutorial_lib.metrics import network
from tutorial_lib.models import equivariant, flow, hierarchical, missing_atom, mlp, spherical, vae
from tutorial_lib.models.equivariant import graph as equivariant_graph
from tutorial_lib.models.equivariant import network as equivariant_network
from tutorial_lib.models.flow import charts, ode
from tutorial_lib.models.flow import network as flow_network
from tutorial_lib.models.hamiltonian import (
    basis,
    blocks,
    graphs,
    layers,
    learning,
    nonlinear,
    polynomials,
    reach,
    variants,
)
from tutorial_lib.models.hierarchical import atoms as hierarchy_atoms
from tutorial_lib.models.hierarchical import codes as hierarchy_codes
from tutorial_lib.models.hierarchical import found_motifs, growing, guided, heads, levels, materials, points
from tutorial_lib.models.hierarchical import losses as hierarchy_training
from tutorial_lib.models.missing_atom import graphs as hole_graphs
from tutorial_lib.models.missing_atom import votes
from tutorial_lib.models.pieces import completion, drawing, joints, networks, surroundings
from tutorial_lib.models.spherical import fields, signals
from tutorial_lib.models.vae import losses
from tutorial_lib.representations import alignment, gram, molecules, radial, synchronisation
from tutorial_lib.representations.alignment import procrustes
from tutorial_lib.training import recipes


def generator():
    return Generator().manual_seed(0)


def draw(*shape, dtype=torch.float32):
    """Numbers in general position, the same for the same shape."""
    return torch.randn(*shape, generator=Generator().manual_seed(sum(shape)), dtype=dtype)


def turns(*batch, dtype=torch.float32):
    return representations.random_rotation(generator(), batch, dtype)


@functools.cache
def cell():
    """27 atoms of silicon in a cell of 12 angstrom."""
    grid = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3) * 3.0
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, grid.shape)
    return Atoms("Si27", positions=grid + noise, cell=[9.0] * 3, pbc=True)


@functools.cache
def real():
    """96 motifs of amorphous silicon, float32."""
    return representations.nearest_neighbours(datasets.load_amorphous("validation")[0]).positions[:96].float()


@functools.cache
def canonical():
    return alignment.Template.fit(real(), n_starts=1, n_rounds=2).canonical(real())


@functools.cache
def dense():
    """One silicon cell with many bonds."""
    return datasets.crystal()


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
    return materials.trained_on_polycubes()


@functools.cache
def tree_of_molecules():
    return materials.molecule_autoencoder().eval()


@functools.cache
def grower():
    return materials.trained_to_grow()


@functools.cache
def pieces():
    return tuple(polycubes.pieces()[1][k] for k in (2, 5))


@functools.cache
def small_polycubes():
    """All polycubes of two and three cubes."""
    return tuple(shape for n in (2, 3) for shape in polycubes.polycubes(n, mirrors_equal=True))


@functools.cache
def seer():
    return equivariant.EquivariantNetwork()


@functools.cache
def piece_head():
    return heads.PieceHead(tree().latent_irreps)


@functools.cache
def pairs_of_octahedra():
    return tuple(octahedra.cluster(n, generator()) for n in (2, 3))


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
    "representations.alignment.matching.aligned_rmsd": lambda: call(
        alignment.aligned_rmsd, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False, reorder=True
    ),
    "representations.alignment.matching.match_atoms": lambda: call(
        alignment.match_atoms, draw(2, 4, 3), draw(2, 6, 3), allow_mirror=True
    ),
    "representations.alignment.procrustes.best_rotation": lambda: call(
        alignment.best_rotation, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False
    ),
    "representations.alignment.procrustes.turned_onto": lambda: call(
        procrustes.turned_onto, draw(3, 5, 3), draw(3, 5, 3) + 0.1, allow_mirror=False
    ),
    "representations.alignment.procrustes.check_choice": lambda: call(procrustes.check_choice, True),
    "shapes.check_shapes": lambda: call(shapes.check_shapes, positions=(draw(3, 5, 3), "*batch atoms+ 3")),
    "shapes.check_finite": lambda: call(shapes.check_finite, draw(3, 5, 3)),
    "shapes.check_counts": lambda: call(shapes.check_counts, n=3),
    "shapes.check_apart": lambda: call(shapes.check_apart, draw(4).abs() + 1, 3.0),
    "shapes.check_indices": lambda: call(shapes.check_indices, 3, of=torch.arange(3)),
    "representations.alignment.template.Template.fit": lambda: call(
        alignment.Template.fit, real()[:12], n_starts=1, n_rounds=1
    ),
    "representations.alignment.template.Template.canonical": lambda: call(
        alignment.Template(real()[0]).canonical, real()[:3]
    ),
    "representations.radial.gaussians": lambda: call(radial.gaussians, draw(4), draw(5), 0.3),
    "representations.neighbours.neighbour_pairs": lambda: call(representations.neighbour_pairs, cell(), 3.5),
    "representations.neighbours.nearest_neighbours": lambda: call(
        representations.nearest_neighbours, [cell()], n_neighbours=4, cutoff=4.0
    ),
    "representations.gram.gram_matrix": lambda: call(gram.gram_matrix, draw(3, 5, 3)),
    "representations.gram.upper_triangle": lambda: call(gram.upper_triangle, gram.gram_matrix(draw(3, 5, 3))),
    "representations.gram.from_upper_triangle": lambda: call(gram.from_upper_triangle, draw(3, 15)),
    "representations.gram.permuted": lambda: call(gram.permuted, draw(3, 15), generator()),
    "representations.gram.Standardiser.fit": lambda: call(gram.Standardiser.fit, gram.gram_matrix(draw(9, 5, 3))),
    "representations.gram.Standardiser.features": lambda: call(
        gram.Standardiser.fit(gram.gram_matrix(draw(9, 5, 3))).features, gram.gram_matrix(draw(2, 5, 3))
    ),
    "representations.gram.Standardiser.gram": lambda: call(
        gram.Standardiser.fit(gram.gram_matrix(draw(9, 5, 3))).gram, draw(2, 15)
    ),
    "representations.gram.nearest_rank3": lambda: call(
        gram.nearest_rank3, gram.gram_matrix(draw(3, 5, 3)) + torch.eye(5)
    ),
    "representations.gram.positions_from_gram": lambda: call(gram.positions_from_gram, gram.gram_matrix(draw(3, 5, 3))),
    "metrics.motif_statistics.centre_distances": lambda: call(metrics.centre_distances, real()[:9]),
    "metrics.motif_statistics.pair_distances": lambda: call(metrics.pair_distances, real()[:9]),
    "metrics.motif_statistics.bond_angles": lambda: call(metrics.bond_angles, real()[:9]),
    "metrics.motif_statistics.validity": lambda: call(metrics.validity, real()[:9]),
    "metrics.motif_statistics.wasserstein": lambda: call(metrics.wasserstein, draw(20), draw(30)),
    "metrics.motif_statistics.descriptor": lambda: call(metrics.descriptor, real()[:9]),
    "metrics.motif_statistics.coverage": lambda: call(metrics.coverage, real()[:20], real()[20:40]),
    "metrics.motif_statistics.novelty": lambda: call(metrics.novelty, real()[:20], real()[20:60]),
    "metrics.motif_statistics.compare": lambda: call(metrics.compare, real()[:30], real()[30:60], real()[60:]),
    "metrics.baselines.gram_error": lambda: call(
        metrics.gram_error, gram.gram_matrix(draw(3, 5, 3)), gram.gram_matrix(draw(3, 5, 3) + 1)
    ),
    "metrics.baselines.PrincipalComponents": lambda: call(metrics.PrincipalComponents, draw(30, 15), 4),
    "metrics.baselines.PrincipalComponents.encode": lambda: call(
        metrics.PrincipalComponents(draw(30, 15), 4).encode, draw(3, 15)
    ),
    "metrics.baselines.PrincipalComponents.reconstruct": lambda: call(
        metrics.PrincipalComponents(draw(30, 15), 4).reconstruct, draw(3, 15)
    ),
    "metrics.baselines.nearest_training": lambda: call(metrics.nearest_training, draw(3, 15), draw(30, 15)),
    "metrics.baselines.nearest_motif_rmsd": lambda: call(
        metrics.nearest_motif_rmsd, real()[:2], real()[2:12], n_candidates=2
    ),
    "metrics.network.network_quality": lambda: call(metrics.network_quality, dense()),
    "metrics.network.bond_angles": lambda: call(
        network.bond_angles, np.array([0, 0, 1, 1]), np.random.default_rng(0).normal(size=(4, 3))
    ),
    "metrics.network.radial_distribution": lambda: call(
        metrics.radial_distribution, [cell()], cutoff=4.0, bin_width=0.5
    ),
    "datasets.silicon.load_amorphous": lambda: call(datasets.load_amorphous, "validation"),
    "datasets.silicon.crystal": lambda: call(datasets.crystal),
    "representations.rotations.random_orthogonal": lambda: call(
        representations.random_orthogonal, generator(), (2,), torch.float32
    ),
    "representations.rotations.random_rotation": lambda: call(
        representations.random_rotation, generator(), (2,), torch.float32
    ),
    "metrics.symmetry.equivariance_error": lambda: call(
        metrics.equivariance_error, lambda x: x, draw(3, 5, 3), rotate, rotate
    ),
    "metrics.symmetry.invariance_error": lambda: call(metrics.invariance_error, square, draw(3, 5, 3), rotate),
    "metrics.symmetry.symmetry_ledger": lambda: call(
        metrics.symmetry_ledger, {"sum of squares": square}, draw(3, 5, 3, dtype=torch.float64)
    ),
    "representations.synchronisation.synchronise": lambda: call(
        synchronisation.synchronise, turns(3, 3) * 0 + torch.eye(3)
    ),
    "representations.synchronisation.chained": lambda: call(synchronisation.chained, turns(3, 3) * 0 + torch.eye(3)),
    "representations.synchronisation.rotation_error": lambda: call(
        synchronisation.rotation_error, turns(4), turns(4).mT
    ),
    "datasets.isomers.molecules": lambda: call(isomers.molecules),
    "datasets.isomers.rattled": lambda: call(isomers.rattled, [molecule("H2O"), molecule("H2O")], 3, 0.1, generator()),
    "representations.molecules.bonded": lambda: call(molecules.bonded, molecule("CH3OH")),
    "representations.molecules.smiles": lambda: call(molecules.smiles, molecule("CH3OH")),
    "representations.molecules.from_smiles": lambda: call(molecules.from_smiles, "CO"),
    "representations.molecules.bond_graph": lambda: call(molecules.bond_graph, molecule("CH3OH")),
    "representations.molecules.fingerprint": lambda: call(molecules.fingerprint, molecule("CH3OH"), 64),
    "representations.molecules.image": lambda: call(molecules.image, molecule("CH3OH"), 8, 8.0),
    "datasets.hamiltonians.load": lambda: call(hamiltonians.load, "water_rhf_500k", "train"),
    "datasets.hamiltonians.read": lambda: call(hamiltonians.read, hamiltonians.DATA / "water_rhf_500k.npz"),
    "datasets.hamiltonians.symmetric": lambda: call(hamiltonians.symmetric, np.arange(12.0).reshape(2, 6)),
    "datasets.hamiltonians.check_molecule": lambda: call(
        hamiltonians.check_molecule, torch.tensor([8, 1, 1]), water().positions[0]
    ),
    "datasets.qm9.load": lambda: call(qm9.load, "validation"),
    "datasets.g2.molecules": lambda: call(g2.molecules),
    "datasets.g2.elements": lambda: call(g2.elements, [molecule("H2O"), molecule("CH4")]),
    "datasets.g2.split": lambda: call(g2.split, 0),
    "datasets.octahedra.cluster": lambda: call(octahedra.cluster, 2, generator(), tilt=10.0),
    "datasets.octahedra.layer": lambda: call(octahedra.layer, 3),
    "datasets.octahedra.Octahedra.atoms": lambda: call(pairs_of_octahedra()[0].atoms),
    "datasets.polycubes.pieces": lambda: call(polycubes.pieces),
    "datasets.polycubes.polycubes": lambda: call(polycubes.polycubes, 3, mirrors_equal=True),
    "datasets.polycubes.held_out": lambda: call(polycubes.held_out, 0, 28),
    "datasets.polycubes.polycube_of": lambda: call(polycubes.polycube_of, pieces()[0], mirrors_equal=True, within=0.1),
    "datasets.polycubes.census": lambda: call(polycubes.census, list(pieces()), [list(pieces())] * 2, list(pieces())),
    "datasets.polycubes.random_trees": lambda: call(polycubes.random_trees, 3, generator(), most=4, apart=0.95),
    "datasets.polycubes.with_trees": lambda: call(polycubes.with_trees, list(pieces()), generator(), times=2, most=4),
    "models.mlp.perceptron": lambda: call(mlp.perceptron, [3, 4, 2], seed=0),
    "models.mlp.Autoencoder": lambda: call(mlp.Autoencoder, 6, [4], 2, seed=0),
    "models.mlp.Autoencoder.encode": lambda: call(mlp.Autoencoder(6, [4], 2, seed=0).encode, draw(3, 6)),
    "models.mlp.Autoencoder.decode": lambda: call(mlp.Autoencoder(6, [4], 2, seed=0).decode, draw(3, 2)),
    "models.mlp.Autoencoder.forward": lambda: call(mlp.Autoencoder(6, [4], 2, seed=0), draw(3, 6)),
    "models.mlp.reconstruction_loss": lambda: call(mlp.reconstruction_loss, Line(6, 6), draw(3, 6), generator()),
    "models.mlp.cross_entropy_loss": lambda: call(
        mlp.cross_entropy_loss, Line(6, 3), (draw(3, 6), torch.arange(3)), generator()
    ),
    "models.mlp.accuracy": lambda: call(mlp.accuracy, Line(6, 3), draw(3, 6), torch.arange(3)),
    "datasets.digits.load": lambda: call(digits.load, "test"),
    "models.flow.ode.normal": lambda: call(ode.normal, torch.rand(4), draw(4, 6), torch.rand(6)),
    "models.flow.ode.sample_path": lambda: call(ode.sample_path, draw(4, 6), generator()),
    "models.flow.ode.matching_error": lambda: call(ode.matching_error, still, draw(4, 6), torch.rand(6), generator()),
    "models.flow.ode.integrate": lambda: call(ode.integrate, still, draw(4, 6), 2, since=0.0, until=1.0),
    "models.flow.ode.interpolate": lambda: call(ode.interpolate, draw(4, 6), draw(4, 6) + 1, torch.rand(4)),
    "models.flow.ode.log_likelihood": lambda: call(ode.log_likelihood, still, draw(4, 6), 2),
    "models.vae.losses.kl_divergence": lambda: call(losses.kl_divergence, draw(4, 6), draw(4, 6)),
    "models.vae.losses.evidence_loss": lambda: call(vae.evidence_loss, beta=0.1, reduction="sum", permute=False),
    "models.vae.losses.overlap": lambda: call(losses.overlap, draw(4, 6, 3), 2.0),
    "models.vae.losses.aligned_loss": lambda: call(
        vae.aligned_loss, beta=0.1, describe=gram.gram_matrix, error=alignment.aligned_rmsd, rattle=0.1
    ),
    "models.vae.losses.active_units": lambda: call(losses.active_units, vae.VariationalAutoencoder(), draw(4, 36)),
    "models.vae.networks.VariationalAutoencoder": lambda: call(vae.VariationalAutoencoder, 6, [5], 2),
    "models.vae.networks.VariationalAutoencoder.encode": lambda: call(vae.VariationalAutoencoder().encode, draw(4, 36)),
    "models.vae.networks.VariationalAutoencoder.decode": lambda: call(vae.VariationalAutoencoder().decode, draw(4, 8)),
    "models.vae.networks.VariationalAutoencoder.reconstruct": lambda: call(
        vae.VariationalAutoencoder().reconstruct, draw(4, 36)
    ),
    "models.vae.networks.VariationalAutoencoder.sample": lambda: call(
        vae.VariationalAutoencoder().sample, 3, generator()
    ),
    "models.vae.networks.AlignedAutoencoder": lambda: call(vae.AlignedAutoencoder, 8, [5], 2),
    "models.vae.networks.AlignedAutoencoder.decode": lambda: call(vae.AlignedAutoencoder(8, [5], 8).decode, draw(4, 8)),
    "training.loop.train": lambda: call(
        training.train, nn.Linear(3, 1), draw(8, 3), small_cloud_loss, training.Recipe(1), device="cpu", progress=False
    ),
    "training.loop.profile": lambda: call(training.profile),
    "training.loop.best_device": lambda: call(training.best_device),
    "exercises.grader.close": lambda: call(grader.close, draw(3), draw(3), 1e-6),
    "exercises.grader.random_cloud": lambda: call(grader.random_cloud, 4, generator()),
}
HOLES = {
    "inpainting.holes.taken_out": lambda: call(holes.taken_out, real()[:4], 2, "any", generator()),
    "inpainting.holes.apart": lambda: call(holes.apart, draw(4, 2, 3), draw(4, 2, 3) + 1),
    "inpainting.holes.restored_error": lambda: call(holes.restored_error, draw(4, 5, 2, 3), draw(4, 2, 3)),
    "inpainting.holes.closest": lambda: call(holes.closest, draw(4, 6, 3), draw(4, 5, 2, 3)),
    "inpainting.holes.shell_places": lambda: call(holes.shell_places, (4, 2), 2.0, 4.0, draw(3), generator()),
    "inpainting.holes.by_cell": lambda: call(holes.by_cell, draw(8).abs(), torch.arange(8) % 2),
    "inpainting.holes.check_known": lambda: call(holes.check_known, real()[:4, :6], 2, 8, 1.0),
    "inpainting.library.Library": lambda: call(library.Library, real()[:20]),
    "inpainting.library.Library.find": lambda: call(library.Library(real()[:20]).find, real()[20:23, :6], 3),
    "inpainting.objective.from_products": lambda: call(objective.from_products, draw(4, 6, 3), draw(4, 6, 2)),
    "inpainting.ranking.inpaint": lambda: call(
        inpainting.inpaint, real()[:3, :7], 1, inpainting.RandomPlaces(), 2, generator()
    ),
    "inpainting.baselines.RandomPlaces.complete": lambda: call(
        inpainting.RandomPlaces().complete, real()[:3, :7], 1, 4, generator()
    ),
    "inpainting.baselines.Retrieval": lambda: call(inpainting.Retrieval, real()[:20], 0.5),
    "inpainting.baselines.Retrieval.complete": lambda: call(
        inpainting.Retrieval(real()[:20]).complete, real()[20:22, :7], 1, 4, generator()
    ),
    "inpainting.baselines.TemplateCompletion": lambda: call(inpainting.TemplateCompletion, real()[0]),
    "inpainting.baselines.LinearGaussian": lambda: call(inpainting.LinearGaussian, canonical()),
    "inpainting.baselines.LinearGaussian.complete": lambda: call(
        inpainting.LinearGaussian(canonical()).complete, canonical()[:2, :7], 1, 4, generator()
    ),
    "inpainting.places.radial_basis": lambda: call(places.radial_basis, draw(4).abs()),
    "inpainting.places.PositionScorer": lambda: call(places.PositionScorer, 8, 4.05, 8),
    "inpainting.places.PositionScorer.forward": lambda: call(
        places.PositionScorer(width=8), real()[:3, :7], draw(3, 5, 3)
    ),
    "inpainting.places.PositionScorer.complete": lambda: call(
        places.PositionScorer(width=8).eval().complete, real()[:2, :7], 1, 4, generator()
    ),
    "inpainting.places.position_loss": lambda: call(places.position_loss, n_places=4, rattle=0.1),
    "models.flow.charts.Principal.fit": lambda: call(charts.Principal.fit, canonical()),
    "models.flow.charts.Principal.coordinates": lambda: call(
        charts.Principal.fit(canonical()).coordinates, canonical()[:3]
    ),
    "models.flow.charts.Principal.positions": lambda: call(charts.Principal.fit(canonical()).positions, draw(3, 21)),
    "models.flow.charts.Scaled.fit": lambda: call(charts.Scaled.fit, real()),
    "models.flow.charts.Scaled.coordinates": lambda: call(charts.Scaled.fit(real()).coordinates, real()[:3]),
    "models.flow.charts.Scaled.positions": lambda: call(charts.Scaled.fit(real()).positions, draw(3, 8, 3)),
    "inpainting.flow_completion.FlowCompletion.complete": lambda: call(
        flow_completion.FlowCompletion(velocity(), generator()).complete, canonical()[:2, :7], 1, 2, generator()
    ),
    "models.flow.generator.Flow.sample": lambda: call(velocity().sample, 3, generator()),
    "models.flow.generator.Flow.decode": lambda: call(velocity().decode, draw(3, 21)),
    "models.flow.generator.Flow.encode": lambda: call(velocity().encode, canonical()[:3]),
    "models.flow.generator.Flow.interpolate": lambda: call(
        velocity().interpolate, canonical()[:1], canonical()[1:2], torch.linspace(0, 1, 3)
    ),
    "models.flow.generator.Flow.log_likelihood": lambda: call(velocity().log_likelihood, canonical()[:2], 2),
    "metrics.two_sample.statistics": lambda: call(metrics.statistics, real()[:9]),
    "metrics.two_sample.two_sample_auc": lambda: call(metrics.two_sample_auc, real()[:24], real()[24:48], seed=0),
    "metrics.two_sample.memory": lambda: call(metrics.memory, real()[:8], real()[8:40], real()[40:48]),
    "metrics.two_sample.mean_miss": lambda: call(metrics.mean_miss, real()[:24], real()[24:48]),
    "models.flow.network.TimeWaves.forward": lambda: call(flow_network.TimeWaves(), torch.rand(4)),
    "models.flow.network.MotifVelocity.forward": lambda: call(velocity().velocity, draw(3, 21), torch.rand(3)),
    "metrics.energy.central_energy": lambda: call(metrics.central_energy, real()[:9]),
    "metrics.energy.dihedral_angles": lambda: call(metrics.dihedral_angles, real()[:9]),
    "models.flow.sets.SetVelocity.forward": lambda: call(flow.SetVelocity(8, 1), draw(3, 8, 3), torch.rand(3)),
}
FIELDS = {
    "models.equivariant.graph.spherical_harmonics": lambda: call(
        equivariant_graph.spherical_harmonics, "0e + 1o", draw(4, 3)
    ),
    "models.equivariant.graph.representation": lambda: call(equivariant.representation, "0e + 1o", turns(2)),
    "models.equivariant.graph.neighbour_graph": lambda: call(
        equivariant_graph.neighbour_graph, 0.5 * draw(3, 4, 3), cutoff=2.0, lmax=1, n_radial=2
    ),
    "models.equivariant.graph.pair_graph": lambda: call(
        equivariant_graph.pair_graph,
        torch.tensor([0, 1, 2]),
        torch.tensor([1, 2, 0]),
        draw(3, 3),
        cutoff=5.0,
        lmax=1,
        n_radial=2,
        shape=(1, 3),
    ),
    "models.equivariant.network.EquivariantNetwork.forward": lambda: call(seer(), 0.5 * draw(3, 4, 3)),
    "models.equivariant.network.EquivariantNetwork.each_point": lambda: call(seer().each_point, 0.5 * draw(3, 4, 3)),
    "models.equivariant.network.EquivariantNetwork.graph": lambda: call(seer().graph, 0.5 * draw(3, 4, 3)),
    "models.equivariant.network.gate_for": lambda: call(equivariant_network.gate_for, "2x0e + 1o"),
    "models.equivariant.network.logits": lambda: call(equivariant.logits, draw(3, 8)),
    "models.spherical.signals.degrees": lambda: call(signals.degrees, 2),
    "models.spherical.signals.harmonics": lambda: call(spherical.harmonics, 2, draw(5, 3), softness=0.1),
    "models.spherical.signals.quadrature": lambda: call(spherical.quadrature, 4),
    "models.spherical.signals.product": lambda: call(spherical.product, draw(9, 4, 2), draw(9, 4, 2) + 1),
    "models.spherical.signals.normalised": lambda: call(spherical.normalised, draw(9, 4, 2)),
    "models.spherical.signals.EquivariantLinear.forward": lambda: call(
        spherical.EquivariantLinear(2, 3, 2), draw(9, 4, 2)
    ),
    "models.spherical.signals.EquivariantNonlinearity.forward": lambda: call(
        spherical.EquivariantNonlinearity(2, 2), draw(9, 4, 2)
    ),
    "models.spherical.signals.signal_peaks": lambda: call(spherical.signal_peaks, draw(9), least=0.5, n_directions=200),
    "models.spherical.fields.OccupancyField.forward": lambda: call(
        fields.OccupancyField(2, 2, 1.0, 4), draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "models.spherical.fields.OccupancyField.answers": lambda: call(
        fields.OccupancyField(2, 2, 1.0, 4).answers, draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "models.spherical.fields.OccupancyField.kinds": lambda: call(
        fields.OccupancyField(2, 2, 1.0, 4, kinds=2).kinds, draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3
    ),
    "models.spherical.fields.blobs": lambda: call(fields.blobs, draw(2, 6, 3), draw(2, 4, 3), 0.2),
    "models.spherical.fields.excess": lambda: call(fields.excess, draw(2, 6), torch.rand(2, 6)),
    "models.spherical.fields.places_about": lambda: call(
        fields.places_about, draw(2, 4, 3), torch.tensor([4, 3]), generator(), width=0.2, radius=1.0, n=5
    ),
    "models.spherical.ascents.peaks": lambda: call(
        spherical.peaks, fields.OccupancyField(2, 2, 1.0, 4), draw(9, 3, 2), width=0.2, radius=1.0
    ),
    "models.spherical.ascents.climbed": lambda: call(
        spherical.climbed,
        fields.OccupancyField(2, 2, 1.0, 4),
        draw(9, 3, 2),
        draw(6, 3),
        torch.arange(6) % 3,
        width=0.2,
    ),
    "models.spherical.ascents.merge": lambda: call(spherical.merge, draw(6, 3), torch.arange(6) % 3, 0.5),
    "models.hamiltonian.basis.wigner": lambda: call(basis.wigner, 2, turns()),
    "models.hamiltonian.basis.from_pyscf": lambda: call(basis.from_pyscf, 2),
    "models.hamiltonian.basis.change_of_basis": lambda: call(basis.change_of_basis, water().shells),
    "models.hamiltonian.basis.turn": lambda: call(basis.turn, water().shells, turns()),
    "models.hamiltonian.blocks.Blocks": lambda: call(blocks.Blocks, water().numbers, water().shells),
    "models.hamiltonian.blocks.Blocks.coefficients": lambda: call(water_blocks().coefficients, water().fock),
    "models.hamiltonian.blocks.Blocks.matrices": lambda: call(
        water_blocks().matrices, water_blocks().coefficients(water().fock)
    ),
    "models.hamiltonian.graphs.shapes": lambda: call(graphs.shapes, water().numbers, water().positions, lmax=2),
    "models.hamiltonian.graphs.seen": lambda: call(graphs.seen, 3),
    "models.hamiltonian.graphs.radial_basis": lambda: call(graphs.radial_basis, draw(4).abs()),
    "metrics.matrices.orbitals": lambda: call(metrics.orbitals, water().fock, water().overlap),
    "metrics.matrices.matrix_errors": lambda: call(metrics.matrix_errors, water().fock + 0.001, water()),
    "models.hamiltonian.layers.products": lambda: call(layers.products, draw(5, 4), "0e + 1o", "0e + 1o", "0e + 1o"),
    "models.hamiltonian.layers.ways_of_rows": lambda: call(layers.ways_of_rows, [1, 3], [2, 1]),
    "models.hamiltonian.layers.Linear.forward": lambda: call(layers.Linear("0e + 1o", 3, 2), draw(4, 5, 3)),
    "models.hamiltonian.learning.Standard.fit": lambda: call(learning.Standard.fit, water_blocks(), water().fock),
    "models.hamiltonian.learning.Standard.targets": lambda: call(water_standard().targets, water().fock),
    "models.hamiltonian.learning.Standard.matrices": lambda: call(
        water_standard().matrices, water_standard().targets(water().fock)[0]
    ),
    "models.hamiltonian.learning.matrix_loss": lambda: call(
        learning.matrix_loss, water_standard(), water_shapes(), water().fock
    ),
    "models.hamiltonian.learning.predicted": lambda: call(
        learning.predicted, water_network(), water_standard(), water_shapes()
    ),
    "models.hamiltonian.network.HamiltonianNetwork.forward": lambda: call(water_network(), water_shapes()),
    "models.hamiltonian.nonlinear.Gate.forward": lambda: call(nonlinear.Gate("0e + 1o", 4, 4), draw(4, 5, 4)),
    "models.hamiltonian.nonlinear.Gradient.forward": lambda: call(nonlinear.Gradient("0e + 1o", 4, 4), draw(4, 5, 4)),
    "models.hamiltonian.nonlinear.TensorSquare.forward": lambda: call(
        nonlinear.TensorSquare("0e + 1o", 4, 4), draw(4, 5, 4)
    ),
    "models.hamiltonian.reach.needed_irreps": lambda: call(reach.needed_irreps, water_blocks()),
    "models.hamiltonian.reach.check_reachable": lambda: call(
        reach.check_reachable, water_blocks(), reach.needed_irreps(water_blocks()), "0e + 1o + 2e"
    ),
    "models.hamiltonian.polynomials.polynomial": lambda: call(polynomials.polynomial, water(), water(), 1),
    "models.hamiltonian.variants.network": lambda: call(variants.network, "gate", water_blocks(), channels=4),
    "models.hamiltonian.variants.size": lambda: call(variants.size, nn.Linear(2, 2)),
    "models.missing_atom.graphs.MoleculeSet": lambda: call(
        missing_atom.MoleculeSet, list(some_qm9()), cutoff=3.0, n_radial=4
    ),
    "models.missing_atom.graphs.MoleculeSet.every_hole": lambda: call(hole_set().every_hole),
    "models.missing_atom.graphs.MoleculeSet.without": lambda: call(
        hole_set().without, torch.tensor([0, 1]), torch.tensor([2, 3])
    ),
    "models.missing_atom.graphs.radial_basis": lambda: call(hole_graphs.radial_basis, draw(4).abs(), 3.0, 5),
    "models.missing_atom.graphs.nearest_elements": lambda: call(missing_atom.nearest_elements, hole_set()),
    "models.missing_atom.network.CartesianNetwork.forward": lambda: call(
        hole_network(), hole_set().without(torch.tensor([0, 1]), torch.tensor([2, 3]))
    ),
    "models.missing_atom.votes.masked_atom_loss": lambda: call(votes.masked_atom_loss, hole_set()),
    "models.missing_atom.votes.results": lambda: call(
        votes.results, hole_network(), hole_set(), (torch.tensor([0, 1]), torch.tensor([2, 3]))
    ),
    "models.missing_atom.votes.every_answer": lambda: call(votes.every_answer, hole_network(), hole_set()),
    "models.missing_atom.votes.answers": lambda: call(votes.answers, hole_network(), some_qm9()[0], 1),
    "models.missing_atom.votes.guess": lambda: call(votes.guess, hole_network(), some_qm9()[0], 1),
}
HIERARCHY = {
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.encode": lambda: call(tree().encode, list(pieces())),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.forward": lambda: call(tree(), list(pieces())),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.decode": lambda: call(
        tree().decode, tree().encode(list(pieces())).detach()
    ),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.unfold": lambda: call(
        tree().unfold, tree().encode(list(pieces())).detach()
    ),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.signals_of": lambda: call(
        tree().signals_of, tree().encode(list(pieces())).detach()
    ),
    "models.hierarchical.atoms.clouds_of": lambda: call(
        hierarchy_atoms.clouds_of, tree_of_molecules(), [molecule("H2O")]
    ),
    "models.hierarchical.atoms.examples": lambda: call(
        hierarchy_atoms.examples, tree_of_molecules(), [molecule("H2O")]
    ),
    "models.hierarchical.atoms.encode_atoms": lambda: call(
        hierarchy_atoms.encode_atoms, tree_of_molecules(), [molecule("H2O")]
    ),
    "models.hierarchical.atoms.decode_atoms": lambda: call(
        hierarchy_atoms.decode_atoms,
        tree_of_molecules(),
        hierarchy_atoms.encode_atoms(tree_of_molecules(), [molecule("H2O")]).detach(),
    ),
    "models.hierarchical.atoms.same_molecule": lambda: call(
        hierarchy_atoms.same_molecule, molecule("H2O"), molecule("H2O"), within=0.2
    ),
    "models.hierarchical.codes.signals_of": lambda: call(hierarchy_codes.signals_of, draw(3, 18), 2),
    "models.hierarchical.codes.codes_of": lambda: call(hierarchy_codes.codes_of, draw(9, 3, 2)),
    "models.pieces.drawing.CodeFlow": lambda: call(drawing.CodeFlow, draw(20, 50), lmax=4, channels=4, depth=1),
    "models.pieces.drawing.CodeFlow.draw": lambda: call(
        drawing.CodeFlow(draw(20, 50), lmax=4, channels=4, depth=1).draw, 2, generator(), n_steps=2
    ),
    "models.pieces.drawing.drawing_loss": lambda: call(
        drawing.drawing_loss, drawing.CodeFlow(draw(20, 50), lmax=4, channels=4, depth=1), (draw(3, 50),), generator()
    ),
    "models.hierarchical.growing.sites": lambda: call(growing.sites, grower(), [torch.zeros(1, 3)], generator()),
    "models.hierarchical.growing.grow": lambda: call(growing.grow, grower(), [torch.zeros(1, 3)], 3, generator()),
    "models.hierarchical.growing.removable": lambda: call(growing.removable, grower(), pieces()[0]),
    "models.hierarchical.growing.edited": lambda: call(growing.edited, grower(), list(pieces()), 1, generator()),
    "models.hierarchical.growth.GrowthHead.forward": lambda: call(grower(), points_here()),
    "training.recipes.growth": lambda: call(recipes.growth, 20, 0),
    "models.hierarchical.growth.growth_loss": lambda: call(
        hierarchical.growth_loss,
        hierarchical.GrowthHead(channels=4),
        hierarchical.additions(small_polycubes()),
        generator(),
    ),
    "models.hierarchical.guided.led_by": lambda: call(
        guided.led_by, tree(), tree().encode(list(pieces())).detach(), strength=1.0
    ),
    "models.hierarchical.guided.guided_decode": lambda: call(
        guided.guided_decode, grower(), tree(), tree().encode(list(pieces())).detach(), 2, generator()
    ),
    "models.hierarchical.heads.PieceHead.forward": lambda: call(piece_head(), draw(2, tree().latent_irreps.dim)),
    "models.hierarchical.heads.SlotDecoder.forward": lambda: call(
        heads.SlotDecoder(tree(), channels=4), draw(2, tree().latent_irreps.dim)
    ),
    "models.hierarchical.heads.matched_error": lambda: call(heads.matched_error, draw(3, 4, 3), draw(3, 4, 3) + 1),
    "models.hierarchical.heads.invariants": lambda: call(heads.invariants, draw(3, 8), o3.Irreps("2x0e + 2x1o")),
    "models.pieces.joints.topology": lambda: call(joints.topology, pairs_of_octahedra()[0]),
    "models.pieces.joints.steps_of": lambda: call(joints.steps_of, pairs_of_octahedra()[0]),
    "models.pieces.joints.bends": lambda: call(joints.bends, pairs_of_octahedra()[0]),
    "models.hierarchical.levels.check": lambda: call(levels.check, list(pieces()), hierarchical.TETRIS),
    "models.hierarchical.levels.pooled": lambda: call(levels.pooled, points_here(), hierarchical.TETRIS),
    "models.hierarchical.levels.out_of_reach": lambda: call(
        levels.out_of_reach, levels.pooled(points_here(), hierarchical.TETRIS), hierarchical.TETRIS
    ),
    "models.hierarchical.materials.octahedra_to_train_on": lambda: call(materials.octahedra_to_train_on, 0, 2),
    "models.hierarchical.materials.octahedra_levels": lambda: call(
        materials.octahedra_levels, [network.points for network in pairs_of_octahedra()], "found"
    ),
    "models.hierarchical.found_motifs.FoundMotifs.fit": lambda: call(found_motifs.FoundMotifs.fit, points_here(), 1.2),
    "models.hierarchical.found_motifs.signal_powers": lambda: call(found_motifs.signal_powers, points_here(), 1.2),
    "models.pieces.networks.network_heads": lambda: call(networks.network_heads, 0, sight=1.8),
    "models.pieces.networks.attachments": lambda: call(
        networks.attachments, list(pairs_of_octahedra()), [joints.topology(pairs_of_octahedra()[1])], generator()
    ),
    "models.pieces.networks.gaps": lambda: call(networks.gaps, list(pairs_of_octahedra()), generator()),
    "models.pieces.networks.more_octahedra": lambda: call(
        networks.more_octahedra, network_growers(), [pairs_of_octahedra()[0]], 1, generator()
    ),
    "models.hierarchical.points.padded": lambda: call(points.padded, list(pieces())),
    "models.hierarchical.points.in_one_part": lambda: call(points.in_one_part, pieces()[0], 1.2),
    "models.hierarchical.points.points_of": lambda: call(points.points_of, *points.padded(pieces())),
    "models.hierarchical.points.Points.pairs": lambda: call(points_here().pairs, 1.2),
    "models.hierarchical.materials.polycube_autoencoder": lambda: call(materials.polycube_autoencoder, 0),
    "models.hierarchical.materials.trained_on_polycubes": lambda: call(materials.trained_on_polycubes),
    "models.hierarchical.materials.trained_to_grow": lambda: call(materials.trained_to_grow),
    "models.hierarchical.growth.free_places": lambda: call(hierarchical.free_places, pieces()[0]),
    "models.hierarchical.growth.additions": lambda: call(hierarchical.additions, list(small_polycubes()), most=5),
    "models.pieces.surroundings.Surroundings.encode": lambda: call(surrounding().encode, [draw(2, 3), draw(3, 3)]),
    "models.pieces.surroundings.Surroundings.decode": lambda: call(
        surrounding().decode, surrounding().encode([draw(2, 3), draw(3, 3)]).detach()
    ),
    "models.pieces.completion.completions": lambda: call(completion.completions, pieces()[0], generator()),
    "models.hierarchical.losses.reconstruction_loss": lambda: call(
        hierarchy_training.reconstruction_loss, tree(), points.padded(pieces()), generator(), rattle=0.01
    ),
    "models.hierarchical.losses.worst_distance": lambda: call(
        hierarchy_training.worst_distance, draw(4, 3), draw(4, 3) + 1
    ),
    "models.hierarchical.losses.reconstruction_errors": lambda: call(
        hierarchy_training.reconstruction_errors, tree(), list(pieces())
    ),
    "models.hierarchical.losses.exact": lambda: call(hierarchy_training.exact, tree(), list(pieces()), within=0.1),
}
VALID = ATOMS | HOLES | FIELDS | HIERARCHY


# What has no valid call here, and why. A key is a name, or the beginning of one that ends with a dot.
EXCEPTIONS = {
    "exercises.": "the judges take any answer at all: see test_a_judge_has_a_sentence_for_any_answer",
    "plotting.": "pictures of what other rooms have checked; drawn and looked at in test_plotting",
    "plotting.viewer.": "pictures again: test_viewer",
    "training.recipes.": "tables of constants, whose only argument is a seed",
    "training.recipes.flow": "a table of constants",
    "training.recipes.hamiltonian": "a table of constants",
    "storage.": "test_files breaks files in every way",
    "training.checkpoints.": "test_files again",
    "models.hierarchical.points.check_kinds": "test_a_model_of_several_species_takes_no_atom_for_the_first_of_them",
    "models.missing_atom.graphs.MoleculeSet.to": "test_containers_follow_the_batch_to_its_device",
    "models.hamiltonian.graphs.Shapes.to": "test_containers_follow_the_batch_to_its_device",
    "shapes.": "test_valid_calls_work_in_any_mode_and_spoil_nothing_for_later",
    "models.flow.generator.Flow.update_average": "takes no argument",
    "training.batches.": "what the loop of training asks: test_training and test_streaming",
    "representations.conformers.": "what molecules.from_smiles asks, which is tried",
    "cli.": "a door of Jupyter's: test_main",
    "datasets.structures.": "test_files again",
    "training.streaming.": "reads folders: test_streaming breaks them",
    "datasets.qm9.read": "test_files again",
    "datasets.qm9.rows": "test_files again",
    "inpainting.places.trained_position_scorer": "test_files again",
    "models.hierarchical.materials.trained_on_octahedra": "test_files again",
    "models.hierarchical.materials.trained_on_molecules": "test_files again",
    "models.hierarchical.materials.octahedra_autoencoder": "makes a model; its levels are tried with octahedra_levels",
    "models.hierarchical.materials.molecule_autoencoder": "a seed is its only argument",
    "models.hierarchical.materials.motif_autoencoder": "a seed is its only argument",
    "models.equivariant.graph.default_dtype": "a context without numbers",
    "training.loop.one_thread": "a context without arguments",
    "training.loop.threads": "a context without numbers to compute",
    "models.flow.generator.flow_loss": "takes no argument",
    "inpainting.ranking.Completer": "the names that a model has to have",
    "inpainting.ranking.Completer.complete": "the names that a model has to have",
    "metrics.network.NetworkQuality.failed_gates": "takes no argument",
    "metrics.symmetry.Ledger.verdict": "words about numbers that symmetry_ledger made",
    "metrics.symmetry.Ledger.verdicts": "words about numbers that symmetry_ledger made",
    "models.mlp.Apply.forward": "hands on to the function that it was given",
    "inpainting.baselines.RandomPlaces": "two numbers; tried with .complete",
    "inpainting.flow_completion.FlowCompletion": "keeps a flow; tried with .complete",
    "models.missing_atom.votes.attention_pool": "takes what the network said: tried with answers",
    "models.hierarchical.points.noise_like": "torch.randn of another array's shape",
    "models.pieces.completion.completed": "needs a trained flow of codes: test_found_levels",
    "models.pieces.surroundings.surroundings_loss": "a loss: its batches come from completions",
    "inpainting.latent.LatentCompletion": "seconds a call: test_inpainting",
    "inpainting.latent.LatentCompletion.complete": "seconds a call: test_inpainting",
    "inpainting.objective.TalkCompletion": "seconds a call: test_inpainting",
    "inpainting.objective.TalkCompletion.complete": "seconds a call: test_inpainting",
}
EXCEPTIONS |= dict.fromkeys(
    (
        "models.equivariant.graph.Graph.gather",
        "models.equivariant.network.Convolution.forward",
        "models.flow.network.MotifVelocity.looks",
        "models.hamiltonian.blocks.Blocks.swap",
        "models.hamiltonian.layers.Convolution.forward",
        "models.hamiltonian.network.Head.forward",
        "models.hamiltonian.nonlinear.Compared.inner",
        "models.hamiltonian.nonlinear.Compared.forward",
        "models.hamiltonian.nonlinear.Gradient.gradient",
        "models.missing_atom.graphs.MaskedMolecules.sums",
        "models.missing_atom.graphs.MaskedMolecules.gathered",
        "models.missing_atom.network.Layer.forward",
        "models.hierarchical.autoencoder.HierarchicalAutoencoder.ascend",
        "models.hierarchical.autoencoder.HierarchicalAutoencoder.descend",
        "models.hierarchical.autoencoder.HierarchicalAutoencoder.judgement",
        "models.pieces.drawing.CodeFlow.forward",
        "models.hierarchical.growth.GrowthHead.judged",
        "models.hierarchical.layers.",
        "models.spherical.fields.OccupancyField.loss",
        "models.spherical.ascents.uphill",
        "models.hierarchical.levels.Pooling.children",
        "models.hierarchical.found_motifs.FoundMotifs.kind_of",
        "models.hierarchical.found_motifs.FoundMotifs.members",
    ),
    "a part of a network, which gets what the rest of it made",
)
LARGE = ("one of 1e30", "all 1e30 times as large")
EMPTY = ("no atom", "no batch")
SINGLE = ("a dimension less", "all zero", "all the same", "all minus one", "all large")
# NaN that may come out of finite numbers: (name, ways) and why. A name that ends with a dot stands for all below it.
NAN_ALLOWED = {
    ("models.mlp.reconstruction_loss", EMPTY): "the mean over no examples; training refuses to train on none",
    ("models.flow.ode.matching_error", EMPTY): "the mean over no examples again",
    ("models.pieces.drawing.drawing_loss", EMPTY): "the mean over no examples again",
    ("models.hierarchical.growth.growth_loss", EMPTY): "the mean over no examples again",
    ("inpainting.holes.by_cell", SINGLE): "the standard error of a single cell: documented as no number",
    ("models.flow.ode.", LARGE): "float32 ends at 3e38, and squares before it; what comes in has no unit, rms about 1",
    ("models.flow.generator.", LARGE): "the same: numbers in charts are about 1",
    ("models.flow.network.", LARGE): "the same",
    ("models.flow.sets.", LARGE): "the same",
    ("models.hamiltonian.nonlinear.", LARGE): "the same: features inside a network are about 1",
    ("models.spherical.ascents.climbed", LARGE): "the same: places in widths of a blob",
    ("models.spherical.signals.product", LARGE): "the same: numbers of a signal are about 1",
    ("models.hierarchical.heads.PieceHead.forward", LARGE): "the same: numbers of a code are about 1",
    ("models.hierarchical.heads.invariants", LARGE): "the same",
    ("representations.alignment.procrustes.turned_onto", LARGE): "the core behind best_rotation, which refuses them",
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
    "representations.alignment.matching.aligned_rmsd": _best_of_all_orders,
    "representations.alignment.procrustes.best_rotation": _best_rotation,
    "representations.radial.gaussians": lambda x, centres, width: [
        np.exp(-0.5 * ((x[..., None] - centres) / width) ** 2).clip(np.exp(-radial.FARTHEST))
    ],
    "representations.neighbours.neighbour_pairs": _neighbour_distances,
    "representations.gram.gram_matrix": lambda x: [np.einsum("...ia,...ja->...ij", x, x)],
    "metrics.motif_statistics.centre_distances": lambda x: [np.sort(np.linalg.norm(x, axis=2), axis=1)],
    "metrics.motif_statistics.pair_distances": lambda x: [[np.sort(pdist(cloud)) for cloud in x]],
    "metrics.baselines.nearest_training": lambda x, training: [training[cKDTree(training).query(x)[1]]],
    "metrics.matrices.orbitals": lambda fock, s: [[eigh(f, o)[0] for f, o in zip(fock, s, strict=True)]],
    "models.hierarchical.heads.matched_error": lambda x, y: [
        [d[linear_sum_assignment(d)].mean() for d in (cdist(a, b, "sqeuclidean") for a, b in zip(x, y, strict=True))]
    ],
    "inpainting.holes.by_cell": lambda x, cell: [x.mean(), sem([x[cell == k].mean() for k in np.unique(cell)])],
    "models.spherical.fields.blobs": lambda x, y, width: [
        [np.exp(-(cdist(a, b).min(1) ** 2) / (2 * width**2)) for a, b in zip(x, y, strict=True)]
    ],
}
# Each of a batch by itself, in float64, gives the same as all at once.
PER_ITEM = """
    representations.alignment.matching.match_atoms representations.alignment.template.Template.canonical
    representations.gram.from_upper_triangle representations.gram.upper_triangle
    representations.gram.Standardiser.features representations.gram.Standardiser.gram
    metrics.motif_statistics.bond_angles metrics.motif_statistics.descriptor metrics.baselines.gram_error
    metrics.baselines.PrincipalComponents.encode metrics.baselines.PrincipalComponents.reconstruct
    metrics.baselines.nearest_motif_rmsd models.mlp.Autoencoder.forward models.flow.ode.integrate
    models.flow.ode.interpolate models.flow.ode.log_likelihood models.vae.losses.kl_divergence models.vae.losses.overlap
    models.vae.networks.VariationalAutoencoder.reconstruct models.vae.networks.AlignedAutoencoder.decode
    inpainting.holes.apart inpainting.holes.restored_error inpainting.holes.closest inpainting.library.Library.find
    inpainting.objective.from_products inpainting.places.radial_basis inpainting.places.PositionScorer.forward
    models.flow.charts.Principal.coordinates models.flow.charts.Principal.positions models.flow.generator.Flow.decode
    models.flow.generator.Flow.encode models.flow.generator.Flow.log_likelihood metrics.two_sample.statistics
    models.flow.network.TimeWaves.forward models.flow.network.MotifVelocity.forward metrics.energy.central_energy
    metrics.energy.dihedral_angles models.flow.sets.SetVelocity.forward models.equivariant.graph.representation
    models.equivariant.network.logits models.equivariant.network.EquivariantNetwork.forward
    models.equivariant.network.EquivariantNetwork.each_point models.spherical.signals.harmonics
    models.hamiltonian.blocks.Blocks.coefficients models.hamiltonian.blocks.Blocks.matrices
    models.hamiltonian.layers.products models.hamiltonian.learning.Standard.matrices
    models.hierarchical.heads.PieceHead.forward models.hierarchical.heads.SlotDecoder.forward
    models.hierarchical.heads.invariants
"""
