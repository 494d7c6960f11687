"""The extra exercise of notebook 09: the density matrix of the electrons, from orbitals that are columns."""

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise

HINTS = {
    "9.s one": "How many electrons does an orbital hold?",
    "9.s rows": "Where does an orbital stand in the matrix: is it a row of it, or a column?",
    "9.s all": "Only some of the orbitals hold electrons.",
    "9.s highest": "Electrons fill the levels from below, and the lowest level comes first.",
    "9.s inner": "What does a row of your matrix belong to: a function, or an orbital?",
    "9.s diagonal": "A density has entries between functions, too: they are what makes a bond.",
    "9.s sum": "Orbitals are squared one by one, and then added up. Adding up first mixes them.",
    "9.s other": "Take a single orbital with two entries, and write down the four products.",
}
RIGHT = "two electrons for each occupied orbital. It does not care about the signs of orbitals, as nothing should."


def check_9_s(answer: object) -> Verdict:
    """The verdict on `density(orbitals, n_occupied)`: (k, k), no unit, from columns (k, k), the lowest first.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("9.s", answer, _fills, RIGHT)


def _fills(answer: Answer, generator: Generator) -> None:
    for k, n in ((7, 3), (4, 2), (6, 1)):
        orbitals = torch.randn(k, k, generator=generator, dtype=torch.float64)
        found = answer(orbitals, n, shape=(k, k)).detach()
        low, high, rows = orbitals[:, :n], orbitals[:, -n:], orbitals[:n]
        mixed = low.sum(dim=1)
        right = 2 * low @ low.mT
        if close(found, right):
            continue
        mistakes = [
            ("9.s one", low @ low.mT, "each orbital holds one electron only."),
            ("9.s rows", 2 * rows.mT @ rows, "orbitals were read along the rows."),
            ("9.s all", 2 * orbitals @ orbitals.mT, "all orbitals hold electrons."),
            ("9.s highest", 2 * high @ high.mT, "the highest orbitals are filled."),
            ("9.s inner", 2 * orbitals.mT @ orbitals, "these are inner products of orbitals."),
            ("9.s diagonal", right.diagonal().diag(), "only its diagonal is there."),
            (
                "9.s sum",
                2 * torch.outer(mixed, mixed),
                "orbitals are added up before they are squared.",
            ),
        ]
        recognise(found, mistakes, HINTS)
        raise Wrong("it is another matrix.", HINTS["9.s other"])
