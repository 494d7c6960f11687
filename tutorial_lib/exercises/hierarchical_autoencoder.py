"""The exercises of notebook 05: normalisation, merging points, optimal pairing, and what symmetry allows."""

import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    graded,
    normal,
    random_cloud,
    recognise,
    wrong_if,
)
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "5.1 right": "one number for all, so what is rounding stays rounding.",
    "5.1 wrong": "it is not the signal at root mean square 1.",
    "5.1 each l": "Where symmetry forbids an l, its coefficients are rounding. What does your function make of them?",
    "5.1 each number": "A rotation mixes the coefficients of one l. Is each of them scaled by a number of its own?",
    "5.1 each channel": "An empty channel should stay empty beside a full one. Over what do you average?",
    "5.1 sum": "The root of the sum of squares grows with how many numbers there are. What is asked for is the root of "
    "their mean.",
    "5.1 root": "Twice as large a signal should give the same answer.",
    "5.1 other": "Print the mean of the squares of what you return.",
    "5.2 right": "no place comes first, so no tie is broken.",
    "5.2 order": "Number the places backwards and try again. Which of your steps asks who comes first?",
    "5.2 chain": "Two places that are far apart may hang together through others.",
    "5.2 grid": "Two places on two sides of a wall can be as close as you like. Ask for distances, not for boxes.",
    "5.2 mean": "Of each group the mean is asked for, not one of its places.",
    "5.2 all": "Places that are alone are groups too, and places that are far apart are several.",
    "5.2 other": "Count the groups first, then look at the means.",
    "5.3 right": "each point has a partner, and a gradient that pulls it there.",
    "5.3 wrong": "it is another number.",
    "5.3 pairing": "The points have no numbers. Shuffle the true ones: does your answer change?",
    "5.3 shared": "If two found points are near one true point, they may not both have it.",
    "5.3 square": "Squares of distances are asked for: the pairing, too, is the best for those.",
    "5.3 sum": "The mean over the points, please; a sum grows with their number.",
    "5.3 gradient": "The pairing has no gradient, but the distances of the pairs do.",
    "5.3 other": "Put two points on a line so that both are nearest to one partner, and write down both pairings: "
    "no point may be served first.",
    "5.4 right": "and now you know what a code can hold before you train it.",
    "5.4 mirror": "A mirror is a rotation and a reversal. What does a reversal do to a signal of odd l?",
    "5.4 mean": "Adding up what each symmetry leaves is not yet averaging.",
    "5.4 size": "For the group of one element, the identity, all 2 l + 1 signals are left alone.",
    "5.4 some": "All the symmetries have to be asked, rotations and mirrors.",
    "5.4 other": "Try the identity alone, then a half turn.",
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


def _what_size(answer: Answer, found: Tensor, signal: Tensor) -> None:
    factor = found / signal  # one number, if all is well
    each_l = all(_is_constant(part) for part in factor.split([1, 3, 5, 7]))
    if not _is_constant(factor.flatten()):
        first_fault(
            (_is_constant(factor), "channels are scaled apart.", "each channel"),
            (each_l, "an l that symmetry forbids is blown up.", "each l"),
            (_is_constant(factor.mT), "coefficients of one l are scaled apart.", "each number"),
        )
    elif close(answer(2 * signal, shape=(16, 5)), found, 1e-3):
        wrong_if(close(found, signal / signal.norm(), 1e-3), "it becomes too small.", "sum")
    else:
        raise Wrong("it depends on the size of what comes in.", "root")


@compared(HINTS, tolerance=1e-3, explain=_what_size)  # a small number under the root does no harm
def check_5_1(generator: Generator) -> Trials:
    """The verdict on `one_size(signal)`: (coefficients, channels), no unit, brought to root mean square 1."""
    signal = normal(generator, 16, 5)
    signal[1:4] *= 1e-9  # forbidden by symmetry: what is left is rounding
    signal[:, 2] *= 1e-3
    yield (signal,), signal / signal.square().mean().sqrt()


def _is_constant(factor: Tensor) -> bool:
    return bool((factor / factor[:1] - 1).abs().max() < 1e-3)


@graded(HINTS)
def check_5_2(answer: Answer, generator: Generator) -> None:
    """The verdict on `merged(places, within)`: (n, 3), angstrom, to the means (groups, 3) of what hangs together."""
    chain = [[0.8 * k, 0, 0] for k in range(8)]  # its ends are far apart
    others = [[9, 0, 0], [-9, 0.5, 1], [0, 5.99, 0], [0, 6.01, 0.1], [0, 6.3, 0]]  # two alone, and three together
    places = torch.tensor(chain + others, dtype=torch.float64)[[4, 8, 1, 10, 0, 6, 11, 2, 5, 9, 7, 12, 3]]
    places = places @ random_rotation(generator).mT
    _, label = connected_components((torch.cdist(places, places) < 1).numpy(), directed=False)
    groups = torch.tensor(label) == torch.arange(4)[:, None]
    right = torch.stack([places[group].mean(dim=0) for group in groups])
    found, backwards = answer(places, 1.0).detach(), answer(places.flip(0), 1.0).detach()
    wrong_if(
        found.ndim != 2 or found.shape[1] != 3,
        f"it returns the shape {tuple(found.shape)}, and (groups, 3) is asked for.",
        "shape",
    )
    if _same_rows(found, right) and _same_rows(backwards, right):
        return
    chosen = len(found) == len(right) and (torch.cdist(found, places).amin(dim=1) < 1e-8).all()
    first_fault(
        (chosen, "a group is given by one of its places.", "mean"),
        (len(found) in (1, len(places)), f"of {len(places)} places it makes {len(found)}.", "all"),
        (not _same_rows(found, backwards), "numbered backwards, the same places give other means.", "order"),
    )
    wrong_if(
        not _same_rows(answer(places + 0.31, 1.0).detach(), found + 0.31),
        "moved, the same places give other means.",
        "grid",
    )
    wrong_if(len(found) > len(right), "a chain of places is torn.", "chain")
    raise Wrong("the means are others.", "other")


def _same_rows(one: Tensor, other: Tensor) -> bool:
    """Whether two lists hold the same points in any order, each as often."""
    if one.shape != other.shape:
        return False
    distance = torch.cdist(one, other)
    return bool((distance[linear_sum_assignment(distance)] < 1e-7).all())


def _has_a_gradient(answer: Answer, generator: Generator) -> None:
    found, true = random_cloud(4, generator).requires_grad_(), random_cloud(4, generator)
    wrong_if(not answer(found, true, shape=()).requires_grad, "it has no gradient.", "gradient")


@compared(HINTS, then=_has_a_gradient)
def check_5_3(generator: Generator) -> Trials:
    """The verdict on `matched(found, true)`: (n, 3) twice, angstrom, to the mean square distance when best paired."""
    for n in (6, 3):
        true = random_cloud(n, generator)
        found = random_cloud(n, generator) + true[0]
        square = torch.cdist(found, true).square()
        pairs, by_distance = linear_sum_assignment(square), linear_sum_assignment(square.sqrt())
        there, back = square.amin(dim=1).mean(), square.amin(dim=0).mean()
        yield (
            (found.requires_grad_(), true),
            square[pairs].mean(),
            ("pairing", "points are paired as they are numbered.", square.diagonal().mean()),
            ("shared", "two found points may have one partner.", there, there + back, (there + back) / 2),
            ("square", "distances are averaged, not their squares.", square[by_distance].sqrt().mean()),
            ("sum", "it is a sum.", square[pairs].sum()),
        )


@graded(HINTS)
def check_5_4(answer: Answer, generator: Generator) -> None:
    """The verdict on `n_allowed(symmetries, degree)`: matrices (m, 3, 3), no unit, to how many signals they allow."""
    turn, mirror = random_rotation(generator), torch.diag(torch.tensor([1.0, 1, -1], dtype=torch.float64))
    groups = []
    for name in ("C1", "C2", "D4", "O", "I"):
        rotations = torch.tensor(Rotation.create_group(name).as_matrix())
        mirrors = [rotations @ mirror] if name not in ("I", "O") else []  # in this plane it makes no group of these
        groups += [rotations, *(torch.cat([rotations, others]) for others in (*mirrors, -rotations))]
    for group in groups:
        symmetries = (turn @ group @ turn.mT).float().double()  # single precision is what one mostly has
        for degree in range(7):
            characters = _characters(symmetries, degree)
            found = answer(symmetries, degree, shape=(), dtype=torch.int64).item()
            if found == round(characters.mean().item()):
                continue
            wrong_if(len(symmetries) == 1, f"for the identity alone and l = {degree} it says {found}.", "size")
            for name, sentence, count in (
                ("mean", "it grows with the size of the group.", characters.sum()),
                ("some", "some of the symmetries have no effect.", characters[: len(characters) // 2].mean()),
                (
                    "mirror",
                    f"it errs about mirrors, for l = {degree}.",
                    (torch.linalg.det(symmetries).sign() ** degree * characters).mean(),
                ),
            ):
                wrong_if(found == round(count.item()), sentence, name)
            raise Wrong(f"for {len(symmetries)} symmetries and l = {degree} it says {found}.", "other")


def _characters(symmetries: Tensor, degree: int) -> Tensor:
    """The trace of each symmetry on signals of natural parity: of a rotation by t the sum of cos(m t)."""
    sign = torch.linalg.det(symmetries).sign()
    angle = (((sign * symmetries.diagonal(dim1=1, dim2=2).sum(dim=1)) - 1) / 2).clamp(-1, 1).acos()
    m = torch.arange(-degree, degree + 1, dtype=symmetries.dtype)
    return sign**degree * (angle[:, None] * m).cos().sum(dim=1)


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
