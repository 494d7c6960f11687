"""Exercises of notebook 03 on two clouds: which atom is which, and how far apart their shapes are."""

from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    WHOLE,
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    graded,
    nearest_in_turn,
    normal,
    random_cloud,
    recognise,
    wrong_if,
)
from tutorial_lib.exercises.synchronisation import CUBE, TETRAHEDRON
from tutorial_lib.exercises.unaided import LIBRARY_HINT, alone, in_single
from tutorial_lib.representations.alignment import aligned_rmsd
from tutorial_lib.representations.rotations import random_rotation

N_MANY = 30  # atoms, too many to try all orders

HINTS = {
    "3.3 right": "no other order brings the atoms nearer to each other.",
    "3.3 greedy": "Two atoms cannot have one partner. Look for the assignment that is best for all of them together.",
    "3.3 in turn": "Each atom here takes the nearest one that is left. What it takes may be worth more to another: "
    "decide all pairs together.",
    "3.3 slow": "Thirty atoms have more orders than anybody can try. The hint of the exercise names a function that "
    "needs only a table of costs.",
    "3.3 digits": "Does a cost lose digits, by rounding, by a short type, or as a small difference of large "
    "numbers, or is it nearly the square of a distance? Which costs differ least?",
    "3.3 numpy": "NumPy is welcome inside. `torch.from_numpy` makes a tensor of what it gives.",
    "3.3 library": LIBRARY_HINT,
    "3.3 many": "It is right for few atoms. If you search, do you look at all pairs together, or improve a guess step "
    "by step? If not, is the cost exactly the square of the distance?",
    "3.3 two": "Two points may have changed places as well. Is a small cloud left as it is?",
    "3.3 inverse": "y[order] should lie upon x. Yours lays x[order] upon y.",
    "3.3 radius": "Atoms at the same distance from the origin need not lie in the same direction.",
    "3.3 distance": "The assignment with the smallest sum of distances is not always that with the smallest sum of "
    "their squares, which is asked for.",
    "3.3 worst": "This assignment is among the worst. Is it a cost that you hand over, or a gain?",
    "3.3 other": "There is an assignment with a smaller sum of squares.",
    "3.4 right": "a distance between shapes, with a gradient.",
    "3.4 wrong": "it is not the root-mean-square distance after alignment.",
    "3.4 pose": "Turn one of the two clouds: nothing has happened, and your number changes.",
    "3.4 mirror": "Matrices of inner products cannot tell a cloud from its mirror image; neither should your number.",
    "3.4 mean": "Root of the mean, over the n atoms, of squared distances: three coordinates make one distance.",
    "3.4 root": "A distance is in ångström. In which unit is yours?",
    "3.4 zero": "What lies exactly upon its mirror image is at distance 0. Do you add something, under the root or "
    "beside it, or do numbers lose digits on the way?",
    "3.4 negative": "Rounding can make a difference of zero slightly negative. Which square root has it then?",
    "3.4 library": LIBRARY_HINT,
    "3.4 centroid": "Both clouds come with an origin, their central atom, and it stays where it is.",
    "3.4 gradient": "A network that learns from this number needs its gradient with respect to the first cloud.",
    "3.4 slope": "Move one atom by 0.001 and compare: by how much does your number change, and by how much should it, "
    "by its gradient? The best rotation or mirror may be held fixed, and nothing else. A backward pass of your own "
    "multiplies by what arrives.",
    "3.4 nan": "Singular vectors have no derivative where two singular values are equal. The best rotation may be held "
    "fixed: at the best one, turning a little changes nothing.",
    "3.4 other": "Lay a cloud upon itself, then upon itself with one atom moved by 0.1: what do you expect?",
}


def _assigned(cost: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(cost.numpy())[1])


@graded(HINTS)
def check_3_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `partners_of(x, y)`: the order (n,) of whole numbers for which y[order] is nearest to x (n, 3)."""
    double, single = torch.float64, torch.float32
    for n_atoms, noise, size, away, dtype in (
        (8, 0.1, 1.0, 0.0, double),
        (5, 0.1, 1.0, 0.0, double),
        *[(8, 1.0, 1.0, 0.0, double)] * 4,
        *[(6, 1.0, 0.025, 0.0, double)] * 4,
        *[(8, 1.0, 0.002, 0.0, double)] * 8,
        *[(8, 1.0, 1.0, 50.0, double)] * 4,
        *[(8, 1.0, 1.0, 1e4, double), (8, 0.7, 1.0, 1e4, single)] * 4,
        *[(6, 2.0, 1.0, 0.0, double)] * 20,
        (1, 1.0, 1.0, 0.0, double),
        *[(2, 2.0, 1.0, 0.0, double)] * 6,
        *[(n, 0.7, 1.0, 0.0, double) for n in (3, 4, 12, 17, 23)],
        *((n, noise, 1.0, 0.0, single) for n, noise in ((6, 0.5), (8, 0.7), (N_MANY, 0.7))),
        *[(N_MANY, 2.0, 1.0, 0.0, double)] * 3,
        *[(N_MANY, 0.7, 1.0, 1e3, single)] * 3,
    ):
        x = random_cloud(n_atoms, generator)
        y = (x + noise * random_cloud(n_atoms, generator))[torch.randperm(n_atoms, generator=generator)]
        x = (size * x + away).to(dtype)
        y = (size * y + (1 if dtype == single else 2) * away).to(dtype)  # float32 leaves no room between them
        tried = partial(alone, answer) if n_atoms > 8 else answer
        order = tried(x, y, shape=(n_atoms,), dtype=torch.int64)
        kind = str(order.dtype).removeprefix("torch.")
        wrong_if(order.dtype not in WHOLE[:2], f"it returns {kind}, and `y[order]` takes int64 or int32.", "dtype")
        wrong_if(not set(order.tolist()) <= set(range(n_atoms)), "it names atoms that are not there.", "other")
        wrong_if(len(set(order.tolist())) < n_atoms, "two atoms share a partner.", "greedy")
        distance = (x.double()[:, None] - y.double()).norm(dim=2)
        best = _assigned(distance.square())
        tolerance = 1e-8 if dtype == double else 1e-4
        if close((y[order] - x).square().sum(), (y[best] - x).square().sum(), tolerance):
            continue
        wrong_if(n_atoms < 5, f"{n_atoms} atoms are farther apart than they need be, and eight are not.", "two")
        by_radius = y.norm(dim=1).argsort()[x.norm(dim=1).argsort().argsort()]
        mistakes = (
            ("inverse", "it is the order of the other cloud.", best.argsort()),
            ("distance", "it is nearly always right.", _assigned(distance) if _by_distance(answer) else order + 1),
            ("worst", "no other order is farther away.", _assigned(-distance.square())),
            ("radius", "atoms are paired by their distance from the origin.", by_radius),
            (
                "in turn",
                "no two atoms share a partner, and the sum could be smaller.",
                *(nearest_in_turn(distance, closest_first=closest) for closest in (False, True)),
            ),
        )
        recognise([(order, mistakes)], torch.equal)
        special = "very small clouds" if size < 1 else "clouds far from the origin"
        wrong_if(size < 1 or away > 0, f"it is wrong for {special}.", "digits")
        wrong_if(n_atoms > 8, f"of {n_atoms} atoms some are farther apart than they need be.", "many")
        raise Wrong("atoms are farther apart than they need be.", "other")


def _by_distance(answer: Answer) -> bool:
    # Whether it always makes the sum of distances smallest; short types do so now and then, too.
    clouds = [normal(Generator().manual_seed(seed), 2, 8, 3) for seed in range(20)]
    return all(torch.equal(answer(x, y, dtype=torch.int64).long(), _assigned(torch.cdist(x, y))) for x, y in clouds)


def _what_distance(answer: Answer, found: Tensor, x: Tensor, y: Tensor) -> None:
    turn = random_rotation(Generator().manual_seed(0))
    wrong_if(not close(answer(x @ turn.mT, y, shape=()), found, 1e-6), "it changes when one cloud is turned.", "pose")
    wrong_if(
        not close(answer(-x @ turn.mT, y, shape=()), found, 1e-6), "it changes when one cloud is mirrored.", "mirror"
    )
    _is_zero_where_it_should(answer, x)


def _is_zero_where_it_should(answer: Answer, *clouds: Tensor) -> None:
    generator = Generator().manual_seed(0)
    for x in clouds:
        try:
            apart = answer(x.detach(), -x.detach() @ random_rotation(generator).mT, shape=()).abs()
        except Wrong as wrong:
            wrong_if(wrong.hint == "not finite", "it is NaN between some clouds and their mirror images.", "negative")
            raise
        wrong_if(apart > 1e-6, f"a cloud and its mirror image are at distance {apart:.0e}.", "zero")


def _own_distance(answer: Answer, generator: Generator) -> None:
    x, y = random_cloud(8, generator), random_cloud(8, generator)
    _is_zero_where_it_should(answer, *(random_cloud(n, generator) for n in [8, 5, 3, 40] * 10))
    alone(answer, x, y, shape=())
    right = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
    in_single(answer, right, x, y)
    _has_a_gradient(answer, generator)


def _has_a_gradient(answer: Answer, generator: Generator) -> None:
    octahedron = torch.cat([torch.eye(3), -torch.eye(3)]).double()
    centred = torch.cat([0 * TETRAHEDRON[:1], TETRAHEDRON])
    clouds = []
    for n, depth in ((8, 1), (8, 1), (5, 1), (7, 1), (12, 1), (40, 1), (3, 1), (2, 1), (8, 0), (5, 0)):
        x, step = (random_cloud(n, generator) * torch.tensor([1, 1, depth]) for _ in range(2))
        kind = f"{n} atoms{' in a plane' * (depth == 0)}"
        clouds += [(x, sign * (x + step / 4) @ random_rotation(generator).mT, kind, "slope") for sign in (1, -1)]
    for corners in (TETRAHEDRON, centred, octahedron, CUBE):
        clouds.append((1.1 * corners, corners, f"a regular body of {len(corners)} atoms", "nan"))
    for *pair, kind, hint in clouds:
        for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-3)):
            x, y = (cloud.to(dtype).clone() for cloud in pair)
            found = answer(x.requires_grad_(), y, shape=(), dtype=None)
            right = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
            wrong_if(not found.requires_grad, "no gradient flows back to the positions.", "gradient")
            one, other = (torch.autograd.grad(rmsd.square(), x)[0] for rmsd in (found, right))
            wrong_if(not one.isfinite().all(), f"its gradient is NaN for {kind}.", "nan")
            wrong_if(not close(one, other, tolerance), f"its gradient is wrong for {kind}.", hint)


@compared(HINTS, tolerance=1e-6, explain=_what_distance, then=_own_distance)
def check_3_4(generator: Generator) -> Trials:
    """The verdict on `shape_distance(x, y)`: the RMSD, angstrom, of two clouds (n, 3) after the best turn or mirror."""
    cases = [(8, 1, 1), (5, 1, 1), (6, 1, 1), (40, 9, 1), (3, 0.1, 1), (5, 1e-3, 1), (2, 1, 1), (8, 1, 0)]
    for n, size, depth in cases:  # some of them lie better in a mirror
        x = size * random_cloud(n, generator) * torch.tensor([1, 1, depth]) @ random_rotation(generator).mT
        y = size * random_cloud(n, generator)
        rmsd = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
        shifted = (x - x.mean(0), y - y.mean(0)) if n > 2 else (x, y)  # two atoms would lie on a line
        centred = aligned_rmsd(*shifted, allow_mirror=True, reorder=False)
        yield (
            (x, y),
            rmsd,
            (
                "mean",
                "it is off by a factor that the number of atoms or of axes explains.",
                *(rmsd * factor for factor in (n**0.5, 3**-0.5, (3 * n) ** -0.5)),
            ),
            ("root", "it is the square of the distance.", rmsd.square()),
            ("centroid", "it turns about the centroids.", centred),
        )
