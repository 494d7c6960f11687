"""Who sees whom in a periodic cell: positions come in, a row of neighbours for every atom goes out.

All rows are as long as the longest; what fills up a shorter one lies at the cut-off, where every weight vanishes. So
sums over neighbours are products of small dense matrices, which is what a processor does fastest.
"""

from dataclasses import dataclass

import numpy as np
import torch
from ase import Atoms
from jaxtyping import Float, Int
from torch import Tensor

from tutorial_lib.representations import neighbour_pairs
from tutorial_lib.shapes import Positions, check_shapes

COINCIDENT = 1e-6  # A: nearer, and there is no direction from one atom to the other


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each atom within a cut-off; an edge is one atom looking at another."""

    index: Int[Tensor, "atoms neighbours"]  # which atom is seen
    distance: Float[Tensor, "atoms neighbours"]  # angstrom
    direction: Float[Tensor, "atoms neighbours 3"]  # unit vectors, from the atom to the neighbour
    back: Int[Tensor, " edges"]  # for every edge, row by row, the number of the one that looks back

    @property
    def vectors(self) -> Float[Tensor, "atoms neighbours 3"]:
        """From the atom to the neighbour, angstrom."""
        return self.distance[..., None] * self.direction

    def seen(self, atoms: Tensor) -> Tensor:
        """What the neighbours have, (atoms, neighbours, ...), where each atom has (atoms, ...)."""
        return atoms.index_select(0, self.index.flatten()).unflatten(0, self.index.shape)

    def reversed(self, edges: Tensor) -> Tensor:
        """What the edges that look back have, (atoms, neighbours, ...), where each edge has the same."""
        return edges.flatten(0, 1).index_select(0, self.back).unflatten(0, self.index.shape)


def neighbours(positions: Positions, cell: Float[Tensor, "3 3"], cutoff: float) -> Neighbours:
    """The neighbours within a cut-off (angstrom) in a cell that is periodic in all directions; atoms may lie outside.

    Noise may put two atoms into one place; then neither sees the other in a direction.
    """
    check_shapes(positions=(positions, "atoms+ 3"), cell=(cell, "3 3"))
    n_atoms = len(positions)
    points, box = (x.detach().double().cpu().numpy() for x in (positions, cell))
    atoms = Atoms(np.zeros(n_atoms), points, cell=box, pbc=True)
    first, second, _, vector = neighbour_pairs(atoms, cutoff, apart=0.0)
    edge = first * n_atoms + second
    order = np.argsort(edge)
    edge, vector = edge[order], vector[order]
    first, second = np.divmod(edge, n_atoms)
    count = np.bincount(first, minlength=n_atoms)
    longest = max(int(count.max()), 1)
    place = first * longest + np.arange(len(edge)) - (np.cumsum(count) - count)[first]
    index, back = np.repeat(np.arange(n_atoms), longest), np.arange(n_atoms * longest)
    vectors = np.full((n_atoms * longest, 3), (0, 0, cutoff), dtype=np.float64)
    index[place], vectors[place] = second, vector
    back[place] = place[np.searchsorted(edge, second * n_atoms + first)]
    distance = np.linalg.norm(vectors, axis=1).clip(min=COINCIDENT)
    rows = (n_atoms, longest)
    return Neighbours(
        torch.from_numpy(index).to(positions.device).view(rows),
        torch.from_numpy(distance).to(positions).view(rows),
        torch.from_numpy(vectors / distance[:, None]).to(positions).view(*rows, 3),
        torch.from_numpy(back).to(positions.device),
    )
