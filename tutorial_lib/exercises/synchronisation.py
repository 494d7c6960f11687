"""The exercises of notebook 03: atoms from a matrix, the best rotation, assignment, and a distance between shapes."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib import representations
from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    graded,
    random_cloud,
    recognise,
    wrong_if,
)
from tutorial_lib.representations.alignment import aligned_rmsd, best_rotation
from tutorial_lib.representations.gram import gram_matrix
from tutorial_lib.representations.rotations import random_rotation

LIBRARY = str(Path(representations.__file__).parent)
PATIENCE = 5  # CPU seconds, for what takes a fraction of one
N_MANY = 30  # atoms, too many to try all orders
BY_LIBRARY = "Write the steps yourself, and compare with the library's function in a cell of your own."

HINTS = {
    "3.1 right": "the cloud is there, in a pose of its own.",
    "3.1 wrong": "their Gram matrix is another.",
    "3.1 root": "Lengths come out squared. What is the square root of a diagonal matrix?",
    "3.1 smallest": "In which order does eigh return eigenvalues, and which of them carry the cloud?",
    "3.1 rows": "The eigenvectors are the columns of what eigh returns. Whose coordinates stand in a row of yours?",
    "3.1 flat": "Rounding can make an eigenvalue of zero slightly negative. Which square root has it then?",
    "3.1 library": BY_LIBRARY,
    "3.1 other": "Multiply your positions with their own transpose, and compare with what came in.",
    "3.2 right": "the best rotation, and never a mirror.",
    "3.2 wrong": "another rotation brings the clouds nearer to each other.",
    "3.2 mirror": "Your Q has determinant -1: it is a mirror. Which direction costs least if its sign is flipped?",
    "3.2 inverse": "It turns the target onto the source. Which of the two clouds stands on the left in your product?",
    "3.2 centroid": "Both clouds come with an origin, their central atom, and it stays where it is.",
    "3.2 orthogonal": "Q has to be orthogonal: of the three factors of a singular value decomposition two are, and one "
    "is not.",
    "3.2 flip": "A flip costs twice the singular value of its direction. Where does the smallest one stand?",
    "3.2 axis": "You flip a row or a column of Q, which is an axis of the coordinates. What should be flipped is the "
    "direction of the smallest singular value, between the two factors of the decomposition.",
    "3.2 library": BY_LIBRARY,
    "3.2 factor": "Look up what svd returns third: the vectors, or their transpose?",
    "3.2 other": "It is a rotation, and another one comes nearer. Which matrix did you decompose?",
    "3.3 right": "no other order brings the atoms nearer to each other.",
    "3.3 greedy": "Two atoms cannot have one partner. Look for the assignment that is best for all of them together.",
    "3.3 in turn": "Each atom here takes the nearest one that is left. What it takes may be worth more to another: "
    "decide all pairs together.",
    "3.3 slow": "Thirty atoms have more orders than anybody can try. The hint of the exercise names a function that "
    "needs only a table of costs.",
    "3.3 library": BY_LIBRARY,
    "3.3 many": "It is right for few atoms. Does your search look at all pairs together, or improve a guess step by "
    "step?",
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
    "beside it?",
    "3.4 library": BY_LIBRARY,
    "3.4 gradient": "A network that learns from this number needs its gradient with respect to the first cloud.",
    "3.4 nan": "Singular vectors have no derivative where two singular values are equal. The best rotation may be held "
    "fixed: at the best one, turning a little changes nothing.",
    "3.4 other": "Lay a cloud upon itself, then upon itself with one atom moved by 0.1: what do you expect?",
    "3.s right": "the rotation nearest to all of them, and no mirror even where the mean matrix would like one.",
    "3.s wrong": "another rotation has a smaller sum of squares.",
    "3.s mean": "Is the mean of rotations a rotation? Multiply yours by its own transpose.",
    "3.s orthogonal": "Multiply yours by its own transpose. What should come out?",
    "3.s mirror": "Your matrix is orthogonal, and a mirror. Which direction costs least if its sign is flipped?",
    "3.s flip": "Flipping a sign makes a rotation of a mirror, and each flip costs something. Of the singular values, "
    "which says how much?",
    "3.s inverse": "It turns the other way: which side is transposed?",
    "3.s rows": "It is a rotation, and depends on which axis was taken first. Which factorisation has no first axis?",
    "3.s first": "The others should have a say.",
    "3.s scaled": "Length one for each row does not make rows that stand at right angles.",
    "3.s other": "Try the mean of two turns about z, by 0 and by 90 degrees.",
}


def _alone(answer: Answer, *inputs: Tensor, **asked: object) -> Tensor:
    """What an answer gives where it may neither call the library nor search for ever."""
    began, files, late = time.process_time(), set(), []

    def watch(frame, event, argument):  # Python calls it at every call and return
        files.add(frame.f_code.co_filename)
        if time.process_time() - began > PATIENCE:
            late.append(event)
            raise TimeoutError

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        found = answer(*inputs, **asked)
    except Wrong:
        wrong_if(late, f"{len(inputs[0])} atoms take it longer than {PATIENCE} seconds.", "slow")
        raise
    finally:
        sys.setprofile(before)
    wrong_if(any(file.startswith(LIBRARY) for file in files), "it calls the library's own function.", "library")
    return found


def _in_single(answer: Answer, right: Tensor, same: Callable[[Tensor, Tensor], bool], *inputs: Tensor) -> None:
    """Raise `Wrong` for an answer that fails where numbers have single precision."""
    found = answer(*(x.float() for x in inputs), shape=tuple(right.shape), dtype=None)
    wrong_if(not same(found.detach().to(right), right), "it is wrong for numbers in single precision.", "other")


def _same_gram(one: Tensor, other: Tensor, tolerance: float = 1e-6) -> bool:
    return close(gram_matrix(one), gram_matrix(other), tolerance)


def _own_atoms(answer: Answer, generator: Generator) -> None:
    x = random_cloud(8, generator)
    _alone(answer, gram_matrix(x), shape=(8, 3))
    _in_single(answer, x, partial(_same_gram, tolerance=1e-4), gram_matrix(x))


def _own_rotation(answer: Answer, generator: Generator) -> None:
    source, target = random_cloud(8, generator), random_cloud(8, generator)
    _alone(answer, source, target, shape=(3, 3))
    best = best_rotation(source, target, allow_mirror=False)
    _in_single(answer, best, partial(close, tolerance=1e-3), source, target)


def _what_atoms(answer: Answer, found: Tensor, gram: Tensor) -> None:
    values, vectors = torch.linalg.eigh(gram)
    square = close(gram_matrix(found), gram @ gram, 1e-6)
    mixed_up = [(columns * values[-3:].sqrt()).abs() for columns in (vectors[-3:].mT, vectors.mT[:, -3:])]
    first_fault(
        (square, "their Gram matrix is the square of the one that came in.", "root"),
        (found.abs().max() < 1e-5, "all atoms stand at the origin.", "smallest"),
        (any(close(found.abs(), x, 1e-6) for x in mixed_up), "rows and columns are mixed up.", "rows"),
    )


@compared(HINTS, same=_same_gram, errors=(("NaN", "flat"),), explain=_what_atoms, then=_own_atoms)
def check_3_1(generator: Generator) -> Trials:
    """The verdict on `atoms(g)`: positions (n, 3), angstrom, whose Gram matrix (n, n) is g, angstrom^2."""
    flat = [(n_atoms, depth) for n_atoms in (8, 5, 3) for depth in ([1, 1, 0], [1, 0, 0])] * 4
    for n_atoms, sizes in [(8, [1, 1, 1]), (5, [1, 1, 1]), (40, [9, 9, 9]), (3, [0.1, 0.1, 0.1]), *flat]:
        x = random_cloud(n_atoms, generator) * torch.tensor(sizes) @ random_rotation(generator).mT
        yield (gram_matrix(x),), x


def _no_rotation(not_orthogonal: str, mirror: str, answer: Answer, found: Tensor, *inputs: Tensor) -> None:
    first_fault(
        (not close(found @ found.mT, torch.eye(3, dtype=found.dtype), 1e-6), not_orthogonal, "orthogonal"),
        (torch.linalg.det(found) < 0, mirror, "mirror"),
    )


@compared(
    HINTS,
    tolerance=1e-6,
    explain=partial(_no_rotation, "Q Q^T is not the identity.", "for some clouds it is a mirror."),
    then=_own_rotation,
)
def check_3_2(generator: Generator) -> Trials:
    """The verdict on `rotation(source, target)`: the Q (3, 3), no unit, determinant +1, that turns (n, 3) best."""
    cases = [(8, 1, 0.0), (8, 1, 0.5), (8, -1, 0.0), (8, -1, 0.5), (5, 1, 3.0), (4, -1, 0.5), (40, -1, 1.0)]
    flat = [(8, 1, 0.0, 0)] * 4  # clouds whose third singular value is zero
    for n_atoms, sign, noise, depth in [*((*case, 1) for case in cases), *flat]:
        source = random_cloud(n_atoms, generator) * torch.tensor([1, 1, depth])
        turn = sign * random_rotation(generator)
        target = source @ turn.mT + noise * random_cloud(n_atoms, generator)
        best = best_rotation(source, target, allow_mirror=False)
        u, _, wt = torch.linalg.svd(target.mT @ source)
        hand = torch.linalg.det(u @ wt)
        axes = [torch.diag(torch.where(torch.arange(3) == at, hand, 1.0)) for at in range(3)]
        flips = [u * u.new_tensor(signs) @ wt for signs in ([hand, 1, 1], [1, hand, 1], [hand, hand, hand])]
        centred = best_rotation(source - source.mean(0), target - target.mean(0), allow_mirror=False)
        yield (
            (source, target),
            best,
            ("flip", "the sign of one direction is flipped, and it costs too much.", *flips),
            ("axis", "an axis of the coordinates is flipped.", *(x for d in axes for x in (d @ u @ wt, u @ wt @ d))),
            ("factor", "one factor is transposed.", u * u.new_tensor([1, 1, hand]) @ wt.mT),
            ("inverse", "it is the inverse of the best rotation.", best.mT),
            ("centroid", "it turns about the centroids.", centred),
        )


def _assigned(cost: Tensor) -> Tensor:
    return torch.from_numpy(linear_sum_assignment(cost.numpy())[1])


def _in_turn(cost: Tensor, *, closest_first: bool) -> Tensor:
    """The partners where rows in turn take the cheapest column that is left, or the cheapest pair of all is next."""
    cost, order = cost.clone(), torch.zeros(len(cost), dtype=torch.int64)
    for row in range(len(cost)):
        row = int(cost.amin(1).argmin()) if closest_first else row
        order[row] = cost[row].argmin()
        cost[:, order[row]], cost[row] = torch.inf, torch.inf
    return order


@graded(HINTS)
def check_3_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `partners_of(x, y)`: the order (n,) of whole numbers for which y[order] is nearest to x (n, 3)."""
    few, single = [(8, 0.1), (5, 0.1), *[(8, 1.0)] * 4, *[(6, 2.0)] * 20, (1, 1.0), (2, 2.0)], [(6, 0.5)]
    for n_atoms, noise in [*few, *single, *[(N_MANY, 2.0)] * 3]:
        x = random_cloud(n_atoms, generator)
        y = (x + noise * random_cloud(n_atoms, generator))[torch.randperm(n_atoms, generator=generator)]
        x, y = (x.float(), y.float()) if (n_atoms, noise) in single else (x, y)
        tried = partial(_alone, answer) if n_atoms == N_MANY else answer
        order = tried(x, y, shape=(n_atoms,), dtype=torch.int64)
        wrong_if(not set(order.tolist()) <= set(range(n_atoms)), "it names atoms that are not there.", "other")
        wrong_if(len(set(order.tolist())) < n_atoms, "two atoms share a partner.", "greedy")
        distance = torch.cdist(x, y)
        best = _assigned(distance.square())
        tolerance = 1e-8 if x.dtype == torch.float64 else 1e-4
        if close((y[order] - x).square().sum(), (y[best] - x).square().sum(), tolerance):
            continue
        by_radius = y.norm(dim=1).argsort()[x.norm(dim=1).argsort().argsort()]
        mistakes = (
            ("inverse", "it is the order of the other cloud.", best.argsort()),
            ("distance", "it is nearly always right.", _assigned(distance)),
            ("worst", "no other order is farther away.", _assigned(-distance.square())),
            ("radius", "atoms are paired by their distance from the origin.", by_radius),
            (
                "in turn",
                "no two atoms share a partner, and the sum could be smaller.",
                *(_in_turn(distance, closest_first=closest) for closest in (False, True)),
            ),
        )
        recognise([(order, mistakes)], torch.equal)
        wrong_if(n_atoms == N_MANY, f"of {n_atoms} atoms some are farther apart than they need be.", "many")
        raise Wrong("atoms are farther apart than they need be.", "other")


def _what_distance(answer: Answer, found: Tensor, x: Tensor, y: Tensor) -> None:
    turn = random_rotation(Generator().manual_seed(0))
    wrong_if(not close(answer(x @ turn.mT, y, shape=()), found, 1e-6), "it changes when one cloud is turned.", "pose")
    wrong_if(
        not close(answer(-x @ turn.mT, y, shape=()), found, 1e-6), "it changes when one cloud is mirrored.", "mirror"
    )
    _is_zero_where_it_should(answer, x)


def _is_zero_where_it_should(answer: Answer, x: Tensor) -> None:
    apart = answer(x.detach(), -x.detach(), shape=()).abs()
    wrong_if(apart > 1e-6, f"a cloud and its mirror image are at distance {apart:.0e}.", "zero")


def _own_distance(answer: Answer, generator: Generator) -> None:
    x, y = random_cloud(8, generator), random_cloud(8, generator)
    _is_zero_where_it_should(answer, x)
    _alone(answer, x, y, shape=())
    right = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
    _in_single(answer, right, partial(close, tolerance=1e-4), x, y)
    _has_a_gradient(answer, generator)


def _has_a_gradient(answer: Answer, generator: Generator) -> None:
    corners = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    for x, y in ((random_cloud(8, generator), random_cloud(8, generator)), (1.1 * corners, corners)):
        found = answer(x.requires_grad_(), y, shape=())
        wrong_if(not found.requires_grad, "no gradient flows back to the positions.", "gradient")
        right = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
        wrong_if(
            not close(*(torch.autograd.grad(rmsd, x)[0] for rmsd in (found, right)), 1e-6),
            "its gradient is wrong or NaN for some clouds, a tetrahedron among them.",
            "nan",
        )


@compared(HINTS, tolerance=1e-6, explain=_what_distance, then=_own_distance)
def check_3_4(generator: Generator) -> Trials:
    """The verdict on `shape_distance(x, y)`: the RMSD, angstrom, of two clouds (n, 3) after the best turn or mirror."""
    for n, size in ((8, 1), (5, 1), (6, 1), (40, 9), (3, 0.1)):  # some of them lie better in a mirror
        x, y = size * random_cloud(n, generator), size * random_cloud(n, generator)
        rmsd = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
        centred = aligned_rmsd(x - x.mean(0), y - y.mean(0), allow_mirror=True, reorder=False)
        yield (
            (x, y),
            rmsd,
            (
                "mean",
                "it is off by a factor that the number of atoms or of axes explains.",
                *(rmsd * factor for factor in (n**0.5, 3**-0.5, (3 * n) ** -0.5)),
            ),
            ("root", "it is the square of the distance.", rmsd.square()),
            ("3.2 centroid", "it turns about the centroids.", centred),
        )


@compared(
    HINTS,
    tolerance=1e-6,  # a search for the least sum of squares gets no nearer than this
    explain=partial(_no_rotation, "it is no rotation: multiplied by its transpose it is not 1.", "it is a mirror."),
)
def check_3_s(generator: Generator) -> Trials:
    """The verdict on `mean_rotation(turns)`: (3, 3), the rotation with the least sum of squares to turns (n, 3, 3)."""
    wanted = {False: 3, True: 3}  # mean matrices with and without a mirror, which is as often as not
    while any(wanted.values()):
        turns = random_rotation(generator, (3,))
        mean = turns.mean(dim=0)
        mirrors = bool(torch.linalg.det(mean) < 0)
        if not wanted[mirrors]:
            continue
        wanted[mirrors] -= 1
        u, _, vt = torch.linalg.svd(mean)
        hand = torch.linalg.det(u @ vt).sign()
        flip = torch.diag(mean.new_tensor([1, 1, hand]))
        flips = (u @ flip.flip(0, 1) @ vt, u @ flip.roll((-1, -1), (0, 1)) @ vt)
        (q, r), (q2, r2) = torch.linalg.qr(mean), torch.linalg.qr(mean.mT)
        one_by_one = (q * r.diagonal().sign(), (q2 * r2.diagonal().sign()).mT)
        yield (
            (turns,),
            u @ flip @ vt,
            ("mean", "this is the mean matrix, and no rotation.", mean),
            ("mirror", "it is a mirror.", u @ vt),
            ("flip", "a direction is flipped that costs too much.", *flips),
            ("flip", "all three directions are flipped, and one is enough.", hand * u @ vt),
            ("inverse", "it is the inverse of the mean.", (u @ flip @ vt).mT),
            ("rows", "one axis was made right first, then the others.", *one_by_one),
            ("first", "this is the first of them.", turns[0]),
            (
                "scaled",
                "rows have length one, and do not stand at right angles.",
                mean / mean.norm(dim=1, keepdim=True),
            ),
        )
