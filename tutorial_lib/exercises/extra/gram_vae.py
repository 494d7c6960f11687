"""The extra exercise of notebook 02: the cosines of all angles about a centre, from the Gram matrix alone."""

from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise

HINTS = {
    "2.s products": "An inner product grows with the lengths of both vectors. A cosine does not: make an atom twice as "
    "far, and look.",
    "2.s one length": "Two vectors have two lengths. Yours is not symmetric: whose length is missing?",
    "2.s squares": "The diagonal holds squares of lengths, not lengths.",
    "2.s whole": "Each pair has two lengths of its own. One number for the whole matrix will not do.",
    "2.s angles": "These are the angles. The cosines come just before.",
    "2.s sign": "An angle of more than a quarter turn has a cosine below zero.",
    "2.s diagonal": "What is the angle of a vector with itself?",
    "2.s other": "Try two atoms, at (2, 0, 0) and (1, 1, 0), and write down the four cosines.",
}
RIGHT = "cosines, of a matrix that never saw an atom, and no entry leaves the range from -1 to 1."


def check_2_s(answer: object) -> Verdict:
    """The verdict on `cosines(G)`: (n, n), no unit, of the angles between atoms, from a Gram matrix in angstrom^2.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("2.s", answer, _gives_cosines, RIGHT)


def _gives_cosines(answer: Answer, generator: Generator) -> None:
    for n_atoms in (8, 5, 3):
        x: Tensor = 2 * torch.randn(n_atoms, 3, generator=generator, dtype=torch.float64)
        g = x @ x.mT
        length = x.norm(dim=1)
        right = g / length / length[:, None]
        found = answer(g, shape=(n_atoms, n_atoms)).detach()
        if close(found, right):
            continue
        share = (found * g).sum() / g.square().sum()
        mistakes = [
            ("2.s products", g, "these are inner products still."),
            ("2.s one length", g / length, "it is divided by one of two lengths."),
            ("2.s one length", g / length[:, None], "it is divided by one of two lengths."),
            ("2.s squares", g / length.square() / length[:, None].square(), "squares of lengths are not lengths."),
            ("2.s whole", share * g, "all entries are divided by one number."),
            ("2.s angles", right.clamp(-1, 1).acos(), "these are angles, in radians."),
            ("2.s angles", torch.rad2deg(right.clamp(-1, 1).acos()), "these are angles, in degrees."),
            ("2.s sign", right.abs(), "all signs are gone."),
            ("2.s diagonal", right - torch.eye(n_atoms, dtype=g.dtype), "its diagonal is zero."),
        ]
        if found.any():  # an arc cosine near 1 loses half of the digits
            recognise(found, mistakes, HINTS, same=partial(close, tolerance=1e-6))
        raise Wrong("these are not the cosines.", HINTS["2.s other"])
