"""A molecule without one of its atoms comes in; where that was and what go out, by attention over those that are left.

`graphs` says who sees whom, `network` gives each atom an output, `votes` pools them. The task is that of N. Thomas et
al., Tensor field networks, arXiv:1802.08219 (2018).
"""

from tutorial_lib.models.missing_atom.graphs import CUTOFF, ELEMENTS, MaskedMolecules, MoleculeSet, nearest_elements
from tutorial_lib.models.missing_atom.network import AtomOutput, CartesianNetwork
from tutorial_lib.models.missing_atom.votes import (
    NEAR,
    Guess,
    Results,
    answers,
    attention_pool,
    every_answer,
    guess,
    masked_atom_loss,
    results,
)

__all__ = [
    "CUTOFF",
    "ELEMENTS",
    "NEAR",
    "AtomOutput",
    "CartesianNetwork",
    "Guess",
    "MaskedMolecules",
    "MoleculeSet",
    "Results",
    "answers",
    "attention_pool",
    "every_answer",
    "guess",
    "masked_atom_loss",
    "nearest_elements",
    "results",
]
