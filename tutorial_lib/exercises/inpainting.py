"""The exercises of notebook 06: no trace, a vector from its products, the error of an answer, and the best of k."""

from itertools import combinations, permutations

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud

HINTS = {
    "6.1 shape": "A row of zeros is a trace: whoever reads it knows which place in the list is empty.",
    "6.1 order": "Number the atoms of the cloud otherwise, and the same atoms come out in another order. What could "
    "they be sorted by that belongs to the atoms themselves?",
    "6.1 atoms": "All the others should come out, where they were, and the one in question should not.",
    "6.1 leak": "Move the atom that is taken out, and leave the others where they are: your rows change their order. "
    "Whoever sees the order learns something about what is missing.",
    "6.1 dice": "Dice do hide the order, and our library throws them. Here the same cloud should give the same rows "
    "each time: what could they be sorted by?",
    "6.1 pose": "Turn the cloud. The atoms should come out turned, and in the same order.",
    "6.2 sign": "It points the other way. What is the inner product of a vector with itself?",
    "6.2 few": "It uses three of the known vectors. What if the products are a little off, as a network's are? All of "
    "them should have a say.",
    "6.2 sum": "Adding up known vectors by their products would do if they were orthogonal and of length one.",
    "6.2 gram": "The products give coefficients only after you have solved for them: what are the products of a sum "
    "of known vectors?",
    "6.2 other": "Write down K x = g, with the known vectors as the rows of K, and ask for the x that fits best.",
    "6.3 order": "Nobody has told which candidate stands for which atom. Try every pairing.",
    "6.3 shared": "Two atoms of the candidate may not be counted for the same true one.",
    "6.3 align": "The candidate may not be turned or moved: the known atoms hold the pose.",
    "6.3 mean": "The root of the mean, over atoms, of squared distances: compare word by word, and mind over what the "
    "mean is taken.",
    "6.3 pairing": "The best pairing is that with the smallest sum of *squared* distances, of all pairings there are. "
    "Nearest first, or only some of them, is not enough.",
    "6.3 other": "Take a candidate that is right, renumber its atoms, and move one of them by 1: what do you expect?",
    "6.4 all": "Only the first k candidates may count, in the order in which they were given.",
    "6.4 success": "A query that failed is a result, too. Whoever leaves it out reports how good the successes are.",
    "6.4 mean": "The best of k is one number a query. The mean is taken over queries, at the end.",
    "6.4 axis": "Rows are queries and columns are candidates. Which of them does k count, and over which is the best?",
    "6.4 last": "The user may try the first k, not the one with number k alone.",
    "6.4 root": "No squares here: the mean of the errors themselves.",
    "6.4 hindsight": "The order is the model's. Sorting by the true error first needs the answer.",
    "6.4 other": "Write down two queries with three candidates each, and work it out by hand.",
}
RIGHT = {
    "6.1": "the same atoms in the same order, however the cloud was numbered.",
    "6.2": "all known vectors have a say, and exact products give the exact vector.",
    "6.3": "no pairing is better, and nothing was moved.",
    "6.4": "what a user who may try k times should expect.",
}


def check_6_1(answer: object) -> Verdict:
    """The verdict on `without(x, missing)`: the other atoms (n - 1, 3), angstrom, in an order that tells nothing.

    Args:
        answer: the function, of a cloud (n, 3), angstrom, and a row of it.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("6.1", answer, _leaves_no_trace, RIGHT["6.1"])


def _leaves_no_trace(answer: Answer, generator: Generator) -> None:
    for n_atoms in (8, 5):
        x = random_cloud(n_atoms, generator)
        turn = torch.linalg.qr(random_cloud(3, generator)).Q
        for missing in range(n_atoms):
            if answer(x, missing).shape == x.shape:
                raise Wrong(f"of {n_atoms} atoms {n_atoms} rows are left.", HINTS["6.1 shape"])
            found = answer(x, missing, shape=(n_atoms - 1, 3)).detach()
            others = torch.cat([x[:missing], x[missing + 1 :]])
            if not torch.equal(torch.cdist(found, others).lt(1e-9).sum(0), torch.ones(n_atoms - 1, dtype=torch.int64)):
                raise Wrong("they are not the other atoms.", HINTS["6.1 atoms"])
        for missing in range(n_atoms):
            found = answer(x, missing).detach()
            if not close(answer(x, missing).detach(), found):
                raise Wrong("the same cloud gives another order the second time.", HINTS["6.1 dice"])
            order = torch.randperm(n_atoms, generator=generator)
            if not close(answer(x[order], int(order.argsort()[missing])).detach(), found):
                raise Wrong("the order depends on how the cloud was numbered.", HINTS["6.1 order"])
            if not close(answer(x @ turn.mT, missing).detach(), found @ turn.mT):
                raise Wrong("the order depends on the pose.", HINTS["6.1 pose"])
            moved = x.clone()
            moved[missing] = random_cloud(1, generator)[0]
            if not close(answer(moved, missing).detach(), found):
                raise Wrong("the order depends on where the missing atom was.", HINTS["6.1 leak"])


def check_6_2(answer: object) -> Verdict:
    """The verdict on `vector(known, products)`: the x (3,), angstrom, whose products with known (k, 3) fit best.

    Args:
        answer: the function, of vectors (k, 3), angstrom, and products (k,), angstrom^2.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("6.2", answer, _solves, RIGHT["6.2"])


def _solves(answer: Answer, generator: Generator) -> None:
    for n_known, noise in [(7, 0.0), (5, 0.0), (3, 0.0), (7, 0.5), (5, 1.0)]:
        known = random_cloud(n_known, generator)
        truth = random_cloud(1, generator)[0]
        products = known @ truth + noise * torch.randn(n_known, generator=generator, dtype=torch.float64)
        best = torch.linalg.lstsq(known, products[:, None]).solution[:, 0]
        found = answer(known, products, shape=(3,)).detach()
        if close(found, best, 1e-6):
            continue
        if close(found, -best, 1e-6):
            raise Wrong("it is the mirror image of the right one.", HINTS["6.2 sign"])
        threes = [torch.linalg.solve(known[list(t)], products[list(t)]) for t in combinations(range(n_known), 3)]
        if any(close(found, some, 1e-6) for some in [*threes, torch.stack(threes).mean(dim=0)]):
            raise Wrong("with exact products it is right.", HINTS["6.2 few"])
        if close(found, products @ known, 1e-6) or close(found, products @ known / n_known, 1e-6):
            raise Wrong("known vectors are added up as if they were axes.", HINTS["6.2 sum"])
        if close(found, torch.linalg.lstsq(known.mT @ known, products[:3, None]).solution[:, 0], 1e-6):
            raise Wrong("products and coefficients are mixed up.", HINTS["6.2 gram"])
        raise Wrong("another vector fits the products better.", HINTS["6.2 other"])


def check_6_3(answer: object) -> Verdict:
    """The verdict on `off(candidate, missing)`: the error, angstrom, shape (), of positions (m, 3) for others.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("6.3", answer, _pairs, RIGHT["6.3"])


def _pairs(answer: Answer, generator: Generator) -> None:
    for n_missing in [1, 2, 3, *[2] * 8, *[3] * 8]:
        candidate, missing = random_cloud(n_missing, generator), random_cloud(n_missing, generator)
        square = (candidate[:, None] - missing).square().sum(dim=2)
        rows = range(n_missing)
        costs = torch.stack([square[rows, list(order)].mean() for order in permutations(rows)])
        truth, found = costs.min().sqrt(), answer(candidate, missing, shape=()).detach()
        if close(found, truth, 1e-6):
            continue
        if close(found, costs[0].sqrt(), 1e-6):
            raise Wrong("it changes when the atoms of the candidate are renumbered.", HINTS["6.3 order"])
        if any(close(found, square.amin(dim).mean().sqrt(), 1e-6) for dim in (0, 1)):
            raise Wrong("each atom is measured to its nearest, whoever else is there.", HINTS["6.3 shared"])
        sums = torch.stack([square[rows, list(order)].sqrt().mean() for order in permutations(rows)]).min()
        factors = [truth**2, truth * n_missing**0.5, truth**2 * n_missing, truth / 3**0.5, sums, sums * n_missing]
        if any(close(found, wrong, 1e-6) for wrong in factors):
            raise Wrong("the distances are right, and put together otherwise.", HINTS["6.3 mean"])
        shifts = torch.stack([square[rows, [(i + s) % n_missing for i in rows]].mean() for s in rows]).min().sqrt()
        orders = [list(order) for order in permutations(rows)]
        by_sum = orders[int(torch.stack([square[rows, order].sqrt().sum() for order in orders]).argmin())]
        paired = [shifts, costs.mean().sqrt(), square[rows, by_sum].mean().sqrt(), _greedy(square)]
        if any(close(found, wrong, 1e-6) for wrong in paired):
            raise Wrong("another pairing is better.", HINTS["6.3 pairing"])
        moved = candidate + 1.0
        if close(answer(moved, missing, shape=()).detach(), found, 1e-6) or found < truth - 1e-6:
            raise Wrong("it is too small.", HINTS["6.3 align"])
        raise Wrong("it is not the error of the best pairing.", HINTS["6.3 other"])


def _greedy(square: torch.Tensor) -> torch.Tensor:
    # Each atom takes the nearest that is left, in turn.
    left, total = square.clone(), square.new_zeros(())
    for row in range(len(square)):
        column = int(left[row].argmin())
        total, left[:, column] = total + square[row, column], torch.inf
    return (total / len(square)).sqrt()


def check_6_4(answer: object) -> Verdict:
    """The verdict on `best_of(errors, k)`: the mean over queries, shape (), of the best of the first k candidates.

    Args:
        answer: the function, of errors (N, K), angstrom, in the order of the candidates, and k.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("6.4", answer, _counts_all, RIGHT["6.4"])


def _counts_all(answer: Answer, generator: Generator) -> None:
    for n, n_candidates, k in [(6, 20, 5), (9, 20, 1), (4, 3, 3), (7, 10, 2)]:
        errors = 3 * torch.rand(n, n_candidates, generator=generator, dtype=torch.float64)
        best = errors[:, :k].amin(dim=1)
        found = answer(errors, k, shape=()).detach()
        if close(found, best.mean()):
            continue
        ordered = errors.sort(dim=1).values
        if close(found, errors.amin(dim=1).mean()) or close(found, errors[:, -k:].amin(dim=1).mean()):
            raise Wrong("it counts candidates that came later.", HINTS["6.4 all"])
        if k < n_candidates and close(found, errors[:, : k + 1].amin(dim=1).mean()):
            raise Wrong("it counts one candidate too many.", HINTS["6.4 all"])
        if close(found, errors[:, k - 1].mean()):
            raise Wrong("it looks at one candidate only.", HINTS["6.4 last"])
        if close(found, errors[:k].amin(dim=1).mean()) or close(found, errors[:, :k].amin(dim=0).mean()):
            raise Wrong("rows and columns are mixed up.", HINTS["6.4 axis"])
        if close(found, best.square().mean().sqrt()):
            raise Wrong("large errors count more than they should.", HINTS["6.4 root"])
        if close(found, ordered[:, :k].mean()):
            raise Wrong("it picks candidates by their true error.", HINTS["6.4 hindsight"])
        kept = [best[best < limit].mean() for limit in (0.5, 1.0, 1.5, 2.0, best.max())]
        if any(close(found, some) for some in kept):
            raise Wrong("some queries are missing.", HINTS["6.4 success"])
        of_columns, of_rows = (errors[:, :k].mean(dim=dim).min() for dim in (0, 1))
        wrong = (errors[:, :k].mean(), best.median(), best.min(), best.sum(), of_columns, of_rows)
        if any(close(found, some) for some in wrong):
            raise Wrong("best and mean are taken of other things.", HINTS["6.4 mean"])
        raise Wrong("it is not the mean over queries of the best of the first k.", HINTS["6.4 other"])
