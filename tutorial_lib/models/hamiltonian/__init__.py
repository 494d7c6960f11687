"""Shapes of a molecule come in, the matrices of quantum chemistry that belong to them go out, turning as they must.

`basis` says how a matrix transforms, `blocks` cuts it into irreps, `graphs` says what the network reads, `layers` and
`nonlinear` are its steps, `variants` its four forms and `learning` its loss. `polynomials` does without a network.
"""

from tutorial_lib.models.hamiltonian.basis import change_of_basis, from_pyscf, turn, wigner
from tutorial_lib.models.hamiltonian.blocks import Blocks
from tutorial_lib.models.hamiltonian.graphs import Shapes, shapes
from tutorial_lib.models.hamiltonian.learning import Standard, matrix_loss, predicted
from tutorial_lib.models.hamiltonian.network import HamiltonianNetwork, Prediction
from tutorial_lib.models.hamiltonian.nonlinear import Gate, Gradient, TensorSquare
from tutorial_lib.models.hamiltonian.polynomials import polynomial
from tutorial_lib.models.hamiltonian.variants import NONLINEARITIES, network, size

__all__ = [
    "NONLINEARITIES",
    "Blocks",
    "Gate",
    "Gradient",
    "HamiltonianNetwork",
    "Prediction",
    "Shapes",
    "Standard",
    "TensorSquare",
    "change_of_basis",
    "from_pyscf",
    "matrix_loss",
    "network",
    "polynomial",
    "predicted",
    "shapes",
    "size",
    "turn",
    "wigner",
]
