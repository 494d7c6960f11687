"""The exercises of notebook 05: a signal of size one, places merged, points paired, and what symmetry allows."""

import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import HINTS as SHARED
from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "5.1 each l": "Where symmetry forbids an l, its coefficients are rounding. What does your function make of them?",
    "5.1 each number": "A rotation mixes the coefficients of one l. Is each of them scaled by a number of its own?",
    "5.1 each channel": "An empty channel should stay empty beside a full one. Over what do you average?",
    "5.1 sum": "The root of the sum of squares grows with how many numbers there are. What is asked for is the root of "
    "their mean.",
    "5.1 root": "Twice as large a signal should give the same answer.",
    "5.1 other": "Print the mean of the squares of what you return.",
    "5.2 order": "Number the places backwards and try again. Which of your steps asks who comes first?",
    "5.2 chain": "Two places that are far apart may hang together through others.",
    "5.2 grid": "Two places on two sides of a wall can be as close as you like. Ask for distances, not for boxes.",
    "5.2 mean": "Of each group the mean is asked for, not one of its places.",
    "5.2 all": "Places that are alone are groups too, and places that are far apart are several.",
    "5.2 other": "Count the groups first, then look at the means.",
    "5.3 pairing": "The points have no numbers. Shuffle the true ones: does your answer change?",
    "5.3 shared": "If two found points are near one true point, they may not both have it.",
    "5.3 square": "Squares of distances are asked for: the pairing, too, is the best for those.",
    "5.3 sum": "The mean over the points, please; a sum grows with their number.",
    "5.3 gradient": "The pairing has no gradient, but the distances of the pairs do.",
    "5.3 other": "Put two points on a line so that both are nearest to one partner, and write down both pairings: "
    "no point may be served first.",
    "5.4 mirror": "A mirror is a rotation and a reversal. What does a reversal do to a signal of odd l?",
    "5.4 mean": "Adding up what each symmetry leaves is not yet averaging.",
    "5.4 size": "For the group of one element, the identity, all 2 l + 1 signals are left alone.",
    "5.4 some": "All the symmetries have to be asked, rotations and mirrors.",
    "5.4 other": "Try the identity alone, then a half turn.",
}
RIGHT = {
    "5.1": "one number for all, so what is rounding stays rounding.",
    "5.2": "no place comes first, so no tie is broken.",
    "5.3": "each point has a partner, and a gradient that pulls it there.",
    "5.4": "and now you know what a code can hold before you train it.",
}


def check_5_1(answer: object) -> Verdict:
    """The verdict on `one_size(signal)`: (coefficients, channels), no unit, brought to root mean square 1.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("5.1", answer, _is_one_size, RIGHT["5.1"])


def _is_one_size(answer: Answer, generator: Generator) -> None:
    signal = torch.randn(16, 5, generator=generator, dtype=torch.float64)
    signal[1:4] *= 1e-9  # forbidden by symmetry: what is left is rounding
    signal[:, 2] *= 1e-3
    found = answer(signal, shape=(16, 5))
    if close(found, signal / signal.square().mean().sqrt(), 1e-3):  # a small number under the root does no harm
        return
    factor = found / signal  # one number, if all is well
    if (factor / factor[0, 0] - 1).abs().max() < 1e-3:
        if close(found, signal / signal.norm(), 1e-3):
            raise Wrong("it becomes too small.", HINTS["5.1 sum"])
        if not close(answer(2 * signal, shape=(16, 5)), found, 1e-3):
            raise Wrong("it depends on the size of what comes in.", HINTS["5.1 root"])
        raise Wrong("it is not the signal at root mean square 1.", HINTS["5.1 other"])
    if (factor / factor[:1] - 1).abs().max() < 1e-3:
        raise Wrong("channels are scaled apart.", HINTS["5.1 each channel"])
    of_l = [part / part[:1] - 1 for part in factor.split([1, 3, 5, 7])]
    if all(part.abs().max() < 1e-3 for part in of_l):
        raise Wrong("an l that symmetry forbids is blown up.", HINTS["5.1 each l"])
    if (factor / factor[:, :1] - 1).abs().max() < 1e-3:
        raise Wrong("coefficients of one l are scaled apart.", HINTS["5.1 each number"])
    raise Wrong("it is not the signal at root mean square 1.", HINTS["5.1 other"])


def check_5_2(answer: object) -> Verdict:
    """The verdict on `merged(places, within)`: (n, 3), angstrom, to the means (groups, 3) of those that hang together.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("5.2", answer, _merges, RIGHT["5.2"])


def _merges(answer: Answer, generator: Generator) -> None:
    step = torch.zeros(8, 3, dtype=torch.float64)
    step[:, 0] = 0.8 * torch.arange(8)  # a chain, whose ends are far apart
    alone = torch.tensor([[9.0, 0, 0], [-9, 0.5, 1]], dtype=torch.float64)
    pair = torch.tensor([[0, 5.99, 0], [0, 6.01, 0.1], [0, 6.3, 0.0]], dtype=torch.float64)
    places = torch.cat([step, alone, pair]) @ random_rotation(generator).mT
    places = places[[4, 8, 1, 10, 0, 6, 11, 2, 5, 9, 7, 12, 3]]
    near = torch.cdist(places, places) < 1
    _, label = connected_components(near.numpy(), directed=False)
    groups = [places[torch.tensor(label) == k] for k in range(label.max() + 1)]
    truth = torch.stack([group.mean(dim=0) for group in groups])
    found, backwards = answer(places, 1.0), answer(places.flip(0), 1.0)
    if found.ndim != 2 or found.shape[1] != 3:
        raise Wrong(f"it returns the shape {tuple(found.shape)}, and (groups, 3) is asked for.", SHARED["shape"])
    if _same_rows(found, truth) and _same_rows(backwards, truth):
        return
    if len(found) == len(groups) and all(_among(row, places) for row in found):
        raise Wrong("a group is given by one of its places.", HINTS["5.2 mean"])
    if len(found) in (1, len(places)):
        raise Wrong(f"of {len(places)} places it makes {len(found)}.", HINTS["5.2 all"])
    if not _same_rows(found, backwards):
        raise Wrong("numbered backwards, the same places give other means.", HINTS["5.2 order"])
    if not _same_rows(answer(places + 0.31, 1.0), found + 0.31):
        raise Wrong("moved, the same places give other means.", HINTS["5.2 grid"])
    if len(found) > len(groups):
        raise Wrong("a chain of places is torn.", HINTS["5.2 chain"])
    raise Wrong("the means are others.", HINTS["5.2 other"])


def _same_rows(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    apart = torch.cdist(one, other)
    return bool((apart.amin(dim=0) < 1e-8).all() and (apart.amin(dim=1) < 1e-8).all())


def _among(row: Tensor, places: Tensor) -> bool:
    return bool((places - row).norm(dim=1).min() < 1e-8)


def check_5_3(answer: object) -> Verdict:
    """The verdict on `matched(found, true)`: (n, 3) and (n, 3), angstrom, to the mean square distance when best paired.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("5.3", answer, _matches, RIGHT["5.3"])


def _matches(answer: Answer, generator: Generator) -> None:
    for n in (6, 3):
        true = random_cloud(n, generator)
        found = (random_cloud(n, generator) + true[0]).requires_grad_(True)
        square = torch.cdist(found, true).square()
        pairs = linear_sum_assignment(square.detach().numpy())
        by_distance = linear_sum_assignment(square.detach().sqrt().numpy())
        truth = square[pairs].mean()
        tempting = {
            "pairing": ((found - true).square().sum(dim=1).mean(), "points are paired as they are numbered."),
            "shared": (square.amin(dim=1).mean(), "two found points may have one partner."),
            "square": (square[by_distance].sqrt().mean(), "distances are averaged, not their squares."),
            "sum": (square[pairs].sum(), "it is a sum."),
        }
        distance = answer(found, true, shape=())
        if close(distance, truth):
            if not distance.requires_grad:
                raise Wrong("it has no gradient.", HINTS["5.3 gradient"])
            continue
        for name, (other, sentence) in tempting.items():
            if close(distance, other):
                raise Wrong(sentence, HINTS[f"5.3 {name}"])
        both = (square.amin(dim=1).mean() + square.amin(dim=0).mean()) / 2
        if close(distance, both) or close(distance, 2 * both):
            raise Wrong(tempting["shared"][1], HINTS["5.3 shared"])
        raise Wrong("it is another number.", HINTS["5.3 other"])


def check_5_4(answer: object) -> Verdict:
    """The verdict on `n_allowed(symmetries, degree)`: matrices (m, 3, 3), no unit, to how many signals they allow.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("5.4", answer, _counts_allowed, RIGHT["5.4"])


def _counts_allowed(answer: Answer, generator: Generator) -> None:
    turn = random_rotation(generator)
    mirror = torch.diag(torch.tensor([1.0, 1, -1], dtype=torch.float64))
    for name in ("C1", "C2", "D4", "O", "I"):
        rotations = torch.tensor(Rotation.create_group(name).as_matrix())
        for group in (rotations, torch.cat([rotations, rotations @ mirror]), torch.cat([rotations, -rotations])):
            if group is not rotations and name in ("I", "O") and not torch.equal(group[len(rotations)], -rotations[0]):
                continue  # a mirror in this plane makes no group of these
            symmetries = (turn @ group @ turn.mT).float().double()  # single precision is what one mostly has
            for degree in range(7):
                characters = _characters(symmetries, degree)
                found = answer(symmetries, degree, shape=(), dtype=torch.int64).item()
                if found == round(characters.mean().item()):
                    continue
                if len(symmetries) == 1:
                    raise Wrong(f"for the identity alone and l = {degree} it says {found}.", HINTS["5.4 size"])
                tempting = {
                    "mean": (characters.sum(), "it grows with the size of the group."),
                    "some": (characters[: len(characters) // 2].mean(), "some of the symmetries have no effect."),
                    "mirror": (
                        (characters * torch.linalg.det(symmetries).sign() ** degree).mean(),
                        f"it errs about mirrors, for l = {degree}.",
                    ),
                }
                for which, (other, sentence) in tempting.items():
                    if found == round(other.item()):
                        raise Wrong(sentence, HINTS[f"5.4 {which}"])
                raise Wrong(f"for {len(symmetries)} symmetries and l = {degree} it says {found}.", HINTS["5.4 other"])


def _characters(symmetries: Tensor, degree: int) -> Tensor:
    """The trace of each symmetry on signals of natural parity: of a rotation by t the sum of cos(m t)."""
    sign = torch.linalg.det(symmetries).sign()
    angle = (((sign * symmetries.diagonal(dim1=1, dim2=2).sum(dim=1)) - 1) / 2).clamp(-1, 1).acos()
    m = torch.arange(-degree, degree + 1, dtype=symmetries.dtype)
    return sign**degree * (angle[:, None] * m).cos().sum(dim=1)
