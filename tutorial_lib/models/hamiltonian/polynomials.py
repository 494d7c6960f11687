"""What a matrix costs without a network: shapes of one molecule come in, matrices by least squares go out.

A molecule whose atoms are told apart one by one can be rotated into a pose of its own, the best fit onto the mean
shape; there nothing rotates any more, and each entry is a smooth function of the displacements. It is good for few
atoms. Lost: any symmetry under renumbering; and the number of terms grows with a power of the number of atoms.
"""

from itertools import combinations_with_replacement

import torch
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import Hamiltonians
from tutorial_lib.models.hamiltonian.basis import turn
from tutorial_lib.representations.alignment import best_rotation
from tutorial_lib.shapes import check_counts

ROUNDS = 3  # of aligning to the mean shape
RIDGE = 1e-9  # of the squares of the terms, which are about 1


def polynomial(train: Hamiltonians, test: Hamiltonians, degree: int) -> tuple[Tensor, int]:
    """Matrices by a polynomial in the displacements of the atoms, in the molecule's own pose.

    Returns:
        (shapes, orbitals, orbitals), hartree, in the poses of `test`; and how many terms the polynomial has.
    """
    check_counts(degree=degree)
    mean = train.positions[0] - train.positions[0].mean(dim=0)
    for _ in range(ROUNDS):
        mean = _own(train.positions, mean)[0].mean(dim=0)
    (here, there), (q, q_test) = zip(*(_own(part.positions, mean) for part in (train, test)), strict=True)
    _, sizes, axes = torch.linalg.svd((here - mean).flatten(1), full_matrices=False)
    n = int((sizes > 1e-6 * sizes[0]).sum())  # a pose takes six of the coordinates, or more
    scale = sizes[:n] / len(here) ** 0.5
    known, asked = (_terms((x - mean).flatten(1) @ axes[:n].mT / scale, degree) for x in (here, there))
    d, d_test = (torch.stack([turn(train.shells, one) for one in turns]) for turns in (q, q_test))
    ridge = RIDGE * len(here) * torch.eye(known.shape[1], dtype=known.dtype)
    weights = torch.linalg.solve(known.mT @ known + ridge, known.mT @ (d @ train.fock @ d.mT).flatten(1))
    return d_test.mT @ (asked @ weights).view(len(test), *test.fock.shape[1:]) @ d_test, known.shape[1]


def _own(positions: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Positions rotated onto the mean shape, and the rotations."""
    centred = positions - positions.mean(dim=1, keepdim=True)
    q = best_rotation(centred, mean.expand_as(centred), allow_mirror=False)
    return centred @ q.mT, q


def _terms(x: Tensor, degree: int) -> Tensor:
    """All products of up to `degree` of the columns."""
    chosen = [which for k in range(1, degree + 1) for which in combinations_with_replacement(range(x.shape[1]), k)]
    return torch.stack([x.new_ones(len(x)), *(x[:, list(which)].prod(dim=1) for which in chosen)], dim=1)
