"""Who sees whom in molecules, once and for all: molecules come in, and graphs without one atom each go out.

Directions, and radial basis functions of distances, are computed once a molecule, and a batch only picks from them.
This is legal because the network is equivariant: it would learn nothing from a turned copy. Many molecules make one
graph whose parts do not see each other, so that no size has to be filled up.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch
from ase import Atoms
from jaxtyping import Float, Int
from torch import Tensor

from tutorial_lib.representations.radial import cosine_window, gaussians
from tutorial_lib.shapes import Indices, Scalars, check, check_counts, check_indices, check_shapes

ELEMENTS = ("H", "C", "N", "O", "F")
CUTOFF = 3.0  # A: neighbours and next neighbours
NEAREST = 0.7  # A, the centre of the first radial basis function
N_RADIAL = 12
COINCIDENT = 0.3  # A: no two nuclei are so near


@dataclass(frozen=True)
class MaskedMolecules:
    """Molecules, each without one atom, as one graph of parts that do not see each other."""

    molecule: Int[Tensor, " atoms"]  # the part that an atom is in
    element: Int[Tensor, " atoms"]  # an index of ELEMENTS
    position: Float[Tensor, "atoms 3"]  # angstrom
    target: Int[Tensor, " edges"]  # the atom that looks
    source: Int[Tensor, " edges"]  # the atom that it sees
    direction: Float[Tensor, "edges 3"]  # unit vectors from target to source
    distance: Float[Tensor, " edges"]  # angstrom
    heights: Float[Tensor, "edges n_radial"]  # radial basis functions of the distances
    missing_element: Int[Tensor, " molecules"]
    missing_position: Float[Tensor, "molecules 3"]  # angstrom

    def __len__(self) -> int:
        """How many molecules there are."""
        return len(self.missing_element)

    def sums(self, rows: Tensor) -> Tensor:
        """What the atoms of each molecule give, rows (atoms, ...), added up."""
        return rows.new_zeros(len(self), *rows.shape[1:]).index_add(0, self.molecule, rows)

    def gathered(self, sent: Tensor) -> Tensor:
        """What arrives along the edges at each atom, of (edges, ...), added up."""
        return sent.new_zeros(len(self.element), *sent.shape[1:]).index_add(0, self.target, sent)


class MoleculeSet:
    """Molecules of at least two atoms, and who sees whom in them: atoms within the cut-off, angstrom."""

    def __init__(
        self,
        molecules: Sequence[Atoms],
        cutoff: float = CUTOFF,
        n_radial: int = N_RADIAL,
        dtype: torch.dtype = torch.float32,
    ):
        check_counts(n_molecules=len(molecules))
        for at, atoms in enumerate(molecules):
            _check(at, atoms)
        self.counts = torch.tensor([len(atoms) for atoms in molecules])
        self.first = self.counts.cumsum(0) - self.counts
        self.element = torch.tensor([ELEMENTS.index(symbol) for atoms in molecules for symbol in atoms.symbols])
        self.position = torch.cat([torch.from_numpy(atoms.positions).to(dtype) for atoms in molecules])
        pairs = [_pairs(atoms, cutoff) for atoms in molecules]
        self.edges = torch.tensor([len(ends) for ends in pairs])
        self.first_edge = self.edges.cumsum(0) - self.edges
        ends = [ends + first for ends, first in zip(pairs, self.first.tolist(), strict=True)]
        self.target, self.source = torch.cat(ends).unbind(1)
        vectors = self.position[self.source] - self.position[self.target]
        self.distance = vectors.norm(dim=1)
        self.direction = vectors / self.distance[:, None]
        self.heights = radial_basis(self.distance, cutoff, n_radial)

    def __len__(self) -> int:
        """How many molecules there are."""
        return len(self.counts)

    def to(self, device: torch.device | str) -> "MoleculeSet":
        """The same molecules on another device."""
        moved = copy(self)
        vars(moved).update({name: x.to(device) for name, x in vars(self).items() if isinstance(x, Tensor)})
        return moved

    def every_hole(self) -> tuple[Indices, Indices]:
        """All ways of taking one atom out of one molecule: the molecule, and the index of the atom in it."""
        return _rows(torch.zeros_like(self.counts), self.counts)

    def without(self, molecule: Indices, removed: Indices) -> MaskedMolecules:
        """Molecules, which may repeat, each without one atom: the index of the molecule, and of the atom in it.

        Of two atoms, the one that is left sees nobody.

        Raises:
            IndexError: a molecule has no such atom.
        """
        check_shapes(molecule=(molecule, "holes"), removed=(removed, "holes"))
        check_indices(len(self.counts), molecule=molecule)
        if ((removed < 0) | (removed >= self.counts[molecule])).any():
            raise IndexError("an atom is asked for that a molecule does not have: count from 0")
        gone = self.first[molecule] + removed
        part, atom = _rows(self.first[molecule], self.counts[molecule])
        part_of_edge, edge = _rows(self.first_edge[molecule], self.edges[molecule])
        stays = atom != gone[part]
        target, source, its_gone = self.target[edge], self.source[edge], gone[part_of_edge]
        kept = (target != its_gone) & (source != its_gone)
        edge, target, source = edge[kept], target[kept], source[kept]
        # Atoms move up by those before their molecule in the batch, and by the ones that were taken out.
        starts = self.counts[molecule].cumsum(0) - self.counts[molecule]
        shift = (starts - self.first[molecule])[part_of_edge[kept]]
        place = stays.cumsum(0) - 1
        return MaskedMolecules(
            molecule=part[stays],
            element=self.element[atom[stays]],
            position=self.position[atom[stays]],
            target=place[target + shift],
            source=place[source + shift],
            direction=self.direction[edge],
            distance=self.distance[edge],
            heights=self.heights[edge],
            missing_element=self.element[gone],
            missing_position=self.position[gone],
        )


def radial_basis(distance: Scalars, cutoff: float = CUTOFF, n: int = N_RADIAL) -> Tensor:
    """Gaussians from 0.7 angstrom to the cut-off, on one more axis; there, values and slopes vanish smoothly."""
    check_counts(n=n)
    centres = torch.linspace(NEAREST, cutoff, n, device=distance.device, dtype=distance.dtype)
    return cosine_window(distance, cutoff)[..., None] * gaussians(distance, centres, (cutoff - NEAREST) / n)


def nearest_elements(molecules: MoleculeSet) -> Indices:
    """The element nearest to each atom, as an index of `ELEMENTS`; -1 for an atom that sees nobody.

    For a hydrogen atom it is the one that it is bonded to.
    """
    nearest = torch.full((len(molecules.element),), -1)
    unseen = molecules.distance.new_full(nearest.shape, torch.inf)
    shortest = unseen.scatter_reduce(0, molecules.target, molecules.distance, "amin")
    found = molecules.distance == shortest[molecules.target]
    nearest[molecules.target[found]] = molecules.element[molecules.source[found]]
    return nearest


def _check(at: int, atoms: Atoms) -> None:
    name = f"molecule {at} ({atoms.get_chemical_formula()})"
    check(len(atoms) > 1, f"{name} has {len(atoms)} atoms: when one is taken out, somebody must be left to vote")
    unknown = sorted(set(atoms.symbols) - set(ELEMENTS))
    check(not unknown, f"{name} holds {', '.join(unknown)}: the known elements are {', '.join(ELEMENTS)}")
    nearest = torch.pdist(torch.from_numpy(atoms.positions)).min().item()
    check(
        nearest >= COINCIDENT,
        f"{name} has two atoms {nearest:.2f} A apart, or positions that are no numbers: mend them",
    )


def _pairs(atoms: Atoms, cutoff: float) -> Tensor:
    position = torch.from_numpy(atoms.positions)
    return torch.cdist(position, position).fill_diagonal_(torch.inf).less(cutoff).nonzero()


def _rows(first: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    # For runs of rows that begin at `first`: the run of each row, and the row.
    run = torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
    starts = counts.cumsum(0) - counts
    return run, torch.arange(len(run), device=counts.device) - starts[run] + first[run]
