"""The exercises of notebook 11 on points and on draws: what may go, what is kept, what is ever reached."""

import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Trials, Wrong, compared, normal
from tutorial_lib.exercises.unaided import DIGITS_HINT, in_single
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "11.2 right": "and so an editor never tears what it edits.",
    "11.2 ends": "Look at a ring: who has one neighbour only? And which of its points may go?",
    "11.2 neighbours": "The neighbours of a point need not be neighbours of each other: a chain is enough.",
    "11.2 whole": "Ask about what is left when the point is gone, and with the reach that comes in. (How many pairs "
    "are near does not say how many parts there are.)",
    "11.2 counted": "Nobody may go with you. Is the point that is gone still counted, as a part of its own?",
    "11.2 square": "Multiply all coordinates and the reach by ten: does your answer change?",
    "11.2 pairs": "Think of two pairs, far apart: everybody has a neighbour.",
    "11.2 grows": "A cloud in two parts does not hang together, with or without a point. What has to be one?",
    "11.2 lone": "Only what is left has to hang together. Put a point far from all others: may it go?",
    "11.2 pair": "One point by itself hangs together: nobody is missing.",
    "11.2 long": "A chain may have as many steps as there are points. How many do you go?",
    "11.2 box": "The distance of two points is a length. What do you compare with the reach?",
    "11.2 edge": "What is exactly as far as the reach is not nearer than it.",
    "11.2 digits": DIGITS_HINT,
    "11.2 reversed": "True for those that may go, please.",
    "11.2 other": "Three points in a row: the middle one may not go. And does your answer change with the reach?",
    "11.4 right": "a copy has all of them, and where nothing is left, nothing is kept.",
    "11.4 reversed": "Whose share is asked for? Points of the piece that are far from everything change nothing.",
    "11.4 ordered": "The points have no numbers. Shuffle the piece: does your answer change?",
    "11.4 square": "A distance is compared with `within`, not its square.",
    "11.4 box": "How far is it from one corner of a cube to the opposite one?",
    "11.4 count": "A share is asked for, from 0 to 1.",
    "11.4 all": "A parent may be there in part.",
    "11.4 empty": "A code may decode to nothing. What is kept then?",
    "11.4 pairs": "Count points of the parent, not pairs of points.",
    "11.4 one to one": "One point of the piece may be near to several of the parent. Is it used up by the first?",
    "11.4 edge": "What is exactly as far as `within` is not nearer than it.",
    "11.4 digits": DIGITS_HINT,
    "11.4 dtype": "A share in double precision is asked for, also where points come in single precision. What do you "
    "take the mean of, and in which dtype?",
    "11.4 other": "Begin with a parent of one point and a piece of one, nearer and farther than `within`; then let the "
    "parent have a second point that is far away.",
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


def _left(x: Tensor, reach: float, p: float = 2) -> Tensor:
    """In how many parts (n,) the others of x are without each point."""
    near = (x[:, None] - x).norm(p, dim=2) < reach  # torch.cdist loses digits beyond 25 points
    others = ~torch.eye(len(x), dtype=torch.bool)
    return torch.tensor([_n_parts(near[kept][:, kept]) for kept in others])


def _n_parts(near: Tensor) -> int:
    return connected_components(near.numpy(), directed=False)[0]


def _bush(n: int, generator: Generator) -> Tensor:
    """Points of which each is about 1 from one before it."""
    x = torch.zeros(1, 3, dtype=torch.float64)
    while len(x) < n:
        step = torch.randn(3, generator=generator, dtype=torch.float64)
        onto = int(torch.randint(len(x), (), generator=generator))
        x = torch.cat([x, (x[onto] + step / step.norm())[None]])
    return x


def _counts_errors(answer: Answer, found: Tensor, x: Tensor, reach: float) -> None:
    errors = int((found != (_left(x, reach) == 1)).sum())
    raise Wrong(f"of {len(x)} points {errors} are judged wrongly.", "other")


def _may_go_in_single(answer: Answer, generator: Generator) -> None:
    x = _bush(12, generator)
    in_single(answer, _left(x, 1.2) == 1, x, 1.2, same=torch.equal, dtype=torch.bool)


def _clouds(generator: Generator) -> Trials:
    """Points, in no order, and how far they reach."""
    angle = torch.pi * torch.arange(6) / 3
    ring = torch.stack([angle.cos(), angle.sin(), 0.3 * (-1) ** torch.arange(6)], dim=1).double()
    tail = torch.cat([ring, ring[:1] + torch.tensor([[1.0, 0.2, 0], [1.9, 0.1, 0.3]])])
    chain = torch.arange(36)[:, None] * torch.tensor([[1.0, 0, 0]]).double()
    row, bush, thicket = chain[:3] + torch.tensor([0, 0.1, 0]), _bush(14, generator), _bush(20, generator)
    outmost = bush[bush.norm(dim=1).argmax()]
    bush = torch.cat([bush, outmost + torch.tensor([[1.0], [2]]) * outmost / outmost.norm()])  # with an arm of two
    clouds = (bush, 1.05, 1), (thicket, 1.02, 3), (tail, 1.3, 0.1), (ring, 1.25, 1), (row, 1.2, 40)
    clouds += (torch.cat([row, row[:1] + 9]), 1.2, 1), (row[:2], 1.2, 1), (row[:2], 0.8, 1), (chain, 1.2, 0.5)
    for x, reach, scale in clouds:
        order = torch.randperm(len(x), generator=generator)
        yield (scale * x @ random_rotation(generator).mT)[order], scale * reach
    yield from ((chain[:3], 1.0), (chain[[1, 0, 2]], 1 + 1e-9))


@compared(HINTS, same=torch.equal, dtype=torch.bool, explain=_counts_errors, then=_may_go_in_single)
def check_11_2(generator: Generator) -> Trials:
    """The verdict on `may_go(x, reach)`: (n, 3), any unit, to (n,), whether the others hang together without each."""
    for x, reach in _clouds(generator):
        n, distance = len(x), (x[:, None] - x).norm(dim=2)
        near = (distance < reach).fill_diagonal_(False)
        left, whole = _left(x, reach), _n_parts(distance < reach)
        right = left == 1
        beside = torch.tensor([bool((distance[to][:, to] < reach).all()) for to in near])
        company = torch.stack([near[kept][:, kept].any(dim=1).all() for kept in ~torch.eye(n, dtype=torch.bool)])
        yield (
            (x, reach),
            right,
            ("pair", "of two points it says that none may go.", right & (n > 2)),
            ("long", "a long chain is torn.", right & (n < 30)),
            ("lone", "it asks whether the whole cloud hangs together, too.", right & (whole == 1)),
            ("edge", "what is exactly as far as the reach is taken.", _left(x, reach * (1 + 1e-12)) == 1),
            ("digits", "it is wrong where a distance is nearly the reach.", _left(x.float(), round(reach, 6)) == 1),
            ("reversed", "those that may go and those that may not are exchanged.", ~right),
            ("ends", "only points with one neighbour may go.", near.sum(dim=1) == 1),
            ("grows", "it asks whether there are more parts than before.", left <= whole),
            ("square", "with all lengths multiplied by a number it gives another answer.", _left(x, reach**0.5) == 1),
            ("box", "it compares single coordinates with the reach.", _left(x, reach, torch.inf) == 1),
            ("counted", "no point may go.", torch.zeros_like(right)),
            ("whole", "every point may go.", torch.ones_like(right)),
            ("neighbours", "it asks whether the neighbours of the point are near to each other.", beside),
            ("pairs", "it asks whether each of the others still has a neighbour.", company),
        )


def _clouds_apart(generator: Generator) -> Trials:
    """A parent, a piece, and what is near: drawn at random, and with points exactly, or nearly, as far as that."""
    for n, k, scale in ((40, 40, 0.8), (5, 9, 0.01), (1, 4, 1.0), (8, 3, 30.0), (6, 6, 1.0), (4, 0, 1.0)):
        parent = scale * _bush(n, generator) @ random_rotation(generator).mT
        drawn = torch.cat([torch.arange(k // 3), torch.randperm(max(n, k), generator=generator)[k // 3 : k]]) % n
        yield parent, parent[drawn] + 0.3 * scale * normal(generator, k, 3), 0.4 * scale
    parent = torch.tensor([[4, 0, 0], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [8, 0, 0], [0, 8, 0]]).double()
    yield parent, torch.tensor([[0, 0, 0.5], [4, 1, 0], [8, 1 - 1e-9, 0]], dtype=torch.float64), 1.0


def _kept_in_single(answer: Answer, generator: Generator) -> None:
    parent, piece, within = next(_clouds_apart(generator))
    near = (parent[:, None] - piece).norm(dim=2) < within
    in_single(answer, near.any(dim=1).double().mean(), parent, piece, within, dtype=torch.float64)


def _of_what_size(answer: Answer, found: Tensor, parent: Tensor, piece: Tensor, within: float) -> None:
    raise Wrong(f"of a parent of {len(parent)} points and a piece of {len(piece)} it is another share.", "other")


@compared(HINTS, errors=(("zero", "empty"),), explain=_of_what_size, then=_kept_in_single)
def check_11_4(generator: Generator) -> Trials:
    """The verdict on `kept(parent, piece, within)`: (n, 3), (k, 3), one unit, to the share () that is there."""
    for parent, piece, within in _clouds_apart(generator):
        offset, n, least = parent[:, None] - piece, len(parent), min(len(parent), len(piece))
        distance = offset.norm(dim=2)
        near, single = distance < within, offset.float().norm(dim=2) < within
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
            ("one to one", "a point of the piece counts once.", near[linear_sum_assignment(~near)].sum().double() / n),
            ("edge", "what is exactly as far as `within` is taken.", (distance <= within).any(dim=1).double().mean()),
            ("digits", "it is wrong where a distance is nearly `within`.", single.any(dim=1).double().mean()),
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
