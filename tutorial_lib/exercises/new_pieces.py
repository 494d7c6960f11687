"""The last exercises of notebook 05: which pieces are new, and which points hold a cloud together."""

import torch
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from tutorial_lib.datasets.polycubes import WAYS, Cells, polycube_of, polycubes
from tutorial_lib.exercises.grader import Answer, Trials, Wrong, compared, graded, wrong_if
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "5.5 right": "copies, mirror images and lost cubes count for nothing now.",
    "5.5 known": "A child may be the image of a parent. Is what is known already counted?",
    "5.5 order": "Which cube stands in the first row says nothing about a piece. Are the rows of your names sorted?",
    "5.5 name": "Two different pieces may have one name with you. What else could tell them apart?",
    "5.5 twice": "Two draws may give one piece. Different pieces are asked for, not draws.",
    "5.5 mirror": "A left screw and a right screw are one piece here. Is a reversal among your ways of turning?",
    "5.5 moved": "The same piece may be somewhere else. What of its places does not change when all move together?",
    "5.5 turned": "The same piece may stand or lie. In how many ways can a cube be turned?",
    "5.5 lost": "How many cubes have the known pieces, and how many has each of yours?",
    "5.5 torn": "Two parts that do not touch are no piece.",
    "5.5 touch": "Cubes that share an edge or a corner only do not hold. How far apart are the middles of two that do?",
    "5.5 other": "Begin with one born piece and one known one. What should come out if they are the same, turned?",
    "5.6 right": "and so an editor never tears what it edits.",
    "5.6 ends": "Look at a ring: who has one neighbour only? And which of its points may go?",
    "5.6 neighbours": "The neighbours of a point need not be neighbours of each other: a chain between them is enough.",
    "5.6 whole": "Ask about what is left when the point is gone, and with the reach that comes in.",
    "5.6 counted": "Nobody may go with you. Is the point that is gone still counted, as a part of its own?",
    "5.6 pairs": "Think of two pairs, far apart: everybody has a neighbour.",
    "5.6 grows": "A cloud in two parts does not hang together, with or without a point. What has to be one?",
    "5.6 reversed": "True for those that may go, please.",
    "5.6 other": "Three points in a row: the middle one may not go. And does your answer change with the reach?",
}


@graded(HINTS)
def check_5_5(answer: Answer, generator: Generator) -> None:
    """The verdict on `n_new(born, known)`: lists of cells (k, 3), whole numbers, to how many are new."""
    screw = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1]])  # unlike its mirror image
    bench = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0]])
    cut = torch.tensor([[0, 0, 0], [1, 0, 0], [6, 2, 1], [6, 3, 1], [6, 4, 1]])  # each cube has a neighbour
    edge = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 1, 0]])
    line = torch.tensor([[n, 0, 0] for n in range(5)])
    quarter = torch.tensor([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    for born, right, hint, sentence in (
        ([bench], 1, "other", "of one new piece it does not say that it is one."),
        ([screw, bench], 1, "known", "what is known is counted, too."),
        ([bench, screw[[1, 0, 2, 3, 4]]], 1, "order", "with its cubes in another order a piece is another one."),
        ([bench, screw + 3], 1, "moved", "it counts a piece that is somewhere else as another."),
        ([bench, screw @ quarter], 1, "turned", "it counts a piece that is turned as another."),
        ([-screw, bench], 1, "mirror", "it counts mirror images as two."),
        ([bench, bench.flip(0) @ quarter, bench], 1, "twice", "it counts one piece more than once."),
        ([bench, line[:3]], 1, "lost", "it counts a piece that has lost cubes."),
        ([cut, bench], 1, "torn", "it counts what does not hang together."),
        ([bench, edge], 1, "touch", "it counts cubes that share an edge only as joined."),
        ([line], 0, "other", "of none but known pieces it does not say that none is new."),
    ):
        wrong_if(int(answer(born, [screw, line], shape=(), dtype=torch.int64)) != right, sentence, hint)
    every = [(piece - piece[0]).round().long() for piece in polycubes(5, mirrors_equal=True)]
    for _ in range(3):
        drawn = [every[i] for i in torch.randint(len(every), (8,), generator=generator).tolist()]
        known, fresh = drawn[:3], drawn[3:]
        born = [*fresh, *fresh[:2], *known, line[1:], cut, edge]
        born = [_posed(born[i], generator) for i in torch.randperm(len(born), generator=generator).tolist()]
        right = len({_name(piece) for piece in fresh} - {_name(piece) for piece in known})
        found = int(answer(born, known, shape=(), dtype=torch.int64))
        wrong_if(
            found != right, f"it finds {found} new pieces, and there are {right}.", "name" if found < right else "other"
        )


def _posed(cells: Tensor, generator: Generator) -> Tensor:
    """The same piece, turned, mirrored, moved and renumbered."""
    order, signs = WAYS[int(torch.randint(len(WAYS), (), generator=generator))]
    shift = torch.randint(-5, 6, (3,), generator=generator)
    return (cells[:, list(order)] * torch.tensor(signs) + shift)[torch.randperm(len(cells), generator=generator)]


def _name(cells: Tensor) -> Cells | None:
    return polycube_of(cells.double(), mirrors_equal=True)


def _n_parts(x: Tensor, reach: float) -> int:
    return connected_components((torch.cdist(x, x) < reach).numpy(), directed=False)[0]


def _bush(n: int, generator: Generator) -> Tensor:
    """Points of which each is about 1 from one before it."""
    x = torch.zeros(1, 3, dtype=torch.float64)
    while len(x) < n:
        step = torch.randn(3, generator=generator, dtype=torch.float64)
        onto = int(torch.randint(len(x), (), generator=generator))
        x = torch.cat([x, (x[onto] + step / step.norm())[None]])
    return x


def _counts_errors(answer: Answer, found: Tensor, x: Tensor, reach: float) -> None:
    left = [_n_parts(torch.cat([x[:i], x[i + 1 :]]), reach) for i in range(len(x))]
    errors = int((found != (torch.tensor(left) == 1)).sum())
    raise Wrong(f"of {len(x)} points {errors} are judged wrongly.", "other")


@compared(HINTS, same=torch.equal, dtype=torch.bool, explain=_counts_errors)
def check_5_6(generator: Generator) -> Trials:
    """The verdict on `may_go(x, reach)`: (n, 3), any unit, to (n,), whether the others hang together without each."""
    angle = torch.pi * torch.arange(6) / 3
    ring = torch.stack([angle.cos(), angle.sin(), 0.3 * (-1) ** torch.arange(6)], dim=1).double()
    tail = torch.cat([ring, ring[:1] + torch.tensor([[1.0, 0.2, 0], [1.9, 0.1, 0.3]])])
    row = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0.2, 0]], dtype=torch.float64)
    bush, thicket = _bush(14, generator), _bush(20, generator)
    clouds = (bush, 1.2), (tail, 1.3), (thicket, 1.02), (ring, 1.25), (row, 1.2), (torch.cat([row, row[:1] + 9]), 1.2)
    for x, reach in clouds:
        x = (x @ random_rotation(generator).mT)[torch.randperm(len(x), generator=generator)]
        near = (torch.cdist(x, x) < reach).fill_diagonal_(False)
        others = ~torch.eye(len(x), dtype=torch.bool)
        left, whole = torch.tensor([_n_parts(x[kept], reach) for kept in others]), _n_parts(x, reach)
        right = left == 1
        beside = torch.tensor([bool((torch.cdist(x[to], x[to]) < reach).all()) for to in near])
        company = torch.stack([near[kept][:, kept].any(dim=1).all() for kept in others])
        yield (
            (x, reach),
            right,
            ("reversed", "those that may go and those that may not are exchanged.", ~right),
            ("ends", "only points with one neighbour may go.", near.sum(dim=1) == 1),
            ("grows", "it asks whether there are more parts than before.", left <= whole),
            ("whole", "it gives every point the same answer.", torch.full_like(right, whole == 1)),
            ("counted", "no point may go.", torch.zeros_like(right)),
            ("neighbours", "it asks whether the neighbours of the point are near to each other.", beside),
            ("pairs", "it asks whether each of the others still has a neighbour.", company),
        )
