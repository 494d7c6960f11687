"""Flow matching: noise comes in, motifs of amorphous silicon go out.

`charts` are coordinates of motifs, `network` the velocities along straight lines from noise to motifs, for one order
and pose or equivariant under permutations and rotations; `pairing` shortens the lines of sets, `ode` integrates, and
`generator` is the model that samples, with its loss.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "charts": ["Principal", "Scaled"],
        "generator": ["Flow", "flow_loss"],
        "network": ["MotifVelocity", "SetVelocity"],
        "pairing": ["laid_towards"],
        "ode": ["integrate", "interpolate", "log_likelihood", "matching_error"],
    },
)
