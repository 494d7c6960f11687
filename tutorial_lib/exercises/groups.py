"""Exercises of notebook 04 that ask for no network: what is in a product, and averaging over a group."""

from collections.abc import Callable, Iterable, Iterator
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
from tutorial_lib.exercises.tetris import DOUBLE, SINGLE
from tutorial_lib.exercises.unaided import DIGITS_HINT, in_single
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "4.3 right": "whatever two irreps are multiplied, you know what is in the product.",
    "4.3 constant": "The product of two vectors holds 1e, and it does not hold 1o. Yours says the same of both.",
    "4.3 count": "Each irrep is in the product once, or not at all: 1 or 0.",
    "4.3 large": "It is right for small l. The rule is the same for all of them, however large, and needs no "
    "coefficients.",
    "4.3 lower": "Vectors of lengths 3 and 1 cannot add up to one of length 1. How short can the sum of two be?",
    "4.3 upper": "How long can the sum of two vectors be?",
    "4.3 missing": "Vectors of lengths 3 and 1 may add up to 2, 3 or 4. Does yours find all three?",
    "4.3 parity": "What becomes of a product under the inversion, when one factor changes its sign? When both do? The "
    "l of the result does not decide that.",
    "4.4 right": "it works for any function and any finite group; for all rotations it would need infinitely many "
    "calls.",
    "4.4 wrong": "it is not the function that the repair of f gives.",
    "4.4 back": "The outputs of turned clouds stand in turned poses. Bring them back before you put them together.",
    "4.4 inverse": "You turn the outputs on instead of back. Which matrix undoes a rotation?",
    "4.4 mean": "A function that is equivariant already should come out as it went in. Does yours?",
    "4.4 group": "Ask f about the cloud in every pose that the group gives it, not only in some.",
    "4.4 mirror": "Inversions and mirrors are not in the group, and f knows left from right. Ask about rotations only.",
    "4.4 calls": "One call of f for each element of the group is enough, and f may be costly.",
    "4.4 digits": DIGITS_HINT,
    "4.4 columns": "Atoms are rows, here three rows of three numbers. On which side of them does a rotation belong?",
    "4.4 one": "Which of the answers is picked depends on f and on the cloud. The exercise asks for the mean of all.",
    "4.4 other": "For a group of one element, the identity, your function should return f(x); for more, the plain "
    "mean of as many answers as the group has elements.",
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


def _irreps(generator: Generator) -> Iterator[list[tuple]]:
    # In parts: what would be slow, or fill the memory, for many large l is refused before they come.
    def with_parities(lengths: Iterable[tuple]) -> list[tuple]:
        return [(l1, p1, l2, p2, l3, p3) for l1, l2, l3 in lengths for p1, p2, p3 in product((1, -1), repeat=3)]

    yield with_parities(product(range(4), range(4), range(8)))
    huge = 2**24 + 1  # single precision has no such number
    yield [(huge, 1, 0, 1, l3, 1) for l3 in (huge, huge - 1)]
    pairs = [*torch.randint(1, 40, (30, 2), generator=generator).tolist(), (40_000, 0), (2345, 3), (2, 1234)]
    ends = [(l1, l2, abs(l1 - l2), l1 + l2) for l1, l2 in pairs]
    yield with_parities((l1, l2, l3) for l1, l2, low, high in ends for l3 in (low, low + 1, high - 1, high, high + 1))


@graded(HINTS)
def check_4_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `holds(l1, p1, l2, p2, l3, p3)`: 1 if the third irrep is in the product of the others, else 0."""
    for large, cases in enumerate(_irreps(generator)):
        right = [abs(l1 - l2) <= l3 <= l1 + l2 and p3 == p1 * p2 for l1, p1, l2, p2, l3, p3 in cases]
        try:
            found = [answer(*case, shape=(), dtype=torch.int64).item() for case in cases]
        except Wrong as wrong:
            wrong_if(large and wrong.hint == "raises", f"for large l {wrong.sentence}", "large")
            raise
        if found != right:
            break
    else:
        return
    wrong = [case for case, *said in zip(cases, found, right, strict=True) if said[0] != said[1]]
    short = [case for case in wrong if case[4] < abs(case[0] - case[2])]
    long = [case for case in wrong if case[4] > case[0] + case[2]]
    least = min(max(case[::2]) for case in wrong)
    held = [case for case, yes in zip(cases, right, strict=True) if yes]
    cut = least > 0 and wrong == [case for case in held if max(case[::2]) >= least]
    any_parity = {case[1::2] for case in wrong} == {case[1::2] for case in held}

    def example(cases: list[tuple]) -> str:
        irreps = [f"{cases[0][at]}{'e' if cases[0][at + 1] == 1 else 'o'}" for at in (0, 2, 4)]
        return f"of {len(wrong)} cases, one is {irreps[2]} in {irreps[0]} x {irreps[1]}."

    first_fault(
        (not large and len(set(found)) == 1, f"it says {found[0]} of everything.", "constant"),
        (set(found) - {0, 1}, "it says other things than 0 and 1.", "count"),
        (large or cut, f"it errs about large l; {example(wrong)}", "large"),
        (short, f"it errs about short ones; {example(short or wrong)}", "lower"),
        (long, f"it errs about long ones; {example(long or wrong)}", "upper"),
        (any_parity, f"it misses some; {example(wrong)}", "missing"),
    )
    raise Wrong(f"it errs about parity; {example(wrong)}", "parity")


def _any_function(n: int, generator: Generator) -> Callable[[Tensor], Tensor]:
    weights = normal(generator, 2, n, 3, 3)
    constant = normal(generator, 3)

    def f(x: Tensor) -> Tensor:  # an odd part, an even one and a constant
        parts = torch.stack([x.tanh(), x.cos()])
        return torch.einsum("pai,paij->j", parts, weights.to(x.dtype)) + constant.to(x.dtype)

    return f


def _turned(generator: Generator, name: str) -> Tensor:
    turn = random_rotation(generator)
    return turn @ torch.tensor(Rotation.create_group(name).as_matrix()) @ turn.mT


def _brought_back(f: Callable[[Tensor], Tensor], x: Tensor, group: Tensor, sign: int = 1) -> Tensor:
    return torch.stack([sign * f(sign * x @ g.mT) @ g for g in group])


def _n_calls(answer: Answer, f: Callable[[Tensor], Tensor], x: Tensor, group: Tensor) -> int:
    asked = []
    answer(lambda turned: asked.append(1) or f(turned), x, group)
    return len(asked)


def _what_was_asked(answer: Answer, found: Tensor, f: Callable[[Tensor], Tensor], x: Tensor, group: Tensor) -> None:
    answers = _brought_back(f, x, group)
    wrong_if(close(found, answers.mean(dim=0), SINGLE), "it is right to some seven digits of sixteen.", "digits")
    if len(x) == 3:  # where the wrong side of a cloud raises nothing
        mixed = torch.stack([f(g @ x) @ g for g in group]).mean(dim=0)
        wrong_if(close(found, mixed, SINGLE), "atoms are mixed.", "columns")
    asked = _n_calls(answer, f, x, group)
    wrong_if(1 < asked < len(group), f"it asks f {asked} times, and the group has {len(group)} elements.", "group")
    wrong_if(any(close(found, one, SINGLE) for one in answers), "it is one of the answers.", "one")


def _once_a_pose(answer: Answer, generator: Generator) -> None:
    f, x, group = _any_function(4, generator), random_cloud(4, generator), _turned(generator, "C5")
    asked = _n_calls(answer, f, x, group)
    wrong_if(asked > len(group), f"it asks f {asked} times, and the group has {len(group)} elements.", "calls")
    right = _brought_back(f, x, group).mean(dim=0)
    in_single(answer, right, f, x, group, dtype=torch.float32)


@compared(HINTS, tolerance=DOUBLE, explain=_what_was_asked, then=_once_a_pose)
def check_4_4(generator: Generator) -> Trials:
    """The verdict on `repaired(f, x, group)`: (3,), no unit, the mean answer of any f of (n, 3) over the group."""
    for name, n in (("T", 3), ("O", 5), ("C72", 25), ("I", 2), ("C2", 1), ("C1", 1)):
        f, x, group = _any_function(n, generator), random_cloud(n, generator), _turned(generator, name)
        outputs, back = torch.stack([f(x @ g.mT) for g in group]), _brought_back(f, x, group)
        further = torch.einsum("gi,gji->gj", outputs, group)
        mirrored = (back + _brought_back(f, x, group, -1)) / 2
        yield (
            (f, x, group),
            back.mean(dim=0),
            ("back", "the outputs of turned clouds are put together as they are.", outputs.mean(dim=0)),
            ("inverse", "the outputs are turned the wrong way.", further.mean(dim=0)),
            ("mean", "it grows with the size of the group.", back.sum(dim=0)),
            ("group", "the group has no effect.", f(x)),
            ("mirror", "mirror images are taken into the mean as well.", mirrored.mean(dim=0)),
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
