"""A network that turns with its input: clouds come in, vectors of irreps go out.

`graph` builds the neighbour graph; `network` has the convolutions, the network, and the logits of the Tetris pieces.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "graph": ["Graph", "neighbour_graph", "pair_graph", "representation", "spherical_harmonics"],
        "network": ["Convolution", "EquivariantNetwork", "gate_for", "logits"],
    },
)
