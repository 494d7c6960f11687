"""How good a matrix is: predicted matrices and true ones come in, errors go out, in the units that a chemist asks for.

The error of the entries says little of what the matrix is for. Its eigenvectors are the orbitals, H c = e S c with the
overlap S of the basis functions, and the lowest of them hold the electrons. Lost: the sign of each orbital, and how
orbitals of one energy are mixed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import Hamiltonians
from tutorial_lib.shapes import check, check_finite, check_shapes

MILLI_EV = 27211.386245988  # a hartree, CODATA 2018
DEGENERATE = 1e-3  # hartree: what lies nearer is counted as one energy, and its orbitals may mix


@dataclass(frozen=True)
class MatrixErrors:
    """Errors over many shapes.

    Attributes:
        entries: mean absolute error of all entries of the matrix, microhartree.
        occupied: the same of the energies of occupied orbitals, microhartree.
        overlap: mean absolute cosine between predicted and true occupied orbitals, in the metric S, no unit.
        degenerate: the share of occupied orbitals with a neighbour of the same energy, which `overlap` leaves out.
    """

    entries: float
    occupied: float
    overlap: float
    degenerate: float


def orbitals(fock: Tensor, overlap: Tensor) -> tuple[Tensor, Tensor]:
    """The energies (hartree, the lowest first) and vectors c, one a column, that solve H c = e S c with c^T S c = 1.

    With S = L L^T the vectors L^T c are those of the ordinary problem for L^-1 H L^-T.
    """
    check_shapes(fock=(fock, "*batch orbitals orbitals"), overlap=(overlap, "*batch orbitals orbitals"))
    check_finite(fock, overlap, what="matrices")
    root, failed = torch.linalg.cholesky_ex(overlap)
    check(not failed.any(), "an overlap matrix is not positive definite: two functions of its basis are the same")
    half = torch.linalg.solve_triangular(root, fock, upper=False)
    energies, vectors = torch.linalg.eigh(torch.linalg.solve_triangular(root, half.mT, upper=False))
    return energies, torch.linalg.solve_triangular(root.mT, vectors, upper=True)


def matrix_errors(predicted: Tensor, true: Hamiltonians) -> MatrixErrors:
    """The errors of predicted matrices (shapes, orbitals, orbitals), hartree."""
    check_shapes(fock=(true.fock, "shapes orbitals orbitals"), predicted=(predicted, "shapes orbitals orbitals"))
    (found, c), (meant, c_true) = (orbitals(fock, true.overlap) for fock in (predicted, true.fock))
    n = true.n_occupied
    cosine = torch.einsum("nia,nij,nja->na", c, true.overlap, c_true).abs()[:, :n]
    gaps = meant.diff(dim=1).abs() < DEGENERATE
    pad = gaps.new_zeros(len(gaps), 1)
    alone = ~(torch.cat([pad, gaps], dim=1) | torch.cat([gaps, pad], dim=1))[:, :n]
    return MatrixErrors(
        entries=1e6 * (predicted - true.fock).abs().mean().item(),
        occupied=1e6 * (found - meant)[:, :n].abs().mean().item(),
        overlap=cosine[alone].mean().item(),
        degenerate=1 - alone.double().mean().item(),
    )
