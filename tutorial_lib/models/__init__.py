"""What learns: features, graphs or point clouds come in, what a network makes of them goes out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {"equivariant", "flow", "hamiltonian", "hierarchical", "missing_atom", "mlp", "pieces", "spherical", "vae"},
    {
        "vae": ["AlignedAutoencoder", "VariationalAutoencoder"],
        "hierarchical": ["HierarchicalAutoencoder"],
    },
)
