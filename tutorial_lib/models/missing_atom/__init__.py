"""A molecule without one of its atoms comes in; where that was and what go out, by a vote of those that are left.

`graphs` says who sees whom, `network` lets every atom speak, `votes` counts. The task is that of N. Thomas et al.,
Tensor field networks, arXiv:1802.08219 (2018).
"""

from tutorial_lib.models.missing_atom.graphs import CUTOFF, ELEMENTS, Holes, MoleculeSet, nearest_elements
from tutorial_lib.models.missing_atom.network import CartesianNetwork, Speech
from tutorial_lib.models.missing_atom.votes import (
    NEAR,
    Guess,
    Results,
    answers,
    every_answer,
    guess,
    results,
    vote,
    vote_loss,
)

__all__ = [
    "CUTOFF",
    "ELEMENTS",
    "NEAR",
    "CartesianNetwork",
    "Guess",
    "Holes",
    "MoleculeSet",
    "Results",
    "Speech",
    "answers",
    "every_answer",
    "guess",
    "nearest_elements",
    "results",
    "vote",
    "vote_loss",
]
