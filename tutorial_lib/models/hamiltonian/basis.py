"""Two conventions for one matrix, and how it transforms: matrices of PySCF come in, those of e3nn go out, and back.

A basis function is a radial function times a spherical harmonic. PySCF's harmonics have the polar axis z, e3nn's have
y: to go from one to the other is to rename the axes cyclically, and that is a rotation like any other. So the change of
basis of a shell is the Wigner matrix of this rotation. For l = 1 PySCF already lists its functions as x, y, z, which is
e3nn's order, and nothing changes. Nothing is lost: the change is orthogonal.
"""

import torch
from e3nn import o3
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import Shells
from tutorial_lib.shapes import Orthogonal, check, check_shapes, unrounded


@unrounded
def wigner(degree: int, q: Orthogonal) -> Tensor:
    """The matrix (2 l + 1, 2 l + 1) by which a function of angular momentum l and parity (-1)^l transforms.

    D_0 = 1 and D_1 = Q; of the product of D_(l-1) and D_1, the part of angular momentum l is D_l. An inversion comes
    out as (-1)^l. e3nn's own `D_from_matrix` gives the same, but to seven digits only, unless PyTorch's default dtype
    is float64: its generators are made in the default dtype, whatever the dtype of Q.
    """
    check_shapes(q=(q, "3 3"))
    check(0 <= degree <= 11, f"l = {degree} arrived: e3nn knows l from 0 to 11")
    check(
        torch.allclose(q @ q.mT, torch.eye(3, dtype=q.dtype), atol=1e-5),
        "Q is not orthogonal: Q Q^T differs from 1 by more than 1e-5",
    )
    if degree == 0:
        return q.new_ones(1, 1)
    d = q
    for step in range(2, degree + 1):
        coupling = o3.wigner_3j(step - 1, 1, step, dtype=q.dtype)
        d = (2 * step + 1) * torch.einsum("abm,ac,bd,cdn->mn", coupling, d, q, coupling)
    return d


def from_pyscf(degree: int) -> Tensor:
    """The orthogonal matrix C of a shell with Y_pyscf = C Y_e3nn, float64."""
    # (x, y, z) to (y, z, x), but for l = 1
    return wigner(degree, torch.eye(3, dtype=torch.float64)[[0, 1, 2] if degree == 1 else [1, 2, 0]])


def change_of_basis(shells: Shells) -> Tensor:
    """The same for all shells, given as (atom, l): H_e3nn = C^T H_pyscf C."""
    return torch.block_diag(*[from_pyscf(degree) for _, degree in shells])


def turn(shells: Shells, q: Orthogonal) -> Tensor:
    """The matrix D(Q) of all basis functions: H(x Q^T) = D(Q) H(x) D(Q)^T; Q may hold an inversion."""
    return torch.block_diag(*[wigner(degree, q) for _, degree in shells])
