"""The exercises of notebook 08: attention pooling, a non-linearity, the published score; `cutoffs` has one more."""

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    close,
    compared,
    first_fault,
    normal,
    random_cloud,
    wrong_if,
)

ENOUGH = 1e-3  # relative: what a small number against a division by zero may change
HINTS = {
    "8.1 right": "the sure ones decide, and large confidences do no harm.",
    "8.1 wrong": "it is another mean.",
    "8.1 equal": "Everyone has the same say. Whoever is sure should have more of it.",
    "8.1 winner": "Only the surest is heard. Two that are equally sure should meet half-way.",
    "8.1 sum": "The weights have to sum to one: move all places by 1 Å, and the answer should move as far.",
    "8.1 constant": "Add 5 to all confidences: nobody is surer than another than before, so nothing may change.",
    "8.1 sharp": "How much surer is one who has 1 more? The ratio of two weights is e to the power of the difference.",
    "8.1 sign": "Turn it round: the higher the confidence, the more of a say.",
    "8.1 large": "A confidence of 1,000 is allowed, and e to that power is infinity. What may be subtracted from all "
    "of them first?",
    "8.1 larger": "With confidences of 1,000 and 999 the first has more of a say, as with 1 and 0. What does your way "
    "of keeping numbers small do to that?",
    "8.1 other": "Work it out by hand for two atoms whose confidences differ by the logarithm of three.",
    "8.2 right": "it turns with the vectors, and can be trained through.",
    "8.2 pose": "Turn the vectors first, then bend them; or bend first, then turn. Do you get the same? A function of "
    "single coordinates knows where the axes are.",
    "8.2 each": "Each row is a vector of its own: its new length may not depend on the others.",
    "8.2 direction": "The direction should stay as it was, forwards too.",
    "8.2 length": "The length is another one. What becomes of a vector of length 1, and of one of length 3?",
    "8.2 zero": "A vector of length zero stays one. Direction alone does not exist for it.",
    "8.2 columns": "A vector is a row: its three numbers stand along the last dimension, and the length is of them.",
    "8.2 gradient": "Values are right and slopes are not: something was cut off from the graph.",
    "8.2 infinite": "Values are right and a slope is NaN or infinite. What is the derivative of a square root "
    "at zero, and of a quotient 0 / 0?",
    "8.4 right": "this is how the published table counts.",
    "8.4 wrong": "it is another share.",
    "8.4 or": "One of the two is not enough: the right element in the wrong place is a wrong answer.",
    "8.4 place": "A right element counts only in a right place.",
    "8.4 element": "A right place counts only with the right element.",
    "8.4 product": "Two shares multiplied assume that places and elements fail independently. Ask each hole by itself.",
    "8.4 box": "Within a distance means within a ball, and not within a box.",
    "8.4 square": "Compare distances with distances: a square of 0.3 is a distance of more than 0.5.",
    "8.4 share": "A share lies between 0 and 1: neither a number of holes nor per cent.",
    "8.4 within": "How near is near enough is an argument.",
    "8.4 few": "How many elements there are is the number of columns, and the highest score may stand in any of them.",
    "8.4 edge": "At the distance itself a place still counts.",
    "8.4 other": "Try it with two holes: one right in both, one in neither.",
    "8.s right": "the mean of all places that the two atoms allow, and nearer to the oxygen than any of them.",
    "8.s wrong": "it lies on the axis, in the wrong place.",
    "8.s sign": "An angle of more than 90 degrees points away from the other atom. On which side is yours?",
    "8.s sine": "This is how large the circle is. How far along the axis does it lie?",
    "8.s degrees": "Which unit do angles have in torch?",
    "8.s unit": "The axis is a direction only. What if the other atom were twice as far away?",
    "8.s other end": "The bond is one of the oxygen, and starts there.",
    "8.s origin": "Move both atoms by 1 angstrom: the middle should move along.",
    "8.s bond": "A bond twice as long makes a circle twice as far away.",
    "8.s off axis": "The middle of a circle about an axis lies on the axis.",
    "8.s other": "Put the oxygen at the origin and the other atom on z, and take an angle of 180 degrees first.",
}


def _what_mean(answer: Answer, found: Tensor, places: Tensor, confidence: Tensor) -> None:
    moved, risen = answer(places + 1, confidence, shape=(3,)), answer(places, confidence + 5, shape=(3,))
    powers = (0.5, 2.0, math.log(2))
    first_fault(
        (close(found, (-confidence).softmax(0) @ places), "the least sure has the most to say.", "sign"),
        (not close(moved, found + 1), "it does not move with the places.", "sum"),
        (not close(risen, found), "a constant in all confidences changes it.", "constant"),
        (
            any(close(found, (power * confidence).softmax(0) @ places) for power in powers),
            "weights are of the right kind, and too steep or too flat.",
            "sharp",
        ),
    )


def _takes_large_confidences(answer: Answer, generator: Generator) -> None:
    for n in (2, 5, 9):
        places, confidence = random_cloud(n, generator), 2 * normal(generator, n)
        ladder = 3000 * torch.arange(n, dtype=torch.float64)
        most = ladder.clamp(max=3000) + confidence
        for large in (confidence + 1000, confidence - 1000, ladder, ladder.flip(0), most):
            found = torch.as_tensor(answer.function(places, large)).detach()  # NaN has a hint of its own here
            first_fault(
                (not torch.isfinite(found).all(), "large confidences give NaN or infinity.", "large"),
                (not close(found, large.softmax(0) @ places), "large confidences give another place.", "larger"),
            )


@compared(HINTS, explain=_what_mean, then=_takes_large_confidences)
def check_8_1(generator: Generator) -> Trials:
    """The verdict on `voted(places, confidence)`: (n, 3), angstrom, and (n,), no unit, to one place (3,), angstrom."""
    for n in (3, 2, 17, 1, 60):
        places, confidence = random_cloud(n, generator), 2 * normal(generator, n)
        yield (
            (places, confidence),
            confidence.softmax(0) @ places,
            ("equal", "all have the same weight.", places.mean(dim=0)),
            ("winner", "one atom decides alone.", places[confidence.argmax()]),
        )


def _bent(v: Tensor) -> Tensor:
    return v / (1 + v.norm(dim=1, keepdim=True))


def _what_vectors(answer: Answer, found: Tensor, v: Tensor) -> None:
    turn = torch.linalg.qr(torch.tensor([[1.0, 2, 3], [-2, 1, 1], [0.5, -3, 2]], dtype=v.dtype)).Q
    turned = answer(v @ turn.mT, shape=found.shape)
    alone = torch.cat([answer(row[None], shape=(1, 3)) for row in v])
    first_fault(
        (not close(turned, found @ turn.mT, 1e-6), "it does not turn with the vectors.", "pose"),
        (not close(alone, found, 1e-6), "a vector changes when others are beside it.", "each"),
        (not close(normalize(found), normalize(v), 1e-6), "vectors point elsewhere.", "direction"),
        (True, "directions are right, lengths are not.", "length"),
    )


def _takes_zero_and_gradients(answer: Answer, generator: Generator) -> None:
    v = torch.cat([random_cloud(3, generator), torch.zeros(1, 3, dtype=torch.float64)])
    found = torch.as_tensor(answer.function(v)).detach()  # NaN has a hint of its own here
    wrong_if(
        not torch.isfinite(found).all() or found[-1].abs().max() > 1e-9,
        "a vector of length zero does not stay one.",
        "zero",
    )
    weights, slopes = random_cloud(4, generator), []
    for function in (answer.function, _bent):
        x = v.clone().requires_grad_()
        out = (weights * function(x)).sum()
        slopes.append(torch.autograd.grad(out, x)[0] if out.requires_grad else torch.zeros_like(v))
    mine, right = slopes
    first_fault(
        (not close(mine[:-1], right[:-1], ENOUGH), "its gradient is not that of its values.", "gradient"),
        (not torch.isfinite(mine).all(), "at a vector of length zero its gradient is not finite.", "infinite"),
        (not mine[-1].any(), "at a vector of length zero its gradient is zero.", "gradient"),
    )


@compared(HINTS, tolerance=ENOUGH, explain=_what_vectors, then=_takes_zero_and_gradients)
def check_8_2(generator: Generator) -> Trials:
    """The verdict on `bent(v)`: (n, 3) to (n, 3), no unit, every length r turned into r / (1 + r)."""
    for n, scale in ((4, 1.0), (3, 0.05), (1, 1.0), (30, 40.0)):
        v = scale * random_cloud(n, generator)
        yield (v,), _bent(v), ("columns", "it takes lengths of columns.", v / (1 + v.norm(dim=0)))


@compared(HINTS, tolerance=1e-6, dtype=None)  # a share may come in any precision
def check_8_4(generator: Generator) -> Trials:
    """The verdict on `counted(place, truth, scores, element, within)`: the share () of holes that are right, no unit.

    Places are (N, 3), angstrom, scores (N, e) and true elements (N,), no unit, and `within` is a distance, angstrom.
    """
    for n, e, within in ((400, 4, 0.5), (600, 9, 0.5), (500, 6, 1.0), (300, 2, 0.25), (37, 5, 3.0)):
        truth, element = random_cloud(n, generator), torch.randint(0, e, (n,), generator=generator)
        place = truth + 0.6 * within * normal(generator, n, 3)
        truth[:8], place[:8] = 0, torch.tensor([within, 0, 0], dtype=torch.float64)
        scores = normal(generator, n, e)
        scores[torch.arange(n), element] += 1.5
        scores[:4, :] = 3 * torch.nn.functional.one_hot(element[:4], e)
        off = place - truth
        distance, right = off.norm(dim=1), scores.argmax(dim=1) == element
        near, in_box = distance <= within, (off.abs() <= within).all(dim=1)
        few = scores[:, :5].argmax(dim=1) == element
        ways = (near & right, near | right, right, near, in_box & right, (distance**2 <= within) & right)
        both, either, elements, places, boxes, squares = (way.double().mean() for way in ways)
        yield (
            (place, truth, scores, element, within),
            both,
            ("or", "one of the two is enough for it.", either),
            ("place", "it looks at elements only.", elements),
            ("element", "it looks at places only.", places),
            ("product", "it multiplies two shares.", places * elements),
            ("box", "it looks at every coordinate by itself.", boxes),
            ("square", "it compares a square with a distance.", squares),
            ("share", "it is larger than 1.", 100 * both, n * both),
            ("within", "it has a distance of its own.", ((distance <= 0.5) & right).double().mean()),
            (
                "edge",
                "a place at the distance itself does not count.",
                ((distance < within) & right).double().mean(),
            ),
            ("few", "it looks at some of the elements only.", (near & few).double().mean()),
        )


def _is_on_the_axis(answer: Answer, found: Tensor, oxygen: Tensor, other: Tensor, bond: float, angle: float) -> None:
    wrong_if(
        torch.linalg.cross(found - oxygen, normalize(other - oxygen, dim=0)).norm() > 1e-6,
        "it does not lie on the axis of the other bond.",
        "off axis",
    )


# an angle that went through a torch.tensor has the seven digits of float32
@compared(HINTS, tolerance=1e-6, explain=_is_on_the_axis)
def check_8_s(generator: Generator) -> Trials:
    """The verdict on `circle_middle(oxygen, other, bond, angle)`: (3,), (3,), angstrom, and degrees to (3,)."""
    for bond, angle in ((0.96, 107.0), (1.3, 62.0), (1.02, 110.5), (0.7, 90.0)):
        oxygen, other = 2 * normal(generator, 2, 3)
        axis, given = normalize(other - oxygen, dim=0), torch.tensor(angle, dtype=torch.float64)
        cos, sin = torch.deg2rad(given).cos(), torch.deg2rad(given).sin()
        along, wide = bond * cos * axis, bond * sin * axis
        yield (
            (oxygen, other, bond, angle),
            oxygen + along,
            ("sign", "it lies on the wrong side of the oxygen.", oxygen - along),
            ("sine", "it is as far along the axis as the circle is wide.", oxygen + wide, oxygen - wide),
            ("degrees", "degrees were taken for radians.", oxygen + bond * given.cos() * axis),
            ("unit", "it depends on how far away the other atom is.", oxygen + bond * cos * (other - oxygen)),
            ("other end", "it is measured from the other atom.", other - along, other + along),
            ("origin", "it is measured from the origin.", along),
            ("bond", "the length of the bond plays no part.", oxygen + cos * axis),
        )
