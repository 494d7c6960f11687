"""The judges of exercises that are in no notebook, for a test or for whoever has done all others.

One exercise a notebook, `check_1_s` for notebook 01; what each asks stands on the notebook's page in docs/teaching.
"""

from tutorial_lib.exercises.spare.flow_matching import check_7_s
from tutorial_lib.exercises.spare.found_levels import check_10_s
from tutorial_lib.exercises.spare.gram_vae import check_2_s
from tutorial_lib.exercises.spare.hamiltonians import check_9_s
from tutorial_lib.exercises.spare.hierarchical_autoencoder import check_5_s
from tutorial_lib.exercises.spare.inpainting import check_6_s
from tutorial_lib.exercises.spare.invariance import check_1_s
from tutorial_lib.exercises.spare.missing_atom import check_8_s
from tutorial_lib.exercises.spare.synchronisation import check_3_s
from tutorial_lib.exercises.spare.tetris import check_4_s

__all__ = [
    "check_1_s",
    "check_2_s",
    "check_3_s",
    "check_4_s",
    "check_5_s",
    "check_6_s",
    "check_7_s",
    "check_8_s",
    "check_9_s",
    "check_10_s",
]
