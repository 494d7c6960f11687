"""The exercises of notebook 10: a power spectrum, pooling without broken ties, molecules compared, a baseline."""

import math

import torch
from e3nn import o3
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
    recognise,
    wrong_if,
)
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "10.1 right": "it counts neighbours for l = 0, tells their arrangement for the others, and does not turn.",
    "10.1 wrong": "it is not the root of the mean square.",
    "10.1 pose": "Turn the directions and compare. Coefficients of one l mix: what of them does not change?",
    "10.1 each": "First the sum over neighbours, then squares. The other way round, no neighbour knows of the others.",
    "10.1 sum": "The mean over the 2 l + 1 coefficients is asked for, not their sum.",
    "10.1 root": "One root is missing: twice as many neighbours in one direction should give twice as much.",
    "10.1 count": "The sum over neighbours, please: how many there are is what l = 0 tells.",
    "10.1 norm": "e3nn knows three normalisations of harmonics. Which one is asked for?",
    "10.1 other": "For a single neighbour every l gives 1, whatever its direction. Does yours?",
    "10.2 right": "equals are treated as equals, and nobody is left.",
    "10.2 tie": "Points 0 and 1 may be equals. Whoever takes one of them only has torn what belongs together.",
    "10.2 free": "A point that gathers nobody new is of no use any more.",
    "10.2 taken": "Who is taken may still gather others: what counts is that somebody in its row is free.",
    "10.2 left": "In the end everybody must be gathered, also a point that nobody sees.",
    "10.2 merit": "In each round the highest merit of those that still gather somebody counts.",
    "10.2 other": "Play it through by hand with four points in a row.",
    "10.3 right": "every atom has a partner of its own, near enough and of its element.",
    "10.3 species": "Places are right and elements are not: is it the same molecule?",
    "10.3 shared": "Two atoms may not claim the same partner.",
    "10.3 number": "Another number of atoms is another molecule, wherever they stand.",
    "10.3 crossing": "Two elements may stand near each other. Pair by places and kinds at once.",
    "10.3 within": "How near is near enough is an argument.",
    "10.3 worst": "One atom far off is enough. A mean would hide it among the others.",
    "10.3 order": "Nobody has said which atom is which. Renumber one of the two and try again.",
    "10.3 pose": "A turned molecule counts as wrong here: the code knows the pose, and has to give it back.",
    "10.3 other": "Try two molecules of two atoms by hand.",
    "10.4 right": "whoever shows a network of energies should show this beside it.",
    "10.4 wrong": "other energies of the elements fit better.",
    "10.4 unseen": "The energies that you predict are not known. Fit to the known ones only.",
    "10.4 shuffle": "The columns are elements, and each has an energy of its own.",
    "10.4 mean": "Who predicts the mean for everybody has not looked at what the molecules are made of.",
    "10.4 constant": "A molecule of no atoms has no energy: no constant is wanted.",
    "10.4 per atom": "Whole molecules are asked for: divided by its number of atoms, a small one counts for more.",
    "10.4 other": "Least squares: which numbers, one an element, add up to the known energies best?",
    "10.s right": "each cluster stands in the middle of its members, and a shared point counts in all of them.",
    "10.s wrong": "the middles are elsewhere.",
    "10.s sum": "A larger cluster does not lie farther out. By what is a sum divided?",
    "10.s all": "How many members has each cluster? Not as many as there are points.",
    "10.s last": "A cluster has several members. What becomes of those that were written first?",
    "10.s pairs": "Whose place is it: which of the two lists points into the cloud?",
    "10.s once": "A shared corner belongs to two clusters, wholly to both of them.",
    "10.s other": "Two clusters on a line: points 0, 1 and 5, the one in the middle shared. Where are they?",
}


def _what_power(answer: Answer, found: Tensor, directions: Tensor, lmax: int) -> None:
    wrong_if(
        len(directions) > 1 and close(found, found[:1].expand(lmax + 1), 1e-5),
        "it does not see how neighbours are arranged.",
        "each",
    )
    turned = answer(directions.roll(1, dims=1), lmax, shape=(lmax + 1,))  # a third of a turn about (1, 1, 1)
    wrong_if(not close(found, turned, 1e-5), "it turns with the neighbours.", "pose")


@compared(HINTS, tolerance=1e-5, explain=_what_power)
def check_10_1(generator: Generator) -> Trials:
    """The verdict on `power(directions, lmax)`: (n, 3), no unit, to (lmax + 1,), the power of the signal by l."""
    for n, lmax in ((1, 2), (5, 4), (6, 3)):
        directions = torch.nn.functional.normalize(random_cloud(n, generator))
        signal = o3.spherical_harmonics(list(range(lmax + 1)), directions, True, "component").sum(dim=0)
        sizes = 2 * torch.arange(lmax + 1) + 1
        squares = torch.stack([part.square().mean() for part in signal.split(sizes.tolist())])
        power, sums = squares.sqrt(), squares * sizes
        yield (
            (directions, lmax),
            power,
            ("count", "it does not grow with the number of neighbours.", power / n, squares / n**2),
            ("root", "it grows with the square of the number of neighbours.", squares),
            ("sum", "it grows with l.", sums.sqrt(), sums),
            ("norm", "its harmonics have another size.", (squares / sizes).sqrt(), power / (4 * math.pi) ** 0.5),
        )


def _gatherers(sees: Tensor, merit: Tensor, once_free: bool = False) -> Tensor:
    free, chosen = torch.ones(len(merit), dtype=torch.bool), torch.zeros(len(merit), dtype=torch.bool)
    while free.any():
        useful = free if once_free else (sees & free).any(dim=1) & ~chosen
        best = useful & (merit == merit[useful].max())
        chosen = chosen | best
        free = free & ~sees[best].any(dim=0)
    return chosen


@graded(HINTS)
def check_10_2(answer: Answer, generator: Generator) -> None:
    """The verdict on `gatherers(sees, merit)`: (n, n) and (n,), no unit, to (n,), who gathers, as 0 and 1.

    Who sees whom includes itself; merits are whole numbers.
    """
    trials = []
    for n, most in [(4, 1), (6, 3), (9, 4), (9, 2), (12, 5), (12, 3)] * 6:
        sees = torch.rand(n, n, generator=generator) < 0.25
        sees = sees | sees.mT | torch.eye(n, dtype=torch.bool)
        merit = torch.randint(1, most + 1, (n,), generator=generator)
        found = answer(sees, merit, shape=(n,), dtype=torch.int64).bool()
        order = torch.randperm(n, generator=generator)
        renumbered = answer(sees[order][:, order], merit[order], shape=(n,), dtype=torch.int64).bool()
        first_fault(
            (not sees[found].any(dim=0).all(), "somebody is not gathered.", "left"),
            (not torch.equal(renumbered, found[order]), "it depends on how the points are numbered.", "tie"),
        )
        mistakes = (
            ("taken", "who is taken cannot gather any more.", _gatherers(sees, merit, once_free=True)),
            ("merit", "merits do not count as they should.", _gatherers(sees, -merit)),
        )
        trials.append((found, _gatherers(sees, merit), mistakes))
    if all(torch.equal(found, right) for found, right, _ in trials):
        return
    recognise(trials, torch.equal)
    wrong_if(all(found[right].all() for found, right, _ in trials), "more points gather than have to.", "free")
    raise Wrong("others should gather.", "other")


@graded(HINTS)
def check_10_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `same(x, kinds, y, others, within)`: places in angstrom and kinds of two molecules, to 0 or 1."""
    for n in (3, 5, 8):
        y, others = 2 * random_cloud(n, generator), torch.arange(n) % 2
        alike, order = others * 0, torch.randperm(n, generator=generator)
        x = y + 0.1 * torch.nn.functional.normalize(normal(generator, n, 3))
        crossed = torch.cat([y[:1], y[:1] + 0.05, y[2:]])  # two elements near each other
        pair, doubled = torch.cat([y[:1], y[:1] + 0.05, y[1:]]), torch.cat([y[:1], y[1:2], y[1:]])
        one_more, alike_too = (torch.cat([x, x[:1]]), torch.cat([others, others[:1]])), torch.zeros(n + 1).long()
        far = torch.cat([y[:1] + y.new_tensor([0.3, 0, 0]), y[1:]])
        for right, within, inputs, sentence, hint in (
            (1, 0.2, (x, others, y, others), "it turns a good one down.", "other"),
            (
                1,
                0.2,
                (x[order], others[order], y, others),
                "it turns down a good one that is numbered otherwise.",
                "order",
            ),
            (0, 0.05, (x, others, y, others), "it has a tolerance of its own.", "within"),
            (1, 0.4, (y + 0.2, others, y, others), "it has a tolerance of its own.", "within"),
            (1, 0.2, (crossed[[1, 0, *range(2, n)]], others, crossed, others), "it turns a good one down.", "crossing"),
            (0, 0.2, (x, 1 - others, y, others), "it takes other elements.", "species"),
            (0, 0.2, (x[:-1], others[:-1], y, others), "it takes another number of atoms.", "number"),
            (0, 0.2, (*one_more, y, others), "it takes another number of atoms.", "number"),
            (0, 0.2, (crossed, alike, y, alike), "it takes two atoms at one place.", "shared"),
            (0, 0.2, (pair, alike_too, doubled, alike_too), "it takes two atoms at one place.", "shared"),
            (0, 0.2, (far, others, y, others), "it takes one with an atom too far off.", "worst"),
            (0, 0.2, (y @ random_rotation(generator).mT, others, y, others), "it takes a turned one.", "pose"),
        ):
            wrong_if(bool(answer(*inputs, within, shape=(), dtype=torch.int64)) != right, sentence, hint)


def _depends_on_the_others(answer: Answer, found: Tensor, counts: Tensor, energies: Tensor, unseen: Tensor) -> None:
    wrong_if(
        not close(answer(counts, energies, unseen[:1], shape=(1,)), found[:1], 1e-6),
        "what it says of one molecule depends on which others are asked about.",
        "unseen",
    )


@compared(HINTS, tolerance=1e-6, explain=_depends_on_the_others)
def check_10_4(generator: Generator) -> Trials:
    """The verdict on `composed(counts, energies, unseen)`: (N, e), (N,) in eV and (M, e), to energies (M,) in eV."""
    for n, m, e in ((12, 5, 3), (20, 7, 4)):
        counts, unseen = (torch.randint(0, 6, (rows, e), generator=generator).double() for rows in (n, m))
        energies = counts @ normal(generator, e) - 3 + 0.3 * normal(generator, n)
        total, one = counts.sum(dim=1), torch.ones(n, 1, dtype=torch.float64)
        *weights, constant = torch.linalg.pinv(torch.cat([counts, one], dim=1)) @ energies
        atoms = total.clamp(min=1)
        per_atom = unseen @ torch.linalg.pinv(counts / atoms[:, None]) @ (energies / atoms)
        yield (
            (counts, energies, unseen),
            unseen @ torch.linalg.pinv(counts) @ energies,
            ("mean", "it says the same of all.", energies.mean().expand(m)),
            ("constant", "it has a constant.", unseen @ torch.stack(weights) + constant),
            ("shuffle", "it treats all elements alike.", unseen.sum(dim=1) * (total @ energies) / (total @ total)),
            ("per atom", "it fits energies per atom.", per_atom, per_atom / unseen.sum(dim=1)),
        )


def _mean_of_members(x: Tensor, point: Tensor, cluster: Tensor, n: int, weight: Tensor) -> Tensor:
    sums = x.new_zeros(n, 3).index_add(0, cluster, weight[:, None] * x[point])
    sizes = x.new_zeros(n).index_add(0, cluster, weight)
    return sums / torch.where(sizes > 0, sizes, 1)[:, None]


@compared(HINTS)
def check_10_s(generator: Generator) -> Trials:
    """The verdict on `centres(x, point, cluster, n)`: (n, 3), angstrom, from x (p, 3) and memberships (m,) and (m,)."""
    for n_points, n in ((9, 3), (12, 5), (6, 2)):
        x = random_cloud(n_points, generator)
        first, second = (torch.randperm(n_points, generator=generator) for _ in range(2))
        clusters = torch.cat([torch.arange(n_points) % n, (torch.arange(2 * n) + 1) % n])
        pairs = torch.unique(torch.stack([torch.cat([first, second[: 2 * n]]), clusters]), dim=1)
        point, cluster = pairs[:, torch.randperm(pairs.shape[1], generator=generator)]
        sums, sizes = x.new_zeros(n, 3).index_add(0, cluster, x[point]), torch.bincount(cluster)[:, None]
        named = point[:, None] == point
        weights = [
            named.tril(-1).any(dim=1).logical_not(),
            named.triu(1).any(dim=1).logical_not(),
            1 / named.sum(dim=1),
        ]
        *once, part = (_mean_of_members(x, point, cluster, n, weight.to(x)) for weight in weights)
        yield (
            (x, point, cluster, n),
            sums / sizes,
            ("sum", "members are added up.", sums),
            ("all", "each cluster is divided by the number of all points.", sums / n_points),
            ("all", "each cluster is divided by the number of all memberships.", sums / len(point)),
            (
                "last",
                "of each cluster only the last member is left.",
                torch.stack([x[point[cluster == k][-1]] for k in range(n)]),
            ),
            ("once", "a shared point counts in one of its clusters only.", *once),
            ("once", "a shared point counts for less than others.", part),
            ("pairs", "it takes places by cluster.", x.new_zeros(n, 3).index_add(0, cluster, x[cluster]) / sizes),
        )
