"""Shapes of a molecule come in, the matrices of quantum chemistry that belong to them go out, turning as they must.

`basis` says how a matrix turns, `blocks` cuts it into irreps, `graphs` says what the network sees, `layers` and
`nonlinear` are its steps, `variants` its four forms, `learning` what it learns, and `judges` how well. `rivals` does
without a network.
"""

from tutorial_lib.extensions.hamiltonian.basis import change_of_basis, from_pyscf, turn, wigner
from tutorial_lib.extensions.hamiltonian.blocks import Blocks
from tutorial_lib.extensions.hamiltonian.graphs import Shapes, shapes
from tutorial_lib.extensions.hamiltonian.judges import MILLI_EV, Judged, judged, orbitals
from tutorial_lib.extensions.hamiltonian.learning import Standard, matrix_loss, predicted
from tutorial_lib.extensions.hamiltonian.network import HamiltonianNetwork, Prediction
from tutorial_lib.extensions.hamiltonian.nonlinear import Gate, Gradient, TensorSquare
from tutorial_lib.extensions.hamiltonian.rivals import polynomial
from tutorial_lib.extensions.hamiltonian.variants import BENDS, network, recipe, size

__all__ = [
    "BENDS",
    "MILLI_EV",
    "Blocks",
    "Gate",
    "Gradient",
    "HamiltonianNetwork",
    "Judged",
    "Prediction",
    "Shapes",
    "Standard",
    "TensorSquare",
    "change_of_basis",
    "from_pyscf",
    "judged",
    "matrix_loss",
    "network",
    "orbitals",
    "polynomial",
    "predicted",
    "recipe",
    "shapes",
    "size",
    "turn",
    "wigner",
]
