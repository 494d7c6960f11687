"""Exercises of notebook 04 that are pieces of a convolution: a spherical harmonic, and a message."""

from collections.abc import Callable
from functools import partial
from itertools import product

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from tutorial_lib.datasets.polycubes import PIECES
from tutorial_lib.exercises.grader import (
    TOLERANCE,
    Answer,
    Trials,
    close,
    compared,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import in_single

DOUBLE = 1e-10  # relative; something like 1e-12 may be added where it is divided
SINGLE = 1e-5  # relative; seven digits on the way, or something like 1e-7 added
HINTS = {
    "4.1 right": "five independent numbers that turn among themselves: l = 2.",
    "4.1 wrong": "the matrices are others.",
    "4.1 digits": "Is something small added to the length? Or has something fewer digits than the input, as "
    "`torch.eye(3)` may have? It takes a dtype.",
    "4.1 any length": "Is the length kept above or below a bound, or is something added to it? Every vector but zero "
    "has a direction, however short or long it is.",
    "4.1 axis": "Every vector has a length of its own. Along which dimension does your norm run? What is its shape?",
    "4.1 length": "Twice as long a vector has the same direction. What makes a vector one of length 1?",
    "4.1 trace": "The trace does not turn: it belongs to l = 0. Take it out evenly, so that the three diagonal numbers "
    "add up to zero.",
    "4.1 unit": "The bold 1 in the exercise is the unit matrix: only the diagonal gives something.",
    "4.1 size": "Up to a factor it is right. Which factor stands in the exercise?",
    "4.1 not finite": "Is something divided by a single component, or by the length of a shadow? Look at a vector "
    "along an axis. Only the length of the whole vector is never zero.",
    "4.1 other": "Turn the vectors: your matrices should turn on both sides. Are x, y and z in their order?",
    "4.2 right": "an equivariant message, the heart of every convolution here.",
    "4.2 wrong": "the vectors are others.",
    "4.2 direction": "The vectors point away from the neighbours. Which end of the arrow is the atom that receives?",
    "4.2 index": "Each atom multiplies with its own number. Whose number does a message carry?",
    "4.2 unit": "The direction should have length 1: how far the neighbour is, is the business of the other factor.",
    "4.2 radial": "Something is missing: far neighbours count as much as near ones.",
    "4.2 origin": "Move the whole cloud: nothing should happen. Which vectors do not change then?",
    "4.2 mean": "Messages are added up, not averaged.",
    "4.2 near": "However near two atoms are, their direction has the length 1. Is their distance kept above a bound, "
    "or is something added to it?",
    "4.2 squares": "Are distances computed from squares and products of positions, as `torch.cdist` does for more than "
    "25 points? Far from the origin that loses digits. Take differences of positions first.",
    "4.2 cut-off": "The exponential falls, but it is never zero. Which atoms are left out?",
    "4.2 not finite": "Which of your divisors may be zero? An atom's distance from itself is, and so is a difference "
    "of coordinates where atoms share one, as in a plane.",
    "4.2 nearest": "Every other atom sends a message, not only a few that are nearest.",
    "4.2 digits": "Is something kept in single precision on the way, or added to the distance? Only an atom's distance "
    "from itself is zero, and there any other number will do.",
    "4.2 first": "A cloud may have any number of atoms. Does a loop in your function, or a slice, end too early?",
    "4.2 other": "Try two atoms with the numbers 1 and 0, once at a distance of 0.5 and once at 5, and compute both "
    "messages by hand.",
}

FAR = "atoms that are far from each other send nothing."
_PIECES = torch.tensor([*PIECES.values()], dtype=torch.float64)  # vectors along axes, atoms that share coordinates


def _harmonic(v: Tensor) -> Tensor:
    unit = normalize(v)
    return unit[:, :, None] * unit[:, None] - torch.eye(3, dtype=v.dtype) / 3


def _what_harmonic(answer: Answer, found: Tensor, v: Tensor) -> None:
    right = _harmonic(v)
    wrong_if(close(found, right, SINGLE), "it is right to some seven digits of sixteen.", "digits")
    wrong_if(not close(answer(2 * v, shape=found.shape), found), "it changes with the length of the vectors.", "length")
    wrong_if(
        found.diagonal(dim1=1, dim2=2).sum(dim=1).abs().max() > 1e-6 * found.abs().max(),
        "the matrices have a trace.",
        "trace",
    )
    wrong_if(
        any(close(sign * found / found.norm(), right / right.norm()) for sign in (1, -1)),
        "the matrices have another size.",
        "size",
    )


def _of_any_length(answer: Answer, generator: Generator) -> None:
    unit = normalize(random_cloud(5, generator))
    in_single(answer, _harmonic(unit), 2 * unit, dtype=torch.float32)
    for length, dtype in product((1e-6, 1e6), (torch.float64, torch.float32)):
        found = answer((length * unit).to(dtype), shape=(5, 3, 3), dtype=dtype).to(unit)
        off = not close(found, _harmonic(unit), TOLERANCE if dtype == torch.float64 else 1e-4)
        wrong_if(off, f"it is wrong for the length {length:.0e} in {dtype}.".replace("torch.", ""), "any length")


@compared(HINTS, tolerance=DOUBLE, explain=_what_harmonic, then=_of_any_length)
def check_4_1(generator: Generator) -> Trials:
    """The verdict on `second_harmonic(v)`: for vectors (n, 3), matrices (n, 3, 3) of l = 2, no unit."""
    bonds = (_PIECES[:, 1:] - _PIECES[:, :1]).flatten(0, 1)
    short_to_long = random_cloud(6, generator) * torch.logspace(-1, 1, 6, dtype=torch.float64)[:, None]
    for v in (short_to_long, random_cloud(1, generator), random_cloud(100, generator), torch.cat([bonds, -bonds])):
        third, long = torch.eye(3, dtype=v.dtype) / 3, v.norm(dim=1)
        others = (
            unit[:, :, None] * unit[:, None] - third
            for unit in (normalize(v, dim=0), *(v / size for size in (v.norm(), long.max(), long.mean())))
        )
        yield (
            (v,),
            _harmonic(v),
            ("unit", "a third is taken from all nine numbers.", _harmonic(v) + third - 1 / 3),
            ("axis", "the vectors are not normalised one by one.", *others),
        )


def _messages(f: Tensor, x: Tensor, heard: Callable[[Tensor], Tensor] = torch.ones_like) -> Tensor:
    offset = x[None] - x[:, None]  # from the one that receives to the one that sends
    distance = offset.norm(dim=2)
    return ((f * (-distance).exp() * heard(distance))[..., None] * normalize(offset, dim=2)).sum(dim=1)


def _among_nearest(distance: Tensor, n: int) -> Tensor:
    return distance <= distance.sort(dim=1).values[:, min(n, len(distance) - 1), None]


def _what_message(answer: Answer, found: Tensor, f: Tensor, x: Tensor) -> None:
    wrong_if(close(found, _messages(f, x), SINGLE), "it is right to some seven digits of sixteen.", "digits")
    wrong_if(not close(answer(f, x + 1, shape=found.shape), found), "it changes when the cloud is moved.", "origin")
    n, place, distances = len(x), torch.arange(len(x)), torch.pdist(x).unique() * (1 - 1e-9)
    first = any(close(found, _messages(f * (place < k), x), DOUBLE) for k in range(1, n))
    wrong_if(first, "atoms at the end of the list send nothing.", "first")
    near = any(close(found, _messages(f, x, lambda d, far=far: d < far), DOUBLE) for far in distances[n > 2 :])
    wrong_if(near, FAR, "cut-off")


def _near_far_and_in_single(answer: Answer, generator: Generator) -> None:
    x, f = (random_cloud(30, generator) + 30).float(), normal(generator, 30).float()
    found = answer(f, x, shape=(30, 3), dtype=torch.float32).double()
    sent = _messages(f.double(), x.double())
    wrong_if(not close(found, sent, 1e-4), "it is wrong about many atoms far from the origin.", "squares")
    x, f = random_cloud(12, generator), normal(generator, 12)
    in_single(answer, _messages(f, x), f, x, dtype=torch.float32)
    small = 1.1e-6 * x / torch.pdist(x).min()
    found = answer(f.float(), small.float(), shape=(12, 3), dtype=torch.float32).double()
    off = not close(found, _messages(f, small), 1e-4)
    wrong_if(off, "it is wrong about atoms some 10⁻⁶ apart, in single precision.", "near")
    x[1] = x[0] + 1.1e-6 * normalize(normal(generator, 3), dim=0)
    wrong_if(not close(answer(f, x, shape=(12, 3)), _messages(f, x)), "it is wrong about atoms 10⁻⁶ apart.", "near")


@compared(HINTS, tolerance=DOUBLE, explain=_what_message, then=_near_far_and_in_single)
def check_4_2(generator: Generator) -> Trials:
    """The verdict on `message(f, x)`: numbers (n,) and positions (n, 3), angstrom, to vectors (n, 3), no unit."""
    drawn = [scale * random_cloud(n, generator) for n, scale in ((5, 0.5), (14, 1), (3, 1), (2, 1), (6, 0.3), (1, 1))]
    two, many = random_cloud(2, generator), random_cloud(50, generator)
    for x in (*drawn, *_PIECES, many, 100 * two / torch.pdist(two)):
        n, f = len(x), normal(generator, len(x))
        f[:1] *= n != 4  # in the pieces, an atom that sends nothing
        offset = x[None] - x[:, None]
        distance = offset.norm(dim=2, keepdim=True)
        unit, decay, sent = normalize(offset, dim=2), (-distance).exp(), _messages(f, x)
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
                *((f[None, :, None] * decay * offset / distance.clamp(min=d)).sum(dim=1) for d in (1, 0.5)),
            ),
            ("cut-off", FAR, _messages(f, x, lambda d: d < 10)),
            (
                "nearest",
                "only the nearest atoms send.",
                *(_messages(f, x, partial(_among_nearest, n=k)) for k in range(1, 33)),
            ),
        )
