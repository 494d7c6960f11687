"""A network that looks at a noisy cell and says which noise was added to every atom.

Each atom has features that do not turn. In a round, it expands the density of its neighbours in spherical harmonics
(their features are the weights), takes products of the coefficients that do not turn either, and adds them to its
features. It also looks the density up in the direction of each neighbour, so that an edge knows at which angles the
other neighbours stand to it. At last every edge says how hard its atom is pulled along it: the sum turns with the cell.
"""

import math
from collections.abc import Mapping

import torch
from ase import Atoms
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

from tutorial_lib.models.denoiser.graph import Neighbours, neighbours
from tutorial_lib.representations import neighbour_pairs
from tutorial_lib.representations.radial import cosine_window, gaussians
from tutorial_lib.shapes import Indices, Positions, check, check_counts, check_indices, check_shapes, seeded

N_WAVES = 4  # Fourier features of the logarithm of the noise
SOFT = 0.3  # A: the pull between two atoms falls off below, where its direction is chance
N_NEIGHBOURS = 16  # sums over about 26 neighbours are divided by the root of it


class Density(nn.Module):
    """Coefficients of the density of neighbours, as invariants of the atom and as values along its edges.

    A_lm = sum_j R_l(d_ij) Y_lm(u_ij) s_j, with learnt functions R_l of the distance and features s_j that a neighbour
    sends. Of every l, the products sum_m (B A)_m (B' A)_m with two learnt matrices do not turn, and neither does
    sum_m Y_lm(u_ij) (C A)_m: by the addition theorem it is a sum over all neighbours k of P_l(cos angle_kij).
    """

    def __init__(self, width: int, lmax: int, n_radial: int, n_profiles: int, n_along: int):
        super().__init__()
        self.sizes, self.n_profiles = [width, width, n_along], n_profiles
        self.sent = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.profiles = nn.Linear(n_radial, (lmax + 1) * n_profiles, bias=False)
        mixed = (nn.Linear(n_profiles * width, sum(self.sizes), bias=False) for _ in range(lmax + 1))
        self.mixed = nn.ModuleList(mixed)
        self.update = nn.Sequential(nn.Linear((lmax + 2) * width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, features: Tensor, messages: Tensor | float, graph: "Graph") -> tuple[Tensor, Tensor]:
        """The next features (atoms, width), and the values along the edges (atoms, neighbours, (lmax + 1) n_along).

        `messages` (atoms, neighbours, width) are added to what neighbours send.
        """
        sent = graph.neighbours.seen(self.sent(features)) + messages
        profiles = self.profiles(graph.radial).split(self.n_profiles, dim=2)
        invariants, values = [features], []
        for harmonics, profile, mixed in zip(graph.harmonics, profiles, self.mixed, strict=True):
            n_components = harmonics.shape[2]
            weights = (harmonics[..., None] * profile[:, :, None]).flatten(2)
            density = (weights.mT @ sent).unflatten(1, (n_components, -1)).flatten(2) / math.sqrt(N_NEIGHBOURS)
            one, other, along = mixed(density).split(self.sizes, dim=2)
            invariants.append((one * other).mean(dim=1) if n_components > 1 else one[:, 0])
            values.append(harmonics @ along / n_components)
        return features + self.update(torch.cat(invariants, dim=1)), torch.cat(values, dim=2)


class Graph:
    """What the network reads of a cell: neighbours, radial basis functions, and the harmonics of every l apart."""

    def __init__(self, positions: Positions, cell: Float[Tensor, "3 3"], *, cutoff: float, lmax: int, n_radial: int):
        self.neighbours: Neighbours = neighbours(positions, cell, cutoff)
        distance = self.neighbours.distance
        centres = torch.linspace(0, cutoff, n_radial, dtype=distance.dtype, device=distance.device)
        self.window = cosine_window(distance, cutoff)[..., None]
        self.radial = self.window * gaussians(distance, centres, cutoff / n_radial / math.sqrt(2))
        harmonics = o3.spherical_harmonics(list(range(lmax + 1)), self.neighbours.direction, False, "component")
        self.harmonics = harmonics.split([2 * degree + 1 for degree in range(lmax + 1)], dim=2)


class Denoiser(nn.Module):
    """An equivariant network that tells the noise in a periodic cell.

    It sees `n_rounds` times the cut-off far, once more by the last edge. It keeps which cells it is for: `composition`
    is the share of each species, `density` the range of atoms per cubic angstrom, and from which noise on, `weakest`
    (angstrom).
    """

    def __init__(
        self,
        composition: Mapping[str, float],
        density: tuple[float, float],
        *,
        cutoff: float = 5.0,
        width: int = 32,
        n_rounds: int = 3,
        lmax: int = 3,
        n_radial: int = 12,
        n_profiles: int = 3,
        n_along: int = 8,
        weakest: float = 0.03,
        seed: int = 0,
    ):
        super().__init__()
        check_counts(n_rounds=n_rounds, width=width)
        check(0 < weakest < 1, f"the weakest noise lies between 0 and 1 A, and {weakest} arrived")
        self.settings = {
            "composition": dict(composition),
            "density": tuple(density),
            "cutoff": cutoff,
            "width": width,
            "n_rounds": n_rounds,
            "lmax": lmax,
            "n_radial": n_radial,
            "n_profiles": n_profiles,
            "n_along": n_along,
            "weakest": weakest,
        }
        self.composition, self.density, self.cutoff = dict(composition), tuple(density), cutoff
        self.weakest = weakest
        self.reads = {"cutoff": cutoff, "lmax": lmax, "n_radial": n_radial}
        with seeded(seed):
            self.species = nn.Embedding(len(composition), width)
            self.level = nn.Sequential(nn.Linear(2 * N_WAVES, width), nn.SiLU(), nn.Linear(width, width))
            layers = (Density(width, lmax, n_radial, n_profiles, n_along) for _ in range(n_rounds))
            self.layers = nn.ModuleList(layers)
            n_angles = 2 * (lmax + 1) * n_along
            self.messages = nn.ModuleList(nn.Linear(n_angles, width, bias=False) for _ in range(n_rounds - 1))
            self.own, self.seen = nn.Linear(width, width), nn.Linear(width, width, bias=False)
            self.distance = nn.Linear(n_radial, width, bias=False)
            self.angles = nn.Linear(n_angles, width, bias=False)
            self.pull = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, positions: Positions, cell: Float[Tensor, "3 3"], noise: float, species: Indices) -> Positions:
        """The noise of every atom, in units of its standard deviation `noise`, angstrom.

        The cell's vectors are its rows; `species` (atoms,) counts those of the composition.
        """
        check_shapes(positions=(positions, "atoms+ 3"), species=(species, "atoms"))
        check_indices(len(self.composition), species=species)
        check(0 < noise < math.inf, f"a noise of {noise} A: it must be above 0, and finite")
        graph = Graph(positions, cell, **self.reads)
        waves = math.log(noise) * torch.arange(1, N_WAVES + 1, dtype=positions.dtype, device=positions.device)
        level = self.level(torch.cat([waves.sin(), waves.cos()]))
        features, messages = self.species(species), 0.0
        for at, layer in enumerate(self.layers):
            features, angles = layer(features + level, messages, graph)
            angles = torch.cat([angles, graph.neighbours.reversed(angles)], dim=2)
            if at < len(self.messages):
                messages = self.messages[at](angles)
        edge = self.own(features)[:, None] + graph.neighbours.seen(self.seen(features))
        pull = self.pull(edge + self.distance(graph.radial) + self.angles(angles)) * graph.window
        distance = graph.neighbours.distance[..., None]
        return (pull * distance / (distance + SOFT) * graph.neighbours.direction).sum(dim=1)

    def tensors(self, atoms: Atoms) -> tuple[Positions, Tensor, Indices]:
        """Positions, cell and species of atoms, as `forward` takes them."""
        known = list(self.composition)
        check(
            set(atoms.symbols) == set(known),
            f"the network has learnt {' and '.join(known)}, and the cell holds {atoms.get_chemical_formula()}: train "
            "one for it with scripts/train/denoiser.py",
        )
        check(atoms.pbc.all(), "the cell is not periodic in all directions: set atoms.pbc = True")
        neighbour_pairs(atoms, self.cutoff, apart=0.0)  # speaks up where the cell is too thin
        like = next(self.parameters())
        positions, cell = (torch.from_numpy(x).to(like) for x in (atoms.positions, atoms.cell.array))
        return positions, cell, torch.tensor([known.index(symbol) for symbol in atoms.symbols], device=like.device)
