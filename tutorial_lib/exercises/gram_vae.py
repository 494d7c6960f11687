"""The exercises of notebook 02: the nearest image, renumbering, the KL divergence, and the nearest Gram matrix."""

import math
import sys
from pathlib import Path

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
from tutorial_lib.models import vae
from tutorial_lib.representations import gram as library
from tutorial_lib.representations.gram import from_upper_triangle, gram_matrix, nearest_rank3, upper_triangle

EXTREME = -30.0  # the logarithm of a variance; networks that are sure of a code come to -12 and less
HINTS = {
    "2.1 right": "every difference comes back to the nearest image, from however far.",
    "2.1 far": "Two atoms at opposite walls of a periodic box are neighbours. Which of a neighbour's images is yours?",
    "2.1 positive": "A neighbour to the left is as good as one to the right: components run from -L/2 to L/2.",
    "2.1 one side": "You bring back neighbours that are too far on one side. Look at the other one as well.",
    "2.1 away": "You add what should be subtracted. After your step, is the neighbour nearer or farther?",
    "2.1 axes": "The box repeats along x, y and z. Which of the three components do you bring back?",
    "2.1 digits": "Somewhere on the way numbers were kept in fewer digits than they came in.",
    "2.1 half": "From 0.6 of a box away, the copy one box back is nearer. Count boxes so that 0.6 of one is one.",
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
    "2.2 other": "Try three atoms on the x-axis at 1, 2 and 3, where entry ij is simply the product of two numbers.",
    "2.3 right": "nothing for a silent code, and the right price in nats for the others.",
    "2.3 wrong": "prices are wrong for many codes.",
    "2.3 sign": "A divergence is never negative.",
    "2.3 bits": "Information is counted in nats here, as in the loss. Which logarithm is that?",
    "2.3 gradient": "The loss is differentiated with respect to mean and logarithm. Where does the gradient stop, and "
    "does it belong to the number that you return?",
    "2.3 library": "That function is what the exercise asks you to write. Use it in a cell of your own, to compare.",
    "2.3 half": "It is a fixed multiple of what it should be. Which factor stands in front of the bracket?",
    "2.3 nearly": "Something small is added, digits are lost, or numbers are kept within bounds. There is no need: the "
    "variance is an exponential, and never 0.",
    "2.3 deviation": "Is the second argument the logarithm of the variance, or of the standard deviation?",
    "2.3 mean": "A sharp code that stands at 0 is priced well, one that stands elsewhere is not.",
    "2.3 spread": "Codes that are sharper or wider than the prior cost something, both. Two terms see to that.",
    "2.3 silent": "A code that says nothing, mean 0 and variance 1, should cost nothing. What does yours cost? The "
    "second argument is a logarithm.",
    "2.3 other": "Try one code at a time: the three that the notebook priced, say.",
    "2.4 right": "no cloud's matrix is nearer.",
    "2.4 wrong": "it is farther from the input than it need be.",
    "2.4 smallest": "In which order does eigh return eigenvalues?",
    "2.4 negative": "A cloud's matrix has no negative eigenvalue, and yours has. A squared length cannot be negative.",
    "2.4 rank": "A fourth eigenvalue is left, so these atoms would live in four dimensions or more.",
    "2.4 magnitude": "You kept an eigenvalue for its size. A large negative one cannot be kept, and another may be.",
    "2.4 rest": "This is the part that is thrown away.",
    "2.4 vectors": "The eigenvalues are the right ones and their vectors are not. eigh returns vectors as columns.",
    "2.4 few": "You may keep three eigenvalues, and fewer only where fewer are positive.",
    "2.4 size": "Matrices come in every size. Which of your numbers belongs to one size alone?",
    "2.4 digits": "Somewhere on the way numbers were kept in fewer digits than they came in.",
    "2.4 library": "The library has it already; here you write it. Which decomposition shows the eigenvalues?",
    "2.4 other": "It is a cloud's matrix, but a nearer one exists. Leave the eigenvalues that you keep as they are.",
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


def _in_single(answer: Answer, right: Tensor, *inputs: object) -> None:
    """Raise `Wrong` for an answer that fails where numbers have single precision."""
    single = [x.float() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs]
    found = answer(*single, shape=tuple(right.shape), dtype=torch.float32)
    wrong_if(not close(found, right.float(), 1e-4), "it is wrong for numbers in single precision.", "other")


def _own(files: tuple[str, ...], sentence: str, answer: Answer, *inputs: Tensor) -> None:
    """Raise `Wrong` for an answer that calls anything that stands in these files or folders."""
    seen, before = set(), sys.getprofile()
    sys.setprofile(lambda frame, *_: seen.add(frame.f_code.co_filename))
    try:
        answer(*inputs)
    finally:
        sys.setprofile(before)
    wrong_if(any(file.startswith(files) for file in seen), sentence, "library")


@graded(HINTS)
def check_2_1(answer: Answer, generator: Generator) -> None:
    """The verdict on `nearest_image(d, length)`: differences (m, 3) in a cubic periodic box, both in angstrom."""
    few, many = [(9.0, 1, 40), (9.0, 4, 40), (0.7, 1, 40), (0.7, 4, 1)], [(9.0, 300, 40), (250.0, 3000, 7)]
    for length, reach, m in few + many:
        inside = (0.98 * torch.rand(m, 3, generator=generator, dtype=torch.float64) - 0.49) * length
        given = inside + length * torch.randint(-reach, reach + 1, (m, 3), generator=generator)
        if (length, reach) == (0.7, 4):
            _in_single(answer, inside, given, length)
        image = answer(given, length, shape=(m, 3))
        if close(image, inside, 1e-6):
            continue
        boxes = (image - inside) / length
        axes = sum(close(*columns, 1e-6) for columns in zip(image.T, inside.T, strict=True))
        low, high = image.min() / length, image.max() / length
        off = (boxes - boxes.round()).abs().max()
        first_fault(
            (1e-6 < off < 1e-3, "images of differences that are many boxes long are inexact.", "digits"),
            (off > 1e-6, "some of the results are no image of what came in.", "other image"),
            (torch.equal(image, given), "it leaves every difference as it is.", "far"),
            (close(image, 2 * given - inside, 1e-6), "it makes long differences longer.", "away"),
            (m == 40 and axes > 0, f"{axes} of the 3 components of each difference are right.", "axes"),
            (reach > 1, "differences of several boxes stay too long.", "boxes"),
            (low > -1e-6, "every component comes out positive.", "positive"),
        )
        hint = "one side" if low > -0.5 or high < 0.5 else "half" if max(-low, high) <= 1 else "rows"
        raise Wrong(f"components reach {low:.2g} to {high:.2g} boxes.", hint)


def _what_entries(answer: Answer, found: Tensor, entries: Tensor, order: Tensor) -> None:
    of_atoms = torch.linalg.eigvalsh(from_upper_triangle(entries))[0] > -1e-6
    wrong_if(
        not close(found.sort().values, entries.sort().values),
        "these are not the 36 numbers that came in.",
        "other" if of_atoms else "positions",
    )
    raise Wrong("the 36 numbers stand in other places than those of x[order].", "entries")


def _entries_in_single(answer: Answer, generator: Generator) -> None:
    order = torch.randperm(8, generator=generator)
    matrix = from_upper_triangle(normal(generator, 36))
    _in_single(answer, upper_triangle(matrix[order][:, order]), upper_triangle(matrix), order)


@compared(
    HINTS,
    errors=(("not symmetric", "rows"), ("no cloud's", "positions")),
    explain=_what_entries,
    then=_entries_in_single,
)
def check_2_2(generator: Generator) -> Trials:
    """The verdict on `renumber(entries, order)`: the 36 entries of a matrix, renumbered like x[order]."""
    for of_atoms in (True, True, False):
        order = torch.randperm(8, generator=generator)
        gram = gram_matrix(normal(generator, 8, 3)) if of_atoms else from_upper_triangle(normal(generator, 36))
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


def _price(mean: Tensor, log_variance: Tensor) -> Tensor:
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


def _what_price(answer: Answer, price: Tensor, mean: Tensor, log_variance: Tensor) -> None:
    right, shape = _price(mean, log_variance), tuple(mean.shape)
    off = (price - right).abs() > 1e-8 * right.max()
    first_fault(
        (log_variance.min() < EXTREME / 2, "very sharp codes have the wrong price.", "nearly"),
        (close(price, right, 1e-3), "the prices are nearly right.", "nearly"),
        (close(price * right.sum() / price.sum(), right), "every price is off by one and the same factor.", "half"),
        (off.double().mean() < 0.6, "only some extreme codes have the wrong price.", "nearly"),
    )
    for name, sentence, codes in (
        ("mean", "codes that stand away from 0 have the wrong price.", (0 * mean, log_variance)),
        ("spread", "only codes of variance 1 have the right price.", (mean, 0 * log_variance)),
    ):
        wrong_if(close(answer(*codes, shape=shape), _price(*codes)), sentence, name)
    wrong_if(
        answer(0 * mean, 0 * log_variance, shape=shape).detach().abs().max() > 1e-8,
        "a code that says nothing has a price.",
        "silent",
    )


def _own_price(answer: Answer, generator: Generator) -> None:
    codes = normal(generator, 2, 9, 4)
    folder = str(Path(torch.distributions.__file__).parent)
    _own((vae.__file__, folder), "it calls a function that exists already.", answer, *codes)
    _in_single(answer, _price(*codes), *codes)
    mean, log_variance = (code.clone().requires_grad_() for code in codes)
    total, known = answer(mean, log_variance, shape=(9, 4)).sum(), (mean, (log_variance.exp() - 1) / 2)
    wrong_if(not total.requires_grad, "no gradient flows back to mean and logarithm.", "gradient")
    found = torch.autograd.grad(total, (mean, log_variance), allow_unused=True)
    good = all(one is not None and close(one, other, 1e-6) for one, other in zip(found, known, strict=True))
    wrong_if(not good, "the prices are right, and their gradient is another.", "gradient")


@compared(HINTS, explain=_what_price, then=_own_price)
def check_2_3(generator: Generator) -> Trials:
    """The verdict on `price(mean, log_variance)`: KL from N(0, 1) of each latent number (N, k), in nats."""
    for shape, sharpest in (((6, 3), 0.0), ((1, 8), 0.0), ((30, 2), EXTREME)):
        mean, log_variance = normal(generator, 2, *shape) * torch.tensor([1.0, 2.5])[:, None, None]
        log_variance = log_variance + sharpest
        if shape == (6, 3):
            mean[0], log_variance[0] = torch.tensor([[0.0, 2, 0], [0, 0, -3]])  # silent, displaced, sharp
        right = _price(mean, log_variance)
        yield (
            (mean, log_variance),
            right,
            ("sign", "every price is negative.", -right),
            ("bits", "the prices are in bits.", right / math.log(2)),
            ("deviation", "the spread of the codes is misread.", _price(mean, 2 * log_variance)),
        )


def _what_matrix(answer: Answer, found: Tensor, matrix: Tensor) -> None:
    values, left = (torch.linalg.eigvalsh(g) for g in (matrix, (found + found.mT) / 2))
    size, n_left = 1e-8 * values.abs().max(), int((left > 1e-8).sum())
    n_may = int((values > 0).sum().clamp(max=3))
    same_values = close(left, torch.linalg.eigvalsh(nearest_rank3(matrix)[0]))
    first_fault(
        (close(found, nearest_rank3(matrix)[0], 1e-5), "it is nearly the nearest matrix.", "digits"),
        (len(matrix) != 8, f"matrices of {len(matrix)} atoms come out wrong, those of 8 do not.", "size"),
        (left[0] < -size, f"the smallest eigenvalue is {left[0]:.3g}.", "negative"),
        ((left[:-3] > size).any(), "it has more than three eigenvalues above 0.", "rank"),
        (same_values, "the three eigenvalues are right, the matrix is not.", "vectors"),
        (n_left < n_may, f"of {n_may} eigenvalues that may stay it keeps {n_left}.", "few"),
    )


def _own_matrix(answer: Answer, generator: Generator) -> None:
    matrix = normal(generator, 8, 8)
    matrix = (matrix + matrix.mT) / 2
    _own((library.__file__,), "it calls a function of gram.", answer, matrix)
    _in_single(answer, nearest_rank3(matrix)[0], matrix)


@compared(HINTS, explain=_what_matrix, then=_own_matrix)
def check_2_4(generator: Generator) -> Trials:
    """The verdict on `nearest_cloud(g)`: the nearest matrix (n, n), angstrom^2, of a cloud in space."""
    for spectrum in (
        (9, 6, 4, 2, 1, 0.5, -1, -2),
        (9, 6, 4, 2, 1, -3, -5, -7),
        (9, 6, -1, -2, -2.5, -3, -4, -5),
        (9, 6, 4, 0, 0, 0, 0, 0),
        (9, 6, 4, 2, -1),
        (9, 7, 6, 4, 3, 2, 1, 0.5, -1, -2, -3),
        (6e-4, 5e-4, 3e-4, 2e-4, 0, 0, -1e-4, -2e-4),
        (4, 2, 1),
        (5, -1),
        tuple(normal(generator, 40).tolist()),
    ):
        basis = torch.linalg.qr(normal(generator, len(spectrum), len(spectrum))).Q
        matrix = basis @ torch.tensor(spectrum, dtype=torch.float64).diag() @ basis.mT
        matrix = (matrix + matrix.mT) / 2
        nearest = nearest_rank3(matrix)[0]
        values, vectors = torch.linalg.eigh(matrix)
        smallest, largest = torch.arange(len(values))[:3], values.abs().argsort()[-3:]
        kept = [
            [vectors[:, k] @ scale[k].diag() @ vectors[:, k].mT for scale in (values, values.clamp(min=0))]
            for k in (smallest, largest)
        ]
        yield (
            (matrix,),
            nearest,
            ("rest", "what you return and the nearest matrix add up to the input.", matrix - nearest),
            ("smallest", "the three smallest eigenvalues are kept.", *kept[0]),
            ("magnitude", "a large negative eigenvalue takes the place of a positive one.", *kept[1]),
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
