"""The judges of exercises that are in no notebook, for a test or for whoever has done all others.

One exercise a notebook, `check_1_s` for notebook 01; what each asks stands on the notebook's page in docs/teaching.
"""

from tutorial_lib.exercises.extra.flow_matching import check_7_s
from tutorial_lib.exercises.extra.found_levels import check_10_s
from tutorial_lib.exercises.extra.gram_vae import check_2_s
from tutorial_lib.exercises.extra.hamiltonians import check_9_s
from tutorial_lib.exercises.extra.hierarchical_autoencoder import check_5_s
from tutorial_lib.exercises.extra.inpainting import check_6_s
from tutorial_lib.exercises.extra.invariance import check_1_s
from tutorial_lib.exercises.extra.missing_atom import check_8_s
from tutorial_lib.exercises.extra.synchronisation import check_3_s
from tutorial_lib.exercises.extra.tetris import check_4_s

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
