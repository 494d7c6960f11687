"""The extra exercise of notebook 04: about which axis a rotation turns."""

import torch
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge

HINTS = {
    "4.s sign": "A quarter turn about z takes x to y. What does yours say of its axis?",
    "4.s hand": "Both ends of an axis stay where they are, and an eigenvector may be either. Which end sees the turn "
    "go from x to y?",
    "4.s length": "A direction has length 1, however far it is turned.",
    "4.s order": "Try turns about x, y and z, one at a time: does each give its own axis?",
    "4.s middle": "One of the three goes round the other way. From z to x, or from x to z?",
    "4.s signs": "Try quarter turns about x, y and z, one at a time, each counter-clockwise: is any number below zero?",
    "4.s unsigned": "An axis may point to negative x as well. Where does the matrix keep its signs?",
    "4.s one vector": "You watched one vector turn. Another vector, turned by the same matrix, tells something else.",
    "4.s other": "Which vector comes out of the matrix as it went in?",
}
RIGHT = "the axis, and the right end of it: the turn goes counter-clockwise for whoever looks from there."


def check_4_s(answer: object) -> Verdict:
    """The verdict on `axis(Q)`: (3,), no unit, of length 1, of a rotation (3, 3) by less than 180 degrees.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("4.s", answer, _finds_the_axis, RIGHT)


def _finds_the_axis(answer: Answer, generator: Generator) -> None:
    cases = []
    for degrees in (90.0, 35.0, 140.0, 75.0, 120.0, 160.0, 20.0, 60.0):
        n = torch.randn(3, generator=generator, dtype=torch.float64)
        n = n / n.norm()
        turn = torch.deg2rad(n.new_tensor(degrees))
        unit = torch.eye(3, dtype=n.dtype)
        cross = torch.linalg.cross(n.expand(3, 3), unit).mT  # cross @ v is the cross product of n and v
        q = turn.cos() * unit + turn.sin() * cross + (1 - turn.cos()) * torch.outer(n, n)
        cases.append((n, q, answer(q, shape=(3,)).detach()))
    ends = [close(found, n, 1e-6) - close(found, -n, 1e-6) for n, _, found in cases]
    if all(end == 1 for end in ends):
        return
    if all(end == -1 for end in ends):
        raise Wrong("it is the other end of the axis.", HINTS["4.s sign"])
    if all(ends):
        raise Wrong("it is now one end of the axis, now the other.", HINTS["4.s hand"])
    n, q, found = (torch.stack(some) for some in zip(*cases, strict=True))
    seen = torch.linalg.cross(n.new_tensor([[1, 0, 0]]).expand_as(n), q[:, :, 0])
    length = found.norm(dim=1, keepdim=True)
    mistakes = {
        "middle": (found, n * n.new_tensor([1, -1, 1]), "the second number has the wrong sign."),
        "unsigned": (found, n.abs(), "no number is ever negative."),
        "one vector": (found, seen / seen.norm(dim=1, keepdim=True), "it is at right angles to x and to where x goes."),
        "signs": (found.abs(), n.abs(), "some of its three numbers have the wrong sign."),
        "length": ((found / length).abs(), n.abs(), "it has another length than 1."),
        "order": (found.abs().sort().values, n.abs().sort().values, "its three numbers stand in another order."),
    }
    for name, (one, other, sentence) in mistakes.items():
        if close(one, other, 1e-6):
            raise Wrong(sentence, HINTS[f"4.s {name}"])
    raise Wrong("it is another direction.", HINTS["4.s other"])
