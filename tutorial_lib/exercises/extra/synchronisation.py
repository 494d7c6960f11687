"""The extra exercise of notebook 03: the mean of several rotations, which has to be a rotation."""

from functools import partial

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "3.s mean": "Is the mean of rotations a rotation? Multiply yours by its own transpose.",
    "3.s orthogonal": "Multiply yours by its own transpose. What should come out?",
    "3.s mirror": "Your matrix is orthogonal, and a mirror. Which direction costs least if its sign is flipped?",
    "3.s flip": "Flipping a sign makes a rotation of a mirror, and each flip costs something. Of the singular values, "
    "which says how much?",
    "3.s inverse": "It turns the other way: which side is transposed?",
    "3.s rows": "It is a rotation, and depends on which axis was taken first. Which factorisation has no first axis?",
    "3.s first": "The others should have a say.",
    "3.s scaled": "Length one for each row does not make rows that stand at right angles.",
    "3.s other": "Try the mean of two turns about z, by 0 and by 90 degrees.",
}
RIGHT = "the rotation nearest to all of them, and no mirror even where the mean matrix would like one."


def check_3_s(answer: object) -> Verdict:
    """The verdict on `mean_rotation(turns)`: (3, 3), the rotation with the least sum of squares to turns (n, 3, 3).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("3.s", answer, _is_the_mean, RIGHT)


def _is_the_mean(answer: Answer, generator: Generator) -> None:
    seen = {False: 0, True: 0}
    while min(seen.values()) < 3:
        turns = random_rotation(generator, (3,))
        mean = turns.mean(dim=0)
        mirrors = bool(torch.linalg.det(mean) < 0)  # as often as not
        seen[mirrors] += 1
        if seen[mirrors] > 3:
            continue
        u, _, vt = torch.linalg.svd(mean)
        flip = torch.diag(mean.new_tensor([1, 1, torch.linalg.det(u @ vt).sign()]))
        right = u @ flip @ vt
        found = answer(turns, shape=(3, 3)).detach()
        if close(found, right, 1e-6):  # a search for the least sum of squares gets no nearer than this
            continue
        rows = mean / mean.norm(dim=1, keepdim=True)
        q, r = torch.linalg.qr(mean)
        q2, r2 = torch.linalg.qr(mean.mT)
        mistakes = [
            ("3.s mean", mean, "this is the mean matrix, and no rotation."),
            ("3.s mirror", u @ vt, "it is a mirror."),
            ("3.s flip", u @ flip.flip(0, 1) @ vt, "a direction is flipped that costs too much."),
            ("3.s flip", u @ flip.roll((-1, -1), (0, 1)) @ vt, "a direction is flipped that costs too much."),
            ("3.s flip", flip.diagonal().prod() * u @ vt, "all three directions are flipped, and one is enough."),
            ("3.s inverse", right.mT, "it is the inverse of the mean."),
            ("3.s rows", q * r.diagonal().sign(), "one axis was made right first, then the others."),
            ("3.s rows", (q2 * r2.diagonal().sign()).mT, "one axis was made right first, then the others."),
            ("3.s first", turns[0], "this is the first of them."),
            ("3.s scaled", rows, "rows have length one, and do not stand at right angles."),
        ]
        recognise(found, mistakes, HINTS, same=partial(close, tolerance=1e-6))
        if not close(found @ found.mT, torch.eye(3, dtype=found.dtype), 1e-6):
            raise Wrong("it is no rotation: multiplied by its transpose it is not 1.", HINTS["3.s orthogonal"])
        if torch.linalg.det(found) < 0:
            raise Wrong("it is a mirror.", HINTS["3.s mirror"])
        raise Wrong("another rotation has a smaller sum of squares.", HINTS["3.s other"])
