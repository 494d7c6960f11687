"""The matrices of quantum chemistry, predicted equivariantly from the geometry of a molecule.

`basis` says how a matrix transforms, `blocks` cuts it into irreps, `graphs` says what the network reads, `layers` and
`nonlinear` are its steps, `networks` its four forms and `learning` its loss. `polynomials` does without a network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "basis": ["change_of_basis", "from_pyscf", "turn", "wigner"],
        "blocks": ["Blocks"],
        "graphs": ["Shapes", "shapes"],
        "learning": ["Standard", "matrix_loss", "predicted"],
        "networks": ["NONLINEARITIES", "HamiltonianNetwork", "Prediction", "network", "size"],
        "nonlinear": ["Gate", "Gradient", "TensorSquare"],
        "polynomials": ["polynomial"],
    },
)
