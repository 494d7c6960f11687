"""The exercises of notebook 09: a matrix from its blocks, a block that turns, a gradient to learn through, levels."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "9.1 below": "Each pair of atoms has two blocks, one above the diagonal and one below. Half of them are missing.",
    "9.1 transpose": "Rows of the block (i, j) belong to atom i. Which atom has the rows of the block (j, i)?",
    "9.1 above": "Above the diagonal the block of a pair stands as it came in.",
    "9.1 diagonal": "Blocks on the diagonal are there already: adding the transposed matrix counts them twice.",
    "9.1 half": "The mean of a matrix and its transpose is symmetric. But what was the other one below the diagonal?",
    "9.1 own": "Each atom also has a block with itself.",
    "9.1 order": "First all functions of the first atom. Which axes are side by side when you call `reshape`?",
    "9.1 other": "Write it out for two atoms of one function each: four entries, from three numbers.",
    "9.2 nothing": "Turn by a quarter about z: what was along x is now along y. Does the output know?",
    "9.2 inverse": "The other way round. A vector v becomes Q v: which of D and its transpose is on the left?",
    "9.2 one side": "A block has two ends, and both turn: rows and columns.",
    "9.2 transpose": "Rows turn by D from the left. What stands on the right if the block is an outer product?",
    "9.2 s": "The block of s and p turns too, as one vector: its p end turns although its s end does not.",
    "9.2 order": "The s function is the first of the four, not the last.",
    "9.2 mirror": "An s function looks the same in a mirror, p functions do what vectors do. Is there a determinant?",
    "9.2 other": "Build D first, (4, 4), and look whether it is orthogonal.",
    "9.3 no grad": "PyTorch can be told to switch its record on, just for a few lines.",
    "9.3 sign": "Uphill, not downhill: this is a gradient and not a force.",
    "9.3 mean": "The numbers are added up before the gradient is taken. What does a mean divide by?",
    "9.3 mixing": "Ask about one row alone, then about the same row among others: its gradient should be the same.",
    "9.3 differences": "Differences of nearby values are a gradient to a few digits. Autograd knows it exactly.",
    "9.3 graph": "Whoever trains needs the gradient of this gradient. What keeps the record in `autograd`?",
    "9.3 cut": "The weights learn, and whatever made the features does not: what was detached on the way in?",
    "9.3 weights": "`backward` leaves gradients lying about in all weights. `torch.autograd.grad` returns them.",
    "9.3 other": "Try it with the squared length of each row: what is its gradient?",
    "9.4 overlap": "The functions of the basis overlap. Without S this is the problem of an orthogonal basis.",
    "9.4 order": "The electrons fill the levels from below: the lowest comes first, and very negative is very low.",
    "9.4 side": "Multiply H c = e S c by the inverse of S, from the left.",
    "9.4 over": "One over each of them would be right: which of the two matrices is inverted?",
    "9.4 symmetric": "H over S is not symmetric, and `eigh` reads one half: it believes that the other is the same.",
    "9.4 factor": "With S = L L^T both sides are multiplied: by the inverse of L on the left, and what on the right?",
    "9.4 other": "Try S = 4 times the unit matrix: every level is a quarter of what it was.",
}
RIGHT = {
    "9.1": "symmetric, and each pair is asked for once.",
    "9.2": "it turns at both ends, also through a mirror.",
    "9.3": "it can be trained through, and predicts without a record.",
    "9.4": "these are the energies of the orbitals.",
}


def _recognised(found: Tensor, *tempting: tuple[str, Tensor, str]) -> None:
    for sentence, wrong, hint in tempting:
        if close(found, wrong):
            raise Wrong(sentence, HINTS[hint])


def check_9_1(answer: object) -> Verdict:
    """The verdict on `assembled(own, between)`: (n, k, k) and (n, n, k, k) to (n k, n k), hartree.

    Args:
        answer: the function, of the block of each atom with itself, and of those of pairs i < j, zero elsewhere.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("9.1", answer, _assembles, RIGHT["9.1"])


def _assembles(answer: Answer, generator: Generator) -> None:
    for n, k in ((2, 3), (4, 2), (3, 4)):
        between = torch.randn(n, n, k, k, generator=generator, dtype=torch.float64)
        own = between[0] + between[0].mT
        between = between * torch.ones(n, n).triu(1)[..., None, None]
        found = answer(own, between, shape=(n * k, n * k)).detach()
        upper = between.transpose(1, 2).reshape(n * k, n * k)
        diagonal = torch.block_diag(*own)
        if close(found, upper + upper.mT + diagonal):
            continue
        mirrored = between.transpose(0, 1).transpose(1, 2).reshape(n * k, n * k)  # (j, i) holds what (i, j) does
        _recognised(
            found,
            ("blocks on the diagonal are empty.", upper + upper.mT, "9.1 own"),
            ("below the diagonal there is nothing.", upper + diagonal, "9.1 below"),
            ("it is not symmetric.", upper + mirrored + diagonal, "9.1 transpose"),
            ("blocks on the diagonal are too large.", upper + upper.mT + 2 * diagonal, "9.1 diagonal"),
            ("blocks off the diagonal are too small.", (upper + upper.mT) / 2 + diagonal, "9.1 half"),
            ("blocks above the diagonal are transposed.", mirrored + mirrored.mT + diagonal, "9.1 above"),
        )
        kind = "order" if close(found.sum(), (upper + upper.mT + diagonal).sum()) else "other"
        raise Wrong("it is another matrix.", HINTS[f"9.1 {kind}"])


def check_9_2(answer: object) -> Verdict:
    """The verdict on `turned(block, q)`: (4, 4), hartree, of s, x, y and z, and (3, 3), no unit, to (4, 4), hartree.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("9.2", answer, _turns, RIGHT["9.2"])


def _turns(answer: Answer, generator: Generator) -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(3):
        block = torch.randn(4, 4, generator=generator, dtype=torch.float64)
        q = random_rotation(generator, (), torch.float64)
        found, d = answer(block, q, shape=(4, 4)).detach(), torch.block_diag(one, q)
        if not close(found, d @ block @ d.mT):
            _what_turn(block, q, found)
        d = torch.block_diag(one, -q)
        if not close(answer(block, -q, shape=(4, 4)).detach(), d @ block @ d.mT):
            raise Wrong("rotations are right and mirrors are not.", HINTS["9.2 mirror"])


def _what_turn(block: Tensor, q: Tensor, found: Tensor) -> None:
    one = q.new_ones(1, 1)
    d, last, left = torch.block_diag(one, q), torch.block_diag(q, one), block.clone()
    left[1:, 1:] = q @ block[1:, 1:] @ q.mT
    _recognised(
        found,
        ("nothing turns.", block, "9.2 nothing"),
        ("it turns backwards.", d.mT @ block @ d, "9.2 inverse"),
        *[("only one end turns.", end, "9.2 one side") for end in (d @ block, block @ d.mT)],
        ("one end turns backwards.", d @ block @ d, "9.2 transpose"),
        ("only the p block turns.", left, "9.2 s"),
        ("the first three functions turn.", last @ block @ last.mT, "9.2 order"),
    )
    raise Wrong("it is another matrix.", HINTS["9.2 other"])


def check_9_3(answer: object) -> Verdict:
    """The verdict on `uphill(number, features)`: a function (n, 3) to (n,), and (n, 3), to (n, 3), all without unit.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("9.3", answer, _climbs, RIGHT["9.3"])


def _number(weights: Tensor, features: Tensor) -> Tensor:
    """A number of each row, which does not turn with it; rows do not see each other."""
    size = features.square().sum(dim=-1)
    return weights[0] * size + weights[1] * (weights[2] + 0.1 * size).sin()


def _gradient(number: Callable, features: Tensor) -> Tensor:
    with torch.enable_grad():
        x = features if features.requires_grad else features.detach().requires_grad_()
        return torch.autograd.grad(number(x).sum(), x, create_graph=True)[0]


def _climbs(answer: Answer, generator: Generator) -> None:
    for n in (4, 1, 6):
        weights = torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True)
        number, features = partial(_number, weights), random_cloud(n, generator)
        right = _gradient(number, features).detach()
        found = answer(number, features, shape=(n, 3)).detach()
        if not close(found, right):
            _what_gradient(answer, number, features, found, right)
        if weights.grad is not None:
            raise Wrong("it leaves gradients in the weights of the number.", HINTS["9.3 weights"])
        try:
            with torch.no_grad():
                found = answer(number, features, shape=(n, 3))
        except Wrong as wrong:
            raise Wrong(f"under `torch.no_grad` {wrong.sentence}", HINTS["9.3 no grad"]) from wrong
        if not close(found.detach(), right):
            raise Wrong("under `torch.no_grad` it gives something else.", HINTS["9.3 no grad"])
        _can_be_trained_through(answer, number, weights, features)


def _can_be_trained_through(answer: Answer, number: Callable, weights: Tensor, features: Tensor) -> None:
    asked, slopes = features.clone().requires_grad_(), []
    for function in (answer, _gradient):
        out = (function(number, asked) * features.cos()).sum()
        out = out if out.requires_grad else 0 * weights.sum()
        slopes.append(torch.autograd.grad(out, (weights, asked), allow_unused=True, materialize_grads=True))
    if not close(slopes[0][0], slopes[1][0], 1e-6):
        raise Wrong("the weights of the number cannot learn through it.", HINTS["9.3 graph"])
    if not close(slopes[0][1], slopes[1][1], 1e-6):
        raise Wrong("nothing before it can learn.", HINTS["9.3 cut"])


def _what_gradient(answer: Answer, number: Callable, features: Tensor, found: Tensor, right: Tensor) -> None:
    small = ("it is too small, the more so the more rows.", right / len(features), "9.3 mean")
    _recognised(found, ("it points downhill.", -right, "9.3 sign"), small)
    if close(found, right, 1e-3):
        raise Wrong("it is right to a few digits.", HINTS["9.3 differences"])
    alone = torch.cat([answer(number, row[None], shape=(1, 3)).detach() for row in features])
    if not close(alone, found, 1e-6):
        raise Wrong("a row changes when others are beside it.", HINTS["9.3 mixing"])
    raise Wrong("it is something else.", HINTS["9.3 other"])


def check_9_4(answer: object) -> Verdict:
    """The verdict on `levels(fock, overlap)`: (n, n), hartree, and (n, n), no unit, to (n,), hartree, the lowest first.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("9.4", answer, _solves, RIGHT["9.4"])


def _solves(answer: Answer, generator: Generator) -> None:
    for n in (3, 5, 7):
        fock, root = torch.randn(2, n, n, generator=generator, dtype=torch.float64)
        fock, overlap = fock + fock.mT, root @ root.mT / n + 0.5 * torch.eye(n, dtype=torch.float64)
        inverse = torch.linalg.inv(torch.linalg.cholesky(overlap))
        right = torch.linalg.eigvalsh(inverse @ fock @ inverse.mT)
        found = answer(fock, overlap, shape=(n,)).detach()
        if close(found, right):
            continue
        tempting = [
            ("it does not look at S.", fock, "9.4 overlap"),
            ("it multiplies by S where it should divide.", overlap @ fock, "9.4 side"),
            ("its levels are upside down.", torch.linalg.solve(fock, overlap), "9.4 over"),
            ("S is divided out on one side only.", inverse @ fock, "9.4 factor"),
            ("its factors do not belong together.", inverse.mT @ fock @ inverse, "9.4 factor"),
            ("the same factor stands on both sides.", inverse @ fock @ inverse, "9.4 factor"),
            ("it solves a problem as if it were symmetric.", torch.linalg.solve(overlap, fock), "9.4 symmetric"),
        ]
        _recognised(found.sort().values, ("the levels are right, in another order.", right, "9.4 order"))
        for way in (lambda matrix: torch.linalg.eigvals(matrix).real, torch.linalg.eigvalsh):
            ours = [(sentence, way(matrix).sort().values, hint) for sentence, matrix, hint in tempting]
            _recognised(found.sort().values, *ours)
        raise Wrong("these are other numbers.", HINTS["9.4 other"])
