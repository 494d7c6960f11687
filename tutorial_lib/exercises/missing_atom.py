"""The exercises of notebook 08: attention pooling, a non-linearity, a smooth cut-off, and the published score."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

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
    wrong_if,
)

HINTS = {
    "8.1 right": "the sure ones decide, and large confidences do no harm.",
    "8.1 wrong": "it is another mean.",
    "8.1 equal": "Everyone has the same say. Whoever is sure should have more of it.",
    "8.1 winner": "Only the surest is heard. Two that are equally sure should meet half-way.",
    "8.1 sum": "The weights have to sum to one: move all places by 1 Å, and the answer should move as far.",
    "8.1 constant": "Add 5 to all confidences: nobody is surer than another than before, so nothing may change.",
    "8.1 sharp": "How much surer is one who has 1 more? The ratio of two weights is e to the power of the difference.",
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
    "8.2 gradient": "Values are right and slopes are not: look at a vector of length zero, where a root has an "
    "infinite slope, or for something that was cut off from the graph.",
    "8.3 right": "whoever leaves fades out first.",
    "8.3 start": "At distance zero nothing is cut: the value there is 1.",
    "8.3 beyond": "Beyond the cut-off everything is zero, also at twice the distance.",
    "8.3 jump": "At the cut-off it falls off a cliff: an atom that crosses it changes the answer at once.",
    "8.3 kink": "It meets zero at an angle: forces are slopes, and they would jump.",
    "8.3 falls": "From zero to the cut-off it should never rise.",
    "8.3 scale": "Half-way to the cut-off is half-way for every cut-off: measure distances in units of it.",
    "8.3 flat": "Between the two ends it should fall gradually, and not stand still at 1 or 0 for most of the way.",
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
    wrong_if(
        not close(answer(places + 1, confidence, shape=(3,)), found + 1), "it does not move with the places.", "sum"
    )
    wrong_if(
        not close(answer(places, confidence + 5, shape=(3,)), found),
        "a constant in all confidences changes it.",
        "constant",
    )
    wrong_if(
        any(close(found, (power * confidence).softmax(0) @ places) for power in (-1.0, 0.5, 2.0, 0.6931471805599453)),
        "weights are of the right kind, and too steep or too flat.",
        "sharp",
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
    for n in (2, 5, 9):
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
    wrong_if(
        not close(answer(v @ turn.mT, shape=found.shape), found @ turn.mT, 1e-6),
        "it does not turn with the vectors.",
        "pose",
    )
    wrong_if(
        not close(torch.cat([answer(row[None], shape=(1, 3)) for row in v]), found, 1e-6),
        "a vector changes when others are beside it.",
        "each",
    )
    wrong_if(not close(normalize(found), normalize(v), 1e-6), "vectors point elsewhere.", "direction")
    raise Wrong("directions are right, lengths are not.", "length")


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
    wrong_if(not close(*slopes, 1e-6), "its gradient is not that of its values.", "gradient")


@compared(HINTS, explain=_what_vectors, then=_takes_zero_and_gradients)
def check_8_2(generator: Generator) -> Trials:
    """The verdict on `bent(v)`: (n, 3) to (n, 3), no unit, every length r turned into r / (1 + r)."""
    for n in (1, 4, 7):
        v = random_cloud(n, generator)
        yield (v,), _bent(v)


@graded(HINTS)
def check_8_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `fading(distance, cutoff)`: (n,) and a number, both angstrom, to (n,) from 1 to 0, no unit."""
    n, step, forms = 101, 1e-5, []
    for cutoff in (3.0, 1.7, 5.0):
        found = answer(torch.linspace(0, cutoff, n, dtype=torch.float64), cutoff, shape=(n,)).detach()
        far = 1 + step + 2 * torch.rand(n, generator=generator, dtype=torch.float64)
        before = 1 - torch.tensor([step, 2 * step], dtype=torch.float64)
        beyond, last = (answer(cutoff * at, cutoff, shape=at.shape).detach().abs() for at in (far, before))
        first_fault(
            (abs(found[0] - 1) > 1e-6, f"at distance zero it is {found[0]:.2f}.", "start"),
            (beyond.max() > 1e-6, "beyond the cut-off it is not zero.", "beyond"),
            (found.diff().max() > 1e-9, "it rises on the way.", "falls"),
            (last.max() > 1e-2, "just before the cut-off it is not near zero.", "jump"),
            (last[0] > 1e-2 * step, "its slope just before the cut-off is not zero.", "kink"),
            (
                ((found > 0.02) & (found < 0.98)).double().mean() < 0.5,
                "it changes within a small part of the way.",
                "flat",
            ),
        )
        forms.append(found)
    wrong_if(not all(close(form, forms[0], 1e-6) for form in forms), "its form depends on the cut-off.", "scale")


@compared(HINTS, tolerance=1e-6, dtype=None)  # a share may come in any precision
def check_8_4(generator: Generator) -> Trials:
    """The verdict on `counted(place, truth, scores, element, within)`: the share () of holes that are right, no unit.

    Places are (N, 3), angstrom, scores (N, e) and true elements (N,), no unit, and `within` is a distance, angstrom.
    """
    for n, within in ((400, 0.5), (600, 0.5), (500, 1.0)):
        truth, element = random_cloud(n, generator), torch.randint(0, 4, (n,), generator=generator)
        place = truth + 0.6 * within * normal(generator, n, 3)
        scores = normal(generator, n, 4)
        scores[torch.arange(n), element] += 1.5
        off = place - truth
        distance, right = off.norm(dim=1), scores.argmax(dim=1) == element
        near, in_box = distance <= within, (off.abs() <= within).all(dim=1)
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
