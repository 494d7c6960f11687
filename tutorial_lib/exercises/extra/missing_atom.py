"""The extra exercise of notebook 08: the middle of the circle on which a hydrogen may stand."""

from functools import partial

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise

SINGLE = 1e-6  # an angle that went through a torch.tensor has the seven digits of float32
HINTS = {
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
RIGHT = "the mean of all places that the two atoms allow, and nearer to the oxygen than any of them."


def check_8_s(answer: object) -> Verdict:
    """The verdict on `circle_middle(oxygen, other, bond, angle)`: (3,), angstrom, from (3,), (3,), angstrom, degrees.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("8.s", answer, _finds_the_middle, RIGHT)


def _finds_the_middle(answer: Answer, generator: Generator) -> None:
    for bond, angle in ((0.96, 107.0), (1.3, 62.0), (1.02, 110.5), (0.7, 90.0)):
        oxygen, other = 2 * torch.randn(2, 3, generator=generator, dtype=torch.float64)
        found = answer(oxygen, other, bond, angle, shape=(3,)).detach()
        axis = (other - oxygen) / (other - oxygen).norm()
        turn = torch.deg2rad(torch.tensor(angle, dtype=torch.float64))
        along, wide = bond * turn.cos() * axis, bond * turn.sin() * axis
        if close(found, oxygen + along, SINGLE):
            continue
        mistakes = [
            ("8.s sign", oxygen - along, "it lies on the wrong side of the oxygen."),
            ("8.s sine", oxygen + wide, "it is as far along the axis as the circle is wide."),
            ("8.s sine", oxygen - wide, "it is as far along the axis as the circle is wide."),
            (
                "8.s degrees",
                oxygen + bond * torch.cos(turn.new_tensor(angle)) * axis,
                "degrees were taken for radians.",
            ),
            (
                "8.s unit",
                oxygen + bond * turn.cos() * (other - oxygen),
                "it depends on how far away the other atom is.",
            ),
            ("8.s other end", other - along, "it is measured from the other atom."),
            ("8.s other end", other + along, "it is measured from the other atom."),
            ("8.s origin", along, "it is measured from the origin."),
            ("8.s bond", oxygen + turn.cos() * axis, "the length of the bond plays no part."),
        ]
        recognise(found, mistakes, HINTS, same=partial(close, tolerance=SINGLE))
        if torch.linalg.cross(found - oxygen, axis).norm() > 1e-6:
            raise Wrong("it does not lie on the axis of the other bond.", HINTS["8.s off axis"])
        raise Wrong("it lies on the axis, in the wrong place.", HINTS["8.s other"])
