"""Point clouds laid upon each other: two come in; the rotation, the order of atoms and the distance go out.

Everything turns about the origin; whoever has free clouds centres them first. Mirrors are a choice of the caller.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {"matching": ["Match", "Template", "aligned_rmsd", "match_atoms"], "procrustes": ["best_rotation"]},
)
