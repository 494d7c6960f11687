"""Exercises of notebook 06 on what is known: an atom taken out without a trace, a vector from inner products."""

from functools import partial
from itertools import combinations
from pathlib import Path

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Trials, close, compared, graded, normal, random_cloud, wrong_if
from tutorial_lib.exercises.synchronisation import TETRAHEDRON
from tutorial_lib.exercises.unaided import LIBRARY, LIBRARY_HINT, alone, in_single

unaided = partial(alone, without=(str(Path(LIBRARY).with_name("inpainting")),))

HINTS = {
    "6.1 right": "the same atoms in the same order, however the cloud was numbered.",
    "6.1 zeros": "A row of zeros is a trace: whoever reads it knows which place in the list is empty.",
    "6.1 equal": "In a crystal several atoms are as far from the centre as the one that goes. Only one goes.",
    "6.1 rounded": "Distances that differ in the third decimal are different distances. Is something rounded?",
    "6.1 order": "Number the atoms of the cloud otherwise, and the same atoms come out in another order. What could "
    "they be sorted by that belongs to the atoms themselves?",
    "6.1 atoms": "All the others should come out, where they were, and the one in question should not.",
    "6.1 leak": "Move the atom that is taken out, and leave the others where they are: your rows change their order. "
    "Whoever sees the order learns something about what is missing.",
    "6.1 dice": "Dice do hide the order, and our library throws them. Here the same cloud should give the same rows "
    "each time: what could they be sorted by?",
    "6.1 pose": "Turn the cloud. The atoms should come out turned, and in the same order.",
    "6.2 right": "all known vectors have a say, and exact products give the exact vector.",
    "6.2 wrong": "another vector fits the products better.",
    "6.2 sign": "It points the other way. What is the inner product of a vector with itself?",
    "6.2 few": "It uses three of the known vectors. What if the products are a little off, as a network's are? All of "
    "them should have a say.",
    "6.2 triples": "Three equations at a time, and then a mean over all threes: threes nearly in a plane spoil it. "
    "All k equations together have one best fit.",
    "6.2 weighted": "Dividing an equation by the length of its vector changes how much it counts. The sum of squares "
    "is over the products as they are given.",
    "6.2 ridge": "Exact products do not quite give the exact vector. Is something added before solving? How much is "
    "it for vectors of a hundredth of an ångström?",
    "6.2 library": LIBRARY_HINT,
    "6.2 sum": "Adding up known vectors by their products would do if they were orthogonal and of length one.",
    "6.2 gram": "The products give coefficients only after you have solved for them: what are the products of a sum "
    "of known vectors?",
    "6.2 other": "Write down K x = g, with the known vectors as the rows of K, and ask for the x that fits best.",
}


@graded(HINTS)
def check_6_1(answer: Answer, generator: Generator) -> None:
    """The verdict on `without(x, missing)`: of (n, 3), angstrom, all rows but one, in an order that tells nothing."""
    directions = torch.nn.functional.normalize(random_cloud(8, generator), dim=1)
    shell = (2.35 + 0.003 * torch.randperm(8, generator=generator)[:, None]) * directions
    far = torch.linspace(1.0, 4.5, 8).double()[:, None] * directions[torch.randperm(8, generator=generator)]
    others = [
        (size * random_cloud(n, generator), "rounded") for n, size in ((5, 1), (24, 1), (2, 1), (8, 0.01), (6, 100))
    ]
    for x, hint in ((far, "order"), (shell, "rounded"), *others):
        for missing in range(len(x)):
            _are_the_others(answer, x, missing, "atoms")
        _tells_nothing(answer, x, generator, hint)
    for missing in range(8):
        _are_the_others(answer, torch.cat([1.36 * TETRAHEDRON, -2.0 * TETRAHEDRON]), missing, "equal")
    answer(x.float(), 0, shape=(len(x) - 1, 3), dtype=torch.float32)


def _are_the_others(answer: Answer, x: Tensor, missing: int, hint: str) -> None:
    found = answer(x, missing).detach()
    wrong_if(found.shape == x.shape, f"of {len(x)} atoms {len(x)} rows are left.", "zeros")
    if hint == "equal":
        wrong_if(len(found) < len(x) - 1, f"of 8 atoms of a crystal {len(found)} are left.", "equal")
    found = answer(x, missing, shape=(len(x) - 1, 3)).detach()
    off = torch.cdist(found, torch.cat([x[:missing], x[missing + 1 :]]))
    wrong_if(not (off.lt(1e-9).sum(dim=0) == 1).all(), "they are not the other atoms.", hint)


def _tells_nothing(answer: Answer, x: Tensor, generator: Generator, hint: str) -> None:
    turn = torch.linalg.qr(normal(generator, 3, 3)).Q
    turn = turn * turn.det().sign()
    for missing in range(len(x)):
        found = answer(x, missing).detach()
        order = torch.randperm(len(x), generator=generator)
        moved = x.clone()
        moved[missing] = x.norm(dim=1).mean() * normal(generator, 3)
        renumbered = x[order], int(order.argsort()[missing])
        for inputs, expected, sentence, name in (
            ((x, missing), found, "the same cloud gives another order the second time.", "dice"),
            (renumbered, found, "the order depends on how the cloud was numbered.", hint),
            ((x @ turn.mT, missing), found @ turn.mT, "the order depends on the pose.", "pose"),
            ((moved, missing), found, "the order depends on where the missing atom was.", "leak"),
        ):
            wrong_if(not close(answer(*inputs), expected), sentence, name)


def _digits_are_lost(answer: Answer, found: Tensor, known: Tensor, products: Tensor) -> None:
    best = torch.linalg.pinv(known) @ products
    wrong_if(close(found, best, 1e-4), "it is right to a few digits.", "single")


def _all_products_at_once(answer: Answer, generator: Generator) -> None:
    known, truth = random_cloud(9, generator), random_cloud(1, generator)[0]
    unaided(answer, known, known @ truth, shape=(3,))
    in_single(answer, truth, known, known @ truth, dtype=torch.float32)


@compared(HINTS, explain=_digits_are_lost, then=_all_products_at_once)
def check_6_2(generator: Generator) -> Trials:
    """The verdict on `vector(known, products)`: the x (3,), angstrom, whose products with known (k, 3) fit best."""
    exact = [(7, 0.0, 1.0), (5, 0.0, 1.0), (3, 0.0, 1.0), (7, 0.0, 0.01)]
    for n_known, noise, size in (*exact, (7, 0.5, 1.0), (4, 1.0, 1.0), (40, 1.0, 1.0), (9, 50.0, 100.0)):
        known, truth = size * random_cloud(n_known, generator), size * random_cloud(1, generator)[0]
        products = known @ truth + size * noise * normal(generator, n_known)
        best, total = torch.linalg.pinv(known) @ products, products @ known
        threes = list(combinations(range(n_known), 3))[:200]
        solved = torch.stack([torch.linalg.solve(known[[*three]], products[[*three]]) for three in threes])
        square, length = known.mT @ known, known.norm(dim=1)
        yield (
            (known, products),
            best,
            ("sign", "it is the mirror image of the right one.", -best),
            ("sum", "known vectors are added up as if they were axes.", total, total / n_known),
            ("gram", "products and coefficients are mixed up.", torch.linalg.solve(square, products[:3])),
            ("few", "with exact products it is right.", solved[0], solved[-1]),
            ("triples", "three equations are solved at a time.", solved.mean(dim=0), solved.median(dim=0).values),
            (
                "weighted",
                "equations do not count alike.",
                *(torch.linalg.pinv(known / w[:, None]) @ (products / w) for w in (length, length**2, products.abs())),
            ),
            (
                "ridge",
                "it is nearly right for usual lengths.",
                *(torch.linalg.solve(square + c * torch.eye(3), total) for c in (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-6)),
            ),
        )
