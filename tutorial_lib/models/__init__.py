"""The networks of the course, in the order of its notebooks.

`mlp` are the plain networks of notebook 01, `vae` the autoencoders of 02 and 03, `equivariant` the network of Tetris
(04), `hierarchical` that of 05 and 10 with its layers in `spherical`; `flow`, `missing_atom` and `hamiltonian` are
those of 07, 08 and 09, `pieces` generates new point clouds from sampled codes, and `denoiser` whole periodic cells.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {
        "denoiser",
        "equivariant",
        "flow",
        "hamiltonian",
        "hierarchical",
        "missing_atom",
        "mlp",
        "pieces",
        "spherical",
        "vae",
    },
    {
        "denoiser": ["Denoiser", "generate_cell", "trained_denoiser"],
        "vae": ["AlignedAutoencoder", "VariationalAutoencoder"],
        "hierarchical": ["HierarchicalAutoencoder"],
    },
)
