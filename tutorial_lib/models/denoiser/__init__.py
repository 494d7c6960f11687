"""A generator of whole periodic cells: a network learns which noise was added, and takes it out of nothing but noise.

`graph` finds who sees whom, `network` tells the noise, `learning` is its loss, `sampling` quenches noise to a glass.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "graph": ["Neighbours", "neighbours"],
        "learning": ["denoiser_for", "denoising_loss", "noise_error"],
        "network": ["Denoiser"],
        "sampling": [
            "generate_cell",
            "keep_denoiser",
            "lattice",
            "noise_levels",
            "quench",
            "shaken_lattice",
            "trained_denoiser",
        ],
    },
)
