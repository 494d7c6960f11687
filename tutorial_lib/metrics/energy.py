"""What physics says of a motif: clouds about a silicon atom come in, an energy and dihedral angles go out.

Nobody fitted a generator to these. The energy is that of the central atom under the potential with which the cells were
made, so real motifs lie in its valleys; dihedral angles tie three bonds together, which no distance and no single angle
does. Lost: everything beyond the motif, so the energy is not that of the atom in its cell.
"""

import math
from functools import cache

import torch
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import LBFGS
from torch import Tensor

from tutorial_lib.datasets import crystal
from tutorial_lib.metrics.motif_statistics import centre_distances
from tutorial_lib.metrics.network import BOND_CUTOFF, bulk_pairs
from tutorial_lib.models.denoiser import neighbours
from tutorial_lib.shapes import Motifs, Scalars, check, check_counts, check_shapes

# Stillinger and Weber's form (Phys. Rev. B 31, 5262 (1985)) with the parameters of Vink, Barkema, van der Weg and
# Mousseau (J. Non-Cryst. Solids 282, 248 (2001)).
EPSILON, SIGMA, REACH = 1.64833, 2.0951, 1.80  # eV, A, and the cut-off in units of sigma
LAMBDA, GAMMA, COSINE = 31.5, 1.20, -1 / 3
A, B, P = 7.049556277, 0.6022245584, 4
N_NEAR = 12  # neighbours of an atom that a cluster's energy counts; few have as many within the cut-off, 3.77 A
INSIDE = 1e-3  # A: the exponential is 0 that near the cut-off, and its argument would overflow


def central_energy(positions: Motifs) -> Scalars:
    """The energy (eV) of the central atom under the modified Stillinger-Weber potential.

    Half of its pair terms, A (B (s/r)^4 - 1) exp(1 / (r/s - 1.8)), and the three-body terms with the atom in the
    middle, lambda (cos theta + 1/3)^2 exp(gamma / (r/s - 1.8) + gamma / (r'/s - 1.8)), both times epsilon. The second
    vanish for a perfect tetrahedron. It does not see the bonds of the neighbours with each other.

    Example:
        A bond of the best length is worth epsilon, and half of each of the crystal's four belongs to the atom.

        >>> corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
        >>> round(central_energy(2.3517 / 3**0.5 * corners[None]).item() / EPSILON, 2)
        -2.0
    """
    centre_distances(positions)  # speaks up where there is nothing
    radius = positions.norm(dim=-1)
    scaled = radius / SIGMA
    inside = radius < REACH * SIGMA - INSIDE
    beyond = 1 / torch.where(inside, scaled - REACH, -1.0)
    pair = torch.where(inside, A * (B * scaled.clamp(min=0.1) ** -P - 1) * beyond.exp(), 0.0)
    weight = torch.where(inside, (GAMMA * beyond).exp(), 0.0)
    unit = torch.nn.functional.normalize(positions, dim=-1)
    row, column = torch.triu_indices(positions.shape[1], positions.shape[1], offset=1)
    cosine = (unit[:, row] * unit[:, column]).sum(-1)
    bent = LAMBDA * (cosine - COSINE).square() * weight[:, row] * weight[:, column]
    return EPSILON * (0.5 * pair.sum(1) + bent.sum(1))


def cluster_energy(positions: Motifs) -> Scalars:
    """The energy (eV) of each motif with its centre as a free cluster: `central_energy` of every atom, added up.

    Bonds that its outer atoms have to atoms beyond the motif are missing, so they would like new ones.
    """
    check_shapes(positions=(positions, "motifs atoms+ 3"))
    atoms = torch.nn.functional.pad(positions, (0, 0, 1, 0))
    between = atoms[:, None] - atoms[:, :, None]
    near = between.norm(dim=3).topk(min(N_NEAR + 1, atoms.shape[1]), largest=False).indices[..., 1:]  # without itself
    between = between.take_along_dim(near[..., None], 2)
    return central_energy(between.flatten(0, 1)).view(atoms.shape[:2]).sum(1)


class StillingerWeber(Calculator):
    """The same potential for a whole periodic cell of silicon, with forces, as a calculator of ASE."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms: Atoms | None = None, properties=("energy",), system_changes=all_changes) -> None:
        """Energy (eV) and forces (eV per angstrom), for ASE."""
        super().calculate(atoms, properties, system_changes)
        with torch.inference_mode(False), torch.enable_grad():
            positions = torch.from_numpy(self.atoms.positions).requires_grad_()
            found = neighbours(positions.detach(), torch.from_numpy(self.atoms.cell.array), REACH * SIGMA)
            between = found.seen(positions) - positions[:, None]
            # The vectors that were found lead to the nearest image; it moves with its atom.
            energy = central_energy(between + (found.vectors - between).detach()).sum()
            (slope,) = torch.autograd.grad(energy, positions)
        self.results = {"energy": energy.item(), "forces": -slope.numpy()}


def energy_above_crystal(atoms: Atoms) -> float:
    """The energy of a cell of silicon above that of the diamond crystal, eV an atom, as it stands."""
    _check_silicon(atoms)
    return _energy(atoms) - _energy_of_crystal()


def minimised(atoms: Atoms, steps: int = 400, force: float = 0.02) -> Atoms:
    """The same cell where no force is above `force`, eV per angstrom, or after so many steps towards there."""
    _check_silicon(atoms)
    relaxed = atoms.copy()
    relaxed.calc = StillingerWeber()
    LBFGS(relaxed, logfile=None).run(fmax=force, steps=steps)
    relaxed.calc = None
    return relaxed


def _energy(atoms: Atoms) -> float:
    return StillingerWeber().get_potential_energy(atoms) / len(atoms)


@cache
def _energy_of_crystal() -> float:
    return _energy(crystal())


def _check_silicon(atoms: Atoms) -> None:
    known = set(atoms.symbols)
    check(known == {"Si"}, f"the potential is silicon's, and the cell holds {', '.join(sorted(known)) or 'no atoms'}")
    bulk_pairs(atoms, REACH * SIGMA)  # speaks up where the cell is none


def dihedral_angles(positions: Motifs) -> Tensor:
    """The dihedral angles (degree, 0 to 180) about the bonds that lead to the second shell, of all motifs together.

    For every chain l, centre, j, k, where l and j are two of the four nearest atoms and k is one of the others and
    bonded to j, the angle between the planes of l, centre, j and of centre, j, k. Sixty degrees is staggered, as in the
    crystal of diamond; nought is eclipsed. Mirror images have the same angles.
    """
    centre_distances(positions)
    check_counts(5, n_atoms=positions.shape[1])
    order = positions.norm(dim=-1).argsort(dim=-1)[..., None].expand_as(positions)
    first, second = positions.gather(1, order).split([4, positions.shape[1] - 4], dim=1)
    motif, j, k = (torch.cdist(first, second) < BOND_CUTOFF).nonzero(as_tuple=True)
    others = torch.tensor([[other for other in range(4) if other != at] for at in range(4)], device=positions.device)[j]
    start = first[motif[:, None], others]
    axis, out = (x[:, None].expand_as(start) for x in (first[motif, j], second[motif, k]))
    one, other = torch.linalg.cross(start, axis), torch.linalg.cross(out, axis)
    sine = torch.linalg.vector_norm(torch.linalg.cross(one, other), dim=-1)
    return torch.atan2(sine, (one * other).sum(-1)).flatten() * (180 / math.pi)
