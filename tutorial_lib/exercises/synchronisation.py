"""Exercises of notebook 03 on one pose: atoms from a matrix, the best rotation, and the mean of rotations."""

from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import LIBRARY_HINT, alone, in_single
from tutorial_lib.representations.alignment import best_rotation
from tutorial_lib.representations.gram import gram_matrix
from tutorial_lib.representations.rotations import random_rotation

CUBE = torch.cartesian_prod(*3 * [torch.tensor([1.0, -1], dtype=torch.float64)])
TETRAHEDRON = CUBE[CUBE.prod(dim=1) > 0]
NUMPY_HINT = "NumPy is welcome inside. `torch.from_numpy` makes a tensor of what it gives."
HINTS = {
    "3.1 right": "the cloud is there, in a pose of its own.",
    "3.1 wrong": "their Gram matrix is another.",
    "3.1 root": "Lengths come out squared. What is the square root of a diagonal matrix?",
    "3.1 smallest": "In which order does eigh return eigenvalues, and which of them carry the cloud?",
    "3.1 rows": "The eigenvectors are the columns of what eigh returns. Whose coordinates stand in a row of yours?",
    "3.1 flat": "Rounding can make an eigenvalue of zero slightly negative. Which square root has it then?",
    "3.1 thin": "A thin cloud is not flat. How small is an eigenvalue that only rounding has made?",
    "3.1 first": "The first three atoms may lie in a plane with the origin, while the cloud does not. Which "
    "factorisation of a matrix does not begin with its first rows?",
    "3.1 symmetric": "Here eigenvalues are equal. Which function returns eigenvectors at right angles even then?",
    "3.1 numpy": NUMPY_HINT,
    "3.1 library": LIBRARY_HINT,
    "3.1 digits": "Is every number kept in as many digits as came in, and does an eigenvalue of zero stay zero?",
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
    "3.2 digits": "Do numbers lose digits on the way, by rounding or by a short type?",
    "3.2 small": "The best rotation does not depend on the unit of length. Is something compared with a fixed number?",
    "3.2 numpy": NUMPY_HINT,
    "3.2 library": LIBRARY_HINT,
    "3.2 factor": "Look up what svd returns third: the vectors, or their transpose?",
    "3.2 other": "It is a rotation, and another one comes nearer. Which matrix did you decompose, and is every "
    "atom in it?",
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


def _same_gram(one: Tensor, other: Tensor, tolerance: float = 1e-10) -> bool:
    return close(gram_matrix(one), gram_matrix(other), tolerance)


def _own_atoms(answer: Answer, generator: Generator) -> None:
    x = random_cloud(8, generator)
    alone(answer, gram_matrix(x), shape=(8, 3))
    for sizes in ([1, 1, 1], [1, 1, 0], [1, 0, 0]):
        cloud = x * torch.tensor(sizes) @ random_rotation(generator).mT
        in_single(answer, cloud, gram_matrix(cloud), same=partial(_same_gram, tolerance=1e-5))
    x = random_cloud(8, generator)
    awkward = [
        ("the first atom is at the origin", torch.stack([0 * x[0], *x[1:]]), "first"),
        ("the first two atoms are opposite", torch.stack([x[0], -x[0], *x[2:]]), "first"),
        ("the first three atoms lie in a plane with the origin", torch.stack([*x[:2], x[0] + x[1], *x[3:]]), "first"),
    ]
    for turn in (torch.eye(3).to(x), random_rotation(generator)):
        for words, corners in (("a tetrahedron", TETRAHEDRON), ("a cube", CUBE)):
            awkward.append((f"the cloud is {words}", corners @ turn.mT, "symmetric"))
    for words, cloud, hint in awkward:
        try:
            found = answer(gram_matrix(cloud), shape=(len(cloud), 3))
        except Wrong as wrong:
            raise Wrong(f"where {words}, {wrong.sentence}", hint) from wrong
        wrong_if(not _same_gram(found, cloud), f"it is wrong where {words}.", hint)


def _own_rotation(answer: Answer, generator: Generator) -> None:
    source, target = random_cloud(8, generator), random_cloud(8, generator)
    alone(answer, source, target, shape=(3, 3))
    for cloud, sign in ((source, 1), (source, -1), (source * torch.tensor([1, 1, 0]), 1)):
        turned = sign * cloud @ random_rotation(generator).mT + 0.1 * target
        turned_back = best_rotation(cloud, turned, allow_mirror=False)
        in_single(answer, turned_back, cloud, turned, same=partial(close, tolerance=2e-5))
    best = best_rotation(source, target, allow_mirror=False)
    tiny = answer(1e-6 * source, 1e-6 * target, shape=(3, 3))
    wrong_if(not close(tiny, best, 1e-6), "very small clouds are turned by another one.", "small")


def _what_atoms(answer: Answer, found: Tensor, gram: Tensor) -> None:
    values, vectors = torch.linalg.eigh(gram)
    square = close(gram_matrix(found), gram @ gram, 1e-6)
    mixed_up = [(columns * values[-3:].sqrt()).abs() for columns in (vectors[-3:].mT, vectors.mT[:, -3:])]
    two = vectors[:, -3:] * values[-3:].clamp(min=0).sqrt() * values.new_tensor([0, 1, 1])
    first_fault(
        (square, "their Gram matrix is the square of the one that came in.", "root"),
        (_same_gram(found, two), "one direction is lost.", "thin"),
        (found.abs().max() < 1e-5, "all atoms stand at the origin.", "smallest"),
        (any(close(found.abs(), x, 1e-6) for x in mixed_up), "rows and columns are mixed up.", "rows"),
        (close(gram_matrix(found), gram, 1e-4), "their Gram matrix is nearly the one that came in.", "digits"),
    )


@compared(HINTS, same=_same_gram, errors=(("NaN", "flat"),), explain=_what_atoms, then=_own_atoms)
def check_3_1(generator: Generator) -> Trials:
    """The verdict on `atoms(g)`: positions (n, 3), angstrom, whose Gram matrix (n, n) is g, angstrom^2."""
    thin = [(8, [1, 1, depth]) for depth in (0.02, 0.005, 5e-4)]
    flat = [(n_atoms, depth) for n_atoms in (8, 5, 3) for depth in ([1, 1, 0], [1, 0, 0])] * 4
    for n_atoms, sizes in [(8, [1, 1, 1]), (5, [1, 1, 1]), (40, [9, 9, 9]), (3, [0.1, 0.1, 0.1]), *thin, *flat]:
        x = random_cloud(n_atoms, generator) * torch.tensor(sizes) @ random_rotation(generator).mT
        yield (gram_matrix(x),), x


def _no_rotation(not_orthogonal: str, mirror: str, answer: Answer, found: Tensor, *inputs: Tensor) -> None:
    first_fault(
        (not close(found @ found.mT, torch.eye(3, dtype=found.dtype), 1e-5), not_orthogonal, "orthogonal"),
        (torch.linalg.det(found) < 0, mirror, "mirror"),
    )


def _same_rotation(one: Tensor, other: Tensor) -> bool:
    """Whether they agree as nearly as a search for the least sum of squares can, which still gives a rotation."""
    return close(one, other, 1e-6) and close(one @ one.mT, torch.eye(3).to(one))


def _what_rotation(answer: Answer, found: Tensor, source: Tensor, target: Tensor) -> None:
    _no_rotation("Q Q^T is not the identity.", "for some clouds it is a mirror.", answer, found)
    best = best_rotation(source, target, allow_mirror=False)
    wrong_if(close(found, best, 1e-4), "it is nearly the best rotation.", "digits")


@compared(HINTS, same=_same_rotation, explain=_what_rotation, then=_own_rotation)
def check_3_2(generator: Generator) -> Trials:
    """The verdict on `rotation(source, target)`: the Q (3, 3), no unit, determinant +1, that turns (n, 3) best."""
    cases = [(8, 1, 0.0), (8, 1, 0.5), (8, -1, 0.0), (8, -1, 0.5), (5, 1, 3.0), (4, -1, 0.5), (40, -1, 1.0)]
    flat = [(8, 1, 0.0, 0)] * 4 + [(3, -1, 0.5, 0)]  # clouds whose third singular value is zero
    for n_atoms, sign, noise, depth in [*((*case, 1) for case in cases), *flat, (4, 1, 0.0, None)]:
        cloud = TETRAHEDRON if depth is None else random_cloud(n_atoms, generator) * torch.tensor([1, 1, depth])
        source = cloud @ random_rotation(generator).mT
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
