"""Noise comes in, motifs of amorphous silicon go out, and numbers that say how far to trust them.

`charts` are the coordinates, `network` the velocity along straight lines from noise to motifs, which are those of
`tutorial_lib.transport`, and `sets` a velocity that knows no order and no pose. `generator` draws, `completion`
restores missing atoms, `judges` tells generated from real motifs, and `physics` asks what nobody fitted.
"""

from tutorial_lib.extensions.flow.charts import Principal, Scaled
from tutorial_lib.extensions.flow.completion import FlowCompletion
from tutorial_lib.extensions.flow.generator import Flow, flow_loss, recipe
from tutorial_lib.extensions.flow.judges import Memory, TwoSample, mean_miss, memory, two_sample_auc
from tutorial_lib.extensions.flow.network import MotifVelocity
from tutorial_lib.extensions.flow.physics import central_energy, dihedral_angles
from tutorial_lib.extensions.flow.sets import SetVelocity
from tutorial_lib.transport import between, log_likelihood, matching_error, transport

__all__ = [
    "Flow",
    "FlowCompletion",
    "Memory",
    "MotifVelocity",
    "Principal",
    "Scaled",
    "SetVelocity",
    "TwoSample",
    "between",
    "central_energy",
    "dihedral_angles",
    "flow_loss",
    "log_likelihood",
    "matching_error",
    "mean_miss",
    "memory",
    "recipe",
    "transport",
    "two_sample_auc",
]
