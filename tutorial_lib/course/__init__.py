"""A reader's copies of the notebooks, the server that opens them, runs from top to bottom, and what a machine needs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "copies": ["Copies", "merged"],
        "doctor": ["findings"],
        "runs": ["NOTEBOOKS", "Run", "notebooks", "run_notebook"],
        "server": ["serve"],
    },
)
