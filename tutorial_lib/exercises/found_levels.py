"""The exercises of notebook 10 on points: a power spectrum, pooling without broken ties, centres of clusters."""

import math

import torch
from e3nn import o3
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    graded,
    random_cloud,
    recognise,
    wrong_if,
)
from tutorial_lib.exercises.unaided import DIGITS_HINT, alone, in_single

UNUSUAL = (
    range(-2, 1),
    range(-9, -4),
    range(-(2**53) - 4, -(2**53)),
    (-(10**6), -2, 3),
    (-(2**40), 2**31 - 1, 2**31 + 5, 2**53, 2**53 + 1),
)  # merits
HINTS = {
    "10.1 right": "it counts neighbours for l = 0, tells their arrangement for the others, and does not turn.",
    "10.1 wrong": "it is not the root of the mean square.",
    "10.1 pose": "Turn the directions and compare. Coefficients of one l mix: what of them does not change?",
    "10.1 each": "First the sum over neighbours, then squares. The other way round, no neighbour knows of the others.",
    "10.1 sum": "The mean over the 2 l + 1 coefficients is asked for, not their sum.",
    "10.1 root": "One root is missing: twice as many neighbours in one direction should give twice as much.",
    "10.1 count": "The sum over neighbours, please: how many there are is what l = 0 tells.",
    "10.1 digits": DIGITS_HINT,
    "10.1 small": "A distorted octahedron differs from a perfect one by small powers. Do yours stay?",
    "10.1 norm": "e3nn knows three normalisations of harmonics. Which one is asked for?",
    "10.1 other": "For a single neighbour every l gives 1, whatever its direction. Does yours?",
    "10.2 right": "equals are treated as equals, and nobody is left.",
    "10.2 tie": "Points 0 and 1 may be equals. Whoever takes one of them only has torn what belongs together.",
    "10.2 free": "A point that pools nobody new is of no use any more.",
    "10.2 taken": "Who is taken may still pool others: what counts is that somebody in its row is free.",
    "10.2 left": "In the end everybody must be pooled, also a point that nobody else sees. How many rounds are there?",
    "10.2 merit": "In each round the highest merit of those that still pool somebody counts.",
    "10.2 sign": "Merits may be of either sign, and large. What do those have that may not choose? Do all digits stay?",
    "10.2 slow": "It may never end: what if a round chooses nobody new? Merits may be of either sign.",
    "10.2 other": "Play it through by hand with four points in a row.",
    "10.s right": "each cluster stands in the middle of its members, and a shared point counts in all of them.",
    "10.s wrong": "the middles are elsewhere.",
    "10.s sum": "A larger cluster does not lie farther out. By what is a sum divided?",
    "10.s all": "How many members has each cluster? Not as many as there are points.",
    "10.s last": "A cluster has several members. What becomes of those that were written first?",
    "10.s pairs": "Whose place is it: which of the two lists points into the cloud?",
    "10.s once": "A shared corner belongs to two clusters, wholly to both of them.",
    "10.s other": "Two clusters on a line: points 0, 1 and 5, the one in the middle shared. Where are they?",
}


def _what_power(answer: Answer, found: Tensor, directions: Tensor, lmax: int) -> None:
    wrong_if(
        len(directions) > 1 and lmax > 0 and close(found, found[:1].expand(lmax + 1), 1e-5),
        "it does not see how neighbours are arranged.",
        "each",
    )
    turned = answer(directions.roll(1, dims=1), lmax, shape=(lmax + 1,))  # a third of a turn about (1, 1, 1)
    wrong_if(not close(found, turned, 1e-5), "it turns with the neighbours.", "pose")
    right = _power(directions, lmax)[0]
    first_fault(
        (
            close(found, right * (found != 0)) and (right * (found == 0) < 1).all(),
            "small powers are set to 0.",
            "small",
        ),
        (close(found, right, 1e-5), "it is nearly right.", "digits"),
    )


def _power(directions: Tensor, lmax: int) -> tuple[Tensor, Tensor, Tensor]:
    """The power by l, its square, and how many coefficients each l has."""
    signal = o3.spherical_harmonics(list(range(lmax + 1)), directions, True, "component").sum(dim=0)
    sizes = 2 * torch.arange(lmax + 1) + 1
    squares = torch.stack([part.square().mean() for part in signal.split(sizes.tolist())])
    return squares.sqrt(), squares, sizes


def _power_in_single(answer: Answer, generator: Generator) -> None:
    directions = torch.nn.functional.normalize(random_cloud(7, generator))
    in_single(answer, _power(directions, 5)[0], directions, 5, dtype=torch.float32)


@compared(HINTS, explain=_what_power, then=_power_in_single)
def check_10_1(generator: Generator) -> Trials:
    """The verdict on `power(directions, lmax)`: (n, 3), no unit, to (lmax + 1,), the power of the signal by l."""
    octahedron = torch.cat([torch.eye(3), -torch.eye(3)]).double()
    shaken = [octahedron + shake * random_cloud(6, generator) for shake in (1e-2, 1e-5)]
    clouds = [random_cloud(n, generator) for n in (1, 5, 6, 2, 12, 40)] + shaken
    for cloud, lmax in zip(clouds, (2, 4, 3, 0, 6, 10, 4, 3), strict=True):
        directions, n = torch.nn.functional.normalize(cloud), len(cloud)
        power, squares, sizes = _power(directions, lmax)
        sums = squares * sizes
        yield (
            (directions, lmax),
            power,
            ("count", "it does not grow with the number of neighbours.", power / n, squares / n**2),
            ("root", "it grows with the square of the number of neighbours.", squares),
            ("sum", "it grows with l.", sums.sqrt(), sums),
            ("norm", "its harmonics have another size.", (squares / sizes).sqrt(), power / (4 * math.pi) ** 0.5),
        )


def _pooling(sees: Tensor, merit: Tensor, once_free: bool = False) -> Tensor:
    free, chosen = torch.ones(len(merit), dtype=torch.bool), torch.zeros(len(merit), dtype=torch.bool)
    while free.any():
        useful = free if once_free else (sees & free).any(dim=1) & ~chosen
        best = useful & (merit == merit[useful].max())
        chosen = chosen | best
        free = free & ~sees[best].any(dim=0)
    return chosen


@graded(HINTS)
def check_10_2(answer: Answer, generator: Generator) -> None:
    """The verdict on `who_pools(sees, merit)`: (n, n) and (n,), no unit, to (n,), who pools, as 0 and 1.

    Who sees whom includes itself; merits are whole numbers.
    """
    trials, sizes = [], [(4, 1), (6, 3), (9, 4), (9, 2), (12, 5), (1, 1)] * 6
    usual = [range(1, most + 1) for _, most in sizes]
    for n, merits in zip([*(n for n, _ in sizes), 12, 12, 12, 30, 30, 30], [*usual, *UNUSUAL, range(30)], strict=True):
        sees = torch.rand(n, n, generator=generator) < 0.25
        sees = sees | sees.mT | torch.eye(n, dtype=torch.bool)
        merit = torch.tensor(merits)[torch.randint(len(merits), (n,), generator=generator)]
        if len(merits) == n:  # a chain, in which every round chooses one
            sees, merit = (torch.arange(n)[:, None] - torch.arange(n)).abs() < 2, torch.arange(n)
        found = alone(answer, sees, merit, without=(), shape=(n,), dtype=torch.int64).bool()
        order = torch.randperm(n, generator=generator)
        renumbered = answer(sees[order][:, order], merit[order], shape=(n,), dtype=torch.int64).bool()
        first_fault(
            (not sees[found].any(dim=0).all(), "somebody is not pooled.", "left"),
            (not torch.equal(renumbered, found[order]), "it depends on how the points are numbered.", "tie"),
        )
        mistakes = (
            ("taken", "who is taken cannot pool any more.", _pooling(sees, merit, once_free=True)),
            ("merit", "merits do not count as they should.", _pooling(sees, -merit)),
        )
        trials.append((found, _pooling(sees, merit), mistakes))
    wrong = [not torch.equal(found, right) for found, right, _ in trials]
    if not any(wrong):
        return
    recognise(trials, torch.equal)
    wrong_if(not any(wrong[: len(sizes)]), "others should pool where merits are negative or large.", "sign")
    wrong_if(all(found[right].all() for found, right, _ in trials), "more points pool than have to.", "free")
    raise Wrong("others should pool.", "other")


def _mean_of_members(x: Tensor, point: Tensor, cluster: Tensor, n: int, weight: Tensor) -> Tensor:
    sums = x.new_zeros(n, 3).index_add(0, cluster, weight[:, None] * x[point])
    sizes = x.new_zeros(n).index_add(0, cluster, weight)
    return sums / torch.where(sizes > 0, sizes, 1)[:, None]


@compared(HINTS)
def check_10_s(generator: Generator) -> Trials:
    """The verdict on `centres(x, point, cluster, n)`: (n, 3), angstrom, from x (p, 3) and memberships (m,) and (m,)."""
    for n_points, n in ((9, 3), (12, 5), (6, 2)):
        x = random_cloud(n_points, generator)
        first, second = (torch.randperm(n_points, generator=generator) for _ in range(2))
        clusters = torch.cat([torch.arange(n_points) % n, (torch.arange(2 * n) + 1) % n])
        pairs = torch.unique(torch.stack([torch.cat([first, second[: 2 * n]]), clusters]), dim=1)
        point, cluster = pairs[:, torch.randperm(pairs.shape[1], generator=generator)]
        sums, sizes = x.new_zeros(n, 3).index_add(0, cluster, x[point]), torch.bincount(cluster)[:, None]
        named = point[:, None] == point
        weights = [
            named.tril(-1).any(dim=1).logical_not(),
            named.triu(1).any(dim=1).logical_not(),
            1 / named.sum(dim=1),
        ]
        *once, part = (_mean_of_members(x, point, cluster, n, weight.to(x)) for weight in weights)
        yield (
            (x, point, cluster, n),
            sums / sizes,
            ("sum", "members are added up.", sums),
            ("all", "each cluster is divided by the number of all points.", sums / n_points),
            ("all", "each cluster is divided by the number of all memberships.", sums / len(point)),
            (
                "last",
                "of each cluster only the last member is left.",
                torch.stack([x[point[cluster == k][-1]] for k in range(n)]),
            ),
            ("once", "a shared point counts in one of its clusters only.", *once),
            ("once", "a shared point counts for less than others.", part),
            ("pairs", "it takes places by cluster.", x.new_zeros(n, 3).index_add(0, cluster, x[cluster]) / sizes),
        )
