"""The variational autoencoder: features come in, a few latent numbers and the features again go out.

Whatever the latent numbers cannot hold is lost. `networks` holds the layers, `losses` what they minimise.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "losses": ["active_units", "aligned_loss", "evidence_loss", "kl_divergence", "overlap"],
        "networks": ["AlignedAutoencoder", "LatentVariableModel", "VariationalAutoencoder"],
    },
)
