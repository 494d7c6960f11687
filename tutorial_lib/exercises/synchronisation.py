"""The exercises of notebook 03: atoms from a matrix, the best rotation, who is who, and a distance of shapes."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.alignment import aligned_rmsd, best_rotation
from tutorial_lib.representations.gram import gram_matrix
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "3.1 root": "Lengths come out squared. What is the square root of a diagonal matrix?",
    "3.1 smallest": "In which order does eigh return eigenvalues, and which of them carry the cloud?",
    "3.1 rows": "The eigenvectors are the columns of what eigh returns. Whose coordinates stand in a row of yours?",
    "3.1 other": "Multiply your positions with their own transpose, and compare with what came in.",
    "3.2 mirror": "Your Q has determinant -1: it is a mirror. Which direction costs least if its sign is flipped?",
    "3.2 inverse": "It turns the target onto the source. Which of the two clouds stands on the left in your product?",
    "3.2 centroid": "Both clouds come with an origin, their central atom, and it stays where it is.",
    "3.2 orthogonal": "Q has to be orthogonal: of the three factors of a singular value decomposition two are, and one "
    "is not.",
    "3.2 flip": "A flip costs twice the singular value of its direction. Where does the smallest one stand?",
    "3.2 factor": "Look up what svd returns third: the vectors, or their transpose?",
    "3.2 other": "It is a rotation, and another one comes nearer. Which matrix did you decompose?",
    "3.3 greedy": "Two atoms cannot have one partner. Look for the assignment that is best for all of them together.",
    "3.3 inverse": "y[order] should lie upon x. Yours lays x[order] upon y.",
    "3.3 radius": "Atoms at the same distance from the origin need not lie in the same direction.",
    "3.3 distance": "The assignment with the smallest sum of distances is not always that with the smallest sum of "
    "their squares, which is asked for.",
    "3.3 worst": "This assignment is among the worst. Is it a cost that you hand over, or a gain?",
    "3.3 other": "There is an assignment with a smaller sum of squares.",
    "3.4 pose": "Turn one of the two clouds: nothing has happened, and your number changes.",
    "3.4 mirror": "Matrices of inner products cannot tell a cloud from its mirror image; neither should your number.",
    "3.4 mean": "Root of the mean, over the n atoms, of squared distances: three coordinates make one distance.",
    "3.4 root": "A distance is in ångström. In which unit is yours?",
    "3.4 gradient": "A network that learns from this number needs its gradient with respect to the first cloud.",
    "3.4 nan": "Singular vectors have no derivative where two singular values are equal. The best rotation may be held "
    "fixed: at the best one, turning a little changes nothing.",
    "3.4 other": "Lay a cloud upon itself, then upon itself with one atom moved by 0.1: what do you expect?",
}
RIGHT = {
    "3.1": "the cloud is there, in a pose of its own.",
    "3.2": "the best rotation, and never a mirror.",
    "3.3": "no other order brings the atoms nearer to each other.",
    "3.4": "a distance between shapes, with a gradient.",
}


def check_3_1(answer: object) -> Verdict:
    """The verdict on `atoms(g)`: positions (n, 3), angstrom, whose Gram matrix (n, n) is g, angstrom^2.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("3.1", answer, _finds_atoms, RIGHT["3.1"])


def _finds_atoms(answer: Answer, generator: Generator) -> None:
    for n_atoms in (8, 5, 12):
        gram = gram_matrix(random_cloud(n_atoms, generator))
        found = answer(gram, shape=(n_atoms, 3)).detach()
        if close(gram_matrix(found), gram, 1e-6):
            continue
        if close(gram_matrix(found), gram @ gram, 1e-6):
            raise Wrong("their Gram matrix is the square of the one that came in.", HINTS["3.1 root"])
        if found.abs().max() < 1e-5:
            raise Wrong("all atoms stand at the origin.", HINTS["3.1 smallest"])
        values, vectors = torch.linalg.eigh(gram)
        roots = values[-3:].clamp(min=0).sqrt()
        if any(
            close(found.abs(), wrong.abs(), 1e-6) for wrong in (vectors[-3:].mT * roots, vectors.mT[:, -3:] * roots)
        ):
            raise Wrong("rows and columns are mixed up.", HINTS["3.1 rows"])
        raise Wrong("their Gram matrix is another.", HINTS["3.1 other"])


def check_3_2(answer: object) -> Verdict:
    """The verdict on `rotation(source, target)`: the Q (3, 3), no unit, determinant +1, that turns best.

    Args:
        answer: the function, of two clouds (n, 3), angstrom.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("3.2", answer, _turns_best, RIGHT["3.2"])


def _turns_best(answer: Answer, generator: Generator) -> None:
    cases = [(8, False, 0.0), (8, False, 0.5), (8, True, 0.0), (8, True, 0.5), (5, False, 3.0), (4, True, 0.5)]
    for n_atoms, mirrored, noise in cases + [(8, False, -1.0)] * 4:
        source = random_cloud(n_atoms, generator)
        if noise < 0:  # flat clouds, whose third singular value is zero
            source, noise = source * source.new_tensor([1, 1, 0]), 0.0
        turn = random_rotation(generator) * (-1 if mirrored else 1)
        target = source @ turn.mT + noise * random_cloud(n_atoms, generator)
        best = best_rotation(source, target, allow_mirror=False)
        found = answer(source, target, shape=(3, 3)).detach()
        if close(found, best, 1e-6):
            continue
        if not close(found @ found.mT, torch.eye(3, dtype=found.dtype), 1e-6):
            raise Wrong("Q Q^T is not the identity.", HINTS["3.2 orthogonal"])
        if torch.linalg.det(found) < 0:
            raise Wrong("for some clouds it is a mirror.", HINTS["3.2 mirror"])
        u, _, wt = torch.linalg.svd(target.mT @ source)
        flips = [u @ torch.diag(u.new_tensor(flip)) @ wt for flip in ([-1, 1, 1], [1, -1, 1], [-1, -1, -1])]
        if any(close(found, flipped, 1e-6) for flipped in flips):
            raise Wrong("the sign of one direction is flipped, and it costs too much.", HINTS["3.2 flip"])
        if close(found, u @ wt.mT, 1e-6):
            raise Wrong("one factor is transposed.", HINTS["3.2 factor"])
        if close(found, best.mT, 1e-6):
            raise Wrong("it is the inverse of the best rotation.", HINTS["3.2 inverse"])
        centred = best_rotation(source - source.mean(0), target - target.mean(0), allow_mirror=False)
        if close(found, centred, 1e-6):
            raise Wrong("it turns about the centroids.", HINTS["3.2 centroid"])
        raise Wrong("another rotation brings the clouds nearer to each other.", HINTS["3.2 other"])


def check_3_3(answer: object) -> Verdict:
    """The verdict on `partners_of(x, y)`: the order (n,) of whole numbers for which y[order] is nearest to x.

    Args:
        answer: the function, of two clouds (n, 3), angstrom, in one pose.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("3.3", answer, _finds_partners, RIGHT["3.3"])


def _finds_partners(answer: Answer, generator: Generator) -> None:
    for n_atoms, noise in [(8, 0.1), (5, 0.1), *[(8, 1.0)] * 4, *[(6, 2.0)] * 20]:
        x = random_cloud(n_atoms, generator)
        y = (x + noise * random_cloud(n_atoms, generator))[torch.randperm(n_atoms, generator=generator)]
        order = answer(x, y, shape=(n_atoms,), dtype=torch.int64)
        if not set(order.tolist()) <= set(range(n_atoms)):
            raise Wrong("it names atoms that are not there.", HINTS["3.3 other"])
        if len(set(order.tolist())) < n_atoms:
            raise Wrong("two atoms share a partner.", HINTS["3.3 greedy"])
        apart = torch.cdist(x, y)
        best, by_distance, worst = (
            torch.from_numpy(linear_sum_assignment(cost.numpy())[1])
            for cost in (apart.square(), apart, -apart.square())
        )
        if close((y[order] - x).square().sum(), (y[best] - x).square().sum()):
            continue
        if torch.equal(order, best.argsort()):
            raise Wrong("it is the order of the other cloud.", HINTS["3.3 inverse"])
        if torch.equal(order, by_distance):
            raise Wrong("it is nearly always right.", HINTS["3.3 distance"])
        if torch.equal(order, worst):
            raise Wrong("no other order is farther away.", HINTS["3.3 worst"])
        if torch.equal(order, y.norm(dim=1).argsort()[x.norm(dim=1).argsort().argsort()]):
            raise Wrong("atoms are paired by their distance from the origin.", HINTS["3.3 radius"])
        raise Wrong("atoms are farther apart than they need be.", HINTS["3.3 other"])


def check_3_4(answer: object) -> Verdict:
    """The verdict on `shape_distance(x, y)`: the RMSD, angstrom, of two clouds (n, 3) after the best turn or mirror.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("3.4", answer, _measures_shapes, RIGHT["3.4"])


def _measures_shapes(answer: Answer, generator: Generator) -> None:
    for n_atoms in (8, 5):
        x, y, turn = random_cloud(n_atoms, generator), random_cloud(n_atoms, generator), random_rotation(generator)
        truth = aligned_rmsd(x, y, allow_mirror=True, reorder=False)
        found = answer(x, y, shape=()).detach()
        if not close(found, truth, 1e-6):
            if not close(answer(x @ turn.mT, y, shape=()).detach(), found, 1e-6):
                raise Wrong("it changes when one cloud is turned.", HINTS["3.4 pose"])
            if not close(answer(-x @ turn.mT, y, shape=()).detach(), found, 1e-6):
                raise Wrong("it changes when one cloud is mirrored.", HINTS["3.4 mirror"])
            if any(close(found, truth * factor, 1e-6) for factor in (n_atoms**0.5, 3**-0.5, (3 * n_atoms) ** -0.5)):
                raise Wrong("it is off by a factor that the number of atoms or of axes explains.", HINTS["3.4 mean"])
            if close(found, truth.square(), 1e-6):
                raise Wrong("it is the square of the distance.", HINTS["3.4 root"])
            centred = aligned_rmsd(x - x.mean(0), y - y.mean(0), allow_mirror=True, reorder=False)
            if close(found, centred, 1e-6):
                raise Wrong("it turns about the centroids.", HINTS["3.2 centroid"])
            raise Wrong("it is not the root-mean-square distance after alignment.", HINTS["3.4 other"])
    corners = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    for first, second in ((random_cloud(8, generator), random_cloud(8, generator)), (1.1 * corners, corners)):
        x = first.requires_grad_()
        found = answer(x, second, shape=())
        if not found.requires_grad:
            raise Wrong("no gradient flows back to the positions.", HINTS["3.4 gradient"])
        (slope,) = torch.autograd.grad(found, x)
        (truth,) = torch.autograd.grad(aligned_rmsd(x, second, allow_mirror=True, reorder=False), x)
        if not close(slope, truth, 1e-6):
            raise Wrong("its gradient is wrong or NaN for some clouds, a tetrahedron among them.", HINTS["3.4 nan"])
