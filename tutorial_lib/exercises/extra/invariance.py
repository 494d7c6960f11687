"""The extra exercise of notebook 01: the mirror image of a cloud in a plane that lies as it likes."""

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud, recognise

HINTS = {
    "1.s length": "Is the mirror the same for a normal that is twice as long? It should be: both describe one plane.",
    "1.s shadow": "Do it twice. A mirror image of a mirror image is the thing itself, and a shadow of a shadow is not.",
    "1.s turned": "Which points stay where they are? In a mirror a whole plane does, in yours only a line.",
    "1.s axis": "The plane lies as its normal says. Does yours move when the normal does?",
    "1.s inverted": "Only the part along the normal changes its sign; what lies in the plane stays.",
    "1.s centroid": "The plane goes through the origin, wherever the cloud is.",
    "1.s same": "Take the normal (0, 0, 1): which of the three coordinates should have changed its sign?",
    "1.s other": "Take the normal (0, 0, 1) first, then a slanted one. What does a mirror do to the length of a row?",
}
RIGHT = "a mirror: distances stay, the plane stays, and doing it twice gives the cloud back."


def check_1_s(answer: object) -> Verdict:
    """The verdict on `reflect(x, normal)`: (n, 3), angstrom, mirrored in the plane through the origin normal to (3,).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("1.s", answer, _reflects, RIGHT)


def _reflects(answer: Answer, generator: Generator) -> None:
    for n_atoms in (5, 1, 3):
        x = random_cloud(n_atoms, generator)
        normal = torch.randn(3, generator=generator, dtype=x.dtype)
        unit = normal / normal.norm()
        along = (x @ unit)[:, None] * unit
        y = answer(x, normal, shape=(n_atoms, 3))
        if close(y, x - 2 * along):
            continue
        centred = x - x.mean(0)
        mistakes = [
            ("1.s same", x, "nothing has changed."),
            ("1.s shadow", x - along, "this is the shadow of the cloud on the plane."),
            ("1.s turned", 2 * along - x, "this is half a turn about the normal, and no mirror."),
            ("1.s inverted", -x, "every coordinate has changed its sign."),
            ("1.s length", x - 2 * (x @ normal)[:, None] * normal, "it is right only for a normal of length 1."),
            ("1.s centroid", x - 2 * (centred @ unit)[:, None] * unit, "the plane goes through the centroid."),
        ]
        recognise(y, mistakes, HINTS)
        if any(close(y, x * (1 - 2 * axis)) for axis in torch.eye(3, dtype=x.dtype)):
            raise Wrong("the mirror is a plane of the axes, whatever the normal is.", HINTS["1.s axis"])
        raise Wrong("it is not the mirror image in this plane.", HINTS["1.s other"])
