"""Codes and networks that are born: what `python -m benchmarks new_codes new_networks` stands on.

`drawing` draws codes, and `completion` makes clouds of the codes of their motifs, which are those of `surroundings`.
`networks` grows octahedra, and `joints` judges them.
"""

from tutorial_lib.models.pieces.completion import completed, completions
from tutorial_lib.models.pieces.drawing import CodeFlow, drawing_loss
from tutorial_lib.models.pieces.joints import bends, steps_of, topology
from tutorial_lib.models.pieces.networks import attachments, gaps, more_octahedra, network_heads
from tutorial_lib.models.pieces.surroundings import Surroundings, surroundings_loss

__all__ = [
    "CodeFlow",
    "Surroundings",
    "attachments",
    "bends",
    "completed",
    "completions",
    "drawing_loss",
    "gaps",
    "more_octahedra",
    "network_heads",
    "steps_of",
    "surroundings_loss",
    "topology",
]
