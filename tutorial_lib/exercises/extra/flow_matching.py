"""The extra exercise of notebook 07: how far one has to move the numbers of one list to make them those of another."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise

HINTS = {
    "7.s order": "Nobody has paired them: put one list into another order, and the answer should stay. Which pairing "
    "moves the numbers least?",
    "7.s mean": "0 and 2 have the same mean as 1 and 1. Is nothing to be moved?",
    "7.s signed": "What is moved to the left does not make up for what is moved to the right.",
    "7.s square": "It is asked how far, and not how far squared: an unusual number should count as far as it is off.",
    "7.s largest": "All of them have to be moved, not only the one that has the longest way.",
    "7.s sum": "Twice the data should not be twice as far. Is yours per number?",
    "7.s nearest": "Two numbers may not move to one place while another place stays empty.",
    "7.s greedy": "Whoever chooses first may leave the last one a long way. Are all ways together the shortest?",
    "7.s other": "Try it on 0 and 1 against 5 and 1, by hand, with both pairings.",
}
RIGHT = "the least that has to be moved, per number: the Wasserstein distance of two lists."


def check_7_s(answer: object) -> Verdict:
    """The verdict on `moved(one, other)`: the mean distance () in the best pairing of two lists of numbers (n,).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("7.s", answer, _moves_least, RIGHT)


def _moves_least(answer: Answer, generator: Generator) -> None:
    for n in (7, 5, 12, 2):
        one = torch.randn(n, generator=generator, dtype=torch.float64)
        other = 0.5 * torch.randn(n, generator=generator, dtype=torch.float64).exp() + 0.2
        apart = (one[:, None] - other).abs()
        off = one.sort().values - other.sort().values
        found = answer(one, other, shape=()).detach()
        if close(found, off.abs().mean()):
            continue
        both = (apart.amin(dim=0).mean() + apart.amin(dim=1).mean()) / 2
        mistakes = [
            ("7.s order", (one - other).abs().mean(), "it pairs the numbers as they stand in the lists."),
            ("7.s mean", (one.mean() - other.mean()).abs(), "it compares the means only."),
            ("7.s signed", off.mean(), "ways to the left are taken off those to the right."),
            ("7.s square", off.square().mean().sqrt(), "distances are squared before they are averaged."),
            ("7.s largest", off.abs().max(), "this is the longest of all ways."),
            ("7.s sum", off.abs().sum(), "all ways are added up."),
            ("7.s nearest", apart.amin(dim=1).mean(), "each number moves to its nearest."),
            ("7.s greedy", _in_turn(apart), "each number in turn takes the nearest that is left."),
            ("7.s square", off.square().mean(), "distances are squared before they are averaged."),
            ("7.s nearest", apart.amin(dim=0).mean(), "each number moves to its nearest."),
            ("7.s nearest", both, "each number moves to its nearest."),
        ]
        recognise(found, mistakes, HINTS)
        raise Wrong("less or more has to be moved than it says.", HINTS["7.s other"])


def _in_turn(apart: Tensor) -> Tensor:
    left, total = apart.clone(), apart.new_zeros(())
    for row in range(len(apart)):
        column = int(left[row].argmin())
        total, left[:, column] = total + apart[row, column], torch.inf
    return total / len(apart)
