"""A network that turns with its input: clouds come in, vectors of irreps go out.

`graph` is what it sees of the clouds, `network` is what it makes of that.
"""

from tutorial_lib.models.equivariant.graph import (
    Graph,
    neighbour_graph,
    pair_graph,
    representation,
    spherical_harmonics,
)
from tutorial_lib.models.equivariant.network import Convolution, EquivariantNetwork, gate_for, logits

__all__ = [
    "Convolution",
    "EquivariantNetwork",
    "Graph",
    "gate_for",
    "logits",
    "neighbour_graph",
    "pair_graph",
    "representation",
    "spherical_harmonics",
]
