"""Exercises of notebook 05: normalisation, optimal pairing, and what symmetry allows."""

import math
from collections.abc import Iterator

import torch
from scipy.optimize import linear_sum_assignment
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
    nearest_in_turn,
    normal,
    random_cloud,
    recognise,
    wrong_if,
)
from tutorial_lib.exercises.unaided import DIGITS_HINT, alone, in_single
from tutorial_lib.models.equivariant import representation
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
    "5.1 centred": "What does taking away a mean do to the coefficients of one l, which a rotation mixes?",
    "5.1 size": "What is the square of 1e-200 on a computer, and of 1e200? And is what you add, or do not go below, "
    "small beside a signal of that size?",
    "5.1 digits": "Somewhere on the way digits are lost, or something small is added that is not as small as rounding.",
    "5.1 other": "How large is one and the same signal before and after? Their ratio should be one number for all.",
    "5.3 right": "each point has a partner, and a gradient that pulls it there.",
    "5.3 wrong": "it is another number.",
    "5.3 pairing": "The points have no numbers. Shuffle the true ones: does your answer change?",
    "5.3 shared": "If two found points are near one true point, they may not both have it.",
    "5.3 square": "Squares of distances are asked for: the pairing, too, is the best for those.",
    "5.3 sum": "The mean over the points, please; a sum grows with their number.",
    "5.3 third": "The square of a distance is a sum over three coordinates. Over what is the mean asked for?",
    "5.3 root": "The unit of the answer is that of a squared distance.",
    "5.3 in turn": "Put two points on a line so that both are nearest to one partner, and write down both pairings: "
    "no point may be served first.",
    "5.3 gradient": "The pairing has no gradient, but the distances of the pairs do. Move one found point a little and "
    "see whether the answer changes as its gradient says.",
    "5.3 coincide": "Put a found point exactly where its partner is, and print the gradient: what is the slope of a "
    "root at zero?",
    "5.3 far": "Squares of distances lose digits where they come from squares of coordinates, as in torch.cdist "
    "beyond 25 points. Subtract first.",
    "5.3 slow": "Fourteen points have 14! pairings. The best one can be found without trying them all.",
    "5.3 digits": DIGITS_HINT,
    "5.3 other": "Begin with one point each, then with two.",
    "5.4 right": "and now you know what a code can hold before you train it.",
    "5.4 mirror": "A mirror is a rotation and a reversal. What does a reversal do to a signal of odd l?",
    "5.4 mean": "Adding up what each symmetry leaves is not yet averaging.",
    "5.4 size": "For the group of one element, the identity, all 2 l + 1 signals are left alone.",
    "5.4 rank": "Rounding leaves singular values of 1e-7, and they are no signals. From which size on do you count?",
    "5.4 some": "All the symmetries have to be asked, rotations and mirrors.",
    "5.4 other": "Try the identity alone, then a half turn.",
}


def _what_size(answer: Answer, found: Tensor, signal: Tensor) -> None:
    shape, sizes = tuple(signal.shape), [2 * degree + 1 for degree in range(math.isqrt(len(signal)))]
    right, large = _one_size(signal), 1e6 * signal / signal.abs().max()
    first_fault(
        (close(answer(large, shape=shape), right), f"a signal of {signal.abs().max():.0e} comes out wrong.", "size"),
        (close(found, right, 1e-3), "it is nearly right.", "digits"),
    )
    factor = found / signal  # one number, if all is well
    if not _is_constant(factor.flatten()):
        centred = [signal - signal.mean(dim=dims, keepdim=True) for dims in ((0, 1), (0,), (1,))]
        first_fault(
            (shape[1] > 1 and _is_constant(factor), "channels are scaled apart.", "each channel"),
            (all(map(_is_constant, factor.split(sizes))), "an l that symmetry forbids is blown up.", "each l"),
            (_is_constant(factor.mT), "coefficients of one l are scaled apart.", "each number"),
            (any(_is_constant((found / one).flatten()) for one in centred), "a mean is taken away.", "centred"),
        )
    elif close(answer(2 * signal, shape=shape), found, 1e-3):
        wrong_if(close(found, signal / signal.norm(), 1e-3), "it becomes too small.", "sum")
    else:
        raise Wrong("it depends on the size of what comes in.", "root")


def _one_size(signal: Tensor) -> Tensor:
    near_one = signal / signal.abs().max()  # whose squares are neither 0 nor infinite
    return near_one / near_one.square().mean().sqrt()


def _single_size(answer: Answer, generator: Generator) -> None:
    signal = normal(generator, 9, 4)
    for size in (30, 1e-30, 1e30):
        in_single(answer, _one_size(signal), size * signal, dtype=torch.float32)


@compared(HINTS, errors=(("NaN", "size"),), explain=_what_size, then=_single_size)
def check_5_1(generator: Generator) -> Trials:
    """The verdict on `one_size(signal)`: (coefficients, channels), no unit, brought to root mean square 1."""
    for lmax, channels, size in ((3, 5, 1), (2, 2, 300), (6, 1, 0.02), (1, 20, 1e4), (4, 3, 1e200), (3, 2, 1e-200)):
        signal = size * normal(generator, (lmax + 1) ** 2, channels)
        signal[1:4] *= 1e-9  # forbidden by symmetry: what is left is rounding
        signal[:, 1:2] *= 1e-3
        yield (signal,), _one_size(signal)


def _is_constant(factor: Tensor) -> bool:
    return bool((factor / factor[:1] - 1).abs().max() < 1e-3)


def _paired(found: Tensor, true: Tensor) -> tuple:
    square = (found[:, None] - true).square().sum(dim=2)  # torch.cdist loses digits beyond 25 points
    pairs, by_distance = linear_sum_assignment(square), linear_sum_assignment(square.sqrt())
    there, back = square.amin(dim=1).mean(), square.amin(dim=0).mean()
    greedy = [nearest_in_turn(square, closest_first=first) for first in (False, True)]
    return (
        (found.requires_grad_(), true),
        square[pairs].mean(),
        ("pairing", "points are paired as they are numbered.", square.diagonal().mean()),
        ("shared", "two found points may have one partner.", there, there + back, (there + back) / 2),
        ("square", "distances are averaged, not their squares.", square[by_distance].sqrt().mean()),
        ("square", "points are paired by distances, not by their squares.", square[by_distance].mean()),
        ("sum", "it is a sum.", square[pairs].sum()),
        ("third", "it is a third of the mean square distance.", square[pairs].mean() / 3),
        ("root", "a root is taken.", square[pairs].mean().sqrt()),
        ("in turn", "points are paired in turn.", *(square.gather(1, order[:, None]).mean() for order in greedy)),
    )


def _what_digits(answer: Answer, loss: Tensor, found: Tensor, true: Tensor) -> None:
    found, middle = found.detach().clone(), true.mean(dim=0)
    right, nearer = _paired(found.clone(), true)[1], answer(found - middle, true - middle, shape=())
    first_fault(
        (close(nearer, right), "it is wrong where all points are far from the origin.", "far"),
        (close(loss, right, 1e-3), "it is nearly right.", "digits"),
    )


def _with_gradients(generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
    for n, away in ((4, 0), (1, 0), (6, 0), (14, 0), (30, 1e5)):
        yield random_cloud(n, generator) + away, random_cloud(n, generator) + away
    found, true = random_cloud(5, generator), random_cloud(5, generator)
    yield torch.cat([found, true[:1]]), torch.cat([true, found[:1]])  # some stand exactly where their partners do
    off = 1e-4 * normal(generator, 2, 20, 3)  # two by two, so that pairings differ in the eighth digit
    clouds = random_cloud(40, generator).view(2, 20, 3)
    yield tuple(torch.cat([x, x + shift]) for x, shift in zip(clouds, off, strict=True))


def _has_a_gradient(answer: Answer, generator: Generator) -> None:
    for inputs in _with_gradients(generator):
        (found, true), right, *mistakes = _paired(*inputs)
        loss = alone(answer, found, true, without=(), shape=())
        if not close(loss, right):
            recognise([(loss.detach(), mistakes)], close)
            _what_digits(answer, loss, found, true)
            raise Wrong(f"for {len(true)} points it is another number.", "other")
        wrong_if(not loss.requires_grad, "it has no gradient.", "gradient")
        (slope,) = torch.autograd.grad(loss, found, allow_unused=True)
        wrong_if(slope is None, "the found points are not in its gradient.", "gradient")
        wrong_if(slope.isnan().any(), "its gradient is NaN where two points coincide.", "coincide")
        found = found.detach()
        partner = true[linear_sum_assignment((found[:, None] - true).square().sum(dim=2))[1]]
        if not close(slope, 2 * (found - partner) / len(true), 1e-6):
            pulled_to = found - slope * len(true) / 2
            pairs = (pulled_to[:, None] - true).norm(dim=2).amin(dim=1).max() < 1e-6
            wrong_if(pairs, "it takes a pairing that is nearly the best.", "digits")
            raise Wrong("its gradient is another than that of the distances.", "gradient")
    found, true = random_cloud(6, generator), random_cloud(6, generator)
    in_single(answer, _paired(found.clone(), true)[1], found, true, dtype=torch.float32)


@compared(HINTS, explain=_what_digits, then=_has_a_gradient)
def check_5_3(generator: Generator) -> Trials:
    """The verdict on `matched(found, true)`: (n, 3) twice, angstrom, to the mean square distance when best paired."""
    for n, unit, away in ((7, 1.0, 0), (3, 0.01, 0), (6, 20.0, 0), (1, 1.0, 0), (5, 1.0, 1e5)):
        true = unit * random_cloud(n, generator) + away
        yield _paired(unit * random_cloud(n, generator) + true[0], true)


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
        for degree in range(12):  # as far as e3nn's matrices go
            characters = _characters(symmetries, degree)
            found = answer(symmetries, degree, shape=(), dtype=torch.int64).item()
            if found == round(characters.mean().item()):
                continue
            wrong_if(len(symmetries) == 1, f"for the identity alone and l = {degree} it says {found}.", "size")
            irrep = f"1x{degree}{'eo'[degree % 2]}"
            rank = torch.linalg.matrix_rank(representation(irrep, symmetries).mean(dim=0))
            wrong_if(found == rank.item(), f"for l = {degree} it counts what is rounding.", "rank")
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
