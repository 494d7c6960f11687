"""Exercises of notebook 01 about mirrors: a number that tells a hand from its image, and a mirror image itself."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    close,
    compared,
    first_fault,
    graded,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import DIGITS_HINT
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "digits": DIGITS_HINT,
    "1.4 right": "it is blind to rotations and flips in a mirror: a pseudoscalar.",
    "1.4 rotation": "Turn the cloud and your number changes. Build it from products that do not turn.",
    "1.4 mirror": "A mirrored cloud gives the same number. Inner products, distances and absolute values cannot tell "
    "a hand from its mirror image; which product of vectors can?",
    "1.4 zero": "Swapping two of three vectors flips the sign of their product: a sum over all orders cancels, and a "
    "product in which one vector stands twice is zero.",
    "1.4 plane": "Three vectors taken from their own centroid lie in a plane. The cloud comes with an origin: use it.",
    "1.4 constant": "It is the same for every cloud, whichever hand it is.",
    "1.4 scale": "A left hand stays one when it shrinks or grows. What becomes of your number in a cloud a hundred "
    "times as small, or ten times as large?",
    "1.4 not finite": "Is something divided by a number that may be zero, or a root taken of one below it? Look at a "
    "mirror image, and at a cloud in a plane with the origin.",
    "1.4 size": "In a mirror the number should become its own negative, and no other number.",
    "1.4 example": "In this cloud all three lengths are equal. Which factor of your number is zero there?",
    "1.s right": "a mirror: distances stay, the plane stays, and doing it twice gives the cloud back.",
    "1.s wrong": "it is not the mirror image in this plane.",
    "1.s length": "Is the mirror the same for a normal that is twice as long? It should be: both describe one plane.",
    "1.s shadow": "Do it twice. A mirror image of a mirror image is the thing itself, and a shadow of a shadow is not.",
    "1.s turned": "Which points stay where they are? In a mirror a whole plane does, in yours only a line.",
    "1.s axis": "The plane lies as its normal says. Does yours move when the normal does?",
    "1.s inverted": "Only the part along the normal changes its sign; what lies in the plane stays.",
    "1.s centroid": "The plane goes through the origin, wherever the cloud is.",
    "1.s same": "Take the normal (0, 0, 1): which of the three coordinates should have changed its sign?",
    "1.s other": "Take the normal (0, 0, 1) first, then a slanted one. What does a mirror do to the length of a row?",
}


@graded(HINTS)
def check_1_4(answer: Answer, generator: Generator) -> None:
    """The verdict on `hand(x)`: one number for a cloud (n, 3), angstrom, about an origin; it flips in a mirror."""

    def hand(x: Tensor) -> Tensor:
        return answer(x, shape=()).detach()

    drawn = [(n_atoms, 1) for n_atoms in (4, 4, 3, 3, 5, 8, 13, 30)] + [(3, 0.1), (4, 0.1), (4, 0.01), (5, 10)]
    clouds = [scale * random_cloud(n_atoms, generator) for n_atoms, scale in drawn]
    numbers = torch.stack([hand(x) for x in clouds])
    largest = numbers[:8].abs().max()
    wrong_if(largest > 0 and (numbers == numbers[0]).all(), "it says the same of every cloud.", "constant")
    for x, number, (_, scale) in zip(clouds, numbers, drawn, strict=True):
        turn = random_rotation(generator)
        turned, mirrored = hand(x @ turn.mT), hand(x @ -turn.mT)
        rounding = number == 0 or not close(turned, number)  # what should be zero is rounding, which turns at random
        first_fault(
            (number == 0 and scale != 1, f"it is zero for a cloud of {scale} times the usual size.", "scale"),
            (rounding and largest < 1e-9, "it is zero for clouds without any symmetry.", "zero"),
            (rounding and len(x) == 3 and number.abs() < 1e-10 * largest, "it is zero for three atoms.", "plane"),
            (number == 0, f"it is zero for a cloud of {len(x)} atoms without any symmetry.", "zero"),
            (rounding and close(turned, number, 1e-5), "it is right to about seven digits of sixteen.", "digits"),
            (rounding, "the number changes when the cloud is turned.", "rotation"),
            (close(mirrored, number), "the number does not change in a mirror.", "mirror"),
            (not close(mirrored, -number), "the mirror changes the number, but not just its sign.", "size"),
        )
    hand(x * x.new_tensor([1, 1, 0]))  # a flat cloud, its own mirror image, may have any number
    axes = torch.eye(3, dtype=x.dtype)
    hands = hand(axes), hand(axes @ turn.mT), hand(-axes)
    one, turned, mirrored = (number.sign() for number in hands)
    what = "it does not give (1, 0, 0), (0, 1, 0), (0, 0, 1) and their mirror image opposite signs."
    wrong_if(not (one == turned == -mirrored != 0), what, "example")


@compared(HINTS)
def check_1_s(generator: Generator) -> Trials:
    """The verdict on `reflect(x, normal)`: (n, 3), angstrom, in the mirror through the origin normal to (3,)."""
    for n_atoms in (5, 1, 3):
        x, across = random_cloud(n_atoms, generator), normal(generator, 3)
        unit = across / across.norm()
        along, off_centre = torch.outer(x @ unit, unit), torch.outer((x - x.mean(0)) @ unit, unit)
        yield (
            (x, across),
            x - 2 * along,
            ("same", "nothing has changed.", x),
            ("shadow", "this is the shadow of the cloud on the plane.", x - along),
            ("turned", "this is half a turn about the normal, and no mirror.", 2 * along - x),
            ("inverted", "every coordinate has changed its sign.", -x),
            ("length", "it is right only for a normal of length 1.", x - 2 * torch.outer(x @ across, across)),
            ("centroid", "the plane goes through the centroid.", x - 2 * off_centre),
            (
                "axis",
                "the mirror is a plane of the axes, whatever the normal is.",
                *(x * signs for signs in 1 - 2 * torch.eye(3, dtype=x.dtype)),
            ),
        )
