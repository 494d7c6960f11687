"""Clouds laid upon each other: two clouds come in, the rotation, the order of atoms and the distance go out.

Everything turns about the origin; whoever has free clouds centres them first. Mirrors are a choice of the
caller. Lost on the way: the pose, and with `reorder` the numbering. `procrustes` turns, `matching` finds which
atom is which, `template` gives all motifs one order and pose; `synchronisation` turns many clouds at once.
"""

from tutorial_lib.representations.alignment.matching import Match, aligned_rmsd, match_atoms
from tutorial_lib.representations.alignment.procrustes import best_rotation
from tutorial_lib.representations.alignment.template import Template

__all__ = ["Match", "Template", "aligned_rmsd", "best_rotation", "match_atoms"]
