"""Codes that are drawn, and clouds made of them: what `python -m benchmarks new_codes` stands on.

`drawing` draws codes, and `completion` makes clouds of the codes of their motifs, which are those of `surroundings`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "completion": ["completed", "completions"],
        "drawing": ["CodeFlow", "drawing_loss"],
        "surroundings": ["Surroundings", "surroundings_loss"],
    },
)
