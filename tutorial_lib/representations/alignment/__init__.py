"""Point clouds laid upon each other: two come in; the rotation, the order of atoms and the distance go out.

Everything turns about the origin; whoever has free clouds centres them first. Mirrors are a choice of the caller.
"""

from tutorial_lib.representations.alignment.matching import Match, aligned_rmsd, match_atoms
from tutorial_lib.representations.alignment.procrustes import best_rotation
from tutorial_lib.representations.alignment.template import Template

__all__ = ["Match", "Template", "aligned_rmsd", "best_rotation", "match_atoms"]
