"""Noise comes in, motifs of amorphous silicon go out, and numbers that say how far to trust them.

`charts` are the coordinates, `network` the velocity along straight lines from noise to motifs, which are those of
`tutorial_lib.models.flow.ode`, and `sets` a velocity that knows no order and no pose. `generator` draws, `completion`
restores missing atoms, `judges` tells generated from real motifs, and `physics` asks what nobody fitted.
"""

from tutorial_lib.models.flow.charts import Principal, Scaled
from tutorial_lib.models.flow.generator import Flow, flow_loss
from tutorial_lib.models.flow.network import MotifVelocity
from tutorial_lib.models.flow.ode import integrate, interpolate, log_likelihood, matching_error
from tutorial_lib.models.flow.sets import SetVelocity

__all__ = [
    "Flow",
    "MotifVelocity",
    "Principal",
    "Scaled",
    "SetVelocity",
    "flow_loss",
    "integrate",
    "interpolate",
    "log_likelihood",
    "matching_error",
]
