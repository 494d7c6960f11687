"""The exercises of notebook 06: masking, a vector from inner products, the error of a completion, best of k."""

from itertools import combinations, permutations

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    close,
    compared,
    graded,
    nearest_in_turn,
    normal,
    random_cloud,
    wrong_if,
)

HINTS = {
    "6.1 right": "the same atoms in the same order, however the cloud was numbered.",
    "6.1 shape": "A row of zeros is a trace: whoever reads it knows which place in the list is empty.",
    "6.1 order": "Number the atoms of the cloud otherwise, and the same atoms come out in another order. What could "
    "they be sorted by that belongs to the atoms themselves?",
    "6.1 atoms": "All the others should come out, where they were, and the one in question should not.",
    "6.1 leak": "Move the atom that is taken out, and leave the others where they are: your rows change their order. "
    "Whoever sees the order learns something about what is missing.",
    "6.1 dice": "Dice do hide the order, and our library throws them. Here the same cloud should give the same rows "
    "each time: what could they be sorted by?",
    "6.1 pose": "Turn the cloud. The atoms should come out turned, and in the same order.",
    "6.2 right": "all known vectors have a say, and exact products give the exact vector.",
    "6.2 wrong": "another vector fits the products better.",
    "6.2 sign": "It points the other way. What is the inner product of a vector with itself?",
    "6.2 few": "It uses three of the known vectors. What if the products are a little off, as a network's are? All of "
    "them should have a say.",
    "6.2 sum": "Adding up known vectors by their products would do if they were orthogonal and of length one.",
    "6.2 gram": "The products give coefficients only after you have solved for them: what are the products of a sum "
    "of known vectors?",
    "6.2 other": "Write down K x = g, with the known vectors as the rows of K, and ask for the x that fits best.",
    "6.3 right": "no pairing is better, and nothing was moved.",
    "6.3 wrong": "it is not the error of the best pairing.",
    "6.3 order": "Nobody has told which candidate stands for which atom. Try every pairing.",
    "6.3 shared": "Two atoms of the candidate may not be counted for the same true one.",
    "6.3 align": "The candidate may not be turned or moved: the known atoms hold the pose.",
    "6.3 mean": "The root of the mean, over atoms, of squared distances: compare word by word, and mind over what the "
    "mean is taken.",
    "6.3 pairing": "The best pairing is that with the smallest sum of *squared* distances, of all pairings there are. "
    "Nearest first, or only some of them, is not enough.",
    "6.3 other": "Take a candidate that is right, renumber its atoms, and move one of them by 1: what do you expect?",
    "6.4 right": "what a user who may try k times should expect.",
    "6.4 wrong": "it is not the mean over queries of the best of the first k.",
    "6.4 all": "Only the first k candidates may count, in the order in which they were given.",
    "6.4 success": "A query that failed is a result, too. Whoever leaves it out reports how good the successes are.",
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


@graded(HINTS)
def check_6_1(answer: Answer, generator: Generator) -> None:
    """The verdict on `without(x, missing)`: of (n, 3), angstrom, all rows but one, in an order that tells nothing."""
    for n_atoms in (8, 5):
        x = random_cloud(n_atoms, generator)
        turn = torch.linalg.qr(random_cloud(3, generator)).Q
        for missing in range(n_atoms):
            wrong_if(answer(x, missing).shape == x.shape, f"of {n_atoms} atoms {n_atoms} rows are left.", "shape")
            found = answer(x, missing, shape=(n_atoms - 1, 3)).detach()
            off = torch.cdist(found, torch.cat([x[:missing], x[missing + 1 :]]))
            wrong_if(not (off.lt(1e-9).sum(dim=0) == 1).all(), "they are not the other atoms.", "atoms")
        for missing in range(n_atoms):
            found = answer(x, missing).detach()
            order = torch.randperm(n_atoms, generator=generator)
            moved = x.clone()
            moved[missing] = random_cloud(1, generator)[0]
            renumbered = x[order], int(order.argsort()[missing])
            for inputs, expected, sentence, hint in (
                ((x, missing), found, "the same cloud gives another order the second time.", "dice"),
                (renumbered, found, "the order depends on how the cloud was numbered.", "order"),
                ((x @ turn.mT, missing), found @ turn.mT, "the order depends on the pose.", "pose"),
                ((moved, missing), found, "the order depends on where the missing atom was.", "leak"),
            ):
                wrong_if(not close(answer(*inputs), expected), sentence, hint)


@compared(HINTS, tolerance=1e-6)
def check_6_2(generator: Generator) -> Trials:
    """The verdict on `vector(known, products)`: the x (3,), angstrom, whose products with known (k, 3) fit best."""
    for n_known, noise in ((7, 0.0), (5, 0.0), (3, 0.0), (7, 0.5), (5, 1.0)):
        known, truth = random_cloud(n_known, generator), random_cloud(1, generator)[0]
        products = known @ truth + noise * normal(generator, n_known)
        best, total = torch.linalg.pinv(known) @ products, products @ known
        solved = [torch.linalg.solve(known[[*three]], products[[*three]]) for three in combinations(range(n_known), 3)]
        yield (
            (known, products),
            best,
            ("sign", "it is the mirror image of the right one.", -best),
            ("sum", "known vectors are added up as if they were axes.", total, total / n_known),
            ("gram", "products and coefficients are mixed up.", torch.linalg.solve(known.mT @ known, products[:3])),
            ("few", "with exact products it is right.", torch.stack(solved).mean(dim=0), *solved),
        )


def _is_too_small(answer: Answer, found: Tensor, candidate: Tensor, missing: Tensor) -> None:
    alike = close(answer(candidate + 1.0, missing, shape=()).detach(), found, 1e-6)
    square, rows = (candidate[:, None] - missing).square().sum(dim=2), range(len(missing))
    least = min(square[rows, list(order)].mean().sqrt() for order in permutations(rows))
    wrong_if(alike or found < least - 1e-6, "it is too small.", "align")


@compared(HINTS, tolerance=1e-6, explain=_is_too_small)
def check_6_3(generator: Generator) -> Trials:
    """The verdict on `off(candidate, missing)`: the error, angstrom, shape (), of positions (m, 3) for others."""
    for m in (1, 2, 3, *[2] * 8, *[3] * 8):
        candidate, missing = random_cloud(m, generator), random_cloud(m, generator)
        square = (candidate[:, None] - missing).square().sum(dim=2)
        pairings = torch.stack([square[range(m), list(order)] for order in permutations(range(m))])
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


@compared(HINTS)
def check_6_4(generator: Generator) -> Trials:
    """The verdict on `best_of(errors, k)`: of errors (N, K), angstrom, the mean over queries, (), of the best of k."""
    for n, n_candidates, k in ((6, 20, 5), (9, 20, 1), (4, 3, 3), (7, 10, 2)):
        errors = 3 * torch.rand(n, n_candidates, generator=generator, dtype=torch.float64)
        first = errors[:, :k]
        best = first.amin(dim=1)
        kept = [best[best < limit].mean() for limit in (0.5, 1.0, 1.5, 2.0, best.max())]
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
