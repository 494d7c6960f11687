"""Exercises of notebook 06 on answers: the error of a completion, the best of k, the draw in the middle."""

from itertools import permutations

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    nearest_in_turn,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.inpainting import unaided
from tutorial_lib.exercises.unaided import LIBRARY_HINT, in_single

HINTS = {
    "6.3 right": "no pairing is better, and nothing was moved.",
    "6.3 wrong": "it is not the error of the best pairing.",
    "6.3 order": "Nobody has told which candidate stands for which atom. Try every pairing.",
    "6.3 shared": "Two atoms of the candidate may not be counted for the same true one.",
    "6.3 align": "The candidate may not be turned or moved: the known atoms hold the pose.",
    "6.3 mean": "The root of the mean, over atoms, of squared distances: compare word by word, and mind over what the "
    "mean is taken.",
    "6.3 pairing": "The best pairing is that with the smallest sum of *squared* distances, of all pairings there are. "
    "Nearest first, or only some of them, is not enough.",
    "6.3 many": "It is right for up to three atoms. Nothing in the exercise ends there.",
    "6.3 zero": "The true atoms in another order are an answer without error, and near atoms a good one. Is something "
    "added, or rounded?",
    "6.3 library": LIBRARY_HINT,
    "6.3 other": "Take a candidate that is right, renumber its atoms, and move one of them by 1: what do you expect?",
    "6.4 right": "what a user who may try k times should expect.",
    "6.4 wrong": "it is not the mean over queries of the best of the first k.",
    "6.4 all": "Only the first k candidates may count, in the order in which they were given.",
    "6.4 success": "A query that failed is a result, too. Whoever leaves it out reports how good the successes are.",
    "6.4 clipped": "A query that is off by a hundred counts a hundred. Whoever cuts large errors off hides failures.",
    "6.4 capped": "It is right for a few tries. How many candidates does it look at if the user may try forty?",
    "6.4 mean": "The best of k is one number a query. The mean is taken over queries, at the end.",
    "6.4 axis": "Rows are queries and columns are candidates. Which of them does k count, and over which is the best?",
    "6.4 last": "The user may try the first k, not the one with number k alone.",
    "6.4 root": "No squares here: the mean of the errors themselves.",
    "6.4 hindsight": "The order is the model's. Sorting by the true error first needs the answer.",
    "6.4 other": "Write down two queries with three candidates each, and work it out by hand.",
    "6.s right": "the draw whose mean distance to all others is smallest: of the draws, it has the least error to "
    "expect.",
    "6.s wrong": "another draw has a smaller mean distance to all of them.",
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


def _is_too_small(answer: Answer, found: Tensor, candidate: Tensor, missing: Tensor) -> None:
    alike = close(answer(candidate + 1.0, missing, shape=()).detach(), found, 1e-6)
    least = _pairings(candidate, missing)[0].mean(dim=1).min().sqrt()
    wrong_if(alike or found < least - 1e-6, "it is too small.", "align")


def _pairings(candidate: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    # Squared distances of each pairing (p, m), and of all pairs (m, m).
    square, rows = (candidate[:, None] - missing).square().sum(dim=2), range(len(missing))
    return torch.stack([square[rows, list(order)] for order in permutations(rows)]), square


def _off_of_many(answer: Answer, generator: Generator) -> None:
    for m, size in ((4, 1.0), (5, 1.0), (6, 1.0), (2, 0.01), (3, 1e-3), (4, 100.0)):
        candidate, missing = (size * random_cloud(m, generator) for _ in range(2))
        right = _pairings(candidate, missing)[0].mean(dim=1).min().sqrt()
        try:
            alike = close(answer(candidate, missing, shape=()).detach(), right, 1e-6)
        except Wrong:
            alike = False
        wrong_if(not alike and size == 1, f"it is wrong for {m} atoms.", "many")
        wrong_if(not alike, f"it is wrong for distances of about {size:g} Å.", "zero")
        found = answer(missing[torch.randperm(m, generator=generator)], missing, shape=()).detach()
        wrong_if(found.abs() > 1e-6 * size, f"the true atoms in another order are off by {found:.0e} Å.", "zero")
    unaided(answer, candidate, missing, shape=())
    in_single(answer, right, candidate, missing, dtype=torch.float32)


@compared(HINTS, tolerance=1e-6, explain=_is_too_small, then=_off_of_many)
def check_6_3(generator: Generator) -> Trials:
    """The verdict on `off(candidate, missing)`: the error, angstrom, shape (), of positions (m, 3) for others."""
    for m in (1, 2, 3, *[2] * 8, *[3] * 8):
        candidate, missing = random_cloud(m, generator), random_cloud(m, generator)
        pairings, square = _pairings(candidate, missing)
        costs, sums = pairings.mean(dim=1), pairings.sqrt().sum(dim=1)
        root, distance = costs.min().sqrt(), sums.min()
        shifted = torch.stack([square[range(m), torch.arange(m).roll(shift)].mean() for shift in range(m)]).min()
        worse = [shifted, costs.mean(), costs[sums.argmin()], square[range(m), nearest_in_turn(square)].mean()]
        yield (
            (candidate, missing),
            root,
            ("order", "it changes when the atoms of the candidate are renumbered.", costs[0].sqrt()),
            (
                "shared",
                "each atom is measured to its nearest, whoever else is there.",
                *(square.amin(dim).mean().sqrt() for dim in (0, 1)),
            ),
            (
                "mean",
                "the distances are right, and put together otherwise.",
                *(root**2, root * m**0.5, root**2 * m, root / 3**0.5, distance / m, distance),
            ),
            ("pairing", "another pairing is better.", *(cost.sqrt() for cost in worse)),
        )


def _digits_are_lost(answer: Answer, found: Tensor, errors: Tensor, k: int) -> None:
    right = errors[:, :k].amin(dim=1).mean()
    wrong_if(close(found, right, 1e-3), "it is right to a few digits.", "single")


def _best_in_single(answer: Answer, generator: Generator) -> None:
    errors = torch.rand(9, 6, generator=generator, dtype=torch.float64)
    in_single(answer, errors[:, :4].amin(dim=1).mean(), errors, 4, dtype=torch.float32)


@compared(HINTS, explain=_digits_are_lost, then=_best_in_single)
def check_6_4(generator: Generator) -> Trials:
    """The verdict on `best_of(errors, k)`: of errors (N, K), angstrom, the mean over queries, (), of the best of k."""
    usual = [(6, 20, 5, 3.0), (9, 20, 1, 3.0), (4, 3, 3, 3.0), (7, 10, 2, 3.0)]
    for n, n_candidates, k, size in (*usual, (12, 60, 40, 3.0), (1, 1, 1, 3.0), (200, 9, 6, 0.01), (9, 12, 7, 400.0)):
        errors = size * torch.rand(n, n_candidates, generator=generator, dtype=torch.float64)
        errors *= torch.logspace(-2, 0, n)[:, None] if size > 3 else 1.0
        errors[-1, 0] = 0.0 if n > 1 else 0.3 * size  # a query that is answered exactly
        first = errors[:, :k]
        best = first.amin(dim=1)
        limits = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 4.05, 5.0, 10.0)
        kept = [*(best[best < limit].mean() for limit in (*limits, best.max())), best[best > 0].mean()]
        yield (
            (errors, k),
            best.mean(),
            (
                "all",
                "it counts candidates that came later.",
                errors.amin(dim=1).mean(),
                errors[:, -k:].amin(dim=1).mean(),
            ),
            ("all", "it counts one candidate too many.", errors[:, : k + 1].amin(dim=1).mean()),
            ("last", "it looks at one candidate only.", errors[:, k - 1].mean()),
            ("axis", "rows and columns are mixed up.", errors[:k].amin(dim=1).mean(), first.amin(dim=0).mean()),
            ("root", "large errors count more than they should.", best.square().mean().sqrt()),
            ("hindsight", "it picks candidates by their true error.", errors.sort(dim=1).values[:, :k].mean()),
            ("success", "some queries are missing.", *kept),
            ("clipped", "large errors count less than they are.", *(best.clamp(max=c).mean() for c in limits)),
            ("capped", "it looks at fewer than k.", *(first[:, :c].amin(dim=1).mean() for c in (3, 5, 6, 10, 20))),
            (
                "mean",
                "best and mean are taken of other things.",
                *(first.mean(), best.median(), best.min(), best.sum(), *(first.mean(dim).min() for dim in (0, 1))),
            ),
        )


def _is_a_draw(answer: Answer, found: Tensor, draws: Tensor) -> None:
    wrong_if(not any(close(found, draw) for draw in draws), "it is none of the draws.", "none")


@compared(HINTS, every=True, explain=_is_a_draw)
def check_6_s(generator: Generator) -> Trials:
    """The verdict on `middle(draws)`: the one (3,) of draws (K, 3), angstrom, with the least mean distance to all."""
    for n_draws in (9, 12, 7, 30, 6, 8, 15, 6, 10, 8, 20):
        draws = normal(generator, n_draws, 3)
        draws[-n_draws // 3 :] += draws.new_tensor([6.0, 4.0, -5.0])  # a second place where the atom may be
        draws[0] += 2
        draws[1, 0] += 30  # and a stray one
        distance = torch.cdist(draws, draws)
        mean, nearest = distance.mean(dim=1), distance.clone().fill_diagonal_(torch.inf).amin(dim=1)
        yield (
            (draws,),
            draws[mean.argmin()],
            ("mean", "this is the mean place, which nobody drew.", draws.mean(dim=0)),
            ("squares", "it minimises a mean of squares.", draws[distance.square().mean(dim=1).argmin()]),
            ("outer", "this is the draw farthest from the others.", draws[mean.argmax()]),
            ("densest", "this is the draw that has the nearest fellow.", draws[nearest.argmin()]),
            ("first", "this is the first draw, whatever the others are.", draws[0]),
            ("length", "this is the draw nearest to the origin.", draws[draws.norm(dim=1).argmin()]),
            ("axes", "x, y and z come from different draws.", draws.median(dim=0).values),
        )
