"""Exercises of notebook 02 that end in a formula: the KL divergence of a code, and the nearest Gram matrix."""

import math
from pathlib import Path

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Trials, Wrong, close, compared, first_fault, normal, wrong_if
from tutorial_lib.exercises.unaided import DIGITS_HINT, alone, in_single
from tutorial_lib.models import vae
from tutorial_lib.representations import gram
from tutorial_lib.representations.gram import nearest_rank3

EXTREME = -30.0  # the logarithm of a variance; networks that are sure of a code come to -12 and less
SHARPEST = -2000.0  # and the exponential of this is 0
WIDEST = 300.0  # the exponential of this is more than single precision holds
HINTS = {
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
    "2.3 far": "A code may stand at 20, or at a hundred million. Is a number kept within bounds on the way?",
    "2.3 wide": "A variance may be e to the 6, or to the 300, and in single precision the latter is infinite. Is a "
    "number kept within bounds on the way, or replaced?",
    "2.3 underflow": "A logarithm may be -2000: the exponential of half of that is 0, too. Is a logarithm taken of it?",
    "2.3 reversed": "A divergence has a direction. Over which of the two distributions is the mean taken?",
    "2.3 size": "There are N codes of k numbers each, of any N and k. Which of your numbers belongs to one size alone?",
    "2.3 special": "A root has no derivative at 0. Does one stand on the way, of a square or of a variance?",
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
    "2.4 definite": "Positive eigenvalues alone do not make a cloud. In how many dimensions do its atoms live?",
    "2.4 threshold": "Every positive eigenvalue may stay, however small: a nearly flat cloud has a small third one.",
    "2.4 nothing": "Where no eigenvalue is positive, the nearest cloud has all of its atoms at the centre.",
    "2.4 zero": "All atoms may stand at the centre, so the matrix of zeros is a cloud's. Do you divide by its size?",
    "2.4 magnitude": "You kept an eigenvalue for its size. A large negative one cannot be kept, and another may be.",
    "2.4 equal": "General eigenvectors and singular vectors mix where eigenvalues are equal, or are 3 and -3. Which "
    "decomposition is made for symmetric matrices?",
    "2.4 nearly": "Nearly a cloud's matrix is none yet, and what is nearest to it differs. Does a tolerance decide?",
    "2.4 rest": "This is the part that is thrown away.",
    "2.4 vectors": "The eigenvalues are the right ones and their vectors are not. eigh returns vectors as columns.",
    "2.4 few": "You may keep three eigenvalues, and fewer only where fewer are positive.",
    "2.4 size": "Matrices come in every size. Which of your numbers belongs to one size alone?",
    "2.4 digits": DIGITS_HINT,
    "2.4 library": "The library has it already; here you write it. Which decomposition shows the eigenvalues?",
    "2.4 other": "It is a cloud's matrix, but a nearer one exists. Leave the eigenvalues that you keep as they are.",
}


def _price(mean: Tensor, log_variance: Tensor) -> Tensor:
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


def _what_price(answer: Answer, price: Tensor, mean: Tensor, log_variance: Tensor) -> None:
    right, shape = _price(mean, log_variance), tuple(mean.shape)
    off = (price - right).abs() > 1e-8 * right.max()
    each = zip(*(x.reshape(-1, 1, 1) for x in (mean, log_variance)), strict=True)
    one_by_one = torch.cat([answer(*code, shape=(1, 1)) for code in each]).view(shape)
    first_fault(
        (close(one_by_one, right), f"one by one prices are right, and in the shape {shape} they are not.", "size"),
        (log_variance.min() < EXTREME / 2, "very sharp codes have the wrong price.", "nearly"),
        (mean.abs().max() > 10, "codes far from 0 have the wrong price.", "far"),
        (log_variance.mean() > 3, "very wide codes have the wrong price.", "wide"),
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
    alone(answer, *codes, without=(vae.__file__, str(Path(torch.distributions.__file__).parent)))
    in_single(answer, _price(*codes), *codes, dtype=torch.float32)
    sharp = codes[0], codes[1] + SHARPEST
    try:
        in_single(answer, _price(*sharp), *sharp)
    except Wrong as wrong:
        raise Wrong("in single precision a very sharp code has the wrong price.", "underflow") from wrong
    try:
        wide = answer(codes[0].float(), codes[1].float() + WIDEST, dtype=None).min() > 1e30
    except Wrong as wrong:
        wide = wrong.hint == "not finite"  # as it is: single precision has no number of that size
    wrong_if(not wide, "in single precision a very wide code costs too little.", "wide")
    for far, spread, shift in ((5, 5, 0), (0, 2, 0), (1e-4, 2, -15), (0, 2, -110), (1e4, 2, 60)):
        mean, log_variance, weights = normal(generator, 3, 40, 3)
        codes = far * mean, spread * log_variance + shift
        for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-4)):
            _has_its_gradient(answer, *(code.to(dtype).clone() for code in codes), weights, tolerance)


def _has_its_gradient(answer: Answer, mean: Tensor, log_variance: Tensor, weights: Tensor, tolerance: float) -> None:
    codes = mean.requires_grad_(), log_variance.requires_grad_()
    total = (weights * answer(*codes, shape=tuple(mean.shape), dtype=mean.dtype)).sum()
    wrong_if(not total.requires_grad, "no gradient flows back to mean and logarithm.", "gradient")
    found = torch.autograd.grad(total, codes, allow_unused=True, materialize_grads=True)
    nan = any(one.isnan().any() for one in found)
    wrong_if(nan, "the prices are right, and their gradient is NaN for some codes.", "special")
    known = weights * mean.detach(), weights * (log_variance.detach().double().exp() - 1) / 2
    for one, other in zip(found, known, strict=True):
        far_off = (one - other).abs().max() > tolerance * other.abs().max().clamp(min=1)
        wrong_if(far_off, "the prices are right, and their gradient is another.", "gradient")


@compared(HINTS, explain=_what_price, then=_own_price)
def check_2_3(generator: Generator) -> Trials:
    """The verdict on `price(mean, log_variance)`: KL from N(0, 1) of each latent number (N, k), in nats."""
    for shape, far, shift in (
        ((6, 3), 1, 0),
        *(((30, 2), 0.5, shift) for shift in (EXTREME, 10 * EXTREME, 6, WIDEST)),
        *(((30, 2), far, 0) for far in (20, 1e8)),
        ((1, 33), 1, 0),
        ((101, 1), 1, 0),
    ):
        mean, log_variance = normal(generator, 2, *shape) * torch.tensor([far, 2.5])[:, None, None]
        log_variance = log_variance + shift
        if shape == (6, 3):
            mean[0], log_variance[0] = torch.tensor([[0.0, 2, 0], [0, 0, -3]])  # silent, displaced, sharp
        right = _price(mean, log_variance)
        yield (
            (mean, log_variance),
            right,
            ("sign", "every price is negative.", -right),
            ("bits", "the prices are in bits.", right / math.log(2)),
            ("deviation", "the spread of the codes is misread.", _price(mean, 2 * log_variance)),
            (
                "reversed",
                "it is the divergence of the prior from the code.",
                (-log_variance).exp() * (1 + mean**2) / 2 + (log_variance - 1) / 2,
            ),
        )


def _what_matrix(answer: Answer, found: Tensor, matrix: Tensor) -> None:
    values, left = (torch.linalg.eigvalsh(g) for g in (matrix, (found + found.mT) / 2))
    size = 1e-8 * values.abs().max()
    n_left = int((left > size).sum())
    n_may = int((values > 0).sum().clamp(max=3))
    same_values = close(left, torch.linalg.eigvalsh(nearest_rank3(matrix)[0]))
    first_fault(
        (close(found, matrix, 1e-12) and len(matrix) == 8, "a matrix comes back that is no cloud's.", "nearly"),
        (close(found, nearest_rank3(matrix)[0], 1e-5), "it is nearly the nearest matrix.", "digits"),
        (len(matrix) != 8, f"matrices of size {len(matrix)} come out wrong, those of size 8 do not.", "size"),
        (close(values[-1], values[-3:][0]), "it is wrong where eigenvalues are equal but for their signs.", "equal"),
        (left[0] < -size, f"the smallest eigenvalue is {left[0]:.3g}.", "negative"),
        ((left[:-3] > size).any(), "it has more than three eigenvalues above 0.", "rank"),
        (same_values, "the three eigenvalues are right, the matrix is not.", "vectors"),
        (n_left < n_may, f"of {n_may} eigenvalues that may stay it keeps {n_left}.", "few"),
    )


def _own_matrix(answer: Answer, generator: Generator) -> None:
    matrix = normal(generator, 8, 8)
    matrix = (matrix + matrix.mT) / 2
    alone(answer, matrix, without=(gram.__file__,))
    for shift in (0, 3):  # with three positive eigenvalues or more, and with fewer
        shifted = matrix - shift * torch.eye(8).to(matrix)
        in_single(answer, nearest_rank3(shifted)[0], shifted, dtype=torch.float32)
    below = -torch.arange(1.0, 5, dtype=torch.float64).diag()
    for given, sentence, hint in (
        (below, "without a positive eigenvalue nothing may be left.", "nothing"),
        (0 * below, "a matrix of zeros does not come back.", "zero"),
        (below[:1, :1], "a matrix of one atom may be negative, too.", "size"),
    ):
        try:
            left = answer(given, shape=tuple(given.shape)).abs().max() > 1e-8
        except Wrong as wrong:
            raise Wrong(sentence, hint) from wrong
        wrong_if(left, sentence, hint)


@compared(HINTS, explain=_what_matrix, then=_own_matrix)
def check_2_4(generator: Generator) -> Trials:
    """The verdict on `nearest_cloud(g)`: the nearest matrix (n, n), angstrom^2, of a cloud in space."""
    for spectrum in (
        (9, 6, 4, 2, 1, 0.5, -1, -2),
        (9, 6, 4, 2, 1, -3, -5, -7),
        (9, 6, -1, -2, -2.5, -3, -4, -5),
        (9, 6, 4, 0, 0, 0, 0, 0),
        (9, 6, 5e-7, 0, 0, 0, 0, 0),
        (9, 6, 4, 2e-6, 0, 0, 0, -2e-6),
        (900, 700, 600, 400, 300, 200, 100, 50),
        (9, 6, 4, 2, -1),
        (9, 7, 6, 4, 3, 2, 1, 0.5, -1, -2, -3),
        (6e-9, 5e-9, 3e-9, 2e-9, 0, 0, -1e-9, -2e-9),
        (4, 2, 1),
        (3, 1, -2),
        (5, -1),
        (5, 2),
        tuple(normal(generator, 40).tolist()),
        (3, 3, 3, 1, 1, -1, -3, -3),
    ):
        basis = torch.linalg.qr(normal(generator, len(spectrum), len(spectrum))).Q
        matrix = basis @ torch.tensor(spectrum, dtype=torch.float64).diag() @ basis.mT
        matrix = (matrix + matrix.mT) / 2
        nearest = nearest_rank3(matrix)[0]
        values, vectors = torch.linalg.eigh(matrix)
        smallest, largest = torch.arange(len(values))[:3], values.abs().argsort()[-3:]
        chosen = [
            [vectors[:, k] @ scale[k].diag() @ vectors[:, k].mT for scale in (values, values.clamp(min=0))]
            for k in (smallest, largest)
        ]
        large = [values.masked_fill(values < 0.1 * size, 0)[-3:].clamp(min=0) for size in (1, values[-1])]
        yield (
            (matrix,),
            nearest,
            (
                "threshold",
                "a positive eigenvalue is dropped because it is small.",
                *(vectors[:, -3:] @ kept.diag() @ vectors[:, -3:].mT for kept in large),
            ),
            (
                "definite",
                "a matrix comes back as it is where its eigenvalues are positive.",
                matrix if values[0] > 0 else nearest,
            ),
            ("few", "nothing is left.", 0 * matrix if len(matrix) == 8 else nearest),
            ("size", "a matrix of three atoms or fewer comes back as it is.", matrix if len(matrix) < 4 else nearest),
            ("rest", "what you return and the nearest matrix add up to the input.", matrix - nearest),
            ("smallest", "the three smallest eigenvalues are kept.", *chosen[0]),
            ("magnitude", "a large negative eigenvalue takes the place of a positive one.", *chosen[1]),
        )
