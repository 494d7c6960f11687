"""Codes and networks that are born: what `python -m benchmarks new_codes new_networks` stands on.

`drawing` draws codes, and `completion` makes clouds of the codes of their motifs, which are those of `surroundings`.
`networks` grows octahedra, and `joints` judges them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "completion": ["completed", "completions"],
        "drawing": ["CodeFlow", "drawing_loss"],
        "joints": ["bends", "steps_of", "topology"],
        "networks": ["attachments", "gaps", "more_octahedra", "network_heads"],
        "surroundings": ["Surroundings", "surroundings_loss"],
    },
)
