"""The exercises of notebook 10 on molecules: whether two are the same, and a baseline for their energies."""

from collections.abc import Iterator

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    close,
    compared,
    first_fault,
    graded,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import alone, in_single
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "10.3 right": "every atom has a partner of its own, near enough and of its element.",
    "10.3 species": "Places are right and elements are not: is it the same molecule?",
    "10.3 shared": "Two atoms may not claim the same partner.",
    "10.3 number": "Another number of atoms is another molecule, wherever they stand.",
    "10.3 crossing": "Two elements may stand near each other. Pair by places and kinds at once.",
    "10.3 within": "How near is near enough is an argument.",
    "10.3 worst": "One atom far off is enough. A mean would hide it among the others.",
    "10.3 order": "Nobody has said which atom is which. Renumber one of the two and try again.",
    "10.3 pose": "A turned molecule counts as wrong here: the code knows the pose, and has to give it back.",
    "10.3 best": "Whether all pairs are near enough is asked, not which sum is smallest: does yours prefer a very near "
    "pair, and leave somebody with one that is too far?",
    "10.3 atom": "A molecule may be a single atom. Two of them are the same if it is near enough, and not otherwise.",
    "10.3 hair": "What is nearer than `within` by a hair is nearer. Does a small number stand in your function, or "
    "does it keep fewer digits than came in?",
    "10.3 edge": "What is exactly as far as `within` is not nearer than it.",
    "10.3 scale": "Which number stands in your function that is no argument? Lengths may be of any size.",
    "10.3 single": "Distances of far atoms lose digits where they come from squares of coordinates, as in torch.cdist "
    "beyond 25 points. Subtract first.",
    "10.3 slow": "Thirty atoms have 30! numberings. One pairing can be found without trying them all.",
    "10.3 other": "Try two molecules of two atoms by hand.",
    "10.4 right": "whoever shows a network of energies should show this beside it.",
    "10.4 wrong": "other energies of the elements fit better.",
    "10.4 unseen": "The energies that you predict are not known. Fit to the known ones only.",
    "10.4 shuffle": "The columns are elements, and each has an energy of its own.",
    "10.4 mean": "Who predicts the mean for everybody has not looked at what the molecules are made of.",
    "10.4 constant": "A molecule of no atoms has no energy: no constant is wanted.",
    "10.4 per atom": "Whole molecules are asked for: divided by its number of atoms, a small one counts for more.",
    "10.4 rare": "An element of which one molecule holds one atom has an energy, too. Which singular values does your "
    "solver take for 0?",
    "10.4 nearly": "Nothing but the sum of squares is asked to be small; and keep all digits.",
    "10.4 other": "Least squares: which numbers, one an element, add up to the known energies best?",
}


def _cases(n: int, generator: Generator) -> Iterator[tuple]:
    """Two molecules each, and whether they are the same: the answer, `within`, inputs, a sentence and a hint."""
    y, others = 2 * random_cloud(n, generator), torch.arange(n) % 2
    alike, order = others * 0, torch.arange(n).roll(1)
    x = y + 0.1 * torch.nn.functional.normalize(normal(generator, n, 3))
    crossed = torch.cat([y[:1], y[:1] + 0.05, y[2:]])  # two elements near each other
    pair, doubled = torch.cat([y[:1], y[:1] + 0.05, y[1:]]), torch.cat([y[:1], y[1:2], y[1:]])
    one_more, alike_too = (torch.cat([x, x[:1]]), torch.cat([others, others[:1]])), torch.zeros(n + 1).long()
    far, whole = torch.cat([y[:1] + y.new_tensor([0.3, 0, 0]), y[1:]]), (9 * y).round()
    yield 1, 0.2, (x, others, y, others), "it turns a good one down.", "other"
    yield 1, 0.2, (x[order], others[order], y, others), "it turns down one that is numbered otherwise.", "order"
    yield 0, 0.05, (x, others, y, others), "it has a tolerance of its own.", "within"
    yield 1, 0.4, (y + 0.2, others, y, others), "it has a tolerance of its own.", "within"
    swap = [1, 0, *range(2, n)]
    yield 1, 0.2, (crossed[swap], others, crossed, others), "it turns a good one down.", "crossing"
    yield 1, 0.2, (crossed, others[swap], crossed, others), "it turns a good one down.", "crossing"
    yield 0, 0.2, (x, 1 - others, y, others), "it takes other elements.", "species"
    yield 0, 0.2, (x[:-1], others[:-1], y, others), "it takes another number of atoms.", "number"
    yield 0, 0.2, (*one_more, y, others), "it takes another number of atoms.", "number"
    yield 0, 0.2, (crossed, alike, y, alike), "it takes two atoms at one place.", "shared"
    yield 0, 0.2, (pair, alike_too, doubled, alike_too), "it takes two atoms at one place.", "shared"
    yield 0, 0.2, (far, others, y, others), "it takes one with an atom too far off.", "worst"
    turned = y @ random_rotation(generator).mT
    yield 0, 0.2, (turned, others, y, others), "it takes a turned one.", "pose"
    yield 0, 2, (whole + whole.new_tensor([2, 0, 0]), others, whole, others), "it takes what is as far.", "edge"
    # Each x but the first stands where a y stands. Only if none is paired with that y are all pairs near enough.
    angles = 0.98 * 2 * torch.pi / (n + 1) * torch.arange(n + 1)
    ring = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1).double()
    side = (ring[1] - ring[0]).norm().item()
    chain = ring[:-1][order], alike, ring[1:], alike
    yield 1, 1.01 * side, chain, "it turns down molecules whose atoms can all be paired nearly enough.", "best"
    yield 0, 0.99 * side, chain, "it takes one with an atom too far off.", "worst"


def _same(x: Tensor, kinds: Tensor, y: Tensor, others: Tensor, within: float) -> bool:
    misfit = (x[:, None] - y).norm(dim=2).ge(within) | (kinds[:, None] != others)
    return not misfit[linear_sum_assignment(misfit.numpy())].any()


@graded(HINTS)
def check_10_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `same(x, kinds, y, others, within)`: places in angstrom and kinds of two molecules, to 0 or 1."""
    asked = {"shape": (), "dtype": torch.int64}
    for n in (2, 3, 5, 6, 30):
        for right, within, inputs, sentence, hint in _cases(n, generator):
            wrong_if(bool(alone(answer, *inputs, within, without=(), **asked)) != right, sentence, hint)
    for scale in (2.0**-40, 2.0**40):  # powers of two keep what is exactly as far as `within`
        for right, within, (x, kinds, y, others), *_ in _cases(4, generator):
            found = answer(scale * x, 47 * kinds, scale * y, 47 * others, scale * within, **asked)
            wrong_if(bool(found) != right, f"it fails where lengths are {scale:g} times as large.", "scale")
    for n in 20 * [1, 2, 3, 4, 5] + [14, 30]:
        (x, y), kinds = normal(generator, 2, n, 3), torch.randint(1, 3, (n,), generator=generator)
        others = kinds[torch.randperm(n, generator=generator)]
        lengths = sorted((x[:, None] - y).norm(dim=2).flatten().tolist())
        least = next(d for d in lengths if _same(x, kinds, y, others, (1 + 1e-9) * d))
        for off, hint in ((1e-3, "best" if n > 1 else "atom"), (1e-9, "hair")):
            for right, within in ((1, (1 + off) * least), (0, (1 - off) * least)):
                found = alone(answer, x, kinds, y, others, within, without=(), **asked)
                wrong_if(bool(found) != right, "it misjudges some pairs of random molecules.", hint)
    for n, away in ((5, 0), (30, 1000)):  # beyond 25 atoms, torch.cdist multiplies matrices, and loses digits
        x, number = random_cloud(n, generator) + away, torch.arange(n)
        in_single(answer, torch.tensor(1), x, number, x + 0.05, number, 0.2, dtype=torch.int64)


def _what_energies(answer: Answer, found: Tensor, counts: Tensor, energies: Tensor, unseen: Tensor) -> None:
    right = unseen @ torch.linalg.pinv(counts) @ energies
    alone_asked = answer(counts, energies, unseen[:1], shape=(1,))
    u, sizes, vt = torch.linalg.svd(counts, full_matrices=False)
    parts = (unseen @ vt.mT) * (u.mT @ energies / sizes)  # what each singular value, from the largest on, adds
    cut = any(close(found, some) for some in parts.cumsum(dim=1)[:, :-1].mT)
    first_fault(
        (cut, "rare elements are left out.", "rare"),
        (not close(alone_asked, found[:1], 1e-6), "one answer depends on which others are asked about.", "unseen"),
        (close(found, right, 1e-2), "it is nearly the best.", "nearly"),
    )


def _energies_in_single(answer: Answer, generator: Generator) -> None:
    counts, unseen = torch.randint(0, 6, (2, 12, 3), generator=generator).double()
    energies = counts @ normal(generator, 3)
    in_single(answer, unseen @ torch.linalg.pinv(counts) @ energies, counts, energies, unseen, dtype=torch.float32)


@compared(HINTS, explain=_what_energies, then=_energies_in_single)
def check_10_4(generator: Generator) -> Trials:
    """The verdict on `composed(counts, energies, unseen)`: (N, e), (N,) in eV and (M, e), to energies (M,) in eV."""
    for n, m, e, offset in (
        (12, 5, 3, -3),
        (20, 7, 4, -3),
        (200, 1, 12, -900),
        (150, 5, 5, 0),
        (240, 5, 100, -3),
        (2, 9, 1, 0),
    ):
        counts = torch.randint(0, 6, (n, e), generator=generator).double()
        unseen = torch.randint(0, 60, (m, e), generator=generator).double()
        counts[: e + 1] += torch.ones(e + 1, e).tril().double()[: len(counts)]
        unseen[0, 0] += 1
        if n == 150:  # one element is everywhere, and another in one molecule only
            counts[:, 0], counts[:, 1] = 20 * counts[:, 0], torch.arange(n) == 3
        energies = counts @ normal(generator, e) + offset + 0.3 * normal(generator, n)
        total, one = counts.sum(dim=1), torch.ones(n, 1, dtype=torch.float64)
        *weights, constant = torch.linalg.pinv(torch.cat([counts, one], dim=1)) @ energies
        per_atom = unseen @ torch.linalg.pinv(counts / total.clamp(min=1)[:, None]) @ (energies / total.clamp(min=1))
        yield (
            (counts, energies, unseen),
            unseen @ torch.linalg.pinv(counts) @ energies,
            ("mean", "it says the same of all.", energies.mean().expand(m)),
            ("constant", "it has a constant.", unseen @ torch.stack(weights) + constant),
            ("shuffle", "it treats all elements alike.", unseen.sum(dim=1) * (total @ energies) / (total @ total)),
            ("per atom", "it fits energies per atom.", per_atom, per_atom / unseen.sum(dim=1).clamp(min=1)),
        )
