"""The spare exercise of notebook 04: by what angle a rotation turns."""

import torch
from torch import Generator

from tutorial_lib.exercises.judge import Answer, Verdict, Wrong, close, judge
from tutorial_lib.symmetry import random_rotation

HINTS = {
    "4.s radians": "A quarter turn should give 90.",
    "4.s trace": "Of the three directions one stays: how much of the trace does it take?",
    "4.s axis": "One entry knows about one axis. What of a rotation does not depend on the axes at all?",
    "4.s half": "A half turn should give 180.",
    "4.s nan": "Rounding may carry a cosine a little past 1, and there no angle is. Keep it within its bounds.",
    "4.s sine": "A sine cannot tell 60 degrees from 120.",
    "4.s other": "Try quarter turns about x, y and z: all three turn by the same angle.",
}
RIGHT = "the same angle about whatever axis, from no turn at all to half a turn."


def check_4_s(answer: object) -> Verdict:
    """The verdict on `angle(Q)`: (), degrees, from 0 to 180, of a rotation (3, 3).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.

    Raises:
        Nothing.
    """
    return judge("4.s", answer, _measures, RIGHT)


def _measures(answer: Answer, dice: Generator) -> None:
    for _ in range(8):
        q = random_rotation(dice)
        cosine = (q.trace() - 1) / 2
        right = torch.rad2deg(cosine.acos())
        found = answer(q, shape=()).detach()
        if close(found, right):
            continue
        sine = torch.stack([q[2, 1] - q[1, 2], q[0, 2] - q[2, 0], q[1, 0] - q[0, 1]]).norm() / 2
        mistakes = {
            "radians": (cosine.acos(), "it is right, in radians."),
            "trace": (torch.rad2deg((q.trace() / 3).clamp(-1, 1).acos()), "it takes a third of the trace."),
            "trace ": (torch.rad2deg((q.trace() / 2).clamp(-1, 1).acos()), "it takes half of the trace."),
            "axis": (torch.rad2deg(q[0, 0].acos()), "it asks how far the x-axis is turned."),
            "axis ": (torch.rad2deg(q[2, 2].acos()), "it asks how far the z-axis is turned."),
            "half": (right / 2, "it is half as much."),
            "sine": (torch.rad2deg(sine.clamp(max=1).asin()), "no turn is more than a quarter."),
        }
        for name, (mistaken, sentence) in mistakes.items():
            if close(found, mistaken):
                raise Wrong(sentence, HINTS[f"4.s {name.strip()}"])
        raise Wrong("it is another angle.", HINTS["4.s other"])
    still = torch.eye(3, dtype=torch.float64) * (1 + 2.3e-16)  # what a product of rotations may round to
    for q, right in ((still, 0.0), (torch.diag(still.diagonal() * still.new_tensor([-1, -1, 1])), 180.0)):
        try:
            found = answer(q, shape=()).detach()
        except Wrong as wrong:
            if "NaN" in wrong.sentence:
                raise Wrong("of no turn at all, or of half a turn, it makes NaN.", HINTS["4.s nan"]) from wrong
            raise
        if abs(found - right) > 1e-5:
            raise Wrong(f"of a turn by {right:g} degrees it makes {found:.6g}.", HINTS["4.s other"])
