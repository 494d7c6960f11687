"""Exercises of notebook 05 that gather points: places that hang together, and bonds."""

from collections.abc import Iterator

import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Wrong, first_fault, graded, normal, random_cloud, recognise, wrong_if
from tutorial_lib.exercises.unaided import DIGITS_HINT
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "5.2 right": "no place comes first, so no tie is broken.",
    "5.2 order": "Number the places backwards and try again. Which of your steps asks who comes first?",
    "5.2 chain": "Two places that are far apart may hang together through others.",
    "5.2 grid": "Two places on two sides of a wall can be as close as you like. Ask for distances, not for boxes.",
    "5.2 square": "Multiply all coordinates and `within` by ten: do your groups change?",
    "5.2 rounds": "How many steps does a label take from one end of a chain of 250 places to the other?",
    "5.2 mean": "Of each group the mean is asked for, not one of its places.",
    "5.2 edge": "What is exactly as far as `within` is not nearer than it.",
    "5.2 double": "Two ascents may end in exactly one place. Each of them counts in the mean.",
    "5.2 far": "Distances of far places lose digits where they come from squares of coordinates, as in torch.cdist "
    "beyond 25 points. Subtract first.",
    "5.2 digits": DIGITS_HINT,
    "5.2 all": "Places that are alone are groups too, and places that are far apart are several.",
    "5.2 other": "Count the groups first, then look at the means.",
    "5.s right": "every pair of neighbours once, whoever is numbered first: no tie had to be broken.",
    "5.s twice": "How many bonds has a line of four cubes? Count yours.",
    "5.s self": "Is a point its own neighbour? Its distance to itself is below any reach.",
    "5.s sum": "Put two points at (1, 0, 0) and (3, 0, 0) and say where the middle is.",
    "5.s all": "Some of your pairs are too far apart. Where does the reach come in?",
    "5.s box": "The distance of two points is a length. What do you compare with the reach?",
    "5.s torn": "In a square every corner has two bonds. Who of your points may have only one?",
    "5.s merged": "How many pairs has a square, if the reach takes in its diagonals? Count your points.",
    "5.s other": "Take three points on a line, at 0, 1 and 3, and a reach of 1.5: what should come out?",
}


def _groups(generator: Generator) -> Iterator[tuple[Tensor, float]]:
    """Places, in no order, and a distance: with pairs a little nearer and a little farther apart than that."""
    steps = 0.8 + 0.2 * torch.rand(250, generator=generator)  # no two alike
    chain = torch.stack([steps.cumsum(0), 0.15 * (-1) ** torch.arange(250), 0 * steps], dim=1)  # its ends are far apart
    others = torch.tensor([[9.0, 5, 5], [-9, 0.5, 1], [0, 5.99, 0], [0, 6.01, 0.1], [0, 6.3, 0]])
    trials = [(torch.cat([chain, others]), 1.1)]
    for n, unit in ((80, 3.0), (12, 50.0), (30, 1.0), (30, 0.01)):
        places = unit * normal(generator, n, 3)
        apart = _apart(places).fill_diagonal_(torch.inf).amin(dim=1).sort().values  # most of them twice, as pairs
        trials.append((places, (apart[n // 2] + apart[n // 2 + 2]).item() / 2))  # about half of them are alone
    for places, within in (*trials, (others[2:], 0.5), (others, 0.25), (others[:1], 1.0)):
        order = torch.randperm(len(places), generator=generator)
        yield places[order].double() @ random_rotation(generator).mT, within
    exact = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 4, 0], [0, 4.5, 0], [0, 4.5, 0], [3, 4, 0]]).double()
    yield from ((exact, 1.0), (exact.flip(0) / 8, 0.125), (exact, 3.0))
    yield 1e5 + torch.cat([x := random_cloud(15, generator), x + 1e-3]), 2e-3


def _apart(places: Tensor) -> Tensor:
    return (places[:, None] - places).norm(dim=2)  # torch.cdist loses digits beyond 25 points


def _means(places: Tensor, within: float) -> Tensor:
    _, label = connected_components((_apart(places) < within).numpy(), directed=False)
    return torch.stack([places[torch.tensor(label) == k].mean(dim=0) for k in range(label.max() + 1)])


def _hurried(places: Tensor, within: float) -> Iterator[Tensor]:
    """The means after one round of labels, after two, and so on."""
    near, label = _apart(places) < within, torch.arange(len(places))
    for _ in range(len(places)):
        label = torch.where(near, label, len(places)).amin(dim=1)
        yield torch.stack([places[label == k].mean(dim=0) for k in label.unique()])


@graded(HINTS)
def check_5_2(answer: Answer, generator: Generator) -> None:
    """The verdict on `merged(places, within)`: (n, 3), angstrom, to the means (groups, 3) of what hangs together."""
    for places, within in _groups(generator):
        right = _means(places, within)
        found, backwards = answer(places, within).detach(), answer(places.flip(0), within).detach()
        shape = f"it returns the shape {tuple(found.shape)}, and (groups, 3) is asked for."
        wrong_if(found.ndim != 2 or found.shape[1] != 3, shape, "shape")
        if _same_rows(found, right) and _same_rows(backwards, right):
            continue
        off, order = (backwards, places.flip(0)) if _same_rows(found, right) else (found, places)
        mistakes = (
            ("square", "it compares squares of distances with `within`.", _means(places, within**0.5)),
            ("edge", "what is exactly as far as `within` is taken.", _means(places, within * (1 + 1e-9))),
            ("double", "places that are equal count once.", _means(places.unique(dim=0), within)),
            ("rounds", "a long chain is torn: the labels have not come to rest.", *_hurried(order, within)),
        )
        recognise([(off, mistakes)], _same_rows)
        middle = places.mean(dim=0)
        far = middle.norm() > 1e4 and _same_rows(answer(places - middle, within).detach() + middle, right)
        chosen = len(found) == len(right) and (_to_nearest(found, places) < 1e-8 * within).all()
        first_fault(
            (far, "it fails where all places are far from the origin.", "far"),
            (chosen, "a group is given by one of its places.", "mean"),
            (_same_rows(found, right, 1e-6), "the means are nearly right.", "digits"),
            (len(found) in (1, len(places)), f"of {len(places)} places it makes {len(found)}.", "all"),
            (not _same_rows(found, backwards), "numbered backwards, the same places give other means.", "order"),
        )
        moved = answer(places + 0.31 * within, within).detach() - 0.31 * within
        wrong_if(not _same_rows(moved, found), "moved, the same places give other means.", "grid")
        wrong_if(len(found) > len(right), "a chain of places is torn.", "chain")
        raise Wrong("the means are others.", "other")
    places = torch.cat([x := 1e3 + random_cloud(15, generator).float(), x + 0.05])
    found = answer(places, 0.2, dtype=None).detach().double()
    single = "it is wrong for places in single precision, far from the origin."
    wrong_if(not _same_rows(found, _means(places.double(), 0.2), 1e-6), single, "far")


def _to_nearest(found: Tensor, places: Tensor) -> Tensor:
    return (found[:, None] - places).norm(dim=2).amin(dim=1)


def _same_rows(one: Tensor, other: Tensor, tolerance: float = 1e-9) -> bool:
    """Whether two lists hold the same points in any order, each as often."""
    if one.shape != other.shape or len(one) == 0:
        return one.shape == other.shape
    distance = (one[:, None] - other).norm(dim=2)
    return bool((distance[linear_sum_assignment(distance)] < tolerance * other.abs().max()).all())


@graded(HINTS)
def check_5_s(answer: Answer, generator: Generator) -> None:
    """The verdict on `middles(x, reach)`: (m, 3) half-way between pairs of x (n, 3), angstrom, nearer than reach."""
    square = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=torch.float64)
    clouds = (random_cloud(9, generator), square, random_cloud(6, generator), square, square)
    for x, reach in zip(clouds, (4.0, 1.2, 3.0, 0.5, 1.5), strict=True):  # the last reaches across the square
        found = answer(x, reach).detach()
        wrong_if(
            found.ndim != 2 or found.shape[1] != 3,
            f"it returns the shape {tuple(found.shape)}; m points have (m, 3).",
            "shape",
        )
        i, j = torch.triu_indices(len(x), len(x), offset=1)
        offset, every = x[i] - x[j], (x[i] + x[j]) / 2
        near = offset.norm(dim=1) < reach
        if _same_rows(found, every[near]):
            continue
        nearest = torch.cdist(x, x).fill_diagonal_(torch.inf).argmin(dim=1)
        chosen = (nearest[i] == j) | (nearest[j] == i)
        mistakes = (
            ("self", "each point is a pair with itself, too.", torch.cat([every[near], x])),
            ("twice", "every pair comes twice.", every[near].repeat(2, 1)),
            ("sum", "the points are twice as far out as they should be.", 2 * every[near]),
            ("all", "all pairs are taken, also those that are far apart.", every),
            ("box", "it compares single coordinates with the reach.", every[offset.abs().amax(dim=1) < reach]),
            ("merged", "pairs that have one middle are counted as one.", every[near].unique(dim=0)),
            ("torn", "only the nearest neighbours are paired.", every[near & chosen]),
            ("self", "each point is a pair with itself, too.", torch.cat([every[near].repeat(2, 1), x])),
        )
        recognise([(found, mistakes)], _same_rows)
        raise Wrong(f"of {int(near.sum())} pairs it makes {len(found)} points, or others.", "other")
