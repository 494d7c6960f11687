"""A molecule without one of its atoms comes in; where that was and what go out, by attention over those that are left.

`graphs` finds the neighbours, `network` gives each atom an output and pools them; `places` answers with several places
and their probabilities. The task is that of N. Thomas et al.,
Tensor field networks, arXiv:1802.08219 (2018).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "graphs": ["CUTOFF", "ELEMENTS", "MaskedMolecules", "MoleculeSet", "nearest_elements"],
        "network": [
            "NEAR",
            "AtomOutput",
            "CartesianNetwork",
            "Guess",
            "Results",
            "answers",
            "attention_pool",
            "every_answer",
            "guess",
            "masked_atom_loss",
            "results",
        ],
        "places": ["ManyPlaces", "likeliest", "places_terms", "pool_places"],
    },
)
