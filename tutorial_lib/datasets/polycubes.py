"""Pieces made of cubes: the number of cubes comes in, the centres of the cubes go out; and back.

The eight pieces of Tetris in space, two of which are each other's mirror image, and all polycubes up to six
cubes. `polycube_of` says which polycube some points are, if any. The edge of a cube is the unit of length.
"""

from collections.abc import Iterable, Sequence
from itertools import permutations, product

import numpy as np
import torch
from torch import Generator, Tensor

from tutorial_lib.shapes import Places, Positions, check, check_finite, check_shapes

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
WAYS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
ROTATIONS = [(order, signs) for order, signs in WAYS if np.linalg.det(np.eye(3)[list(order)] * signs) > 0]


def pieces() -> tuple[list[str], Positions]:
    """The names of the eight pieces of four cubes, and their centres (8, 4, 3), each piece about its centroid."""
    centres = torch.tensor(list(PIECES.values()), dtype=torch.get_default_dtype())
    return list(PIECES), centres - centres.mean(dim=1, keepdim=True)


def polycubes(n: int, *, mirrors_equal: bool) -> list[Tensor]:
    """All shapes of n cubes joined face to face, each once in whatever pose, (n, 3) about its centroid.

    Grown cube by cube; two are one if a rotation, or a mirror where that counts as equal ("free" polycubes, not
    "one-sided" ones), brings one onto the other. On-Line Encyclopedia of Integer Sequences, A000162 and A038119.
    """
    check(1 <= n <= MOST_CUBES, f"{n} cubes: 1 to {MOST_CUBES} are allowed, beyond that there are thousands of shapes")
    shapes: set[Cells] = {frozenset([(0, 0, 0)])}
    for _ in range(n - 1):
        shapes = {_canonical(grown, mirrors_equal) for shape in shapes for grown in _one_more(shape)}
    tensors = [torch.tensor(sorted(shape), dtype=torch.get_default_dtype()) for shape in sorted(shapes, key=sorted)]
    return [x - x.mean(dim=0) for x in tensors]


def held_out(seed: int = 0, n_test: int = 28) -> tuple[list[Tensor], list[Tensor]]:
    """Free polycubes of two to six cubes: those to train on, and `n_test` of the 112 of six cubes to test on.

    Free, because to a network that knows mirrors a shape and its mirror image are one example.
    """
    hexacubes = polycubes(6, mirrors_equal=True)
    order = torch.randperm(len(hexacubes), generator=Generator().manual_seed(seed)).tolist()
    smaller = [shape for n in range(2, 6) for shape in polycubes(n, mirrors_equal=True)]
    return smaller + [hexacubes[i] for i in order[n_test:]], [hexacubes[i] for i in order[:n_test]]


def polycube_of(points: Places, *, mirrors_equal: bool, within: float = 0.1) -> Cells | None:
    """The polycube that points are the centres of, in whatever pose; None if they are of none.

    Axes are laid along two bonds, points are put on the lattice, and the lattice is laid upon them as well as it goes;
    no point may then be farther than `within` from its place. Two clouds are of one shape if their results are equal.
    """
    check_shapes(points=(points, "cubes 3"))
    check_finite(points, what="centres of cubes")
    points = points.double()
    if len(points) < 2:
        return frozenset([(0, 0, 0)]) if len(points) else None
    vectors = points - points[:, None]
    bonds = vectors[((vectors.norm(dim=2) - 1).abs() < 2 * within).triu()]
    if len(bonds) == 0:
        return None
    first = bonds[0] / bonds[0].norm()
    across = bonds - (bonds @ first)[:, None] * first
    if across.norm(dim=1).max() < 0.5:  # a line has no second axis: any will do
        across = torch.eye(3, dtype=points.dtype) - first[:, None] * first
    second = torch.nn.functional.normalize(across[across.norm(dim=1).argmax()], dim=0)
    axes = torch.stack([first, second, torch.linalg.cross(first, second)])
    cells = ((points - points[0]) @ axes.mT).round()
    places, centred = cells - cells.mean(dim=0), points - points.mean(dim=0)
    left, _, right = torch.linalg.svd(places.mT @ centred)  # the best of all rotations, also for a line, which has many
    shape = frozenset(tuple(cell) for cell in cells.int().tolist())
    off = (places @ left @ right - centred).norm(dim=1).max()
    whole = off <= within and len(shape) == len(points) and _hangs_together(shape)
    return _canonical(shape, mirrors_equal) if whole else None


def census(clouds: Sequence[Tensor], parents: Iterable[Sequence[Tensor]], known: Sequence[Tensor]) -> dict[str, int]:
    """How many clouds are "a parent", "another known shape", "new", of "fewer" or "more cubes", or "no polycube".

    A shape and its mirror image are one here.

    Args:
        clouds: (n, 3) each, in edges of a cube.
        parents: for each cloud those that it was made of, of one size.
        known: the shapes that the maker of the clouds has seen.
    """
    seen = {polycube_of(shape, mirrors_equal=True) for shape in known}
    counts = dict.fromkeys(["a parent", "another known shape", "new", "fewer cubes", "more cubes", "no polycube"], 0)
    for cloud, couple in zip(clouds, parents, strict=True):
        shape, size = polycube_of(cloud, mirrors_equal=True), len(couple[0])
        if shape is None:
            kind = "no polycube"
        elif len(shape) != size:
            kind = "fewer cubes" if len(shape) < size else "more cubes"
        elif shape in {polycube_of(parent, mirrors_equal=True) for parent in couple}:
            kind = "a parent"
        else:
            kind = "another known shape" if shape in seen else "new"
        counts[kind] += 1
    return counts


def random_trees(n_trees: int, generator: Generator, *, most: int = MOST_CUBES, apart: float = 0.95) -> list[Tensor]:
    """Point clouds joined by unit bonds in random directions: like polycubes, but with no lattice in them.

    Each point but the first stands at distance 1 from one of those before it, drawn evenly, and no two are nearer than
    `apart`. Sizes are from 2 to `most`, in turn; each tree is about its centroid.
    """
    check(
        apart <= 1 and most >= 2,
        f"{most} points {apart:g} apart, on bonds of 1: 2 points at least, and apart is at most 1",
    )
    trees = []
    while len(trees) < n_trees:
        tree = torch.zeros(1, 3)
        for _ in range(10 * most):  # if it has grown into itself, the tree is begun anew
            step = torch.randn(3, generator=generator)
            onto = int(torch.randint(len(tree), (1,), generator=generator))
            point = tree[onto] + step / step.norm()
            if ((tree - point).norm(dim=1) >= apart).all():
                tree = torch.cat([tree, point[None]])
            if len(tree) == 2 + len(trees) % (most - 1):
                trees.append(tree - tree.mean(dim=0))
                break
    return trees


def with_trees(
    shapes: Sequence[Tensor], generator: Generator, *, times: int = 17, most: int = MOST_CUBES
) -> list[Tensor]:
    """Shapes to train on, each `times` times, and as many random trees."""
    return [*shapes] * times + random_trees(times * len(shapes), generator, most=most)


def _one_more(shape: Cells) -> set[Cells]:
    steps = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    beside = {(x + a, y + b, z + c) for x, y, z in shape for a, b, c in steps} - shape
    return {shape | {cell} for cell in beside}


def _hangs_together(shape: Cells) -> bool:
    reached = {min(shape)}
    while grown := {cell for one in _one_more(frozenset(reached)) for cell in one & shape} - reached:
        reached |= grown
    return reached == shape


def _canonical(shape: Cells, mirrors_equal: bool) -> Cells:
    """The first of the shape's poses in alphabetical order."""
    posed = []
    for order, signs in WAYS if mirrors_equal else ROTATIONS:
        turned = [tuple(s * cell[i] for i, s in zip(order, signs, strict=True)) for cell in shape]
        low = [min(axis) for axis in zip(*turned, strict=True)]
        posed.append(sorted(tuple(a - b for a, b in zip(cell, low, strict=True)) for cell in turned))
    return frozenset(min(posed))
