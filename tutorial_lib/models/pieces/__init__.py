"""Codes that are drawn, and clouds made of them: what `python -m benchmarks new_codes` stands on.

`drawing` draws codes, and `completion` makes codes of motifs, and clouds of the codes of their motifs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "completion": ["Surroundings", "completed", "completions", "surroundings_loss"],
        "drawing": ["CodeFlow", "drawing_loss"],
    },
)
