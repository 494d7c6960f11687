"""The graders of answers: a function that a reader wrote comes in, a sentence goes out.

`check_1_1(answer)` says whether the first exercise of notebook 01 is unanswered or right, or else what is wrong with
the answer, with a hint; it never says the answer and never raises. The decorators in `grader` are what all of them
share, and `unaided` leaves an answer to itself; each notebook's own are in a file of its name, with the extra exercise
of its teacher's page (`check_1_s`). Those that do not fit into it have one of their own: `mirrors`, `codes`,
`assignment`, `groups`, `gathering`, `cutoffs`, `uphill`, `lattice`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "invariance": ["check_1_1", "check_1_2", "check_1_3"],
        "mirrors": ["check_1_4"],
        "gram_vae": ["check_2_1", "check_2_2"],
        "codes": ["check_2_3", "check_2_4"],
        "synchronisation": ["check_3_1", "check_3_2"],
        "assignment": ["check_3_3", "check_3_4"],
        "tetris": ["check_4_1", "check_4_2"],
        "groups": ["check_4_3", "check_4_4"],
        "hierarchical_autoencoder": ["check_5_1", "check_5_3", "check_5_4"],
        "gathering": ["check_5_2"],
        "inpainting": ["check_6_1", "check_6_2"],
        "completions": ["check_6_3", "check_6_4"],
        "flow_matching": ["check_7_1", "check_7_2", "check_7_3", "check_7_4"],
        "missing_atom": ["check_8_1", "check_8_2", "check_8_4"],
        "cutoffs": ["check_8_3"],
        "hamiltonians": ["check_9_1", "check_9_2", "check_9_4"],
        "uphill": ["check_9_3"],
        "found_levels": ["check_10_1", "check_10_2"],
        "molecules": ["check_10_3", "check_10_4"],
        "lattice": ["check_11_1", "check_11_3"],
        "new_pieces": ["check_11_2", "check_11_4"],
        "whole_glass": ["check_12_1", "check_12_2", "check_12_3", "check_12_4"],
    },
)
