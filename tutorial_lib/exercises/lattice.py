"""The exercises of notebook 11 on the lattice: what is new, and where there is room."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from tutorial_lib.datasets.polycubes import WAYS, Cells, polycube_of, polycubes
from tutorial_lib.exercises.grader import WHOLE, Answer, Wrong, graded, recognise, wrong_if
from tutorial_lib.exercises.unaided import LIBRARY_HINT, alone
from tutorial_lib.models.hierarchical import growth

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
    "11.1 far": "Some whole numbers do not fit into every dtype. Print a piece after each step, once at the origin and "
    "once far from it.",
    "11.1 double": "Two cubes cannot stand in one place. How many places does the piece fill?",
    "11.1 torn": "Two parts that do not touch are no piece.",
    "11.1 loop": "Four cubes in a square have four contacts, one more than hold them together. Do contacts, counted, "
    "say that all hang together?",
    "11.1 long": "How many steps is it from one end of a line of twelve cubes to the other? And how many do you go?",
    "11.1 touch": "Cubes that share only an edge do not hold. How far apart are the middles of two that do?",
    "11.1 other": "Begin with one born piece and one known one. What should come out if they are the same, turned?",
    "11.3 right": "that is the true rule, and a head that has never heard of it has to learn it from examples.",
    "11.3 twice": "In the corner of an L one place touches two cubes. How often is it on your list?",
    "11.3 taken": "Is there room where a cube stands?",
    "11.3 edges": "Cubes are joined by faces. How many places share a face with a single cube?",
    "11.3 one side": "A cube has a left side, too. How many places share a face with a single cube?",
    "11.3 box": "There is room outside the box around the piece, and inside it there are places that touch nothing.",
    "11.3 hollow": "A place is free if no cube stands there, also where nobody could bring a cube to.",
    "11.3 far": "Large whole numbers lose digits in floats of single precision and in products of coordinates, and do "
    "not fit into every dtype. Which of your steps needs more than sums of whole numbers?",
    "11.3 long": "Two places that are far apart must not become one number. From which length on do yours?",
    "11.3 library": LIBRARY_HINT,
    "11.3 other": "Begin with a single cube: there should be six places.",
}
NEIGHBOURS = torch.cat([torch.eye(3), -torch.eye(3)]).long()
AROUND = torch.cartesian_prod(*[torch.arange(-1, 2)] * 3)
LONG = 110


@graded(HINTS)
def check_11_1(answer: Answer, generator: Generator) -> None:
    """The verdict on `n_new(born, known)`: lists of cells (k, 3), whole numbers, to how many are new."""
    screw = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1]])  # unlike its mirror image
    bench = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0]])
    cut = torch.tensor([[0, 0, 0], [1, 0, 0], [6, 2, 1], [6, 3, 1], [6, 4, 1]])  # each cube has a neighbour
    edge = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 1, 0]])
    loop = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [7, 0, 0]])  # it has four contacts
    more = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0], [1, 0, 1], [1, 0, 2]])  # than five
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
        ([bench, more], 1, "lost", "it counts a piece that has more cubes than the known ones."),
        ([bench + 126], 1, "far", "a piece does not count that is far from the origin."),
        ([bench + 2**15 - 1], 1, "far", "a piece does not count that is very far from the origin."),
        ([bench[[0, 1, 2, 3, 3]], bench], 1, "double", "it counts a piece with two cubes in one place."),
        ([cut, bench], 1, "torn", "it counts what does not hang together."),
        ([loop, bench], 1, "loop", "it counts a square of four and a cube far away."),
        ([bench, edge], 1, "touch", "it counts cubes that share an edge only as joined."),
        ([line], 0, "other", "of none but known pieces it does not say that none is new."),
    ):
        wrong_if(int(answer(born, [screw, line], shape=(), dtype=torch.int64)) != right, sentence, hint)
    long = torch.tensor([[0, 0, n] for n in range(12)])
    rows = [torch.cat([long[:k], long[k:] - torch.tensor([0, -1, k])]) for k in range(6, 13)]  # two, side by side
    box = [torch.cartesian_prod(torch.arange(2), torch.arange(2), torch.arange(3))]
    for born, hint, sentence in (
        ([long], "long", "a line of twelve cubes does not count."),
        ([_posed(row, generator) for row in rows], "name", "of seven pieces of twelve cubes it counts another number."),
    ):
        wrong_if(int(answer(born, box, shape=(), dtype=torch.int64)) != len(born), sentence, hint)
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


def _free(cells: Tensor, steps: Tensor) -> Tensor:
    """Steps away from cubes, without those that end in one: a place comes as often as it touches a cube."""
    places = (cells[:, None] + steps).flatten(0, 1)
    return places[~(places[:, None] == cells).all(dim=2).any(dim=1)]


def _pieces(generator: Generator) -> Iterator[Tensor]:
    """Cubes (n, 3): grown at random, near and far, a hollow shell, and two long rows that meet."""
    for n, away in ((6, 0), (1, 0), (2, 0), (5, 100_001), (12, 0), (40, 100_001)):
        cells = torch.zeros(1, 3, dtype=torch.int64)
        while len(cells) < n:
            onto, step = (int(torch.randint(most, (), generator=generator)) for most in (len(cells), 6))
            cells = torch.cat([cells, (cells[onto] + NEIGHBOURS[step])[None]]).unique(dim=0)
        yield _posed(cells, generator) + away
    yield AROUND[AROUND.any(dim=1)]
    row = torch.arange(LONG)[:, None]
    yield torch.cat([row * NEIGHBOURS[1], row[1:] * NEIGHBOURS[2]])


@graded(HINTS)
def check_11_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `room(cells)`: whole numbers (n, 3), a cube each, to the places (m, 3) for one more."""
    for cells in _pieces(generator):
        n = len(cells)
        watched = n == 1  # being watched takes time
        found = alone(answer, cells, without=(growth.__file__,), dtype=None) if watched else answer(cells, dtype=None)
        wrong_if(found.shape[1:] != (3,), f"it returns the shape {tuple(found.shape)}; m places have (m, 3).", "shape")
        wrong_if(found.dtype not in WHOLE, "places are not whole numbers.", "dtype")
        free, beside = _free(cells, NEIGHBOURS), (cells[:, None] + NEIGHBOURS).flatten(0, 1)
        right, touched = free.unique(dim=0, return_counts=True)
        boxed = ((right >= cells.amin(dim=0)) & (right <= cells.amax(dim=0))).all(dim=1)
        mistakes = (
            ("twice", "a place that touches several cubes comes several times.", free),
            ("taken", "there is room where cubes stand.", beside.unique(dim=0), beside),
            ("edges", "it takes places that share only an edge or a corner.", _free(cells, AROUND).unique(dim=0)),
            ("one side", "there is room on one side only.", _free(cells, NEIGHBOURS[:3]).unique(dim=0)),
            ("box", "only the box around the piece is looked at.", right[boxed]),
            ("hollow", "a hole with cubes on all sides is left out.", right[touched < 6]),
        )
        if not _same(found, right):
            recognise([(found, mistakes)], _same)
            near = answer(cells - cells[0], dtype=None) + cells[0]
            far = cells[0, 0] > 1000 and _same(near, right)
            wrong_if(far, "it is right at the origin, and wrong far from it.", "far")
            wrong_if(n > LONG, f"it is wrong for a piece that is {LONG} cubes long.", "long")
            raise Wrong(f"for {n} cubes it finds {len(found)} places, and there are {len(right)}, or others.", "other")


def _same(one: Tensor, other: Tensor) -> bool:
    return sorted(one.tolist()) == sorted(other.tolist())
