"""The exercises of notebook 08: a vote, a bent vector, an end of sight, and a count that is the published one."""

from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud, recognise
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
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
    "8.2 pose": "Turn the vectors first, then bend them; or bend first, then turn. Do you get the same? A function of "
    "single coordinates knows where the axes are.",
    "8.2 each": "Each row is a vector of its own: its new length may not depend on the others.",
    "8.2 direction": "The direction should stay as it was, forwards too.",
    "8.2 length": "The length is another one. What becomes of a vector of length 1, and of one of length 3?",
    "8.2 zero": "A vector of length zero stays one. Direction alone does not exist for it.",
    "8.2 gradient": "Values are right and slopes are not: look at a vector of length zero, where a root has an "
    "infinite slope, or for something that was cut off from the graph.",
    "8.3 start": "At distance zero nothing is cut: the value there is 1.",
    "8.3 beyond": "Beyond the cut-off everything is zero, also at twice the distance.",
    "8.3 jump": "At the cut-off it falls off a cliff: an atom that crosses it changes the answer at once.",
    "8.3 kink": "It meets zero at an angle: forces are slopes, and they would jump.",
    "8.3 falls": "From zero to the cut-off it should never rise.",
    "8.3 scale": "Half-way to the cut-off is half-way for every cut-off: measure distances in units of it.",
    "8.3 flat": "Between the two ends it should fall gradually, and not stand still at 1 or 0 for most of the way.",
    "8.4 or": "One of the two is not enough: the right element in the wrong place is a wrong answer.",
    "8.4 place": "A right element counts only in a right place.",
    "8.4 element": "A right place counts only with the right element.",
    "8.4 product": "Two shares multiplied assume that places and elements fail independently. Ask each hole by itself.",
    "8.4 box": "Within a distance means within a ball, and not within a box.",
    "8.4 square": "Compare distances with distances: a square of 0.3 is a distance of more than 0.5.",
    "8.4 share": "A share lies between 0 and 1: neither a number of holes nor per cent.",
    "8.4 within": "How near is near enough is an argument.",
    "8.4 other": "Try it with two holes: one right in both, one in neither.",
}
RIGHT = {
    "8.1": "the sure ones decide, and large confidences do no harm.",
    "8.2": "it turns with the vectors, and can be trained through.",
    "8.3": "whoever leaves fades out first.",
    "8.4": "this is how the published table counts.",
}


def check_8_1(answer: object) -> Verdict:
    """The verdict on `voted(places, confidence)`: (n, 3), angstrom, and (n,), no unit, to one place (3,), angstrom.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("8.1", answer, _votes, RIGHT["8.1"])


def _votes(answer: Answer, generator: Generator) -> None:
    for n in (2, 5, 9):
        places = random_cloud(n, generator)
        confidence = 2 * torch.randn(n, generator=generator, dtype=torch.float64)
        found = answer(places, confidence, shape=(3,)).detach()
        if not close(found, confidence.softmax(0) @ places):
            _what_vote(answer, places, confidence, found)
        ladder = 3000 * torch.arange(n, dtype=torch.float64)
        for large in (
            confidence + 1000,
            confidence - 1000,
            ladder,
            ladder.flip(0),
            ladder.clamp(max=3000) + confidence,
        ):
            found = _quietly(answer, places, large)
            if not torch.isfinite(found).all():
                raise Wrong("large confidences give NaN or infinity.", HINTS["8.1 large"])
            if not close(found, large.softmax(0) @ places):
                raise Wrong("large confidences give another place.", HINTS["8.1 larger"])


def _quietly(answer: Answer, *inputs: Tensor) -> Tensor:
    """What it gives, where NaN has a hint of its own."""
    return torch.as_tensor(answer.function(*inputs)).detach()


def _what_vote(answer: Answer, places: Tensor, confidence: Tensor, found: Tensor) -> None:
    if close(found, places.mean(dim=0)):
        raise Wrong("all have the same weight.", HINTS["8.1 equal"])
    if close(found, places[confidence.argmax()]):
        raise Wrong("one atom decides alone.", HINTS["8.1 winner"])
    if not close(answer(places + 1, confidence, shape=(3,)).detach(), found + 1):
        raise Wrong("it does not move with the places.", HINTS["8.1 sum"])
    if not close(answer(places, confidence + 5, shape=(3,)).detach(), found):
        raise Wrong("a constant in all confidences changes it.", HINTS["8.1 constant"])
    if any(close(found, (power * confidence).softmax(0) @ places) for power in (-1.0, 0.5, 2.0, 0.6931471805599453)):
        raise Wrong("weights are of the right kind, and too steep or too flat.", HINTS["8.1 sharp"])
    raise Wrong("it is another mean.", HINTS["8.1 other"])


def check_8_2(answer: object) -> Verdict:
    """The verdict on `bent(v)`: (n, 3) to (n, 3), no unit, every length r turned into r / (1 + r).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("8.2", answer, _bends, RIGHT["8.2"])


def _bends(answer: Answer, generator: Generator) -> None:
    for n in (1, 4, 7):
        v, q = random_cloud(n, generator), random_rotation(generator)
        right = v / (1 + v.norm(dim=1, keepdim=True))
        found = answer(v, shape=(n, 3)).detach()
        if close(found, right):
            continue
        if not close(answer(v @ q.mT, shape=(n, 3)).detach(), found @ q.mT, 1e-6):
            raise Wrong("it does not turn with the vectors.", HINTS["8.2 pose"])
        alone = torch.cat([answer(row[None], shape=(1, 3)).detach() for row in v])
        if not close(alone, found, 1e-6):
            raise Wrong("a vector changes when others are beside it.", HINTS["8.2 each"])
        if not close(torch.nn.functional.normalize(found), torch.nn.functional.normalize(v), 1e-6):
            raise Wrong("vectors point elsewhere.", HINTS["8.2 direction"])
        raise Wrong("directions are right, lengths are not.", HINTS["8.2 length"])
    v = torch.cat([random_cloud(3, generator), torch.zeros(1, 3, dtype=torch.float64)])
    if not torch.isfinite(_quietly(answer, v)).all() or _quietly(answer, v)[-1].abs().max() > 1e-9:
        raise Wrong("a vector of length zero does not stay one.", HINTS["8.2 zero"])
    weights = random_cloud(4, generator)
    slopes = []
    for function in (answer.function, lambda x: x / (1 + x.norm(dim=1, keepdim=True))):
        x = v.clone().requires_grad_()
        out = function(x)
        slopes.append(torch.autograd.grad((weights * out).sum(), x)[0] if out.requires_grad else torch.zeros_like(v))
    if not close(*slopes, 1e-6):
        raise Wrong("its gradient is not that of its values.", HINTS["8.2 gradient"])


def check_8_3(answer: object) -> Verdict:
    """The verdict on `fading(distance, cutoff)`: (n,) and a number, both angstrom, to (n,) from 1 to 0, no unit.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("8.3", answer, _fades, RIGHT["8.3"])


def _fades(answer: Answer, generator: Generator) -> None:
    n, step = 101, 1e-5
    half = []
    for cutoff in (3.0, 1.7, 5.0):
        distance = torch.linspace(0, cutoff, n, dtype=torch.float64)
        found = answer(distance, cutoff, shape=(n,)).detach()
        if abs(found[0] - 1) > 1e-6:
            raise Wrong(f"at distance zero it is {found[0]:.2f}.", HINTS["8.3 start"])
        far = cutoff * (1 + step + 2 * torch.rand(n, generator=generator, dtype=torch.float64))
        if answer(far, cutoff, shape=(n,)).abs().max() > 1e-6:
            raise Wrong("beyond the cut-off it is not zero.", HINTS["8.3 beyond"])
        if found.diff().max() > 1e-9:
            raise Wrong("it rises on the way.", HINTS["8.3 falls"])
        before = cutoff * (1 - torch.tensor([step, 2 * step], dtype=torch.float64))
        last = answer(before, cutoff, shape=(2,)).detach()
        if last.abs().max() > 1e-2:
            raise Wrong("just before the cut-off it is not near zero.", HINTS["8.3 jump"])
        if last[0].abs() > 1e-2 * step:
            raise Wrong("its slope just before the cut-off is not zero.", HINTS["8.3 kink"])
        if ((found > 0.02) & (found < 0.98)).double().mean() < 0.5:
            raise Wrong("it changes within a small part of the way.", HINTS["8.3 flat"])
        half.append(found)
    if not all(close(one, half[0], 1e-6) for one in half):
        raise Wrong("its form depends on the cut-off.", HINTS["8.3 scale"])


def check_8_4(answer: object) -> Verdict:
    """The verdict on `counted(place, truth, scores, element, within)`: the share () of holes that are right, no unit.

    Args:
        answer: the function, of places and true ones (N, 3), angstrom, scores (N, e) and true elements (N,), no unit,
            and a distance, angstrom.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("8.4", answer, _counts, RIGHT["8.4"])


def _counts(answer: Answer, generator: Generator) -> None:
    same = partial(close, tolerance=1e-6)  # a share may come in any precision
    for n, within in [(400, 0.5), (600, 0.5), (500, 1.0)]:
        truth, element = random_cloud(n, generator), torch.randint(0, 4, (n,), generator=generator)
        place = truth + 0.6 * within * torch.randn(n, 3, generator=generator, dtype=torch.float64)
        scores = torch.randn(n, 4, generator=generator, dtype=torch.float64)
        scores[torch.arange(n), element] += 1.5
        off = (place - truth).norm(dim=1)
        near, right = off <= within, scores.argmax(dim=1) == element
        found = answer(place, truth, scores, element, within, shape=(), dtype=None).detach().double()

        def share(which: Tensor) -> Tensor:
            return which.double().mean()

        if same(found, share(near & right)):
            continue
        mistakes = [
            ("8.4 or", share(near | right), "one of the two is enough for it."),
            ("8.4 place", share(right), "it looks at elements only."),
            ("8.4 element", share(near), "it looks at places only."),
            ("8.4 product", share(near) * share(right), "it multiplies two shares."),
            (
                "8.4 box",
                share(((place - truth).abs() <= within).all(dim=1) & right),
                "it looks at every coordinate by itself.",
            ),
            ("8.4 square", share((off.square() <= within) & right), "it compares a square with a distance."),
            ("8.4 share", 100 * share(near & right), "it is larger than 1."),
            ("8.4 share", n * share(near & right), "it is larger than 1."),
            ("8.4 within", share((off <= 0.5) & right), "it has a distance of its own."),
        ]
        recognise(found, mistakes, HINTS, same=same)
        raise Wrong("it is another share.", HINTS["8.4 other"])
