"""One call that works of each public function: what `test_fuzz` starts from, before it spoils an argument.

`VALID[name]()` gives (function, arguments, keyword arguments) of the function or method of that name. What a call needs
and is slow to make, such as a cell or a model, is made once.
"""

import functools
import pkgutil
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

from tutorial_lib import datasets, inpainting, metrics, representations
from tutorial_lib.datasets import hamiltonians, polycubes, qm9
from tutorial_lib.datasets.octahedra import cluster
from tutorial_lib.inpainting import LinearGaussian, RandomPlaces, Retrieval
from tutorial_lib.inpainting.flow_completion import FlowCompletion
from tutorial_lib.inpainting.places import PositionScorer
from tutorial_lib.models import (
    denoiser,
    equivariant,
    flow,
    hamiltonian,
    hierarchical,
    missing_atom,
    mlp,
    pieces,
    spherical,
    vae,
)
from tutorial_lib.models.flow.network import TimeWaves
from tutorial_lib.models.hamiltonian import TensorSquare
from tutorial_lib.models.hamiltonian.blocks import needed_irreps
from tutorial_lib.models.hamiltonian.layers import Linear
from tutorial_lib.models.hierarchical import TETRIS, SlotDecoder, padded, pooled
from tutorial_lib.models.spherical import EquivariantLinear
from tutorial_lib.representations import Standardiser, Template, gram_matrix
from tutorial_lib.representations.alignment import aligned_rmsd
from tutorial_lib.representations.radial import FARTHEST
from tutorial_lib.training import Recipe


def generator():
    return Generator().manual_seed(0)


def draw(*shape, dtype=torch.float32):
    """Numbers in general position, the same for the same shape."""
    return torch.randn(*shape, generator=Generator().manual_seed(sum(shape)), dtype=dtype)


def turns(*batch, dtype=torch.float32):
    return representations.random_rotation(generator(), batch, dtype)


def grams(n):
    return gram_matrix(draw(n, 5, 3))


@functools.cache
def cell():
    """27 atoms of silicon in a cell of 9 angstrom."""
    grid = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3) * 3.0
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, grid.shape)
    return Atoms("Si27", positions=grid + noise, cell=[9.0] * 3, pbc=True)


@functools.cache
def real():
    """96 motifs of amorphous silicon, float32."""
    return representations.nearest_neighbours(datasets.load_amorphous("validation")[0]).positions[:96].float()


once = functools.cache
two_clouds = once(lambda: (draw(3, 5, 3), draw(3, 5, 3) + 0.1))
field = once(lambda kinds=0: spherical.OccupancyField(2, 2, 1.0, 4, kinds=kinds))
signals_at = once(lambda: (draw(9, 3, 2), draw(6, 3), torch.arange(6) % 3))
motif_vae = once(vae.VariationalAutoencoder)
scorer = once(lambda: PositionScorer(width=8).eval())
code_flow = once(lambda: pieces.CodeFlow(draw(20, 50), lmax=4, channels=4, depth=1))
canonical = once(lambda: Template.fit(real(), n_starts=1, n_rounds=2).canonical(real()))
known = once(lambda: canonical()[:2, :7])
standardiser = once(lambda: Standardiser.fit(grams(9)))
principal = once(lambda: metrics.PrincipalComponents(draw(30, 15), 4))
chart = once(lambda: flow.Principal.fit(canonical()))
motif_flow = once(lambda: flow.Flow(chart(), flow.MotifVelocity(chart(), 16, 1), n_steps=2))
network = once(equivariant.EquivariantNetwork)
molecules = once(lambda: qm9.load("validation")[:4])
glass = once(datasets.crystal)
silica = once(lambda: datasets.load_silica("validation")[0])
noise_network = once(lambda: denoiser.denoiser_for([glass()], width=4, n_rounds=1).eval())
noisy = once(lambda: denoiser.shaken_lattice(noise_network(), 60, generator=generator()))
hole_set = once(lambda: missing_atom.MoleculeSet(molecules()))
hole_network = once(lambda: missing_atom.CartesianNetwork(8, 4, 1).eval())
places_network = once(lambda: missing_atom.ManyPlaces(2, width=8, n_vectors=4, n_layers=1).eval())
holes = once(lambda: (torch.tensor([0, 1]), torch.tensor([2, 3])))  # molecules, and the atom of each
water = once(lambda: hamiltonians.load("water_rhf_500k", "train")[:6])
water_blocks = once(lambda: hamiltonian.Blocks(water().numbers, water().shells))
water_shapes = once(lambda: hamiltonian.shapes(water().numbers, water().positions))
water_standard = once(lambda: hamiltonian.Standard.fit(water_blocks(), water().fock))
water_network = once(lambda: hamiltonian.network("gate", water_blocks(), channels=4))
two_pieces = once(lambda: [polycubes.pieces()[1][k] for k in (2, 5)])
points = once(lambda: hierarchical.points_of(*padded(two_pieces())))
small_polycubes = once(lambda: [shape for n in (2, 3) for shape in polycubes.polycubes(n, mirrors_equal=True)])
tree = once(hierarchical.trained_on_polycubes)
latents = once(lambda: draw(2, tree().latent_irreps.dim))
codes = once(lambda: tree().encode(two_pieces()).detach())
piece_head = once(lambda: hierarchical.PieceHead(tree().latent_irreps))
grower = once(hierarchical.trained_to_grow)
molecule_tree = once(lambda: hierarchical.molecule_autoencoder().eval())
code_of_water = once(lambda: hierarchical.encode_atoms(molecule_tree(), [molecule("H2O")]).detach())
octahedra = once(lambda: [cluster(n, generator()) for n in (2, 3)])
surroundings = once(lambda: pieces.Surroundings(channels=4))
two_surroundings = once(lambda: [draw(2, 3), draw(3, 3)])


def square(x):
    return x.square().sum(dim=(-1, -2))


def rotate(x):
    return x @ turns(dtype=x.dtype).mT


def still(point, time):
    return 0.1 * point


def loss(model, batch, generator):
    return {"loss": model(batch).square().mean()}


class Line(nn.Linear):
    """A model of the caller's."""

    def forward(self, x):
        return super().forward(x)


def call(*args, **kwargs):
    return None, args, kwargs


def on(owner, *args, **kwargs):
    """A call of a method of this object."""
    return owner, args, kwargs


def valid(name, make):
    def made():
        owner, args, kwargs = make()
        if owner is None:
            return pkgutil.resolve_name(f"tutorial_lib.{name}"), args, kwargs
        method = name.rpartition(".")[2]
        return owner if method == "forward" else getattr(owner, method), args, kwargs

    return made


CALLS = {
    "representations.alignment.matching.aligned_rmsd": lambda: call(*two_clouds(), allow_mirror=False, reorder=True),
    "representations.alignment.matching.match_atoms": lambda: call(draw(2, 4, 3), draw(2, 6, 3), allow_mirror=True),
    "representations.alignment.procrustes.best_rotation": lambda: call(*two_clouds(), allow_mirror=False),
    "representations.alignment.procrustes.turned_onto": lambda: call(*two_clouds(), allow_mirror=False),
    "representations.alignment.procrustes.check_choice": lambda: call(True),
    "shapes.check_shapes": lambda: call(positions=(draw(3, 5, 3), "*batch atoms+ 3")),
    "shapes.check_counts": lambda: call(n=3),
    "shapes.check_not_negative": lambda: call(beta=0.5),
    "shapes.check_apart": lambda: call(draw(4).abs() + 1, 3.0),
    "shapes.check_indices": lambda: call(3, of=torch.arange(3)),
    "representations.alignment.matching.Template.fit": lambda: call(real()[:12], n_starts=1, n_rounds=1),
    "representations.alignment.matching.Template.canonical": lambda: on(Template(real()[0]), real()[:3]),
    "representations.radial.gaussians": lambda: call(draw(4), draw(5), 0.3),
    "representations.radial.cosine_window": lambda: call(draw(4).abs(), 3.0),
    "representations.radial.distances_of_pairs": lambda: call(draw(2, 4, 3)),
    "representations.neighbours.neighbour_pairs": lambda: call(cell(), 3.5),
    "representations.neighbours.nearest_neighbours": lambda: call([cell()], n_neighbours=4, cutoff=4.0),
    "shapes.check_finite representations.gram.gram_matrix": lambda: call(draw(3, 5, 3)),
    "representations.gram.upper_triangle representations.gram.positions_from_gram": lambda: call(grams(3)),
    "representations.gram.from_upper_triangle": lambda: call(draw(3, 15)),
    "representations.gram.permuted": lambda: call(draw(3, 15), generator()),
    "representations.gram.Standardiser.fit": lambda: call(grams(9)),
    "representations.gram.Standardiser.features": lambda: on(standardiser(), grams(2)),
    "representations.gram.Standardiser.gram": lambda: on(standardiser(), draw(2, 15)),
    "representations.gram.nearest_rank3": lambda: call(grams(3) + torch.eye(5)),
    """metrics.motif_statistics.centre_distances metrics.motif_statistics.pair_distances metrics.energy.central_energy
        metrics.motif_statistics.bond_angles metrics.motif_statistics.validity metrics.motif_statistics.descriptor
        metrics.two_sample.statistics metrics.energy.dihedral_angles
        metrics.energy.cluster_energy""": lambda: call(real()[:9]),
    "metrics.motif_statistics.wasserstein": lambda: call(draw(20), draw(30)),
    "metrics.motif_statistics.coverage": lambda: call(real()[:20], real()[20:40]),
    "metrics.motif_statistics.novelty": lambda: call(real()[:20], real()[20:60]),
    "metrics.motif_statistics.compare": lambda: call(real()[:30], real()[30:60], real()[60:]),
    "metrics.baselines.gram_error": lambda: call(grams(3), gram_matrix(draw(3, 5, 3) + 1)),
    "metrics.baselines.PrincipalComponents": lambda: call(draw(30, 15), 4),
    "metrics.baselines.PrincipalComponents.encode": lambda: on(principal(), draw(3, 15)),
    "metrics.baselines.PrincipalComponents.reconstruct": lambda: on(principal(), draw(3, 15)),
    "metrics.baselines.nearest_training": lambda: call(draw(3, 15), draw(30, 15)),
    "metrics.baselines.nearest_motif_rmsd": lambda: call(real()[:2], real()[2:12], n_candidates=2),
    "metrics.network.network_quality": lambda: call(datasets.crystal()),
    "metrics.network.bond_angles": lambda: call(np.array([0, 0, 1, 1]), np.random.default_rng(0).normal(size=(4, 3))),
    "metrics.network.radial_distribution": lambda: call([cell()], cutoff=4.0, bin_width=0.5),
    "representations.rotations.random_orthogonal": lambda: call(generator(), (2,), torch.float32),
    "representations.rotations.random_rotation": lambda: call(generator(), (2,), torch.float32),
    "metrics.symmetry.equivariance_error": lambda: call(lambda x: x, draw(3, 5, 3), rotate, rotate),
    "metrics.symmetry.invariance_error": lambda: call(square, draw(3, 5, 3), rotate),
    "metrics.symmetry.symmetry_ledger": lambda: call({"sum of squares": square}, draw(3, 5, 3, dtype=torch.float64)),
    "representations.synchronisation.synchronise": lambda: call(turns(3, 3) * 0 + torch.eye(3)),
    "representations.synchronisation.chained": lambda: call(turns(3, 3) * 0 + torch.eye(3)),
    "representations.synchronisation.rotation_error": lambda: call(turns(4), turns(4).mT),
    "datasets.isomers.rattled": lambda: call([molecule("H2O"), molecule("H2O")], 3, 0.1, generator()),
    "representations.molecules.bonded": lambda: call(molecule("CH3OH")),
    "representations.molecules.smiles": lambda: call(molecule("CH3OH")),
    "representations.molecules.from_smiles": lambda: call("CO"),
    "representations.molecules.bond_graph": lambda: call(molecule("CH3OH")),
    "representations.molecules.fingerprint": lambda: call(molecule("CH3OH"), 64),
    "representations.molecules.image": lambda: call(molecule("CH3OH"), 8, 8.0),
    "datasets.hamiltonians.load": lambda: call("water_rhf_500k", "train"),
    "datasets.hamiltonians.read": lambda: call(hamiltonians.DATA / "water_rhf_500k.npz"),
    "datasets.hamiltonians.symmetric": lambda: call(np.arange(12.0).reshape(2, 6)),
    "datasets.hamiltonians.check_molecule": lambda: call(torch.tensor([8, 1, 1]), water().positions[0]),
    "datasets.silicon.load_amorphous datasets.qm9.load": lambda: call("validation"),
    "datasets.g2.elements": lambda: call([molecule("H2O"), molecule("CH4")]),
    "datasets.g2.split models.hierarchical.materials.polycube_autoencoder": lambda: call(0),
    "datasets.octahedra.cluster": lambda: call(2, generator(), tilt=10.0),
    "datasets.octahedra.layer models.hamiltonian.graphs.seen": lambda: call(3),
    "datasets.octahedra.Octahedra.atoms": lambda: on(octahedra()[0]),
    "datasets.polycubes.polycubes": lambda: call(3, mirrors_equal=True),
    "datasets.polycubes.held_out": lambda: call(0, 28),
    "datasets.polycubes.polycube_of": lambda: call(two_pieces()[0], mirrors_equal=True, within=0.1),
    "datasets.polycubes.census": lambda: call(two_pieces(), [two_pieces()] * 2, two_pieces()),
    "datasets.polycubes.random_trees": lambda: call(3, generator(), most=4, apart=0.95),
    "datasets.polycubes.with_trees": lambda: call(two_pieces(), generator(), times=2, most=4),
    "models.mlp.perceptron": lambda: call([3, 4, 2], seed=0),
    "models.mlp.Autoencoder": lambda: call(6, [4], 2, seed=0),
    "models.mlp.Autoencoder.encode": lambda: on(mlp.Autoencoder(6, [4], 2, seed=0), draw(3, 6)),
    "models.mlp.Autoencoder.decode": lambda: on(mlp.Autoencoder(6, [4], 2, seed=0), draw(3, 2)),
    "models.mlp.Autoencoder.forward": lambda: on(mlp.Autoencoder(6, [4], 2, seed=0), draw(3, 6)),
    "models.mlp.reconstruction_loss": lambda: call(Line(6, 6), draw(3, 6), generator()),
    "models.mlp.cross_entropy_loss": lambda: call(Line(6, 3), (draw(3, 6), torch.arange(3)), generator()),
    "models.mlp.accuracy": lambda: call(Line(6, 3), draw(3, 6), torch.arange(3)),
    "datasets.digits.load": lambda: call("test"),
    "models.flow.ode.normal": lambda: call(torch.rand(4), draw(4, 6), torch.rand(6)),
    "models.flow.ode.matching_error": lambda: call(still, draw(4, 6), torch.rand(6), generator()),
    "models.flow.pairing.laid_towards": lambda: call(draw(4, 8, 3), real()[:4]),
    "models.flow.ode.integrate": lambda: call(still, draw(4, 6), 2, since=0.0, until=1.0),
    "models.flow.ode.interpolate": lambda: call(draw(4, 6), draw(4, 6) + 1, torch.rand(4)),
    "models.flow.ode.log_likelihood": lambda: call(still, draw(4, 6), 2),
    "models.vae.kl_divergence": lambda: call(draw(4, 6), draw(4, 6)),
    "models.vae.evidence_loss": lambda: call(beta=0.1, reduction="sum", permute=False),
    "models.vae.watched": lambda: call(loss, draw(4, 36), 2),
    "models.vae.overlap": lambda: call(draw(4, 6, 3), 2.0),
    "models.vae.aligned_loss": lambda: call(beta=0.1, describe=gram_matrix, error=aligned_rmsd, rattle=0.1),
    "models.vae.active_units": lambda: call(motif_vae(), draw(4, 36)),
    "models.vae.VariationalAutoencoder": lambda: call(6, [5], 2),
    "models.vae.LatentVariableModel.encode": lambda: on(motif_vae(), draw(4, 36)),
    "models.vae.LatentVariableModel.decode": lambda: on(motif_vae(), draw(4, 8)),
    "models.vae.LatentVariableModel.reconstruct": lambda: on(motif_vae(), draw(4, 36)),
    "models.vae.LatentVariableModel.forward": lambda: on(motif_vae(), draw(4, 36), generator()),
    "models.vae.LatentVariableModel.sample": lambda: on(motif_vae(), 3, generator()),
    "models.vae.AlignedAutoencoder": lambda: call(8, [5], 2),
    "models.vae.AlignedAutoencoder.decode": lambda: on(vae.AlignedAutoencoder(8, [5], 8), draw(4, 8)),
    "training.loop.train": lambda: call(nn.Linear(3, 1), draw(8, 3), loss, Recipe(1), device="cpu", progress=False),
    "exercises.grader.close": lambda: call(draw(3), draw(3), 1e-6),
    "exercises.grader.random_cloud": lambda: call(4, generator()),
    "inpainting.holes.taken_out": lambda: call(real()[:4], 2, "any", generator()),
    "inpainting.holes.apart": lambda: call(draw(4, 2, 3), draw(4, 2, 3) + 1),
    "inpainting.holes.restored_error": lambda: call(draw(4, 5, 2, 3), draw(4, 2, 3)),
    "inpainting.holes.closest": lambda: call(draw(4, 6, 3), draw(4, 5, 2, 3)),
    "inpainting.holes.shell_places": lambda: call((4, 2), 2.0, 4.0, draw(3), generator()),
    "inpainting.holes.by_cell": lambda: call(draw(8).abs(), torch.arange(8) % 2),
    "inpainting.library.Library": lambda: call(real()[:20]),
    "inpainting.library.Library.find": lambda: on(inpainting.Library(real()[:20]), real()[20:23, :6], 3),
    "inpainting.latent.from_products": lambda: call(draw(4, 6, 3), draw(4, 6, 2)),
    "inpainting.ranking.inpaint": lambda: call(real()[:3, :7], 1, RandomPlaces(), 2, generator()),
    "inpainting.ranking.energy_score": lambda: call(
        inpainting.Completions(draw(3, 4, 2, 3), draw(3, 4).abs(), draw(3, 4).softmax(1)), draw(3, 2, 3)
    ),
    "inpainting.baselines.FourthBond": lambda: call(2.38),
    "inpainting.baselines.FourthBond.complete": lambda: on(inpainting.FourthBond(2.38), known(), 1, 4, generator()),
    "inpainting.baselines.EnergyMinima": lambda: call(metrics.cluster_energy, kT=1.0),
    "inpainting.baselines.EnergyMinima.complete": lambda: on(
        inpainting.EnergyMinima(metrics.cluster_energy, kT=1.0), real()[:2, :7], 1, 4, generator()
    ),
    "inpainting.baselines.RandomPlaces.complete": lambda: on(RandomPlaces(), real()[:3, :7], 1, 4, generator()),
    "inpainting.baselines.Retrieval": lambda: call(real()[:20], 0.5),
    "inpainting.baselines.Retrieval.complete": lambda: on(Retrieval(real()[:20]), real()[20:22, :7], 1, 4, generator()),
    "inpainting.baselines.TemplateCompletion": lambda: call(real()[0]),
    "inpainting.baselines.LinearGaussian models.flow.charts.Principal.fit": lambda: call(canonical()),
    "inpainting.baselines.LinearGaussian.complete": lambda: on(LinearGaussian(canonical()), known(), 1, 4, generator()),
    "inpainting.places.radial_basis models.hamiltonian.graphs.radial_basis": lambda: call(draw(4).abs()),
    "inpainting.places.PositionScorer": lambda: call(8, 4.05, 8),
    "inpainting.places.PositionScorer.forward": lambda: on(scorer(), real()[:3, :7], draw(3, 5, 3)),
    "inpainting.places.PositionScorer.complete": lambda: on(scorer(), real()[:2, :7], 1, 4, generator()),
    "inpainting.places.position_loss": lambda: call(n_places=4, rattle=0.1),
    "models.flow.charts.Principal.coordinates": lambda: on(chart(), canonical()[:3]),
    "models.flow.charts.Principal.positions": lambda: on(chart(), draw(3, 21)),
    "models.flow.charts.Scaled.fit": lambda: call(real()),
    "models.flow.charts.Scaled.coordinates": lambda: on(flow.Scaled.fit(real()), real()[:3]),
    "models.flow.charts.Scaled.positions": lambda: on(flow.Scaled.fit(real()), draw(3, 8, 3)),
    "inpainting.flow_completion.FlowCompletion.complete": lambda: on(
        FlowCompletion(motif_flow(), generator()), known(), 1, 2, generator()
    ),
    "models.flow.generator.Flow.sample": lambda: on(motif_flow(), 3, generator()),
    "models.flow.generator.Flow.decode": lambda: on(motif_flow(), draw(3, 21)),
    "models.flow.generator.Flow.encode": lambda: on(motif_flow(), canonical()[:3]),
    "models.flow.generator.Flow.interpolate": lambda: on(
        motif_flow(), canonical()[:1], canonical()[1:2], torch.linspace(0, 1, 3)
    ),
    "models.flow.generator.Flow.log_likelihood": lambda: on(motif_flow(), canonical()[:2], 2),
    "metrics.two_sample.two_sample_auc": lambda: call(real()[:24], real()[24:48], seed=0),
    "metrics.two_sample.memory": lambda: call(real()[:8], real()[8:40], real()[40:48]),
    "metrics.two_sample.mean_miss": lambda: call(real()[:24], real()[24:48]),
    "models.flow.network.TimeWaves.forward": lambda: on(TimeWaves(), torch.rand(4)),
    "models.flow.network.MotifVelocity.forward": lambda: on(motif_flow().velocity, draw(3, 21), torch.rand(3)),
    "models.flow.network.SetVelocity.forward": lambda: on(flow.SetVelocity(8, 1), draw(3, 8, 3), torch.rand(3)),
    "models.equivariant.graph.spherical_harmonics": lambda: call("0e + 1o", draw(4, 3)),
    "models.equivariant.graph.representation": lambda: call("0e + 1o", turns(2)),
    "models.equivariant.graph.neighbour_graph": lambda: call(0.5 * draw(3, 4, 3), cutoff=2.0, lmax=1, n_radial=2),
    "models.equivariant.graph.pair_graph": lambda: call(
        torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0]), draw(3, 3), cutoff=5.0, lmax=1, n_radial=2, shape=(1, 3)
    ),
    """models.equivariant.network.EquivariantNetwork.forward models.equivariant.network.EquivariantNetwork.each_point
        models.equivariant.network.EquivariantNetwork.graph""": lambda: on(network(), 0.5 * draw(3, 4, 3)),
    "models.equivariant.network.gate_for": lambda: call("2x0e + 1o"),
    "models.equivariant.network.logits": lambda: call(draw(3, 8)),
    "models.spherical.signals.degrees models.hamiltonian.basis.from_pyscf": lambda: call(2),
    "models.spherical.signals.harmonics": lambda: call(2, draw(5, 3), softness=0.1),
    "models.spherical.signals.quadrature": lambda: call(4),
    "models.spherical.signals.product": lambda: call(draw(9, 4, 2), draw(9, 4, 2) + 1),
    "models.spherical.signals.normalised": lambda: call(draw(9, 4, 2)),
    "models.spherical.signals.EquivariantLinear.forward": lambda: on(EquivariantLinear(2, 3, 2), draw(9, 4, 2)),
    "models.spherical.signals.EquivariantNonlinearity.forward": lambda: on(
        spherical.EquivariantNonlinearity(2, 2), draw(9, 4, 2)
    ),
    "models.spherical.signals.signal_peaks": lambda: call(draw(9), least=0.5, n_directions=200),
    "models.spherical.fields.OccupancyField.forward": lambda: on(field(), *signals_at()),
    "models.spherical.fields.OccupancyField.answers": lambda: on(field(), *signals_at()),
    "models.spherical.fields.OccupancyField.kinds": lambda: on(field(kinds=2), *signals_at()),
    "models.spherical.fields.gaussian_targets": lambda: call(draw(2, 6, 3), draw(2, 4, 3), 0.2),
    "models.spherical.fields.excess_cross_entropy": lambda: call(draw(2, 6), torch.rand(2, 6)),
    "models.spherical.fields.places_about": lambda: call(
        draw(2, 4, 3), torch.tensor([4, 3]), generator(), width=0.2, radius=1.0, n=5
    ),
    "models.spherical.ascents.peaks": lambda: call(field(), draw(9, 3, 2), width=0.2, radius=1.0),
    "models.spherical.ascents.climbed": lambda: call(field(), *signals_at(), width=0.2),
    "models.spherical.ascents.merge": lambda: call(draw(6, 3), torch.arange(6) % 3, 0.5),
    "models.hamiltonian.basis.wigner": lambda: call(2, turns()),
    "models.hamiltonian.basis.change_of_basis": lambda: call(water().shells),
    "models.hamiltonian.basis.turn": lambda: call(water().shells, turns()),
    "models.hamiltonian.blocks.Blocks": lambda: call(water().numbers, water().shells),
    "models.hamiltonian.blocks.Blocks.coefficients": lambda: on(water_blocks(), water().fock),
    "models.hamiltonian.blocks.Blocks.matrices": lambda: on(water_blocks(), water_blocks().coefficients(water().fock)),
    "models.hamiltonian.graphs.shapes": lambda: call(water().numbers, water().positions, lmax=2),
    "metrics.matrices.orbitals": lambda: call(water().fock, water().overlap),
    "metrics.matrices.matrix_errors": lambda: call(water().fock + 0.001, water()),
    "models.hamiltonian.layers.products": lambda: call(draw(5, 4), "0e + 1o", "0e + 1o", "0e + 1o"),
    "models.hamiltonian.layers.ways_of_rows": lambda: call([1, 3], [2, 1]),
    "models.hamiltonian.layers.Linear.forward": lambda: on(Linear("0e + 1o", 3, 2), draw(4, 5, 3)),
    "models.hamiltonian.learning.Standard.fit": lambda: call(water_blocks(), water().fock),
    "models.hamiltonian.learning.Standard.targets": lambda: on(water_standard(), water().fock),
    "models.hamiltonian.learning.Standard.matrices": lambda: on(
        water_standard(), water_standard().targets(water().fock)[0]
    ),
    "models.hamiltonian.learning.matrix_loss": lambda: call(water_standard(), water_shapes(), water().fock),
    "models.hamiltonian.learning.predicted": lambda: call(water_network(), water_standard(), water_shapes()),
    "models.hamiltonian.networks.HamiltonianNetwork.forward": lambda: on(water_network(), water_shapes()),
    "models.hamiltonian.nonlinear.Gate.forward": lambda: on(hamiltonian.Gate("0e + 1o", 4, 4), draw(4, 5, 4)),
    "models.hamiltonian.nonlinear.Gradient.forward": lambda: on(hamiltonian.Gradient("0e + 1o", 4, 4), draw(4, 5, 4)),
    "models.hamiltonian.nonlinear.TensorSquare.forward": lambda: on(TensorSquare("0e + 1o", 4, 4), draw(4, 5, 4)),
    "models.hamiltonian.blocks.needed_irreps": lambda: call(water_blocks()),
    "models.hamiltonian.blocks.check_reachable": lambda: call(
        water_blocks(), needed_irreps(water_blocks()), "0e + 1o + 2e"
    ),
    "models.hamiltonian.polynomials.polynomial": lambda: call(water(), water(), 1),
    "models.hamiltonian.networks.network": lambda: call("gate", water_blocks(), channels=4),
    "models.hamiltonian.networks.size": lambda: call(nn.Linear(2, 2)),
    "models.missing_atom.graphs.MoleculeSet": lambda: call(molecules(), cutoff=3.0, n_radial=4),
    "models.missing_atom.graphs.MoleculeSet.every_hole": lambda: on(hole_set()),
    "models.missing_atom.graphs.MoleculeSet.without": lambda: on(hole_set(), *holes()),
    "models.missing_atom.graphs.radial_basis": lambda: call(draw(4).abs(), 3.0, 5),
    "models.missing_atom.graphs.nearest_elements": lambda: call(hole_set()),
    "models.denoiser.graph.neighbours": lambda: call(*noise_network().tensors(noisy())[:2], 5.0),
    "models.denoiser.learning.denoiser_for": lambda: call([glass()]),
    "models.denoiser.learning.denoising_loss": lambda: call(noise_network(), [noisy()], share=0.8),
    "models.denoiser.learning.noise_error": lambda: call(noise_network(), [noisy()], 0.3),
    "models.denoiser.network.Denoiser.forward": lambda: on(
        noise_network(), *noise_network().tensors(noisy())[:2], 0.3, noise_network().tensors(noisy())[2]
    ),
    "models.denoiser.network.Denoiser.tensors": lambda: on(noise_network(), noisy()),
    "models.denoiser.sampling.generate_cell": lambda: call(
        noise_network(), 60, generator=generator(), levels=2, progress=False
    ),
    "models.denoiser.sampling.shaken_lattice": lambda: call(noise_network(), 60, generator=generator()),
    "models.denoiser.sampling.lattice": lambda: call(60, glass().cell.array),
    "models.denoiser.sampling.noise_levels": lambda: call(20),
    "models.denoiser.sampling.quench": lambda: call(noise_network(), noisy(), [0.5, 0.3], generator=generator()),
    "metrics.network.rings_per_atom": lambda: call(noisy()),
    "metrics.network.strongest_wave": lambda: call(glass(), q_max=2.0),
    "metrics.network.structure_factor": lambda: call(glass(), q_max=2.0),
    "metrics.network.bin_edges": lambda: call(4.0, 0.5),
    "metrics.network.bulk_pairs": lambda: call(noisy(), 4.0),
    "datasets.silicon.load_silica": lambda: call("validation"),
    "metrics.silica.silica_quality metrics.silica.silica_rings": lambda: call(silica()),
    "metrics.silica.compare_silica": lambda: call([silica()], [silica()], [silica()]),
    "metrics.species.compare_glasses": lambda: call([glass()], [glass()], [glass()]),
    "metrics.species.partial_distributions": lambda: call([cell()], cutoff=4.0, bin_width=0.5),
    "metrics.species.motifs": lambda: call([glass()], "Si"),
    "metrics.glass.compare_cells": lambda: call(*[[noisy()] * n for n in (1, 2, 1)]),
    "metrics.energy.energy_above_crystal": lambda: call(noisy()),
    "metrics.energy.minimised": lambda: call(noisy(), 2),
    "training.recipes.denoiser": lambda: call(9),
    "models.missing_atom.network.CartesianNetwork.forward": lambda: on(hole_network(), hole_set().without(*holes())),
    "models.missing_atom.network.masked_atom_loss": lambda: call(hole_set()),
    "models.missing_atom.network.results": lambda: call(hole_network(), hole_set(), holes()),
    "models.missing_atom.network.every_answer": lambda: call(hole_network(), hole_set()),
    "models.missing_atom.network.answers": lambda: call(hole_network(), molecules()[0], 1),
    "models.missing_atom.network.guess": lambda: call(hole_network(), molecules()[0], 1),
    "models.missing_atom.places.ManyPlaces": lambda: call(2, width=8, n_vectors=4, n_layers=1),
    "models.missing_atom.places.ManyPlaces.forward": lambda: on(places_network(), hole_set().without(*holes())),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.encode": lambda: on(tree(), two_pieces()),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.forward": lambda: on(tree(), two_pieces()),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.decode": lambda: on(tree(), codes()),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.unfold": lambda: on(tree(), codes()),
    "models.hierarchical.autoencoder.HierarchicalAutoencoder.signals_of": lambda: on(tree(), codes()),
    "models.hierarchical.atoms.clouds_of": lambda: call(molecule_tree(), [molecule("H2O")]),
    "models.hierarchical.atoms.examples": lambda: call(molecule_tree(), [molecule("H2O")]),
    "models.hierarchical.atoms.encode_atoms": lambda: call(molecule_tree(), [molecule("H2O")]),
    "models.hierarchical.atoms.decode_atoms": lambda: call(molecule_tree(), code_of_water()),
    "models.hierarchical.atoms.same_molecule": lambda: call(molecule("H2O"), molecule("H2O"), within=0.2),
    "models.hierarchical.layers.signals_of": lambda: call(draw(3, 18), 2),
    "models.hierarchical.layers.codes_of": lambda: call(draw(9, 3, 2)),
    "models.pieces.drawing.CodeFlow": lambda: call(draw(20, 50), lmax=4, channels=4, depth=1),
    "models.pieces.drawing.CodeFlow.draw": lambda: on(code_flow(), 2, generator(), n_steps=2),
    "models.pieces.drawing.drawing_loss": lambda: call(code_flow(), (draw(3, 50),), generator()),
    "models.hierarchical.growing.sites": lambda: call(grower(), [torch.zeros(1, 3)], generator()),
    "models.hierarchical.growing.grow": lambda: call(grower(), [torch.zeros(1, 3)], 3, generator()),
    "models.hierarchical.growing.removable": lambda: call(grower(), two_pieces()[0]),
    "models.hierarchical.growing.edited": lambda: call(grower(), two_pieces(), 1, generator()),
    "models.hierarchical.growth.GrowthHead.forward": lambda: on(grower(), points()),
    "models.hierarchical.growth.growth_loss": lambda: call(
        hierarchical.GrowthHead(channels=4), hierarchical.additions(small_polycubes()), generator()
    ),
    "training.recipes.growth": lambda: call(20, 0),
    "models.hierarchical.guided.led_by": lambda: call(tree(), codes(), strength=1.0),
    "models.hierarchical.guided.guided_decode": lambda: call(grower(), tree(), codes(), 2, generator()),
    "models.hierarchical.heads.PieceHead.forward": lambda: on(piece_head(), latents()),
    "models.hierarchical.heads.SlotDecoder.forward": lambda: on(SlotDecoder(tree(), channels=4), latents()),
    "models.hierarchical.heads.matched_error": lambda: call(draw(3, 4, 3), draw(3, 4, 3) + 1),
    "models.hierarchical.heads.invariants": lambda: call(draw(3, 8), o3.Irreps("2x0e + 2x1o")),
    "models.hierarchical.levels.check_clouds": lambda: call(two_pieces(), TETRIS),
    "models.hierarchical.levels.pooled": lambda: call(points(), TETRIS),
    "models.hierarchical.levels.out_of_reach": lambda: call(pooled(points(), TETRIS), TETRIS),
    "models.hierarchical.materials.octahedra_to_train_on": lambda: call(0, 2),
    "models.hierarchical.materials.octahedra_levels": lambda: call([pair.points for pair in octahedra()], "found"),
    "models.hierarchical.found_motifs.FoundMotifs.fit": lambda: call(points(), 1.2),
    "models.hierarchical.found_motifs.signal_powers": lambda: call(points(), 1.2),
    "models.hierarchical.points.padded": lambda: call(two_pieces()),
    "models.hierarchical.points.in_one_part": lambda: call(two_pieces()[0], 1.2),
    "models.hierarchical.points.points_of": lambda: call(*padded(two_pieces())),
    "models.hierarchical.points.Points.pairs": lambda: on(points(), 1.2),
    "models.hierarchical.growth.free_places": lambda: call(two_pieces()[0]),
    "models.hierarchical.growth.additions": lambda: call(small_polycubes(), most=5),
    "models.pieces.completion.Surroundings.encode": lambda: on(surroundings(), two_surroundings()),
    "models.pieces.completion.Surroundings.decode": lambda: on(
        surroundings(), surroundings().encode(two_surroundings()).detach()
    ),
    "models.pieces.completion.completions": lambda: call(two_pieces()[0], generator()),
    "models.hierarchical.losses.reconstruction_loss": lambda: call(
        tree(), padded(two_pieces()), generator(), rattle=0.01
    ),
    "models.hierarchical.losses.worst_distance": lambda: call(draw(4, 3), draw(4, 3) + 1),
    "models.hierarchical.losses.reconstruction_errors": lambda: call(tree(), two_pieces()),
    "models.hierarchical.losses.exact": lambda: call(tree(), two_pieces(), within=0.1),
    """datasets.silicon.crystal datasets.isomers.molecules datasets.g2.molecules datasets.polycubes.pieces
        training.loop.profile training.loop.best_device models.hierarchical.materials.trained_on_polycubes
        models.hierarchical.materials.trained_to_grow""": call,
}
VALID = {name: valid(name, make) for names, make in CALLS.items() for name in names.split()}


# What has no valid call here, by the reason. A name that ends with a dot stands for all that begin with it.
WHY_NOT = {
    "any answer at all will do: test_a_grader_has_a_sentence_for_any_answer": "exercises.",
    "notebooks and machines: test_copies and test_cli": "course.",
    "pictures of what others have checked: test_plotting and test_viewer": "plotting. plotting.viewer.",
    "no argument, or a seed alone": """
        training.recipes. models.flow.generator.Flow.update_average models.flow.generator.flow_loss
        metrics.network.NetworkQuality.failed_gates models.hierarchical.materials.molecule_autoencoder""",
    "files: test_files and test_streaming break them in every way": """
        storage. training.loop.load_history training.loop.restore training.loop.save training.streaming.
        datasets.structures. datasets.qm9.read datasets.qm9.rows inpainting.places.trained_position_scorer
        models.denoiser.sampling.trained_denoiser models.denoiser.sampling.keep_denoiser
        models.hierarchical.materials.trained_on_octahedra models.hierarchical.materials.trained_on_molecules""",
    "called by all others: test_valid_calls_work_in_any_mode_and_spoil_nothing_for_later": "shapes.",
    "what the loop of training asks: test_training and test_streaming": "training.batches.",
    "test_a_model_of_several_species_takes_no_atom_for_the_first_of_them": "models.hierarchical.points.check_kinds",
    "test_containers_follow_the_batch_to_its_device": """
        models.missing_atom.graphs.MoleculeSet.to models.hamiltonian.graphs.Shapes.to""",
    "a context without numbers": "models.equivariant.graph.default_dtype training.loop.threads",
    "the names that a model has to have": "inpainting.ranking.Completer inpainting.ranking.Completer.complete",
    "seconds a call: test_pipelines, test_inpainting and test_found_levels": """
        pipelines.motifs_like inpainting.latent.LatentCompletion inpainting.latent.LatentCompletion.complete
        inpainting.latent.TalkCompletion inpainting.latent.TalkCompletion.complete
        models.pieces.completion.completed""",
    "tried with what makes its arguments or calls it": """
        inpainting.library.Found.flat metrics.energy.StillingerWeber metrics.energy.StillingerWeber.calculate
        models.hierarchical.points.noise_like models.spherical.fields.OccupancyField.loss
        models.spherical.ascents.uphill metrics.motif_statistics.sampled models.hamiltonian.layers.n_paths
        models.hierarchical.materials.octahedra_autoencoder models.mlp.Apply.forward
        metrics.symmetry.Ledger.verdict metrics.symmetry.Ledger.verdicts inpainting.baselines.RandomPlaces
        inpainting.flow_completion.FlowCompletion inpainting.ranking.best_first
        models.missing_atom.network.attention_pool models.missing_atom.network.vote_terms
        models.missing_atom.places.pool_places models.missing_atom.places.likeliest
        models.missing_atom.places.places_terms models.pieces.completion.surroundings_loss""",
    "a part of a network, which gets what the rest of it made": """
        models.equivariant.graph.Graph.gather models.equivariant.network.Convolution.forward
        models.flow.network.MotifVelocity.looks models.hamiltonian.blocks.Blocks.swap
        models.hamiltonian.layers.Convolution.forward models.hamiltonian.networks.Head.forward
        models.hamiltonian.nonlinear.Compared.inner models.hamiltonian.nonlinear.Compared.forward
        models.hamiltonian.nonlinear.Gradient.gradient models.missing_atom.graphs.MaskedMolecules.sums
        models.missing_atom.graphs.MaskedMolecules.gathered models.missing_atom.network.Layer.forward
        models.missing_atom.network.CartesianNetwork.features
        models.hierarchical.autoencoder.HierarchicalAutoencoder.ascend
        models.hierarchical.autoencoder.HierarchicalAutoencoder.descend
        models.hierarchical.autoencoder.HierarchicalAutoencoder.judgement models.pieces.drawing.CodeFlow.forward
        models.hierarchical.growth.GrowthHead.judged models.hierarchical.layers.Message.
        models.hierarchical.layers.Ascent. models.hierarchical.layers.Descent. models.hierarchical.layers.signal_sum
        models.denoiser.graph.Neighbours. models.denoiser.network.Density. models.denoiser.network.Graph
        models.hierarchical.levels.Pooling.children models.hierarchical.found_motifs.FoundMotifs.kind_of
        models.hierarchical.found_motifs.FoundMotifs.members""",
}
EXCEPTIONS = " ".join(WHY_NOT.values()).split()
LARGE = ("one of 1e30", "all 1e30 times as large")
EMPTY = ("no atom", "no batch")
SINGLE = ("a dimension less", "all zero", "all the same", "all minus one", "all large")
# NaN that may come out of finite numbers: (names, ways). A name that ends with a dot stands for all below it.
NAN_ALLOWED = [
    # The mean over no examples; training refuses to train on none.
    ("models.mlp.reconstruction_loss models.flow.ode.matching_error models.pieces.drawing.drawing_loss", EMPTY),
    ("models.hierarchical.growth.growth_loss", EMPTY),
    ("inpainting.holes.by_cell", SINGLE),  # the standard error of a single cell: documented as no number
    # float32 ends at 3e38, and squares before it. What comes in has no unit and is about 1: numbers in charts, of
    # signals and of codes, features inside a network, places in widths of a blob.
    ("models.flow.ode. models.flow.generator. models.flow.network.", LARGE),
    ("models.hamiltonian.nonlinear. models.spherical.ascents.climbed models.spherical.signals.product", LARGE),
    ("models.hierarchical.heads.PieceHead.forward models.hierarchical.heads.invariants", LARGE),
    ("representations.alignment.procrustes.turned_onto", LARGE),  # the core behind best_rotation, which refuses them
]
# NaN goes through these, as through any arithmetic; all others refuse it, or have an answer without it.
NAN_IN_NAN_OUT = """
    representations.radial.cosine_window representations.radial.distances_of_pairs
    representations.radial.gaussians representations.gram.from_upper_triangle representations.gram.permuted
    representations.gram.Standardiser.gram metrics.baselines.gram_error metrics.baselines.PrincipalComponents.
    metrics.network.bond_angles datasets.isomers.rattled representations.molecules.image
    datasets.hamiltonians.symmetric datasets.polycubes.with_trees models.mlp.Autoencoder.
    models.mlp.reconstruction_loss models.mlp.cross_entropy_loss models.flow.ode. models.vae.kl_divergence
    models.vae.overlap models.vae.LatentVariableModel. models.vae.AlignedAutoencoder. inpainting.holes.taken_out
    inpainting.holes.apart inpainting.holes.restored_error inpainting.holes.closest inpainting.holes.by_cell
    inpainting.baselines.Retrieval inpainting.baselines.FourthBond. inpainting.ranking.energy_score
    inpainting.places.radial_basis inpainting.places.PositionScorer.forward
    models.flow.charts.Principal.coordinates models.flow.charts.Principal.positions models.flow.charts.Scaled.
    models.flow.generator. models.flow.network. models.equivariant.graph.spherical_harmonics
    models.equivariant.network.logits models.spherical.signals.product models.spherical.signals.normalised
    models.spherical.signals.EquivariantLinear.forward models.spherical.signals.EquivariantNonlinearity.forward
    models.spherical.fields. models.spherical.ascents.climbed models.hamiltonian.blocks.
    models.hamiltonian.graphs.radial_basis models.hamiltonian.layers. models.hamiltonian.learning.Standard.
    models.hamiltonian.nonlinear. models.missing_atom.graphs.MoleculeSet models.missing_atom.graphs.radial_basis
    models.hierarchical.atoms.clouds_of
    models.hierarchical.atoms.examples models.hierarchical.layers. models.pieces.drawing.
    models.hierarchical.growing.grow models.hierarchical.growing.edited models.hierarchical.heads.PieceHead.forward
    models.hierarchical.heads.matched_error models.hierarchical.heads.invariants models.hierarchical.points.padded
    models.hierarchical.points.points_of
"""


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
        np.exp(-0.5 * ((x[..., None] - centres) / width) ** 2).clip(np.exp(-FARTHEST))
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
    "models.spherical.fields.gaussian_targets": lambda x, y, width: [
        [np.exp(-(cdist(a, b).min(1) ** 2) / (2 * width**2)) for a, b in zip(x, y, strict=True)]
    ],
}
# Each of a batch by itself, in float64, gives the same as all at once.
PER_ITEM = """
    representations.alignment.matching.match_atoms representations.alignment.matching.Template.canonical
    representations.gram.from_upper_triangle representations.gram.upper_triangle
    representations.gram.Standardiser.features representations.gram.Standardiser.gram
    metrics.motif_statistics.bond_angles metrics.motif_statistics.descriptor metrics.baselines.gram_error
    metrics.baselines.PrincipalComponents.encode metrics.baselines.PrincipalComponents.reconstruct
    metrics.baselines.nearest_motif_rmsd models.mlp.Autoencoder.forward models.flow.ode.integrate
    models.flow.ode.interpolate models.flow.ode.log_likelihood models.vae.kl_divergence models.vae.overlap
    models.vae.LatentVariableModel.reconstruct models.vae.AlignedAutoencoder.decode
    inpainting.holes.apart inpainting.holes.restored_error inpainting.holes.closest inpainting.library.Library.find
    inpainting.latent.from_products inpainting.places.radial_basis inpainting.places.PositionScorer.forward
    models.flow.charts.Principal.coordinates models.flow.charts.Principal.positions models.flow.generator.Flow.decode
    models.flow.generator.Flow.encode models.flow.generator.Flow.log_likelihood metrics.two_sample.statistics
    models.flow.network.TimeWaves.forward models.flow.network.MotifVelocity.forward metrics.energy.central_energy
    metrics.energy.cluster_energy inpainting.baselines.FourthBond.complete
    metrics.energy.dihedral_angles models.flow.network.SetVelocity.forward models.equivariant.graph.representation
    models.equivariant.network.logits models.equivariant.network.EquivariantNetwork.forward
    models.equivariant.network.EquivariantNetwork.each_point models.spherical.signals.harmonics
    models.hamiltonian.blocks.Blocks.coefficients models.hamiltonian.blocks.Blocks.matrices
    models.hamiltonian.layers.products models.hamiltonian.learning.Standard.matrices
    models.hierarchical.heads.PieceHead.forward models.hierarchical.heads.SlotDecoder.forward
    models.hierarchical.heads.invariants
"""
