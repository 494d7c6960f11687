"""The exercises of notebook 04: a filter that turns, a message, what a product holds, and a function repaired."""

from itertools import product

import torch
from scipy.spatial.transform import Rotation
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "4.1 length": "Twice as long a vector has the same direction. What makes a vector one of length 1?",
    "4.1 trace": "The trace does not turn: it belongs to l = 0. Take it out evenly, so that the three diagonal numbers "
    "add up to zero.",
    "4.1 unit": "The bold 1 in the exercise is the unit matrix: only the diagonal gives something.",
    "4.1 size": "Up to a factor it is right. Which factor stands in the exercise?",
    "4.1 other": "Turn the vectors: your matrices should turn on both sides. Are x, y and z in their order?",
    "4.2 direction": "The vectors point away from the neighbours. Which end of the arrow is the atom that receives?",
    "4.2 index": "Each atom multiplies with its own number. Whose number does a message carry?",
    "4.2 unit": "The direction should have length 1: how far the neighbour is, is the business of the other factor.",
    "4.2 radial": "Something is missing: far neighbours count as much as near ones.",
    "4.2 origin": "Move the whole cloud: nothing should happen. Which vectors do not change then?",
    "4.2 mean": "Messages are added up, not averaged.",
    "4.2 other": "Try two atoms with the numbers 1 and 0, a distance of 1 apart, and compute both messages by hand.",
    "4.3 lower": "Vectors of lengths 3 and 1 cannot add up to one of length 1. How short can the sum of two be?",
    "4.3 upper": "How long can the sum of two vectors be?",
    "4.3 missing": "Every length in steps of one is there, from antiparallel to parallel, both ends included.",
    "4.3 parity": "What becomes of a product in a mirror, when one factor changes its sign? When both do? The l of the "
    "result does not decide that.",
    "4.4 back": "The outputs of turned clouds stand in turned poses. Bring them back before you put them together.",
    "4.4 inverse": "You turn the outputs on instead of back. Which matrix undoes a rotation?",
    "4.4 mean": "A function that is equivariant already should come out as it went in. Does yours?",
    "4.4 group": "Every rotation of the group has to be asked, not only some.",
    "4.4 other": "For a group of one element, the identity, your function should return f(x).",
}
RIGHT = {
    "4.1": "five independent numbers that turn among themselves: l = 2.",
    "4.2": "an equivariant message, the heart of every convolution here.",
    "4.3": "whatever two irreps are multiplied, you know what is in the product.",
    "4.4": "it works for any function and any finite group; for all rotations it would need infinitely many calls.",
}


def check_4_1(answer: object) -> Verdict:
    """The verdict on `second_harmonic(v)`: for vectors (n, 3), matrices (n, 3, 3) of l = 2, no unit.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("4.1", answer, _is_second_harmonic, RIGHT["4.1"])


def _is_second_harmonic(answer: Answer, generator: Generator) -> None:
    for n in (6, 1):
        v = random_cloud(n, generator)
        found = answer(v, shape=(n, 3, 3))
        unit = v / v.norm(dim=1, keepdim=True)
        truth = unit[:, :, None] * unit[:, None] - torch.eye(3, dtype=v.dtype) / 3
        if close(found, truth, 1e-6):  # a third in single precision will do
            continue
        if close(found, unit[:, :, None] * unit[:, None] - 1 / 3, 1e-6):
            raise Wrong("a third is taken from all nine numbers.", HINTS["4.1 unit"])
        if not close(answer(2 * v, shape=(n, 3, 3)), found):
            raise Wrong("it changes with the length of the vectors.", HINTS["4.1 length"])
        if found.diagonal(dim1=1, dim2=2).sum(dim=1).abs().max() > 1e-6 * found.abs().max():
            raise Wrong("the matrices have a trace.", HINTS["4.1 trace"])
        if close(found / found.norm(), truth / truth.norm()) or close(-found / found.norm(), truth / truth.norm()):
            raise Wrong("the matrices have another size.", HINTS["4.1 size"])
        raise Wrong("the matrices are others.", HINTS["4.1 other"])


def check_4_2(answer: object) -> Verdict:
    """The verdict on `message(f, x)`: numbers (n,) and positions (n, 3), angstrom, to vectors (n, 3), no unit.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("4.2", answer, _is_message, RIGHT["4.2"])


def _is_message(answer: Answer, generator: Generator) -> None:
    for n in (5, 2):
        x, f = random_cloud(n, generator), torch.randn(n, generator=generator, dtype=torch.float64)
        apart = x[None] - x[:, None]  # from the one that receives to the one that sends
        distance = apart.norm(dim=2) + torch.eye(n, dtype=x.dtype)
        unit, decay = apart / distance[..., None], (-distance).exp()[..., None]
        sent = f[None, :, None] * decay * unit
        tempting = {
            "direction": (-sent, "the vectors point the other way."),
            "index": (f[:, None, None] * decay * unit, "the messages carry other numbers."),
            "unit": (f[None, :, None] * decay * apart, "the directions are longer or shorter than 1."),
            "radial": (f[None, :, None] * unit, "the distance has no effect."),
            "mean": (sent / (n - 1), "the messages are divided by how many they are."),
        }
        found = answer(f, x, shape=(n, 3))
        if close(found, sent.sum(dim=1)):
            continue
        for name, (other, sentence) in tempting.items():
            if close(found, other.sum(dim=1)):
                raise Wrong(sentence, HINTS[f"4.2 {name}"])
        if not close(answer(f, x + 1, shape=(n, 3)), found):
            raise Wrong("it changes when the cloud is moved.", HINTS["4.2 origin"])
        raise Wrong("the vectors are others.", HINTS["4.2 other"])


def check_4_3(answer: object) -> Verdict:
    """The verdict on `holds(l1, p1, l2, p2, l3, p3)`: 1 if the third irrep is in the product of the others, else 0.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("4.3", answer, _knows_products, RIGHT["4.3"])


def _knows_products(answer: Answer, generator: Generator) -> None:
    wrong = []
    for l1, l2, l3 in product(range(4), range(4), range(8)):
        for p1, p2, p3 in product((1, -1), repeat=3):
            found = answer(l1, p1, l2, p2, l3, p3, shape=(), dtype=torch.int64).item()
            if found != (abs(l1 - l2) <= l3 <= l1 + l2 and p3 == p1 * p2):
                wrong.append((l1, p1, l2, p2, l3, p3))
    if not wrong:
        return
    names = [
        " x ".join(f"{a}{'e' if b == 1 else 'o'}" for a, b in ((l1, p1), (l2, p2))) for l1, p1, l2, p2, *_ in wrong
    ]
    (l1, _, l2, _, l3, p3), name = wrong[-1], names[-1]
    sentence = f"of {len(wrong)} cases, one is {l3}{'e' if p3 == 1 else 'o'} in {name}."
    if any(l3 < abs(l1 - l2) for l1, _, l2, _, l3, _ in wrong):
        raise Wrong(f"it errs about short ones; {sentence}", HINTS["4.3 lower"])
    if any(l3 > l1 + l2 for l1, _, l2, _, l3, _ in wrong):
        raise Wrong(f"it errs about long ones; {sentence}", HINTS["4.3 upper"])
    if all(p3 == p1 * p2 for _, p1, _, p2, _, p3 in wrong):
        raise Wrong(f"it misses some; {sentence}", HINTS["4.3 missing"])
    raise Wrong(f"it errs about parity; {sentence}", HINTS["4.3 parity"])


def check_4_4(answer: object) -> Verdict:
    """The verdict on `repaired(f, x, group)`: (3,), no unit, equivariant under the group, out of any f of (n, 3).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("4.4", answer, _repairs, RIGHT["4.4"])


def _repairs(answer: Answer, generator: Generator) -> None:
    for name in ("O", "C3", "I"):
        turn = random_rotation(generator)
        group = turn @ torch.tensor(Rotation.create_group(name).as_matrix()) @ turn.mT
        x = random_cloud(5, generator)
        weights = torch.randn(5, 3, 3, generator=generator, dtype=torch.float64)

        def f(x, weights=weights):
            return torch.einsum("ai,aij->j", x.tanh(), weights)

        outputs = torch.stack([f(x @ g.mT) for g in group])
        back = torch.einsum("gi,gij->gj", outputs, group)
        tempting = {
            "back": (outputs.mean(dim=0), "the outputs of turned clouds are put together as they are."),
            "inverse": (
                torch.einsum("gi,gji->gj", outputs, group).mean(dim=0),
                "the outputs are turned the wrong way.",
            ),
            "mean": (back.sum(dim=0), "it grows with the size of the group."),
            "group": (f(x), "the group has no effect."),
        }
        found = answer(f, x, group, shape=(3,)).detach()
        if close(found, back.mean(dim=0)):
            continue
        for which, (other, sentence) in tempting.items():
            if close(found, other):
                raise Wrong(sentence, HINTS[f"4.4 {which}"])
        raise Wrong("it is not the function that the repair of f gives.", HINTS["4.4 other"])
