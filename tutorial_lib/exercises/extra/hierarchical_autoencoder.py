"""The extra exercise of notebook 05: groups that overlap, each pair of neighbours with a point of its own."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import HINTS as GENERAL
from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud, recognise

HINTS = {
    "5.s twice": "How many bonds has a line of four cubes? Count yours.",
    "5.s self": "Is a point its own neighbour? Its distance to itself is below any reach.",
    "5.s sum": "Put two points at (1, 0, 0) and (3, 0, 0) and say where the middle is.",
    "5.s all": "Some of your pairs are too far apart. Where does the reach come in?",
    "5.s box": "The distance of two points is a length. What do you compare with the reach?",
    "5.s torn": "In a square every corner has two bonds. Who of your points may have only one?",
    "5.s merged": "How many pairs has a square, if the reach takes in its diagonals? Count your points.",
    "5.s other": "Take three points on a line, at 0, 1 and 3, and a reach of 1.5: what should come out?",
}
RIGHT = "every pair of neighbours once, whoever is numbered first: no tie had to be broken."


def check_5_s(answer: object) -> Verdict:
    """The verdict on `middles(x, reach)`: (m, 3) half-way between all pairs of x (n, 3), angstrom, nearer than reach.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("5.s", answer, _gathers, RIGHT)


def _gathers(answer: Answer, generator: Generator) -> None:
    square = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=torch.float64)
    clouds = (random_cloud(9, generator), square, random_cloud(6, generator), square, square)
    for x, reach in zip(clouds, (4.0, 1.2, 3.0, 0.5, 1.5), strict=True):  # the last reaches across the square
        i, j = torch.triu_indices(len(x), len(x), offset=1)
        apart = (x[i] - x[j]).norm(dim=1)
        every, near = (x[i] + x[j]) / 2, apart < reach
        found = answer(x, reach)
        if found.ndim != 2 or found.shape[1] != 3:
            raise Wrong(f"it returns the shape {tuple(found.shape)}; m points have (m, 3).", GENERAL["shape"])
        if _same(found, every[near]):
            continue
        boxed = (x[i] - x[j]).abs().amax(dim=1) < reach
        nearest = torch.cdist(x, x).fill_diagonal_(torch.inf).argmin(dim=1)
        chosen = (nearest[i] == j) | (nearest[j] == i)
        mistakes = [
            ("5.s self", torch.cat([every[near], x]), "each point is a pair with itself, too."),
            ("5.s twice", every[near].repeat(2, 1), "every pair comes twice."),
            ("5.s sum", 2 * every[near], "the points are twice as far out as they should be."),
            ("5.s all", every, "all pairs are taken, also those that are far apart."),
            ("5.s box", every[boxed], "it compares single coordinates with the reach."),
            ("5.s merged", every[near].unique(dim=0), "pairs that have one middle are counted as one."),
            ("5.s torn", every[near & chosen], "only the nearest neighbours are paired."),
            ("5.s self", torch.cat([every[near].repeat(2, 1), x]), "each point is a pair with itself, too."),
        ]
        recognise(found, mistakes, HINTS, same=_same)
        raise Wrong(f"of {int(near.sum())} pairs it makes {len(found)} points, or others.", HINTS["5.s other"])


def _same(some: Tensor, others: Tensor) -> bool:
    if some.shape != others.shape:
        return False
    if not len(some):
        return True
    some, others = (torch.stack(sorted(rows.detach().round(decimals=9), key=Tensor.tolist)) for rows in (some, others))
    return close(some, others, 1e-7)
