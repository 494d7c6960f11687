"""The exercises of notebook 09 about matrices: one from its blocks, its rotation, orbital energies, and a density."""

from pathlib import Path

import torch
from torch import Generator, Tensor

from tutorial_lib import metrics
from tutorial_lib.exercises.grader import Answer, Trials, close, compared, normal, wrong_if
from tutorial_lib.exercises.unaided import DIGITS_HINT, LIBRARY_HINT, alone, in_single
from tutorial_lib.representations.rotations import random_rotation

SOLVERS = str(Path(metrics.__file__).parent)
DIGITS = "it is right to a few digits.", "digits"

HINTS = {
    "9.1 right": "symmetric, and each pair is asked for once.",
    "9.1 wrong": "it is another matrix.",
    "9.1 below": "Each pair of atoms has two blocks, one above the diagonal and one below. Half of them are missing.",
    "9.1 transpose": "Rows of the block (i, j) belong to atom i. Which atom has the rows of the block (j, i)?",
    "9.1 above": "Above the diagonal the block of a pair stands as it came in.",
    "9.1 diagonal": "Blocks on the diagonal are there already: adding the transposed matrix counts them twice.",
    "9.1 half": "The mean of a matrix and its transpose is symmetric. But what was the other one below the diagonal?",
    "9.1 own": "Each atom also has a block with itself.",
    "9.1 order": "First all functions of the first atom. Which axes are side by side when you call `reshape`?",
    "9.1 digits": DIGITS_HINT,
    "9.1 other": "Write it out for two atoms of one function each: four entries, from three numbers.",
    "9.2 right": "it turns at both ends, also through a mirror.",
    "9.2 wrong": "it is another matrix.",
    "9.2 nothing": "Turn by a quarter about z: what was along x is now along y. Does the output know?",
    "9.2 inverse": "The other way round. A vector v becomes Q v: which of D and its transpose is on the left?",
    "9.2 one side": "A block has two ends, and both turn: rows and columns.",
    "9.2 transpose": "Rows turn by D from the left. What stands on the right if the block is an outer product?",
    "9.2 s": "The block of s and p turns too, as one vector: its p end turns although its s end does not.",
    "9.2 order": "The s function is the first of the four, not the last.",
    "9.2 mirror": "An s function looks the same in a mirror, p functions do what vectors do. Is there a determinant?",
    "9.2 digits": DIGITS_HINT,
    "9.2 other": "Build D first, (4, 4), and look whether it is orthogonal.",
    "9.4 right": "these are the energies of the orbitals.",
    "9.4 wrong": "these are other numbers.",
    "9.4 overlap": "The functions of the basis overlap. Without S this is the problem of an orthogonal basis.",
    "9.4 order": "The electrons fill the levels from below: the lowest comes first, and very negative is very low.",
    "9.4 side": "Multiply H c = e S c by the inverse of S, from the left.",
    "9.4 over": "One over each of them would be right: which of the two matrices is inverted?",
    "9.4 symmetric": "H over S is not symmetric, and `eigh` reads one half: it believes that the other is the same.",
    "9.4 factor": "With S = L L^T both sides are multiplied: by the inverse of L on the left, and what on the right?",
    "9.4 digits": DIGITS_HINT,
    "9.4 library": LIBRARY_HINT,
    "9.4 other": "Try S = 4 times the unit matrix: every level is a quarter of what it was.",
    "9.s right": "two electrons for each occupied orbital. It does not care about the signs of orbitals, as nothing "
    "should.",
    "9.s wrong": "it is another matrix.",
    "9.s one": "How many electrons does an orbital hold?",
    "9.s rows": "Where does an orbital stand in the matrix: is it a row of it, or a column?",
    "9.s all": "Only some of the orbitals hold electrons.",
    "9.s highest": "Electrons fill the levels from below, and the lowest level comes first.",
    "9.s inner": "What does a row of your matrix belong to: a function, or an orbital?",
    "9.s diagonal": "A density has entries between functions, too: they are what makes a bond.",
    "9.s sum": "Orbitals are squared one by one, and then added up. Adding up first mixes them.",
    "9.s other": "Take a single orbital with two entries, and write down the four products.",
}


def _size(generator: Generator) -> float:
    return 10 ** (3 * normal(generator, 1).clamp(-2, 1).item())


def _assembled(own: Tensor, between: Tensor) -> Tensor:
    n, k = own.shape[:2]
    upper = between.transpose(1, 2).reshape(n * k, n * k)
    return upper + upper.mT + torch.block_diag(*own)


def _what_matrix(answer: Answer, found: Tensor, own: Tensor, between: Tensor) -> None:
    wrong_if(close(found, _assembled(own, between), 1e-4), *DIGITS)
    wrong_if(close(found.sum(), own.sum() + 2 * between.sum()), "it is another matrix.", "order")


def _in_single_9_1(answer: Answer, generator: Generator) -> None:
    between = normal(generator, 3, 3, 2, 2) * torch.ones(3, 3).triu(1)[..., None, None]
    own = normal(generator, 3, 2, 2)
    own = own + own.mT
    in_single(answer, _assembled(own, between), own, between, dtype=torch.float32)


@compared(HINTS, explain=_what_matrix, then=_in_single_9_1)
def check_9_1(generator: Generator) -> Trials:
    """The verdict on `assembled(own, between)`: (n, k, k) and (n, n, k, k) to (n k, n k), hartree.

    The first are blocks of each atom with itself, the others of pairs i < j, zero elsewhere.
    """
    for n, k in ((2, 3), (4, 2), (3, 4), (1, 3), (5, 1), (1, 1), (11, 6)):
        between = normal(generator, n, n, k, k) * _size(generator)
        own = between[0] + between[0].mT
        between = between * torch.ones(n, n).triu(1)[..., None, None]
        upper, diagonal = between.transpose(1, 2).reshape(n * k, n * k), torch.block_diag(*own)
        lower = between.transpose(0, 1).transpose(1, 2).reshape(n * k, n * k)  # (j, i) holds what (i, j) does
        both = upper + upper.mT
        yield (
            (own, between),
            both + diagonal,
            ("own", "blocks on the diagonal are empty.", both),
            ("below", "below the diagonal there is nothing.", upper + diagonal),
            ("transpose", "it is not symmetric.", upper + lower + diagonal),
            ("diagonal", "blocks on the diagonal are too large.", both + 2 * diagonal),
            ("half", "blocks off the diagonal are too small.", both / 2 + diagonal),
            ("above", "blocks above the diagonal are transposed.", lower + lower.mT + diagonal),
        )


def _of_shells(q: Tensor) -> Tensor:
    return torch.block_diag(q.new_ones(1, 1), q)


def _turned(block: Tensor, q: Tensor) -> Tensor:
    return _of_shells(q) @ block @ _of_shells(q).mT


def _to_a_few_digits(answer: Answer, found: Tensor, block: Tensor, q: Tensor) -> None:
    wrong_if(close(found, _turned(block, q), 1e-4), *DIGITS)


def _turns_in_a_mirror(answer: Answer, generator: Generator) -> None:
    for _ in range(3):
        block, q = normal(generator, 4, 4), -random_rotation(generator, (), torch.float64)
        right = _turned(block, q)
        wrong_if(not close(answer(block, q, shape=(4, 4)), right), "rotations are right and mirrors are not.", "mirror")
    in_single(answer, right, block, q, dtype=torch.float32)


@compared(HINTS, explain=_to_a_few_digits, then=_turns_in_a_mirror)
def check_9_2(generator: Generator) -> Trials:
    """The verdict on `turned(block, q)`: (4, 4), hartree, of s, x, y and z, and (3, 3), no unit, to (4, 4), hartree."""
    for _ in range(4):
        block, q = normal(generator, 4, 4) * _size(generator), random_rotation(generator, (), torch.float64)
        d, last, p_only = _of_shells(q), torch.block_diag(q, q.new_ones(1, 1)), block.clone()
        p_only[1:, 1:] = q @ block[1:, 1:] @ q.mT
        yield (
            (block, q),
            _turned(block, q),
            ("nothing", "nothing turns.", block),
            ("inverse", "it turns backwards.", d.mT @ block @ d),
            ("one side", "only one end turns.", d @ block, block @ d.mT),
            ("transpose", "one end turns backwards.", d @ block @ d),
            ("s", "only the p block turns.", p_only),
            ("order", "the first three functions turn.", last @ block @ last.mT),
        )


def _in_any_order(found: Tensor, other: Tensor) -> bool:
    return close(found.sort().values, other.sort().values)


def _levels(fock: Tensor, overlap: Tensor) -> Tensor:
    inverse = torch.linalg.inv(torch.linalg.cholesky(overlap))
    return torch.linalg.eigvalsh(inverse @ fock @ inverse.mT)


def _problem(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    fock, root = normal(generator, 2, n, n)
    return fock + fock.mT, root @ root.mT / n + 0.5 * torch.eye(n, dtype=torch.float64)


def _nearly_levels(answer: Answer, found: Tensor, fock: Tensor, overlap: Tensor) -> None:
    wrong_if(close(found.sort().values, _levels(fock, overlap), 1e-4), *DIGITS)


def _from_the_lowest_alone(answer: Answer, generator: Generator) -> None:
    fock, overlap = _problem(7, generator)
    found = alone(answer, fock, overlap, without=(SOLVERS,))
    wrong_if((found.diff() < 0).any(), "the levels are right, in another order.", "order")
    in_single(answer, _levels(fock, overlap), fock, overlap, dtype=torch.float32)


@compared(HINTS, same=_in_any_order, explain=_nearly_levels, then=_from_the_lowest_alone)
def check_9_4(generator: Generator) -> Trials:
    """The verdict on `levels(fock, overlap)`: (n, n), hartree, and (n, n), no unit, to (n,), hartree, lowest first."""
    for n in (3, 5, 7, 1, 24):
        fock, overlap = _problem(n, generator)
        fock = fock * _size(generator)
        inverse = torch.linalg.inv(torch.linalg.cholesky(overlap))
        mistaken = (
            ("overlap", "it does not look at S.", fock),
            ("side", "it multiplies by S where it should divide.", overlap @ fock),
            ("over", "its levels are upside down.", torch.linalg.solve(fock, overlap)),
            ("factor", "S is divided out on one side only.", inverse @ fock),
            ("factor", "its factors do not belong together.", inverse.mT @ fock @ inverse),
            ("factor", "the same factor stands on both sides.", inverse @ fock @ inverse),
        )
        yield (
            (fock, overlap),
            _levels(fock, overlap),
            *(
                (*words, torch.linalg.eigvals(matrix).real, torch.linalg.eigvalsh(matrix))
                for *words, matrix in mistaken
            ),
            (
                "symmetric",
                "it solves a problem as if it were symmetric.",
                torch.linalg.eigvalsh(torch.linalg.solve(overlap, fock)),
            ),
        )


@compared(HINTS)
def check_9_s(generator: Generator) -> Trials:
    """The verdict on `density(orbitals, n_occupied)`: (k, k), no unit, from columns (k, k), the lowest first."""
    for k, n in ((7, 3), (4, 2), (6, 1)):
        orbitals = normal(generator, k, k)
        low, high, rows = orbitals[:, :n], orbitals[:, -n:], orbitals[:n]
        right, mixed = 2 * low @ low.mT, low.sum(dim=1)
        yield (
            (orbitals, n),
            right,
            ("one", "each orbital holds one electron only.", right / 2),
            ("rows", "orbitals were read along the rows.", 2 * rows.mT @ rows),
            ("all", "all orbitals hold electrons.", 2 * orbitals @ orbitals.mT),
            ("highest", "the highest orbitals are filled.", 2 * high @ high.mT),
            ("inner", "these are inner products of orbitals.", 2 * orbitals.mT @ orbitals),
            ("diagonal", "only its diagonal is there.", right.diagonal().diag()),
            ("sum", "orbitals are added up before they are squared.", 2 * torch.outer(mixed, mixed)),
        )
