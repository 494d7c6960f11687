"""Generating new point clouds from sampled latent codes; the benchmark `new_codes` uses it.

`completion` has an autoencoder of local environments, and assembles clouds from sampled environments; `drawing` is a
flow that samples latent codes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "completion": ["Surroundings", "completed", "completions", "surroundings_loss"],
        "drawing": ["CodeFlow", "drawing_loss"],
    },
)
