"""What the network reads: shapes of one molecule come in, graphs go out.

Every atom sees all others, so the graph is complete and the same for all shapes. Spherical harmonics of the directions
and radial functions of the distances are computed once a shape, and a batch only picks from them. This is legal because
the network is equivariant: it would learn nothing from a rotated copy.
"""

from dataclasses import dataclass

import torch
from e3nn import o3
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import check_molecule
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Positions, check_counts

NEAREST, FARTHEST = 0.7, 3.7  # A, the centres of the first Gaussian and of the last
N_RADIAL = 20
LMAX = 2


@dataclass(frozen=True)
class Shapes:
    """Shapes of one molecule as graphs.

    Attributes:
        harmonics: (shapes, atoms, atoms - 1, sum of 2 l + 1), of the directions from an atom to each other one, in the
            order of `seen`, no unit.
        heights: (shapes, atoms, atoms - 1, `N_RADIAL`), the radial basis at the distances, no unit.
    """

    harmonics: Tensor
    heights: Tensor

    def __len__(self) -> int:
        return len(self.harmonics)

    def to(self, device: torch.device | str) -> "Shapes":
        """The same shapes on another device."""
        return Shapes(self.harmonics.to(device), self.heights.to(device))

    def __getitem__(self, which: slice | Tensor) -> "Shapes":
        return Shapes(self.harmonics[which], self.heights[which])


def shapes(numbers: Tensor, positions: Positions, *, lmax: int = LMAX, dtype: torch.dtype = torch.float32) -> Shapes:
    """The graphs of all shapes of one molecule, from its atomic numbers (atoms,) and positions (angstrom).

    Directions are computed in the dtype of the positions; `dtype` is that of what goes out.
    """
    check_molecule(numbers, positions)
    vectors = positions[:, seen(len(numbers))] - positions[:, :, None]
    harmonics = o3.spherical_harmonics(list(range(lmax + 1)), vectors, True, "component")
    return Shapes(harmonics.to(dtype), radial_basis(vectors.norm(dim=-1)).to(dtype))


def seen(n_atoms: int) -> Tensor:
    """For each atom the indices of all others, (atoms, atoms - 1)."""
    check_counts(2, n_atoms=n_atoms)
    return torch.tensor([[j for j in range(n_atoms) if j != i] for i in range(n_atoms)])


def radial_basis(distance: Tensor) -> Tensor:
    """Gaussians on the axis of distances (angstrom), as far apart as they are wide."""
    centres = torch.linspace(NEAREST, FARTHEST, N_RADIAL, dtype=distance.dtype)
    return gaussians(distance, centres, (FARTHEST - NEAREST) / N_RADIAL)
