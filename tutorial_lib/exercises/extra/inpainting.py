"""The extra exercise of notebook 06: the draw in the middle of all draws, which is the best first guess."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge

HINTS = {
    "6.s mean": "Half of your draws stand on the left, half on the right. Is a place between them a place for an atom?",
    "6.s squares": "An error is a distance. What does a single far draw do to a mean of squares?",
    "6.s densest": "The draw with the nearest fellow has one fellow. What do all the others say?",
    "6.s outer": "Small is good here: whoever is far from all others is a bad guess.",
    "6.s first": "Number the draws otherwise: the same draw should come out.",
    "6.s length": "Does it matter where the origin is? Move all draws, and the answer should only move along.",
    "6.s axes": "Turn the draws about a slanted axis, and your answer should turn along.",
    "6.s none": "Compare what you return with the draws, row by row: it should be among them.",
    "6.s other": "Put three draws on a line, at 0, 1 and 5: which of them is nearest to the others, on average?",
}
RIGHT = "the draw whose mean distance to all others is smallest: of the draws, it has the least error to expect."
MISTAKES = {  # what each returns, and what to say; it is named only if it explains every trial
    "mean": (lambda draws: draws.mean(dim=0), "this is the mean place, which nobody drew."),
    "squares": (lambda draws: draws[_apart(draws).square().mean(dim=1).argmin()], "it minimises a mean of squares."),
    "outer": (lambda draws: draws[_apart(draws).mean(dim=1).argmax()], "this is the draw farthest from the others."),
    "densest": (
        lambda draws: draws[_apart(draws).fill_diagonal_(torch.inf).amin(dim=1).argmin()],
        "this is the draw that has the nearest fellow.",
    ),
    "first": (lambda draws: draws[0], "this is the first draw, whatever the others are."),
    "length": (lambda draws: draws[draws.norm(dim=1).argmin()], "this is the draw nearest to the origin."),
    "axes": (lambda draws: draws.median(dim=0).values, "x, y and z come from different draws."),
}


def check_6_s(answer: object) -> Verdict:
    """The verdict on `middle(draws)`: the one (3,) of draws (K, 3), angstrom, with the least mean distance to all.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("6.s", answer, _stands_in_the_middle, RIGHT)


def _stands_in_the_middle(answer: Answer, generator: Generator) -> None:
    trials = []
    for n_draws in (9, 12, 7, 30, 6, 8, 15, 6, 10, 8, 20):
        draws = torch.randn(n_draws, 3, generator=generator, dtype=torch.float64)
        draws[-n_draws // 3 :] += draws.new_tensor([6.0, 4.0, -5.0])  # a second place where the atom may be
        draws[0] += 2
        draws[1, 0] += 30  # and a stray one
        trials.append((draws, answer(draws, shape=(3,)).detach()))
    if all(close(found, draws[_apart(draws).mean(dim=1).argmin()]) for draws, found in trials):
        return
    for name, (mistaken, sentence) in MISTAKES.items():
        if all(close(found, mistaken(draws)) for draws, found in trials):
            raise Wrong(sentence, HINTS[f"6.s {name}"])
    if not all(any(close(found, draw) for draw in draws) for draws, found in trials):
        raise Wrong("it is none of the draws.", HINTS["6.s none"])
    raise Wrong("another draw has a smaller mean distance to all of them.", HINTS["6.s other"])


def _apart(draws: Tensor) -> Tensor:
    return torch.cdist(draws, draws)
