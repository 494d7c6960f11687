"""Pieces made of cubes: nothing comes in but how many cubes, the centres of the cubes go out.

The eight pieces of Tetris in space, two of which are each other's mirror image, and all polycubes up to six
cubes. The edge of a cube is the unit of length. What a network makes of them is not decided here.
"""

from itertools import permutations, product

import torch
from torch import Tensor

from tutorial_lib.vocabulary import Positions

# Cubes by their centres. The two screws come first: their order is what a network has to tell by a sign.
PIECES = {
    "left screw": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, -1)],
    "right screw": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)],
    "square": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)],
    "line": [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)],
    "corner": [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)],
    "L": [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 0)],
    "T": [(0, 0, 0), (1, 0, 0), (2, 0, 0), (1, 1, 0)],
    "zigzag": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0)],
}
MOST_CUBES = 6
Cells = frozenset[tuple[int, int, int]]
# The 48 ways to lay a cube upon itself: axes permuted, some of them reversed. Half of them are mirrors.
AXES = list(permutations(range(3)))
WAYS = [(order, signs) for order in AXES for signs in product((1, -1), repeat=3)]


def pieces() -> tuple[list[str], Positions]:
    """The eight pieces of four cubes, each about its centroid.

    Returns:
        Their names, and (8, 4, 3), in edges of a cube.

    Raises:
        Nothing.
    """
    centres = torch.tensor(list(PIECES.values()), dtype=torch.get_default_dtype())
    return list(PIECES), centres - centres.mean(dim=1, keepdim=True)


def polycubes(n: int, *, mirrors_equal: bool) -> list[Tensor]:
    """All shapes of n cubes that hang together face by face, each once in whatever pose, about its centroid.

    Grown cube by cube; two are one if a rotation, or a mirror where that counts as equal, brings one onto the
    other. Their numbers are known: the On-Line Encyclopedia of Integer Sequences, A000162 and A038119.

    Args:
        n: how many cubes, 1 to 6.
        mirrors_equal: count a shape and its mirror image once ("free"), or as two ("one-sided").

    Returns:
        For each shape (n, 3), in edges of a cube, in an order that is always the same.

    Raises:
        ValueError: n is not between 1 and 6.
    """
    if not 1 <= n <= MOST_CUBES:
        raise ValueError(f"{n} cubes: 1 to {MOST_CUBES} are allowed, beyond that there are thousands of shapes")
    shapes: set[Cells] = {frozenset([(0, 0, 0)])}
    for _ in range(n - 1):
        shapes = {_canonical(grown, mirrors_equal) for shape in shapes for grown in _one_more(shape)}
    tensors = [torch.tensor(sorted(shape), dtype=torch.get_default_dtype()) for shape in sorted(shapes, key=sorted)]
    return [x - x.mean(dim=0) for x in tensors]


def _one_more(shape: Cells) -> set[Cells]:
    steps = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    beside = {(x + a, y + b, z + c) for x, y, z in shape for a, b, c in steps} - shape
    return {shape | {cell} for cell in beside}


def _canonical(shape: Cells, mirrors_equal: bool) -> Cells:
    """The first of the shape's poses in alphabetical order."""
    posed = []
    for order, signs in WAYS:
        if not mirrors_equal and _is_mirror(order, signs):
            continue
        turned = [tuple(s * cell[i] for i, s in zip(order, signs, strict=True)) for cell in shape]
        low = [min(axis) for axis in zip(*turned, strict=True)]
        posed.append(sorted(tuple(a - b for a, b in zip(cell, low, strict=True)) for cell in turned))
    return frozenset(min(posed))


def _is_mirror(order: tuple[int, ...], signs: tuple[int, ...]) -> bool:
    swaps = sum(order[i] > order[j] for i in range(3) for j in range(i + 1, 3))
    return (-1) ** swaps * signs[0] * signs[1] * signs[2] < 0
