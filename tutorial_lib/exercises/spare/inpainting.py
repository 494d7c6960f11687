"""The spare exercise of notebook 06: the draw in the middle of all draws, which is the best first guess."""

import torch
from torch import Generator

from tutorial_lib.exercises.judge import Answer, Verdict, Wrong, close, judge

HINTS = {
    "6.s mean": "Half of your draws stand on the left, half on the right. Is a place between them a place for an atom?",
    "6.s squares": "An error is a distance. What does a single far draw do to a mean of squares?",
    "6.s densest": "The draw with the nearest fellow has one fellow. What do all the others say?",
    "6.s outer": "Small is good here: whoever is far from all others is a bad guess.",
    "6.s first": "Number the draws otherwise: the same draw should come out.",
    "6.s length": "Does it matter where the origin is? Move all draws, and the answer should only move along.",
    "6.s axes": "Turn the draws about a slanted axis, and your answer should turn along.",
    "6.s other": "Put three draws on a line, at 0, 1 and 5: which of them is nearest to the others, on average?",
}
RIGHT = (
    "the draw whose mean distance to all others is smallest: whoever trusts the draws expects the least error there."
)


def check_6_s(answer: object) -> Verdict:
    """The verdict on `middle(draws)`: the one (3,) of draws (K, 3), angstrom, with the least mean distance to all.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.

    Raises:
        Nothing.
    """
    return judge("6.s", answer, _stands_in_the_middle, RIGHT)


def _stands_in_the_middle(answer: Answer, dice: Generator) -> None:
    for n_draws in (9, 12, 7, 30, 8, 15, 10, 20):
        draws = torch.randn(n_draws, 3, generator=dice, dtype=torch.float64)
        draws[-n_draws // 3 :] += draws.new_tensor([6.0, 4.0, -5.0])  # a second place where the atom may be
        draws[0] += 2
        draws[1, 0] += 30  # and a stray one
        apart = torch.cdist(draws, draws)
        found = answer(draws, shape=(3,))
        if close(found, draws[apart.mean(dim=1).argmin()]):
            continue
        mistakes = {
            "mean": (draws.mean(dim=0), "this is the mean place, which nobody drew."),
            "squares": (draws[apart.square().mean(dim=1).argmin()], "it minimises a mean of squares."),
            "outer": (draws[apart.mean(dim=1).argmax()], "this is the draw farthest from the others."),
            "densest": (
                draws[apart.clone().fill_diagonal_(torch.inf).amin(dim=1).argmin()],
                "this is the draw that has the nearest fellow.",
            ),
            "first": (draws[0], "this is the first draw, whatever the others are."),
            "length": (draws[draws.norm(dim=1).argmin()], "this is the draw nearest to the origin."),
            "axes": (draws.median(dim=0).values, "x, y and z come from different draws."),
        }
        for name, (mistaken, sentence) in mistakes.items():
            if close(found, mistaken):
                raise Wrong(sentence, HINTS[f"6.s {name}"])
        raise Wrong("another draw has a smaller mean distance to all of them.", HINTS["6.s other"])
