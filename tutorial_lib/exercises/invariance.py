"""Exercises of notebook 01: turning row vectors, forces, and invariant numbers."""

from collections.abc import Callable
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
    graded,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import DIGITS_HINT
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "digits": DIGITS_HINT,
    "1.1 right": "each row turns as Q turns a column, for every Q that we drew, mirrors included.",
    "1.1 wrong": "lengths are kept, but the rows do not stand where Q puts them.",
    "1.1 same": "After a quarter turn about z, the point (1, 0, 0) should stand at (0, 1, 0). Where does yours stand?",
    "1.1 inverse": "Write down one component, y_i = sum_j Q_ij x_j, for a column x. Our atoms are rows: which index of "
    "Q does a row of x meet in your product?",
    "1.1 columns": "On paper Q multiplies a column, and here every atom is a row. On which side of x does Q "
    "belong, and which of its indices meets that of a row?",
    "1.1 centroid": "Which point of space stays where it is? A rotation matrix leaves the origin alone, and only it.",
    "1.1 lengths": "A rotation keeps the length of every row. Compare the norms before and after.",
    "1.1 rows": "A cloud may have any number of atoms. Does a loop in your function, or a slice, end too early?",
    "1.1 order": "Atoms keep their numbers: the first row of the result is where the first atom went.",
    "1.1 other": "Try it on a single atom first, and on a quarter turn about z that you can do in your head.",
    "1.2 right": "minus the gradient, for every energy that we drew. It turns with the cloud, because the energy "
    "does not.",
    "1.2 wrong": "it is not minus the slope of the energy.",
    "1.2 sign": "Let go of a stretched spring: does it move to where the energy is higher, or lower?",
    "1.2 detached": "Autograd follows only what it was told to follow, from the positions to the energy without a gap. "
    "Where does the trail begin in yours, and is there a detach() or an item() on the way?",
    "1.2 nearly": "A quotient of differences is an approximation, and it amplifies the noise of an energy; autograd "
    "gives the derivative itself. "
    "If you did ask autograd: did you change the positions before the energy saw them?",
    "1.2 one atom": "The energy has a slope for every coordinate of every atom, and they differ from atom to atom.",
    "1.2 twice": "What does your function keep between two calls? `backward` adds to the gradient that it finds.",
    "1.2 kept": "Forces belong to one energy and one cloud. What does your function remember of the call before?",
    "1.2 atoms": "A cloud may have any number of atoms. Does a loop in your function, or a slice, end too early?",
    "1.2 other": "Try a spring between two atoms, (|x_1 - x_2| - 1)^2: how do the forces on its ends compare?",
    "1.3 right": "nothing changes in any pose, and every small change of shape is seen.",
    "1.3 rotation": "Which of your numbers names an axis? Coordinates do, and so does anything made of single ones.",
    "1.3 mirror": "Some of your numbers change sign in a mirror. Triple products and cross products do.",
    "1.3 shift": "Something is measured from the origin, as inner products are. What between two atoms does not care "
    "where the origin is?",
    "1.3 permutation": "The numbers are right and their order is that of the atoms. Who chose it?",
    "1.3 blind": "You have thrown away too much: there are ways to change the shape of which your numbers learn "
    "nothing. How many directions does a shape have to change in, and how many can your numbers follow?",
    "1.3 nan": "The distance of an atom to itself is 0, and a square root has no slope there. Which pairs do you need?",
    "1.3 gradient": "A network that learns through these numbers needs their gradient. Where does it stop in yours?",
    "1.3 ties": "In a symmetric cloud atoms tie, or axes do: rounding decides which comes first, and what is divided "
    "by their difference has no gradient. Which of your numbers hang on a tie?",
    "1.3 faked": "Move one atom a little and compare: the numbers should change by their gradient times the step. What "
    "do they change by in yours?",
}
SEVEN = "it is right to about seven digits of sixteen."


def _single(numbers: Tensor) -> bool:
    """Whether numbers in float64 have been in float32 (or less) on the way."""
    return torch.equal(numbers.float().to(numbers), numbers)


def _what_turn(answer: Answer, found: Tensor, x: Tensor, q: Tensor) -> None:
    rows = (found - x @ q.mT).abs().amax(dim=1) <= 1e-8 * x.norm(dim=1)
    first = rows[: rows.sum()].all()
    first_fault(
        (close(found, x @ q.mT, 1e-5), SEVEN, "digits"),
        (close(found.sort(0).values, (x @ q.mT).sort(0).values), "the rows are right, in another order.", "order"),
        (rows.any() and first, f"{rows.sum()} of {len(x)} rows are right, and the others are not.", "rows"),
        (not close(found.norm(dim=1), x.norm(dim=1)), "rows change their lengths.", "lengths"),
    )


@compared(HINTS, errors=(("cannot be multiplied", "columns"),), explain=_what_turn)
def check_1_1(generator: Generator) -> Trials:
    """The verdict on `rotate(x, Q)`: rows (n, 3), angstrom, turned by Q (3, 3)."""
    quarter = torch.tensor([[0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    for n_atoms, scale in ((5, 1), (3, 1), (1, 1), (300, 10)):
        x, turn = scale * random_cloud(n_atoms, generator), random_rotation(generator)
        for q in (turn, -turn, quarter):
            yield (
                (x, q),
                x @ q.mT,
                ("same", "nothing has turned.", x),
                ("inverse", "it turns backwards: this is the inverse of Q.", x @ q),
                ("centroid", "it turns about the centroid of the cloud.", (x - x.mean(0)) @ q.mT + x.mean(0)),
            )


def _again(answer: Answer, generator: Generator) -> None:
    x, other = random_cloud(3, generator), random_cloud(3, generator)
    bowl, hill = (lambda x: x.square().sum()), (lambda x: -x.square().sum())
    first_fault(
        (
            not close(answer(bowl, x), answer(bowl, x), 1e-6),
            "the second call gives other forces than the first.",
            "twice",
        ),
        (not close(answer(hill, x), 2 * x, 1e-6), "another energy is given the forces of the one before.", "kept"),
        (
            not close(answer(bowl, other), -2 * other, 1e-6),
            "another cloud is given the forces of the one before.",
            "kept",
        ),
    )


def _what_force(answer: Answer, found: Tensor, energy: Callable, x: Tensor) -> None:
    right = -torch.func.grad(energy)(x)
    rows = (found - right).abs().amax(dim=1) <= 1e-9 * right.abs().max()
    first_fault(
        (_single(found) and close(found, right, 1e-4), SEVEN, "digits"),
        (close(found, right, 0.1), "it is close to the force, and not it.", "nearly"),
        (rows.any(), f"{rows.sum()} of {len(x)} atoms have the right force, and the others have not.", "atoms"),
    )


@compared(
    HINTS,
    tolerance=1e-9,
    errors=(("does not require grad", "detached"), ("have been used in the graph", "detached")),
    explain=_what_force,
    then=_again,
)
def check_1_2(generator: Generator) -> Trials:
    """The verdict on `forces(energy, x)`: minus the gradient (n, 3), eV/angstrom, of a function in eV."""
    for n_atoms, scale in ((4, 1), (2, 1), (1, 1), (12, 1), (40, 3)):
        weights = normal(generator, n_atoms, n_atoms)

        def energy(x: Tensor, weights: Tensor = weights) -> Tensor:
            gram = x @ x.mT
            noise = 1e-8 * (1e9 * gram.detach()).cos().sum()  # differences see it, the derivative does not
            return (weights * gram.cos()).sum() + 0.1 * gram.square().sum() + noise

        x = scale * random_cloud(n_atoms, generator)
        slope = torch.func.grad(energy)(x)
        yield (
            (energy, x),
            -slope,
            ("sign", "atoms are pushed uphill.", slope),
            (
                "one atom",
                "every atom feels the same force.",
                -slope.mean(0).expand_as(slope),
                -slope.sum(0).expand_as(slope),
            ),
        )


@graded(HINTS)
def check_1_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `describe(x)`: numbers (k,) that only the shape of a cloud (n, 3), angstrom, decides."""
    for n_atoms, span in (*((n, None) for n in (6, 5, 5, 4, 8, 3, 7, 15)), (4, 25), (4, 0.2), (40, 2)):
        x, asked = random_cloud(n_atoms, generator), 3 * n_atoms - 6
        x = x * span / torch.pdist(x).max() if span else x
        numbers = answer(x)
        wrong_if(
            numbers.ndim != 1 or not len(numbers),
            f"it returns the shape {tuple(numbers.shape)}; a list of k numbers has (k,).",
            "shape",
        )
        describe = partial(answer, shape=tuple(numbers.shape))
        turn = random_rotation(generator)
        order = torch.randperm(n_atoms, generator=generator).roll(1)
        moved = {
            ("turned", "rotation"): x @ turn.mT,
            ("mirrored", "mirror"): x * x.new_tensor([1, 1, -1]),
            ("shifted", "shift"): x + normal(generator, 3),
            ("renumbered", "permutation"): x[order],
        }
        changes = {words: (describe(cloud) - numbers).detach().abs() for words, cloud in moved.items()}
        sizes = numbers.detach().abs()
        largest = sizes.max()
        if n_atoms > 25:  # where every slope takes long, and `torch.cdist` loses half of the digits
            _first_change(changes, 1e-6 * largest)
            wrong_if(len(numbers) < asked, f"for {n_atoms} atoms it returns {len(numbers)} numbers.", "blind")
            continue
        single = all((change <= 1e-5 * (largest if _single(numbers) else sizes)).all() for change in changes.values())
        if single and any((change > 1e-8 * largest).any() for change in changes.values()):
            raise Wrong("in other poses the numbers agree to about seven digits of sixteen.", "digits")
        _first_change(changes, 1e-8 * largest)
        if not (output := describe(x.requires_grad_())).requires_grad:
            wrong_if(
                close(describe(random_cloud(n_atoms, generator)), output), "it says the same of every cloud.", "blind"
            )
            raise Wrong("no gradient flows back to the positions.", "gradient")
        x = x.detach()
        try:
            slopes = torch.autograd.functional.jacobian(describe, x).flatten(1)
        except RuntimeError as error:  # such as that a function has no derivative
            raise Wrong(f"no gradient flows back: {str(error).splitlines()[0].rstrip('.')}.", "gradient") from error
        wrong_if(not torch.isfinite(slopes).all(), "its gradient is NaN or infinity.", "nan")
        size = (sizes + slopes.norm(dim=1) * x.norm()).clamp(min=1e-300)
        _first_change(changes, 1e-8 * size + 1e-14 * largest)  # each by its own size: a large one hides none
        values = torch.linalg.svdvals(slopes / size[:, None])
        rank = int((values > 1e-13 * values[0]).sum())
        # Of powers of distances the values fall little by little into rounding: only a gap says that one is zero.
        blind = rank < asked and (rank == len(values) or values[rank - 1] >= 1e4 * values[rank])
        faked = torch.full((len(numbers),), len(numbers) >= asked)
        for length in (1e-6, 1e-7, 1e-8):  # neighbours in a sorted list may change places within a step, not in all
            step = length * normal(generator, n_atoms, 3)
            change = (describe(x + step) - describe(x - step)).detach() / 2 - slopes @ step.flatten()
            allowed = 1e-3 * slopes.norm(dim=1) * step.norm() + 1e-12 * size + 1e-14 * largest
            faked &= change.abs() > allowed
        words = f"of the {asked} directions in which the shape of {n_atoms} atoms can change, it sees {rank}"
        first_fault(
            (faked.any(), "the numbers do not change as their gradient says.", "faked"),
            (blind, f"{words}, as far as rounding lets us tell.", "blind"),
        )
    for what, x in _symmetric().items():
        numbers = answer(x.requires_grad_())
        weights = torch.arange(1, len(numbers) + 1).to(numbers)
        (slope,) = torch.autograd.grad(weights @ numbers, x)
        wrong_if(not torch.isfinite(slope).all(), f"its gradient is NaN or infinity for {what}.", "ties")
        x, numbers = x.detach(), numbers.detach()
        moved = [("renumbered", x[torch.randperm(len(x), generator=generator)]) for _ in range(3)]
        moved += [("turned", x @ random_rotation(generator).mT) for _ in range(3)]
        moved += [("mirrored", -x), ("shifted", x + normal(generator, 3))]
        changes = {
            (word, "ties"): (answer(cloud, shape=numbers.shape) - numbers).detach().abs() for word, cloud in moved
        }
        _first_change(changes, 1e-8 * numbers.abs().max(), what)


def _symmetric() -> dict[str, Tensor]:
    angles = torch.arange(6, dtype=torch.float64) * torch.pi / 3
    ring = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1)
    return {
        "a stretched tetrahedron": ring.new_tensor([[2, 0, 1], [-2, 0, 1], [0, 2, -1], [0, -2, -1]]),
        "a regular tetrahedron": ring.new_tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
        "benzene": torch.cat([1.4 * ring, 2.5 * ring]),
    }


def _first_change(changes: dict[tuple[str, str], Tensor], allowed: Tensor, what: str = "the cloud") -> None:
    for (word, move), change in changes.items():
        wrong_if((change > allowed).any(), f"the numbers change when {what} is {word}.", move)
