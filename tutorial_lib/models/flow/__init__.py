"""Noise comes in, motifs of amorphous silicon go out.

`charts` are the coordinates, `network` the velocities along straight lines from noise to motifs, of motifs in one order
and pose or in any, `ode` follows a velocity, and `generator` draws.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "charts": ["Principal", "Scaled"],
        "generator": ["Flow", "flow_loss"],
        "network": ["MotifVelocity", "SetVelocity"],
        "ode": ["integrate", "interpolate", "log_likelihood", "matching_error"],
    },
)
