"""The exercises of notebook 11: what is new, what may go, where there is room, what is kept, what is ever reached."""

import torch
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from tutorial_lib.datasets.polycubes import WAYS, Cells, polycube_of, polycubes
from tutorial_lib.exercises.grader import WHOLE, Answer, Trials, Wrong, compared, graded, normal, recognise, wrong_if
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "11.1 right": "copies, mirror images and lost cubes count for nothing now.",
    "11.1 known": "A child may be the image of a parent. Is what is known already counted?",
    "11.1 order": "Which cube stands in the first row says nothing about a piece. Are the rows of your names sorted?",
    "11.1 name": "Two different pieces may have one name with you. What else could tell them apart?",
    "11.1 twice": "Two draws may give one piece. Different pieces are asked for, not draws.",
    "11.1 mirror": "A left screw and a right screw are one piece here. Is a reversal among your ways of turning?",
    "11.1 moved": "The same piece may be somewhere else. What of its places does not change when all move together?",
    "11.1 turned": "The same piece may stand or lie. In how many ways can a cube be turned?",
    "11.1 lost": "How many cubes have the known pieces, and how many has each of yours?",
    "11.1 double": "Two cubes cannot stand in one place. How many places does the piece fill?",
    "11.1 torn": "Two parts that do not touch are no piece.",
    "11.1 touch": "Cubes that share only an edge do not hold. How far apart are the middles of two that do?",
    "11.1 other": "Begin with one born piece and one known one. What should come out if they are the same, turned?",
    "11.2 right": "and so an editor never tears what it edits.",
    "11.2 ends": "Look at a ring: who has one neighbour only? And which of its points may go?",
    "11.2 neighbours": "The neighbours of a point need not be neighbours of each other: a chain is enough.",
    "11.2 whole": "Ask about what is left when the point is gone, and with the reach that comes in.",
    "11.2 counted": "Nobody may go with you. Is the point that is gone still counted, as a part of its own?",
    "11.2 square": "Multiply all coordinates and the reach by ten: does your answer change?",
    "11.2 pairs": "Think of two pairs, far apart: everybody has a neighbour.",
    "11.2 grows": "A cloud in two parts does not hang together, with or without a point. What has to be one?",
    "11.2 reversed": "True for those that may go, please.",
    "11.2 other": "Three points in a row: the middle one may not go. And does your answer change with the reach?",
    "11.3 right": "that is the true rule, and a head that has never heard of it has to learn it from examples.",
    "11.3 twice": "In the corner of an L one place touches two cubes. How often is it on your list?",
    "11.3 taken": "Is there room where a cube stands?",
    "11.3 edges": "Cubes are joined by faces. How many places share a face with a single cube?",
    "11.3 one side": "A cube has a left side, too. How many places share a face with a single cube?",
    "11.3 box": "There is room outside the box around the piece, and inside it there are places that touch nothing.",
    "11.3 other": "Begin with a single cube: there should be six places.",
    "11.4 right": "a copy has all of them, and where nothing is left, nothing is kept.",
    "11.4 wrong": "it is another share.",
    "11.4 reversed": "Whose share is asked for? Points of the piece that are far from everything change nothing.",
    "11.4 ordered": "The points have no numbers. Shuffle the piece: does your answer change?",
    "11.4 square": "A distance is compared with `within`, not its square.",
    "11.4 box": "How far is it from one corner of a cube to the opposite one?",
    "11.4 count": "A share is asked for, from 0 to 1.",
    "11.4 all": "A parent may be there in part.",
    "11.4 empty": "A code may decode to nothing. What is kept then?",
    "11.4 pairs": "Count points of the parent, not pairs of points.",
    "11.4 other": "Begin with a parent of one point.",
    "11.s right": "so who draws a rare shape seldom has to draw long.",
    "11.s wrong": "it is another number of shapes.",
    "11.s draws": "A shape that was drawn twice counts once. After very many draws, how many are there?",
    "11.s cut": "Two draws at one half each: is it certain that the shape has come? Flip a coin twice.",
    "11.s union": "This is the probability that any of them comes. How many come?",
    "11.s never": "These are the ones that have not come.",
    "11.s mean": "How many shapes are asked for, not which share of them.",
    "11.s rare": "That holds for rare shapes. What is the chance that n independent draws all miss?",
    "11.s other": "Begin with one draw: the answer is the sum of the probabilities.",
}
NEIGHBOURS = torch.cat([torch.eye(3), -torch.eye(3)]).long()
AROUND = torch.cartesian_prod(*[torch.arange(-1, 2)] * 3)


@graded(HINTS)
def check_11_1(answer: Answer, generator: Generator) -> None:
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
        ([bench[[0, 1, 2, 3, 3]], bench], 1, "double", "it counts a piece with two cubes in one place."),
        ([cut, bench], 1, "torn", "it counts what does not hang together."),
        ([bench, edge], 1, "touch", "it counts cubes that share an edge only as joined."),
        ([line], 0, "other", "of none but known pieces it does not say that none is new."),
    ):
        wrong_if(int(answer(born, [screw, line], shape=(), dtype=torch.int64)) != right, sentence, hint)
    for n, alike in ((6, (88, 110, 9, 75, 24, 35)), (5, (2, 20, 4, 10)), (5, ()), (4, ())):  # by inertia, or distances
        every = [(piece - piece[0]).round().long() for piece in polycubes(n, mirrors_equal=True)]
        drawn = [every[i] for i in torch.randint(len(every), (8,), generator=generator).tolist()]
        known, fresh = drawn[:3], drawn[3:] + [every[i] for i in alike]
        lost = [known[0][1:], torch.cat([fresh[0][1:], fresh[0][1:2]])]
        born = [*fresh, *fresh[:2], *known, *lost, fresh[0] + 2 * (torch.arange(n)[:, None] > 1)]
        born = [_posed(born[i], generator) for i in torch.randperm(len(born), generator=generator).tolist()]
        right = len({_name(piece) for piece in born} - {_name(piece) for piece in known} - {None, _name(lost[0])})
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
def check_11_2(generator: Generator) -> Trials:
    """The verdict on `may_go(x, reach)`: (n, 3), any unit, to (n,), whether the others hang together without each."""
    angle = torch.pi * torch.arange(6) / 3
    ring = torch.stack([angle.cos(), angle.sin(), 0.3 * (-1) ** torch.arange(6)], dim=1).double()
    tail = torch.cat([ring, ring[:1] + torch.tensor([[1.0, 0.2, 0], [1.9, 0.1, 0.3]])])
    row = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0.2, 0]], dtype=torch.float64)
    bush, thicket = _bush(14, generator), _bush(20, generator)
    torn = torch.cat([row, row[:1] + 9])
    clouds = (bush, 1.2, 1.1), (tail, 1.3, 0.1), (thicket, 1.02, 3), (ring, 1.25, 1), (row, 1.2, 40), (torn, 1.2, 1)
    for x, reach, scale in clouds:
        x = (scale * x @ random_rotation(generator).mT)[torch.randperm(len(x), generator=generator)]
        reach = scale * reach
        near = (torch.cdist(x, x) < reach).fill_diagonal_(False)
        others = ~torch.eye(len(x), dtype=torch.bool)
        left, whole = torch.tensor([_n_parts(x[kept], reach) for kept in others]), _n_parts(x, reach)
        squared = torch.tensor([_n_parts(x[kept], reach**0.5) for kept in others])  # d^2 < reach
        right = left == 1
        beside = torch.tensor([bool((torch.cdist(x[to], x[to]) < reach).all()) for to in near])
        company = torch.stack([near[kept][:, kept].any(dim=1).all() for kept in others])
        yield (
            (x, reach),
            right,
            ("reversed", "those that may go and those that may not are exchanged.", ~right),
            ("ends", "only points with one neighbour may go.", near.sum(dim=1) == 1),
            ("grows", "it asks whether there are more parts than before.", left <= whole),
            ("square", "it compares squares of distances with the reach.", squared == 1),
            ("counted", "no point may go.", torch.zeros_like(right)),
            ("whole", "it gives every point the same answer.", torch.full_like(right, whole == 1)),
            ("neighbours", "it asks whether the neighbours of the point are near to each other.", beside),
            ("pairs", "it asks whether each of the others still has a neighbour.", company),
        )


def _free(cells: Tensor, steps: Tensor) -> Tensor:
    """Steps away from cubes, without those that end in one: a place comes as often as it touches a cube."""
    places = (cells[:, None] + steps).flatten(0, 1)
    return places[~(places[:, None] == cells).all(dim=2).any(dim=1)]


@graded(HINTS)
def check_11_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `room(cells)`: whole numbers (n, 3), a cube each, to the places (m, 3) for one more."""
    for n in (1, 2, 5, 12, 40):
        cells = torch.zeros(1, 3, dtype=torch.int64)
        while len(cells) < n:
            onto, step = (int(torch.randint(most, (), generator=generator)) for most in (len(cells), 6))
            cells = torch.cat([cells, (cells[onto] + NEIGHBOURS[step])[None]]).unique(dim=0)
        cells = _posed(cells, generator) + (1000 if n == 5 else 0)
        found = answer(cells, dtype=None)
        wrong_if(found.shape[1:] != (3,), f"it returns the shape {tuple(found.shape)}; m places have (m, 3).", "shape")
        wrong_if(found.dtype not in WHOLE, "places are not whole numbers.", "dtype")
        free, beside = _free(cells, NEIGHBOURS), (cells[:, None] + NEIGHBOURS).flatten(0, 1)
        right = free.unique(dim=0)
        boxed = ((right >= cells.amin(dim=0)) & (right <= cells.amax(dim=0))).all(dim=1)
        mistakes = (
            ("twice", "a place that touches several cubes comes several times.", free),
            ("taken", "there is room where cubes stand.", beside.unique(dim=0), beside),
            ("edges", "it takes places that share only an edge or a corner.", _free(cells, AROUND).unique(dim=0)),
            ("one side", "there is room on one side only.", _free(cells, NEIGHBOURS[:3]).unique(dim=0)),
            ("box", "only the box around the piece is looked at.", right[boxed]),
        )
        if sorted(found.tolist()) != right.tolist():
            recognise([(found, mistakes)], lambda one, other: sorted(one.tolist()) == sorted(other.tolist()))
            raise Wrong(f"for {n} cubes it finds {len(found)} places, and there are {len(right)}, or others.", "other")


@compared(HINTS, errors=(("zero", "empty"),))
def check_11_4(generator: Generator) -> Trials:
    """The verdict on `kept(parent, piece, within)`: (n, 3), (k, 3), one unit, to the share () that is there."""
    for n, k, scale in ((40, 40, 0.8), (5, 9, 0.01), (1, 4, 1.0), (8, 3, 30.0), (6, 6, 1.0), (4, 0, 1.0)):
        within, parent = 0.4 * scale, scale * _bush(n, generator) @ random_rotation(generator).mT
        drawn = torch.cat([torch.arange(k // 3), torch.randperm(max(n, k), generator=generator)[k // 3 : k]]) % n
        piece = parent[drawn] + 0.3 * scale * normal(generator, k, 3)
        offset = parent[:, None] - piece
        distance, least = offset.norm(dim=2), min(n, k)
        near = distance < within
        there, numbered = near.any(dim=1).double(), near[:least, :least].diagonal().sum().double() / n
        yield (
            (parent, piece, within),
            there.mean(),
            ("reversed", "it is the share of the piece's points.", near.any(dim=0).double().mean().nan_to_num()),
            ("ordered", "points are compared as they are numbered.", numbered),
            ("square", "it compares squares.", (distance**2 < within).any(dim=1).double().mean()),
            ("box", "it compares single coordinates.", (offset.abs().amax(dim=2) < within).any(dim=1).double().mean()),
            ("count", "points are counted.", there.sum()),
            ("all", "it asks for all or nothing.", there.prod()),
            ("pairs", "pairs are counted.", near.double().mean().nan_to_num(), near.double().sum() / n),
        )


@compared(HINTS)
def check_11_s(generator: Generator) -> Trials:
    """The verdict on `reached(p, n)`: how probable each shape is (k,), and a number of draws, to how many come ()."""
    for k, n, total in ((37, 400, 0.9), (12, 20, 0.3), (1, 2, 0.5), (40, 1, 1.0), (7, 1000, 0.02)):
        p = 0.05 + torch.rand(k, generator=generator).double()
        p = total * p / p.sum()
        missed = (1 - p) ** n
        yield (
            (p, n),
            (1 - missed).sum(),
            ("draws", "draws are counted, not shapes.", n * p.sum()),
            ("cut", "it takes for certain what is not.", (n * p).clamp(max=1).sum()),
            ("union", "it is the probability that any of them comes.", 1 - (1 - p.sum()) ** n),
            ("never", "those that never come are counted.", missed.sum()),
            ("mean", "a share is returned.", (1 - missed).mean()),
            ("rare", "it is right for rare shapes only.", (1 - (-n * p).exp()).sum()),
        )
