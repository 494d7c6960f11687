"""The variational autoencoder: features come in, a few latent numbers and the features again go out.

Whatever the latent numbers cannot hold is lost. The loss is handed to `training`; the features come
from `gram`; what the decoder draws is judged in `motifs`. `networks` holds the layers, `losses` what they
minimise.
"""

from tutorial_lib.models.vae.losses import active_units, aligned_loss, evidence_loss, kl_divergence, overlap
from tutorial_lib.models.vae.networks import AlignedAutoencoder, VariationalAutoencoder

__all__ = [
    "AlignedAutoencoder",
    "VariationalAutoencoder",
    "active_units",
    "aligned_loss",
    "evidence_loss",
    "kl_divergence",
    "overlap",
]
