"""Exercises of notebook 02 on what a network reads: the nearest image, renumbering, and the cosines in a matrix."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    graded,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import DIGITS_HINT, in_single
from tutorial_lib.representations.gram import from_upper_triangle, gram_matrix, upper_triangle

HINTS = {
    "2.1 right": "every difference comes back to the nearest image, from however far.",
    "2.1 far": "Two atoms at opposite walls of a periodic box are neighbours. Which of a neighbour's images is yours?",
    "2.1 positive": "A neighbour to the left is as good as one to the right: components run from -L/2 to L/2.",
    "2.1 one side": "You bring back neighbours that are too far on one side. Look at the other one as well.",
    "2.1 away": "You add what should be subtracted. After your step, is the neighbour nearer or farther?",
    "2.1 axes": "The box repeats along x, y and z. Which of the three components do you bring back?",
    "2.1 digits": f"{DIGITS_HINT} (A number times a tensor of whole numbers has single precision.)",
    "2.1 half": "The copy one box back is nearer from half a box on, neither earlier nor later: 0.6 of a box is one.",
    "2.1 rows": "Some differences come back and others do not. Do you reach all rows?",
    "2.1 boxes": "Atoms drift in a long run, and a difference may be several boxes long. One step back is not enough.",
    "2.1 other image": "What you return is no image of the neighbour: images differ by whole boxes along each axis.",
    "2.2 right": "the 36 numbers of the renumbered cloud, in their places.",
    "2.2 inverse": "You send atom k to place order[k]. We want atom order[k] at place k; for a swap of two atoms "
    "there is no difference, for a cycle of three there is.",
    "2.2 same": "They stand where they stood. The order has to come in somewhere.",
    "2.2 entries": "The order counts 8 atoms, and there are 36 entries. Go back to the matrix, renumber, come again.",
    "2.2 rows": "An entry belongs to two atoms, so both of its indices are renumbered; else the matrix "
    "is not symmetric any more.",
    "2.2 triangle": "Your entries are the right ones in another sequence: we read i <= j, row by row.",
    "2.2 positions": "Entries that are standardised, or invented by a network, are no inner products of any atoms. "
    "What a new order does to a matrix needs no atoms.",
    "2.2 digits": DIGITS_HINT,
    "2.2 other": "Try three atoms on the x-axis at 1, 2 and 3, where entry ij is simply the product of two numbers.",
    "2.s right": "cosines, of a matrix that never saw an atom, and no entry leaves the range from -1 to 1.",
    "2.s wrong": "these are not the cosines.",
    "2.s products": "An inner product grows with the lengths of both vectors. A cosine does not: make an atom twice as "
    "far, and look.",
    "2.s one length": "Two vectors have two lengths. Yours is not symmetric: whose length is missing?",
    "2.s squares": "The diagonal holds squares of lengths, not lengths.",
    "2.s whole": "Each pair has two lengths of its own. One number for the whole matrix will not do.",
    "2.s angles": "These are the angles. The cosines come just before.",
    "2.s sign": "An angle of more than a quarter turn has a cosine below zero.",
    "2.s diagonal": "What is the angle of a vector with itself?",
    "2.s other": "Try two atoms, at (2, 0, 0) and (1, 1, 0), and write down the four cosines.",
}


@graded(HINTS)
def check_2_1(answer: Answer, generator: Generator) -> None:
    """The verdict on `nearest_image(d, length)`: differences (m, 3) in a cubic periodic box, both in angstrom."""
    few, many = [(9.37, 1, 100), (9.37, 4, 40), (0.7, 1, 40), (0.7, 4, 1)], [(9.37, 300, 40), (250.0, 40_000, 7)]
    for length, reach, m in few + many:
        inside = (0.98 * torch.rand(m, 3, generator=generator, dtype=torch.float64) - 0.49) * length
        inside[:3] = length * torch.tensor([[0.49999], [-0.49999], [0]])[:m]
        given = inside + length * torch.randint(-reach, reach + 1, (m, 3), generator=generator).double()
        image = answer(given, length, shape=(m, 3))
        if close(image, inside):
            if reach < 9:  # farther out single precision has no room between two boxes
                in_single(answer, inside, given, length, dtype=torch.float32)
            continue
        boxes = (image - inside) / length
        axes = sum(close(*columns, 1e-6) for columns in zip(image.T, inside.T, strict=True))
        low, high = image.min() / length, image.max() / length
        off = (boxes - boxes.round()).abs().max()
        first_fault(
            (m == 1, "a single difference comes out wrong, and of forty none does.", "rows"),
            (1e-9 < off < 1e-3, "some of the results are inexact.", "digits"),
            (off > 1e-6, "some of the results are no image of what came in.", "other image"),
            (torch.equal(image, given), "it leaves every difference as it is.", "far"),
            (close(image, 2 * given - inside, 1e-6), "it makes long differences longer.", "away"),
            (m > 9 and axes > 0, f"{axes} of the 3 components of each difference are right.", "axes"),
            (reach > 1, "differences of several boxes stay too long.", "boxes"),
            (max(-low, high) < 0.52, "differences of about half a box come out wrong.", "half"),
            (low > -1e-6, "every component comes out positive.", "positive"),
        )
        hint = "one side" if low > -0.5 or high < 0.5 else "half" if max(-low, high) <= 1 else "rows"
        raise Wrong(f"components reach {low:.2g} to {high:.2g} boxes.", hint)


def _what_entries(answer: Answer, found: Tensor, entries: Tensor, order: Tensor) -> None:
    of_atoms = torch.linalg.eigvalsh(from_upper_triangle(entries))[0] > -1e-6
    given, kept = entries.sort().values, found.sort().values
    same = close(kept, given)
    first_fault(
        (close(kept, given, 1e-5) and not same, "these are the 36 numbers, in fewer digits.", "digits"),
        (not same, "these are not the 36 numbers that came in.", "other" if of_atoms else "positions"),
    )
    raise Wrong("the 36 numbers stand in other places than those of x[order].", "entries")


def _entries_in_single(answer: Answer, generator: Generator) -> None:
    order = torch.randperm(8, generator=generator)
    matrix = from_upper_triangle(normal(generator, 36))
    given, renumbered = upper_triangle(matrix), upper_triangle(matrix[order][:, order])
    in_single(answer, renumbered, given, order, dtype=torch.float32)


@compared(
    HINTS,
    errors=(("not symmetric", "rows"), ("no cloud's", "positions")),
    explain=_what_entries,
    then=_entries_in_single,
)
def check_2_2(generator: Generator) -> Trials:
    """The verdict on `renumber(entries, order)`: the 36 entries of a matrix, renumbered like x[order]."""
    for of_atoms, size in ((True, 1), (True, 20), (False, 1)):
        order = torch.randperm(8, generator=generator)
        entries = upper_triangle(gram_matrix(size * normal(generator, 8, 3))) if of_atoms else normal(generator, 36)
        gram = from_upper_triangle(entries)
        renumbered, back = (gram[new][:, new] for new in (order, order.argsort()))
        yield (
            (upper_triangle(gram), order),
            upper_triangle(renumbered),
            ("inverse", "it renumbers the other way round.", upper_triangle(back)),
            ("same", "nothing is renumbered.", upper_triangle(gram)),
            (
                "rows",
                "only one index of every entry is renumbered.",
                *(matrix[*torch.triu_indices(8, 8)] for matrix in (gram[order], gram[:, order])),
            ),
            ("triangle", "the numbers are right and stand in other places.", renumbered[*torch.tril_indices(8, 8)]),
        )


def _is_one_multiple(answer: Answer, found: Tensor, g: Tensor) -> None:
    share = (found * g).sum() / g.square().sum()
    wrong_if(found.any() and close(found, share * g, 1e-6), "all entries are divided by one number.", "whole")


@compared(HINTS, tolerance=1e-6, explain=_is_one_multiple)  # an arc cosine near 1 loses half of the digits
def check_2_s(generator: Generator) -> Trials:
    """The verdict on `cosines(G)`: (n, n), no unit, of the angles between atoms, from a Gram matrix in angstrom^2."""
    for n_atoms in (8, 5, 3, 30):
        gram = gram_matrix(random_cloud(n_atoms, generator))
        length = gram.diagonal().sqrt()
        right = gram / torch.outer(length, length)
        angles = right.clamp(-1, 1).acos()
        yield (
            (gram,),
            right,
            ("products", "these are inner products still.", gram),
            ("one length", "it is divided by one of two lengths.", gram / length, gram / length[:, None]),
            ("squares", "squares of lengths are not lengths.", right / torch.outer(length, length)),
            ("angles", "these are angles, in radians.", angles),
            ("angles", "these are angles, in degrees.", torch.rad2deg(angles)),
            ("sign", "all signs are gone.", right.abs()),
            ("diagonal", "its diagonal is zero.", right - torch.eye(n_atoms, dtype=gram.dtype)),
        )
