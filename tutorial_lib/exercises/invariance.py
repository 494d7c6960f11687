"""The exercises of notebook 01: turning row vectors, forces, invariant numbers, and telling hands apart."""

from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import HINTS as GENERAL
from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "1.1 same": "After a quarter turn about z, the point (1, 0, 0) should stand at (0, 1, 0). Where does yours stand?",
    "1.1 inverse": "Write down one component, y_i = sum_j Q_ij x_j, for a column x. Our atoms are rows: which index of "
    "Q does a row of x meet in your product?",
    "1.1 centroid": "Which point of space stays where it is? A rotation matrix leaves the origin alone, and only it.",
    "1.1 lengths": "A rotation keeps the length of every row. Compare the norms before and after.",
    "1.1 digits": "Somewhere on the way numbers were kept in fewer digits than they came in.",
    "1.1 other": "Try it on a single atom first, and on a quarter turn about z that you can do in your head.",
    "1.2 sign": "Let go of a stretched spring: does it move to where the energy is higher, or lower?",
    "1.2 detached": "Autograd follows only what it was told to follow, from the positions to the energy without a gap. "
    "Where does the trail begin in yours, and is there a detach() or an item() on the way?",
    "1.2 nearly": "A quotient of differences is an approximation with a step in it; autograd gives the derivative. "
    "If you did ask autograd: did you change the positions before the energy saw them?",
    "1.2 one atom": "The energy has a slope for every coordinate of every atom, and they differ from atom to atom.",
    "1.2 other": "Try the energy |x|^2 / 2, whose force is -x.",
    "1.3 rotation": "Which of your numbers names an axis? Coordinates do, and so does anything made of single ones.",
    "1.3 mirror": "Some of your numbers change sign in a mirror. Triple products and cross products do.",
    "1.3 shift": "Something is measured from the origin, as inner products are. What between two atoms does not care "
    "where the origin is?",
    "1.3 permutation": "The numbers are right and their order is that of the atoms. Who chose it?",
    "1.3 blind": "You have thrown away too much: there are ways to change the shape of which your numbers learn "
    "nothing. How many directions does a shape have to change in, and how many can your numbers follow?",
    "1.3 nan": "The distance of an atom to itself is 0, and a square root has no slope there. Which pairs do you need?",
    "1.3 gradient": "A network that learns through these numbers needs their gradient. Where does it stop in yours?",
    "1.4 rotation": "Turn the cloud and your number changes. Build it from products that do not turn.",
    "1.4 mirror": "A mirrored cloud gives the same number. Inner products, distances and absolute values cannot tell "
    "a hand from its mirror image; which product of vectors can?",
    "1.4 zero": "Swapping two of three vectors flips the sign of their product: a sum over all orders cancels, and a "
    "product in which one vector stands twice is zero.",
    "1.4 plane": "Three vectors taken from their own centroid lie in a plane. The cloud comes with an origin: use it.",
    "1.4 constant": "It is the same for every cloud, whichever hand it is.",
    "1.4 size": "In a mirror the number should become its own negative, and no other number.",
}
RIGHT = {
    "1.1": "each row turns as Q turns a column, for every Q that we drew, mirrors included.",
    "1.2": "minus the gradient, for every energy that we drew. It turns with the cloud, because the energy does not.",
    "1.3": "nothing changes in any pose, and every small change of shape is seen.",
    "1.4": "it is blind to rotations and flips in a mirror: a pseudoscalar.",
}


def check_1_1(answer: object) -> Verdict:
    """The verdict on `rotate(x, Q)`: rows (n, 3), angstrom, turned by Q (3, 3).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("1.1", answer, _rotates, RIGHT["1.1"])


def _rotates(answer: Answer, generator: Generator) -> None:
    for n_atoms in (5, 3, 1):
        x, turn = random_cloud(n_atoms, generator), random_rotation(generator)
        for q in (turn, -turn):
            y = answer(x, q, shape=(n_atoms, 3))
            centroid = x.mean(0)
            if close(y, torch.einsum("ij,nj->ni", q, x)):
                continue
            if close(y, x):
                raise Wrong("nothing has turned.", HINTS["1.1 same"])
            if close(y, torch.einsum("ji,nj->ni", q, x)):
                raise Wrong("it turns backwards: this is the inverse of Q.", HINTS["1.1 inverse"])
            if close(y, torch.einsum("ij,nj->ni", q, x - centroid) + centroid):
                raise Wrong("it turns about the centroid of the cloud.", HINTS["1.1 centroid"])
            if close(y, torch.einsum("ij,nj->ni", q, x), 1e-5):
                raise Wrong("it is right to about seven digits of sixteen.", HINTS["1.1 digits"])
            if not close(y.norm(dim=1), x.norm(dim=1)):
                raise Wrong("rows change their lengths.", HINTS["1.1 lengths"])
            raise Wrong("lengths are kept, but the rows do not stand where Q puts them.", HINTS["1.1 other"])


def check_1_2(answer: object) -> Verdict:
    """The verdict on `forces(energy, x)`: minus the gradient (n, 3), eV/angstrom, of a function in eV.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("1.2", answer, _gives_forces, RIGHT["1.2"])


def _gives_forces(answer: Answer, generator: Generator) -> None:
    for n_atoms in (4, 2):
        weights = torch.randn(n_atoms, n_atoms, generator=generator, dtype=torch.float64)

        def energy(x: Tensor, weights: Tensor = weights) -> Tensor:
            gram = x @ x.mT
            return (weights * gram).sum() + 0.1 * gram.square().sum()

        x = random_cloud(n_atoms, generator)
        slope = torch.func.grad(energy)(x)
        try:
            force = answer(energy, x, shape=(n_atoms, 3)).detach()
        except Wrong as wrong:
            if "does not require grad" in wrong.sentence or "have been used in the graph" in wrong.sentence:
                raise Wrong(wrong.sentence, HINTS["1.2 detached"]) from wrong
            raise
        if close(force, slope):
            raise Wrong("atoms are pushed uphill.", HINTS["1.2 sign"])
        if close(force, -slope.mean(0).expand_as(slope)) or close(force, -slope.sum(0).expand_as(slope)):
            raise Wrong("every atom feels the same force.", HINTS["1.2 one atom"])
        if not close(force, -slope, 1e-6):
            if close(force, -slope, 0.1):
                raise Wrong("it is close to the force, and not it.", HINTS["1.2 nearly"])
            raise Wrong("it is not minus the slope of the energy.", HINTS["1.2 other"])


def check_1_3(answer: object) -> Verdict:
    """The verdict on `describe(x)`: numbers (k,) that only the shape of a cloud (n, 3), angstrom, decides.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("1.3", answer, _describes, RIGHT["1.3"])


def _describes(answer: Answer, generator: Generator) -> None:
    for n_atoms in (6, 5, 5, 4, 8, 8, 7):
        x = random_cloud(n_atoms, generator)
        numbers = answer(x)
        if numbers.ndim != 1 or not len(numbers):
            raise Wrong(f"it returns the shape {tuple(numbers.shape)}; a list of k numbers has (k,).", GENERAL["shape"])
        shape, turn = tuple(numbers.shape), random_rotation(generator)
        order = torch.randperm(n_atoms, generator=generator).roll(1)
        moves = {
            "rotation": ("turned", x @ turn.mT),
            "mirror": ("mirrored", x * x.new_tensor([1, 1, -1])),
            "shift": ("shifted", x + torch.randn(3, generator=generator, dtype=x.dtype)),
            "permutation": ("renumbered", x[order]),
        }
        for move, (word, moved) in moves.items():
            if not close(answer(moved, shape=shape), numbers):
                raise Wrong(f"the numbers change when the cloud is {word}.", HINTS[f"1.3 {move}"])
        if not (output := answer(x.requires_grad_(), shape=shape)).requires_grad:
            if close(answer(random_cloud(n_atoms, generator), shape=shape), output):
                raise Wrong("it says the same of every cloud.", HINTS["1.3 blind"])
            raise Wrong("no gradient flows back to the positions.", HINTS["1.3 gradient"])
        slopes = torch.autograd.functional.jacobian(partial(answer, shape=shape), x.detach()).flatten(1)
        if not torch.isfinite(slopes).all():
            raise Wrong("its gradient is NaN or infinity.", HINTS["1.3 nan"])
        seen, asked = int(torch.linalg.matrix_rank(slopes, rtol=1e-8)), 3 * n_atoms - 6
        if seen < asked:
            ways = f"of the {asked} directions in which the shape of {n_atoms} atoms can change, it sees {seen}"
            raise Wrong(f"{ways}, as far as rounding lets us tell.", HINTS["1.3 blind"])


def check_1_4(answer: object) -> Verdict:
    """The verdict on `hand(x)`: one number for a cloud (n, 3), angstrom, about an origin; it flips in a mirror.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("1.4", answer, _tells_hands_apart, RIGHT["1.4"])


def _tells_hands_apart(answer: Answer, generator: Generator) -> None:
    clouds = [random_cloud(n_atoms, generator) for n_atoms in (4, 4, 3, 3, 5, 5, 4, 4)]
    numbers = torch.stack([answer(x, shape=()).detach() for x in clouds])
    if numbers.abs().max() < 1e-13:
        raise Wrong("it is zero for clouds without any symmetry.", HINTS["1.4 zero"])
    if numbers.abs().min() < 1e-12 * numbers.abs().max():
        raise Wrong("it is zero for three atoms about an origin.", HINTS["1.4 plane"])
    if (numbers == numbers[0]).all():
        raise Wrong("it says the same of every cloud.", HINTS["1.4 constant"])
    for x, number in zip(clouds, numbers, strict=True):
        turn = random_rotation(generator)
        if not close(answer(x @ turn.mT, shape=()).detach(), number):
            raise Wrong("the number changes when the cloud is turned.", HINTS["1.4 rotation"])
        mirrored = answer(x @ -turn.mT, shape=()).detach()
        if close(mirrored, number):
            raise Wrong("the number does not change in a mirror.", HINTS["1.4 mirror"])
        if not close(mirrored, -number):
            raise Wrong("the mirror changes the number, but not just its sign.", HINTS["1.4 size"])
