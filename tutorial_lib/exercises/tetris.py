"""The exercises of notebook 04: a spherical harmonic, a message, tensor products, and averaging over a group."""

from collections.abc import Callable
from itertools import product

import torch
from scipy.spatial.transform import Rotation
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
from tutorial_lib.representations.rotations import random_rotation

SINGLE = 1e-5  # what is computed in single precision on the way will do
HINTS = {
    "4.1 right": "five independent numbers that turn among themselves: l = 2.",
    "4.1 wrong": "the matrices are others.",
    "4.1 axis": "Every vector has a length of its own. Along which dimension does your norm run? What is its shape?",
    "4.1 length": "Twice as long a vector has the same direction. What makes a vector one of length 1?",
    "4.1 trace": "The trace does not turn: it belongs to l = 0. Take it out evenly, so that the three diagonal numbers "
    "add up to zero.",
    "4.1 unit": "The bold 1 in the exercise is the unit matrix: only the diagonal gives something.",
    "4.1 size": "Up to a factor it is right. Which factor stands in the exercise?",
    "4.1 other": "Turn the vectors: your matrices should turn on both sides. Are x, y and z in their order?",
    "4.2 right": "an equivariant message, the heart of every convolution here.",
    "4.2 wrong": "the vectors are others.",
    "4.2 direction": "The vectors point away from the neighbours. Which end of the arrow is the atom that receives?",
    "4.2 index": "Each atom multiplies with its own number. Whose number does a message carry?",
    "4.2 unit": "The direction should have length 1: how far the neighbour is, is the business of the other factor.",
    "4.2 radial": "Something is missing: far neighbours count as much as near ones.",
    "4.2 origin": "Move the whole cloud: nothing should happen. Which vectors do not change then?",
    "4.2 mean": "Messages are added up, not averaged.",
    "4.2 near": "Atoms may be nearer to each other than 1. Has their direction still the length 1?",
    "4.2 other": "Try two atoms with the numbers 1 and 0, once at a distance of 0.5 and once at 5, and compute both "
    "messages by hand.",
    "4.3 right": "whatever two irreps are multiplied, you know what is in the product.",
    "4.3 constant": "The product of two vectors holds 1e, and it does not hold 1o. Yours says the same of both.",
    "4.3 count": "Each irrep is in the product once, or not at all: 1 or 0.",
    "4.3 large": "It is right for small l. The rule is the same for all of them, however large.",
    "4.3 lower": "Vectors of lengths 3 and 1 cannot add up to one of length 1. How short can the sum of two be?",
    "4.3 upper": "How long can the sum of two vectors be?",
    "4.3 missing": "Every length in steps of one is there, from antiparallel to parallel, both ends included.",
    "4.3 parity": "What becomes of a product in a mirror, when one factor changes its sign? When both do? The l of the "
    "result does not decide that.",
    "4.4 right": "it works for any function and any finite group; for all rotations it would need infinitely many "
    "calls.",
    "4.4 wrong": "it is not the function that the repair of f gives.",
    "4.4 back": "The outputs of turned clouds stand in turned poses. Bring them back before you put them together.",
    "4.4 inverse": "You turn the outputs on instead of back. Which matrix undoes a rotation?",
    "4.4 mean": "A function that is equivariant already should come out as it went in. Does yours?",
    "4.4 group": "Ask f about the cloud in every pose that the group gives it, not only in some.",
    "4.4 one": "Which of the answers is picked depends on f and on the cloud. The exercise asks for the mean of all.",
    "4.4 other": "For a group of one element, the identity, your function should return f(x); for more, the mean of as "
    "many answers as the group has elements.",
    "4.s right": "the axis, and the right end of it: the turn goes counter-clockwise for whoever looks from there.",
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


def _what_harmonic(answer: Answer, found: Tensor, v: Tensor) -> None:
    wrong_if(not close(answer(2 * v, shape=found.shape), found), "it changes with the length of the vectors.", "length")
    wrong_if(
        found.diagonal(dim1=1, dim2=2).sum(dim=1).abs().max() > 1e-6 * found.abs().max(),
        "the matrices have a trace.",
        "trace",
    )
    unit = normalize(v)
    right = unit[:, :, None] * unit[:, None] - torch.eye(3, dtype=v.dtype) / 3
    wrong_if(
        any(close(sign * found / found.norm(), right / right.norm()) for sign in (1, -1)),
        "the matrices have another size.",
        "size",
    )


@compared(HINTS, tolerance=SINGLE, explain=_what_harmonic)
def check_4_1(generator: Generator) -> Trials:
    """The verdict on `second_harmonic(v)`: for vectors (n, 3), matrices (n, 3, 3) of l = 2, no unit."""
    for n in (6, 1):
        v = random_cloud(n, generator) * torch.logspace(-1, 1, n, dtype=torch.float64)[:, None]
        third = torch.eye(3, dtype=v.dtype) / 3
        right, *others = (
            unit[:, :, None] * unit[:, None]
            for unit in (normalize(v), normalize(v, dim=0), v / v.norm(), v / v.norm(dim=1).max())
        )
        yield (
            (v,),
            right - third,
            ("unit", "a third is taken from all nine numbers.", right - 1 / 3),
            ("axis", "the vectors are not normalised one by one.", *(other - third for other in others)),
        )


def _stays_when_moved(answer: Answer, found: Tensor, f: Tensor, x: Tensor) -> None:
    wrong_if(not close(answer(f, x + 1, shape=found.shape), found), "it changes when the cloud is moved.", "origin")


@compared(HINTS, tolerance=SINGLE, explain=_stays_when_moved)
def check_4_2(generator: Generator) -> Trials:
    """The verdict on `message(f, x)`: numbers (n,) and positions (n, 3), angstrom, to vectors (n, 3), no unit."""
    for n, scale in ((5, 1), (2, 1), (6, 0.3), (1, 1)):
        x, f = scale * random_cloud(n, generator), normal(generator, n)
        offset = x[None] - x[:, None]  # from the one that receives to the one that sends
        distance = offset.norm(dim=2, keepdim=True)
        unit, decay = normalize(offset, dim=2), (-distance).exp()
        sent = (f[None, :, None] * decay * unit).sum(dim=1)
        yield (
            (f, x),
            sent,
            ("direction", "the vectors point the other way.", -sent),
            ("index", "the messages carry other numbers.", (f[:, None, None] * decay * unit).sum(dim=1)),
            ("unit", "the directions are longer or shorter than 1.", (f[None, :, None] * decay * offset).sum(dim=1)),
            ("radial", "the distance has no effect.", (f[None, :, None] * unit).sum(dim=1)),
            ("mean", "the messages are divided by how many they are.", sent / max(n - 1, 1)),
            (
                "near",
                "it is wrong about atoms nearer than 1.",
                (f[None, :, None] * decay * offset / distance.clamp(min=1)).sum(dim=1),
            ),
        )


@graded(HINTS)
def check_4_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `holds(l1, p1, l2, p2, l3, p3)`: 1 if the third irrep is in the product of the others, else 0."""
    lengths = [*product(range(4), range(4), range(8))]
    n_small = 8 * len(lengths)
    for l1, l2 in torch.randint(1, 40, (30, 2), generator=generator).tolist():
        lengths += [(l1, l2, l3) for l3 in (abs(l1 - l2), abs(l1 - l2) + 1, l1 + l2 - 1, l1 + l2, l1 + l2 + 1)]
    cases = [(l1, p1, l2, p2, l3, p3) for l1, l2, l3 in lengths for p1, p2, p3 in product((1, -1), repeat=3)]
    found = [answer(*case, shape=(), dtype=torch.int64).item() for case in cases]
    right = [abs(l1 - l2) <= l3 <= l1 + l2 and p3 == p1 * p2 for l1, p1, l2, p2, l3, p3 in cases]
    if found == right:
        return
    wrong = [case for case, *said in zip(cases, found, right, strict=True) if said[0] != said[1]]
    short = [case for case in wrong if case[4] < abs(case[0] - case[2])]
    long = [case for case in wrong if case[4] > case[0] + case[2]]
    lengths_hold = all(p3 == p1 * p2 for _, p1, _, p2, _, p3 in wrong)

    def example(cases: list[tuple]) -> str:
        irreps = [f"{cases[0][at]}{'e' if cases[0][at + 1] == 1 else 'o'}" for at in (0, 2, 4)]
        return f"of {len(wrong)} cases, one is {irreps[2]} in {irreps[0]} x {irreps[1]}."

    first_fault(
        (len(set(found)) == 1, f"it says {found[0]} of everything.", "constant"),
        (set(found) - {0, 1}, "it says other things than 0 and 1.", "count"),
        (found[:n_small] == right[:n_small], f"it errs about large l; {example(wrong)}", "large"),
        (short, f"it errs about short ones; {example(short or wrong)}", "lower"),
        (long, f"it errs about long ones; {example(long or wrong)}", "upper"),
        (lengths_hold, f"it misses some; {example(wrong)}", "missing"),
    )
    raise Wrong(f"it errs about parity; {example(wrong)}", "parity")


def _what_was_asked(answer: Answer, found: Tensor, f: Callable[[Tensor], Tensor], x: Tensor, group: Tensor) -> None:
    asked = []
    answer(lambda turned: asked.append(1) or f(turned), x, group)
    asks = f"it asks f {len(asked)} times, and the group has {len(group)} elements."
    wrong_if(1 < len(asked) < len(group), asks, "group")
    answers = torch.stack([f(x @ g.mT) @ g for g in group])
    wrong_if(any(close(found, one, SINGLE) for one in answers), "it is one of the answers.", "one")


@compared(HINTS, tolerance=SINGLE, explain=_what_was_asked)
def check_4_4(generator: Generator) -> Trials:
    """The verdict on `repaired(f, x, group)`: (3,), no unit, the mean answer of any f of (n, 3) over the group."""
    for name, n in (("O", 5), ("C3", 4), ("I", 2), ("C1", 1)):
        turn = random_rotation(generator)
        group = turn @ torch.tensor(Rotation.create_group(name).as_matrix()) @ turn.mT
        x, weights = random_cloud(n, generator), normal(generator, n, 3, 3)

        def f(x, weights=weights):
            return torch.einsum("ai,aij->j", x.tanh(), weights)

        outputs = torch.stack([f(x @ g.mT) for g in group])
        back, further = torch.einsum("gi,gij->gj", outputs, group), torch.einsum("gi,gji->gj", outputs, group)
        yield (
            (f, x, group),
            back.mean(dim=0),
            ("back", "the outputs of turned clouds are put together as they are.", outputs.mean(dim=0)),
            ("inverse", "the outputs are turned the wrong way.", further.mean(dim=0)),
            ("mean", "it grows with the size of the group.", back.sum(dim=0)),
            ("group", "the group has no effect.", f(x)),
        )


@graded(HINTS)
def check_4_s(answer: Answer, generator: Generator) -> None:
    """The verdict on `axis(Q)`: (3,), no unit, of length 1, of a rotation (3, 3) by less than 180 degrees."""
    angles = torch.deg2rad(torch.tensor([90, 35, 140, 75, 120, 160, 20, 60], dtype=torch.float64))
    n = normalize(torch.stack([normal(generator, 3) for _ in angles]))
    q = torch.tensor(Rotation.from_rotvec((angles[:, None] * n).numpy()).as_matrix())
    found = torch.stack([answer(turn, shape=(3,)).detach() for turn in q])
    ends = [close(one, axis, 1e-6) - close(one, -axis, 1e-6) for one, axis in zip(found, n, strict=True)]
    if all(end == 1 for end in ends):
        return
    across = torch.linalg.cross(n.new_tensor([[1, 0, 0]]).expand_as(n), q[:, :, 0])
    sizes, right_sizes = found.abs(), n.abs()
    first_fault(
        (all(end == -1 for end in ends), "it is the other end of the axis.", "sign"),
        (all(ends), "it is now one end of the axis, now the other.", "hand"),
        (close(found, n * n.new_tensor([1, -1, 1]), 1e-6), "the second number has the wrong sign.", "middle"),
        (close(found, right_sizes, 1e-6), "no number is ever negative.", "unsigned"),
        (close(found, normalize(across), 1e-6), "it is at right angles to x and to where x goes.", "one vector"),
        (close(sizes, right_sizes, 1e-6), "some of its three numbers have the wrong sign.", "signs"),
        (close(normalize(found).abs(), right_sizes, 1e-6), "it has another length than 1.", "length"),
        (
            close(sizes.sort().values, right_sizes.sort().values, 1e-6),
            "its three numbers stand in another order.",
            "order",
        ),
    )
    raise Wrong("it is another direction.", "other")
