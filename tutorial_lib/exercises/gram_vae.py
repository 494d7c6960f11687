"""The exercises of notebook 02: the nearest image, renumbering, the price of a code, and the nearest cloud."""

import torch
from torch import Generator, Tensor
from torch.distributions import Normal, kl_divergence

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge
from tutorial_lib.representations.gram import gram_matrix, nearest_rank3, upper_triangle

HINTS = {
    "2.1 far": "Two atoms at opposite walls of a periodic box are neighbours. Which of a neighbour's images is yours?",
    "2.1 positive": "A neighbour to the left is as good as one to the right: components run from -L/2 to L/2.",
    "2.1 one side": "You bring back neighbours that are too far on one side. Look at the other one as well.",
    "2.1 half": "From 0.6 of a box away, the copy one box back is nearer. Count boxes so that 0.6 of one is one.",
    "2.1 boxes": "Atoms drift in a long run, and a difference may be several boxes long. One step back is not enough.",
    "2.1 other image": "What you return is no image of the neighbour: images differ by whole boxes along each axis.",
    "2.2 inverse": "You send atom k to place order[k]. We want atom order[k] at place k; for a swap of two atoms "
    "there is no difference, for a cycle of three there is.",
    "2.2 same": "They stand where they stood. The order has to come in somewhere.",
    "2.2 entries": "The order counts 8 atoms, and there are 36 entries. Go back to the matrix, renumber, come again.",
    "2.2 rows": "An entry belongs to two atoms, so both of its indices are renumbered; else the matrix "
    "is not symmetric any more.",
    "2.2 triangle": "Your entries are the right ones in another sequence: we read i <= j, row by row.",
    "2.2 other": "Try three atoms on the x-axis at 1, 2 and 3, where entry ij is simply the product of two numbers.",
    "2.3 sign": "A divergence is never negative.",
    "2.3 half": "It is a fixed multiple of what it should be. Which factor stands in front of the bracket?",
    "2.3 nearly": "Something small is added, or numbers are kept within bounds. There is no need: the variance is an "
    "exponential, and never 0.",
    "2.3 deviation": "Is the second argument the logarithm of the variance, or of the standard deviation?",
    "2.3 mean": "A sharp code that stands at 0 is priced well, one that stands elsewhere is not.",
    "2.3 spread": "Codes that are sharper or wider than the prior cost something, both. Two terms see to that.",
    "2.3 silent": "A code that says nothing, mean 0 and variance 1, should cost nothing. What does yours cost? The "
    "second argument is a logarithm.",
    "2.3 other": "Try one code at a time: the three that the notebook priced, say.",
    "2.4 smallest": "In which order does eigh return eigenvalues?",
    "2.4 negative": "A cloud's matrix has no negative eigenvalue, and yours has. A squared length cannot be negative.",
    "2.4 rank": "A fourth eigenvalue is left, so these atoms would live in four dimensions or more.",
    "2.4 magnitude": "You kept an eigenvalue for its size. A large negative one cannot be kept, and another may be.",
    "2.4 rest": "This is the part that is thrown away.",
    "2.4 vectors": "The eigenvalues are the right ones and their vectors are not. eigh returns vectors as columns.",
    "2.4 few": "You may keep three eigenvalues, and fewer only where fewer are positive.",
    "2.4 size": "Matrices come in every size. Which of your numbers belongs to one size alone?",
    "2.4 other": "It is a cloud's matrix, but a nearer one exists. Leave the eigenvalues that you keep as they are.",
}
RIGHT = {
    "2.1": "every difference comes back to the nearest image, from however far.",
    "2.2": "the 36 numbers of the renumbered cloud, in their places.",
    "2.3": "nothing for a silent code, and the right price in nats for the others.",
    "2.4": "no cloud's matrix is nearer.",
}


def check_2_1(answer: object) -> Verdict:
    """The verdict on `nearest_image(d, length)`: differences (m, 3) in a cubic periodic box, both in angstrom.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("2.1", answer, _finds_images, RIGHT["2.1"])


def _finds_images(answer: Answer, generator: Generator) -> None:
    for length in (9.0, 0.7):
        inside = (torch.rand(40, 3, generator=generator, dtype=torch.float64) - 0.5) * length
        for reach in (1, 4):
            boxes = torch.randint(-reach, reach + 1, (40, 3), generator=generator)
            given = inside + length * boxes
            image = answer(given, length, shape=(40, 3))
            if close(image, inside, 1e-6):
                continue
            if not close(
                image, image - length * ((image - inside) / length - ((image - inside) / length).round()), 1e-6
            ):
                raise Wrong("some of the results are no image of what came in.", HINTS["2.1 other image"])
            if torch.equal(image, given):
                raise Wrong("it leaves every difference as it is.", HINTS["2.1 far"])
            if reach > 1:
                raise Wrong("differences of several boxes stay too long.", HINTS["2.1 boxes"])
            if (image > -1e-6 * length).all():
                raise Wrong("every component comes out positive.", HINTS["2.1 positive"])
            reached = f"components reach {image.min() / length:.2g} to {image.max() / length:.2g} boxes."
            both = image.min() < -0.6 * length and image.max() > 0.6 * length
            raise Wrong(reached, HINTS["2.1 half" if both else "2.1 one side"])


def check_2_2(answer: object) -> Verdict:
    """The verdict on `renumber(entries, order)`: the 36 entries, angstrom^2, of the cloud x[order].

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("2.2", answer, _renumbers, RIGHT["2.2"])


def _renumbers(answer: Answer, generator: Generator) -> None:
    for _ in range(3):
        x = torch.randn(8, 3, generator=generator, dtype=torch.float64)
        order = torch.randperm(8, generator=generator)
        entries, matrix = upper_triangle(gram_matrix(x)), gram_matrix(x)
        try:
            new = answer(entries, order, shape=(36,))
        except Wrong as wrong:
            if "not symmetric" in wrong.sentence:
                raise Wrong("the matrix is not symmetric after it.", HINTS["2.2 rows"]) from wrong
            raise
        if close(new, upper_triangle(gram_matrix(x[order]))):
            continue
        if close(new, upper_triangle(gram_matrix(x[order.argsort()]))):
            raise Wrong("it renumbers the other way round.", HINTS["2.2 inverse"])
        if close(new, entries):
            raise Wrong("nothing is renumbered.", HINTS["2.2 same"])
        row, column = torch.triu_indices(8, 8)
        if close(new, matrix[order][row, column]) or close(new, matrix[:, order][row, column]):
            raise Wrong("only one index of every entry is renumbered.", HINTS["2.2 rows"])
        if not close(new.sort().values, entries.sort().values):
            raise Wrong("these are not the 36 numbers that came in.", HINTS["2.2 other"])
        if close(new, gram_matrix(x[order])[*torch.tril_indices(8, 8)]):
            raise Wrong("the numbers are right and stand in other places.", HINTS["2.2 triangle"])
        raise Wrong("the 36 numbers stand in other places than those of x[order].", HINTS["2.2 entries"])


def check_2_3(answer: object) -> Verdict:
    """The verdict on `price(mean, log_variance)`: KL from N(0, 1) of each latent number (N, k), in nats.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("2.3", answer, _prices, RIGHT["2.3"])


def _prices(answer: Answer, generator: Generator) -> None:
    mean, log_variance = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64) * torch.tensor(
        [[[1.0]], [[2.5]]]
    )
    mean[0], log_variance[0] = torch.tensor([[0.0, 2, 0], [0, 0, -3]])  # silent, displaced, sharp
    truth = _kl(mean, (log_variance / 2).exp())
    price = answer(mean, log_variance, shape=(6, 3)).detach()
    if close(price, truth):
        return
    if close(price, -truth):
        raise Wrong("every price is negative.", HINTS["2.3 sign"])
    if close(price, truth, 1e-3):
        raise Wrong("the prices are nearly right.", HINTS["2.3 nearly"])
    if close(price * truth.sum() / price.sum(), truth):
        raise Wrong("every price is off by one and the same factor.", HINTS["2.3 half"])
    if close(price, _kl(mean, log_variance.exp())):
        raise Wrong("the spread of the codes is misread.", HINTS["2.3 deviation"])
    if ((price - truth).abs() > 1e-8 * truth.max()).double().mean() < 0.6:
        raise Wrong("only some extreme codes have the wrong price.", HINTS["2.3 nearly"])
    if close(answer(0 * mean, log_variance, shape=(6, 3)).detach(), _kl(0 * mean, (log_variance / 2).exp())):
        raise Wrong("codes that stand away from 0 have the wrong price.", HINTS["2.3 mean"])
    if close(answer(mean, 0 * log_variance, shape=(6, 3)).detach(), _kl(mean, 0 * mean + 1)):
        raise Wrong("only codes of variance 1 have the right price.", HINTS["2.3 spread"])
    if answer(0 * mean, 0 * log_variance, shape=(6, 3)).detach().abs().max() > 1e-8:
        raise Wrong("a code that says nothing has a price.", HINTS["2.3 silent"])
    raise Wrong("prices are wrong for many codes.", HINTS["2.3 other"])


def _kl(mean: Tensor, deviation: Tensor) -> Tensor:
    return kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0))


def check_2_4(answer: object) -> Verdict:
    """The verdict on `nearest_cloud(g)`: the nearest matrix (n, n), angstrom^2, of a cloud in space.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("2.4", answer, _finds_clouds, RIGHT["2.4"])


def _finds_clouds(answer: Answer, generator: Generator) -> None:
    spectra = [(9, 6, 4, 2, 1, 0.5, -1, -2), (9, 6, 4, 2, 1, -3, -5, -7), (9, 6, -1, -2, -2.5, -3, -4, -5)]
    spectra += [(9, 6, 4, 0, 0, 0, 0, 0), (9, 6, 4, 2, -1), (9, 7, 6, 4, 3, 2, 1, 0.5, -1, -2, -3)]
    for spectrum in spectra:
        n_atoms = len(spectrum)
        vectors, _ = torch.linalg.qr(torch.randn(n_atoms, n_atoms, generator=generator, dtype=torch.float64))
        matrix = vectors @ torch.tensor(spectrum, dtype=torch.float64).diag() @ vectors.mT
        matrix = (matrix + matrix.mT) / 2
        found = answer(matrix, shape=(n_atoms, n_atoms)).detach()
        nearest, _ = nearest_rank3(matrix)
        if not close(found, nearest):
            _explain(found, nearest, matrix)


def _explain(found: Tensor, nearest: Tensor, matrix: Tensor) -> None:
    if len(matrix) != 8:
        raise Wrong(f"matrices of {len(matrix)} atoms come out wrong, those of 8 do not.", HINTS["2.4 size"])
    if close(found, matrix - nearest):
        raise Wrong("what you return and the nearest matrix add up to the input.", HINTS["2.4 rest"])
    values, basis = torch.linalg.eigh(matrix)
    if _kept(found, basis, values, torch.arange(3)):
        raise Wrong("the three smallest eigenvalues are kept.", HINTS["2.4 smallest"])
    largest = values.abs().argsort()[-3:]
    if (values[largest] < 0).any() and _kept(found, basis, values, largest):
        raise Wrong("a large negative eigenvalue takes the place of a positive one.", HINTS["2.4 magnitude"])
    left = torch.linalg.eigvalsh((found + found.mT) / 2)
    if left[0] < -1e-8 * values.abs().max():
        raise Wrong(f"the smallest eigenvalue is {left[0]:.3g}.", HINTS["2.4 negative"])
    if left[-4] > 1e-8 * values.abs().max():
        raise Wrong("it has more than three eigenvalues above 0.", HINTS["2.4 rank"])
    if close(left, torch.linalg.eigvalsh(nearest)):
        raise Wrong("the three eigenvalues are right, the matrix is not.", HINTS["2.4 vectors"])
    if (left > 1e-8).sum() < (values > 0).sum().clamp(max=3):
        raise Wrong(f"it keeps {int((left > 1e-8).sum())} eigenvalues.", HINTS["2.4 few"])
    raise Wrong("it is farther from the input than it need be.", HINTS["2.4 other"])


def _kept(found: Tensor, vectors: Tensor, values: Tensor, which: Tensor) -> bool:
    """Whether some eigenvalues alone were kept, clipped at zero or not."""
    basis = vectors[:, which]
    return any(close(found, basis @ kept[which].diag() @ basis.mT) for kept in (values, values.clamp(min=0)))
