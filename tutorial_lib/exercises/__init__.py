"""The judges of answers: a function that a reader wrote comes in, a sentence goes out.

`check_1_1(answer)` says that the first exercise of notebook 01 is open, right, or what is wrong with
the answer, with a hint; it never says the answer and never raises. `judge` is what all of them share;
each notebook's own are in a file of its name.
"""

from tutorial_lib.exercises.flow_matching import check_7_1, check_7_2, check_7_3, check_7_4
from tutorial_lib.exercises.found_levels import check_10_1, check_10_2, check_10_3, check_10_4
from tutorial_lib.exercises.gram_vae import check_2_1, check_2_2, check_2_3, check_2_4
from tutorial_lib.exercises.hamiltonians import check_9_1, check_9_2, check_9_3, check_9_4
from tutorial_lib.exercises.hierarchical_autoencoder import check_5_1, check_5_2, check_5_3, check_5_4
from tutorial_lib.exercises.inpainting import check_6_1, check_6_2, check_6_3, check_6_4
from tutorial_lib.exercises.invariance import check_1_1, check_1_2, check_1_3, check_1_4
from tutorial_lib.exercises.missing_atom import check_8_1, check_8_2, check_8_3, check_8_4
from tutorial_lib.exercises.new_pieces import check_5_5, check_5_6
from tutorial_lib.exercises.synchronisation import check_3_1, check_3_2, check_3_3, check_3_4
from tutorial_lib.exercises.tetris import check_4_1, check_4_2, check_4_3, check_4_4

__all__ = [
    "check_1_1",
    "check_1_2",
    "check_1_3",
    "check_1_4",
    "check_2_1",
    "check_2_2",
    "check_2_3",
    "check_2_4",
    "check_3_1",
    "check_3_2",
    "check_3_3",
    "check_3_4",
    "check_4_1",
    "check_4_2",
    "check_4_3",
    "check_4_4",
    "check_5_1",
    "check_5_2",
    "check_5_3",
    "check_5_4",
    "check_5_5",
    "check_5_6",
    "check_6_1",
    "check_6_2",
    "check_6_3",
    "check_6_4",
    "check_7_1",
    "check_7_2",
    "check_7_3",
    "check_7_4",
    "check_8_1",
    "check_8_2",
    "check_8_3",
    "check_8_4",
    "check_9_1",
    "check_9_2",
    "check_9_3",
    "check_9_4",
    "check_10_1",
    "check_10_2",
    "check_10_3",
    "check_10_4",
]
