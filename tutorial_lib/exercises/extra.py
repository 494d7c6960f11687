"""The graders of exercises that are in no notebook, for a test or for whoever has done all others.

One exercise a notebook, `check_1_s` for notebook 01; what each asks stands on the notebook's page in docs/teaching.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __package__,
    None,
    {
        "mirrors": ["check_1_s"],
        "gram_vae": ["check_2_s"],
        "synchronisation": ["check_3_s"],
        "groups": ["check_4_s"],
        "gathering": ["check_5_s"],
        "completions": ["check_6_s"],
        "flow_matching": ["check_7_s"],
        "missing_atom": ["check_8_s"],
        "hamiltonians": ["check_9_s"],
        "found_levels": ["check_10_s"],
        "new_pieces": ["check_11_s"],
        "whole_glass": ["check_12_s"],
    },
)
