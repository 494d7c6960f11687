"""The exercises of notebook 10: the power of a signal, groups without torn ties, molecules compared, and a baseline."""

import math

import torch
from e3nn import o3
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, random_cloud
from tutorial_lib.representations.rotations import random_rotation

HINTS = {
    "10.1 pose": "Turn the directions and compare. Coefficients of one l mix: what of them does not change?",
    "10.1 each": "First the sum over neighbours, then squares. The other way round, no neighbour knows of the others.",
    "10.1 sum": "The mean over the 2 l + 1 coefficients is asked for, not their sum.",
    "10.1 root": "One root is missing: twice as many neighbours in one direction should give twice as much.",
    "10.1 count": "The sum over neighbours, please: how many there are is what l = 0 tells.",
    "10.1 norm": "e3nn knows three normalisations of harmonics. Which one is asked for?",
    "10.1 other": "For a single neighbour every l gives 1, whatever its direction. Does yours?",
    "10.2 tie": "Points 0 and 1 may be equals. Whoever takes one of them only has torn what belongs together.",
    "10.2 free": "A point that gathers nobody new is of no use any more.",
    "10.2 taken": "Who is taken may still gather others: what counts is that somebody in its row is free.",
    "10.2 left": "In the end everybody must be gathered, also a point that nobody sees.",
    "10.2 merit": "In each round the highest merit of those that still gather somebody counts.",
    "10.2 other": "Play it through by hand with four points in a row.",
    "10.3 species": "Places are right and elements are not: is it the same molecule?",
    "10.3 shared": "Two atoms may not claim the same partner.",
    "10.3 number": "Another number of atoms is another molecule, wherever they stand.",
    "10.3 crossing": "Two elements may stand near each other. Pair by places and kinds at once.",
    "10.3 within": "How near is near enough is an argument.",
    "10.3 worst": "One atom far off is enough. A mean would hide it among the others.",
    "10.3 order": "Nobody has said which atom is which. Renumber one of the two and try again.",
    "10.3 pose": "A turned molecule counts as wrong here: the code knows the pose, and has to give it back.",
    "10.3 other": "Try two molecules of two atoms by hand.",
    "10.4 unseen": "The energies that you predict are not known. Fit to the known ones only.",
    "10.4 shuffle": "The columns are elements, and each has an energy of its own.",
    "10.4 mean": "Who predicts the mean for everybody has not looked at what the molecules are made of.",
    "10.4 constant": "A molecule of no atoms has no energy: no constant is wanted.",
    "10.4 per atom": "Whole molecules are asked for: divided by its number of atoms, a small one counts for more.",
    "10.4 other": "Least squares: which numbers, one an element, add up to the known energies best?",
}
RIGHT = {
    "10.1": "it counts neighbours for l = 0, tells their arrangement for the others, and does not turn.",
    "10.2": "equals are treated as equals, and nobody is left.",
    "10.3": "every atom has a partner of its own, near enough and of its element.",
    "10.4": "whoever shows a network of energies should show this beside it.",
}


def check_10_1(answer: object) -> Verdict:
    """The verdict on `power(directions, lmax)`: (n, 3), no unit, to (lmax + 1,), the power of the signal by l.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("10.1", answer, _has_powers, RIGHT["10.1"])


def _has_powers(answer: Answer, generator: Generator) -> None:
    for n, lmax in [(1, 2), (5, 4), (6, 3)]:
        directions = random_cloud(n, generator)
        directions = directions / directions.norm(dim=1, keepdim=True)
        each = o3.spherical_harmonics(list(range(lmax + 1)), directions, True, "component")
        sizes = [2 * k + 1 for k in range(lmax + 1)]
        signal = each.sum(dim=0)
        squares = torch.stack([part.square().mean() for part in signal.split(sizes)])
        found = answer(directions, lmax, shape=(lmax + 1,)).detach()
        if close(found, squares.sqrt(), 1e-5):
            continue
        if close(found, (squares / n**2).sqrt(), 1e-5) or close(found, squares / n**2, 1e-5):
            raise Wrong("it does not grow with the number of neighbours.", HINTS["10.1 count"])
        if close(found, squares, 1e-5):
            raise Wrong("it grows with the square of the number of neighbours.", HINTS["10.1 root"])
        sums = squares * torch.tensor(sizes)
        if close(found, sums.sqrt(), 1e-5) or close(found, sums, 1e-5):
            raise Wrong("it grows with l.", HINTS["10.1 sum"])
        if any(close(found, (squares / norm).sqrt(), 1e-5) for norm in (torch.tensor(sizes), 4 * math.pi)):
            raise Wrong("its harmonics have another size.", HINTS["10.1 norm"])
        if n > 1 and close(found, found[:1].expand(lmax + 1), 1e-5):
            raise Wrong("it does not see how neighbours are arranged.", HINTS["10.1 each"])
        turned = answer(directions @ random_rotation(generator).mT, lmax, shape=(lmax + 1,)).detach()
        if not close(found, turned, 1e-5):
            raise Wrong("it turns with the neighbours.", HINTS["10.1 pose"])
        raise Wrong("it is not the root of the mean square.", HINTS["10.1 other"])


def check_10_2(answer: object) -> Verdict:
    """The verdict on `gatherers(sees, merit)`: (n, n) and (n,), no unit, to (n,), who gathers, as 0 and 1.

    Args:
        answer: the function, of who sees whom, itself included, and merits as whole numbers.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("10.2", answer, _breaks_no_tie, RIGHT["10.2"])


def _breaks_no_tie(answer: Answer, generator: Generator) -> None:
    trials = []
    for n, most in [(4, 1), (6, 3), (9, 4), (9, 2), (12, 5), (12, 3)] * 6:
        sees = torch.rand(n, n, generator=generator) < 0.25
        sees = sees | sees.mT | torch.eye(n, dtype=torch.bool)
        merit = torch.randint(1, most + 1, (n,), generator=generator)
        found = answer(sees, merit, shape=(n,), dtype=torch.int64).bool()
        order = torch.randperm(n, generator=generator)
        other = answer(sees[order][:, order], merit[order], shape=(n,), dtype=torch.int64).bool()
        if not sees[found].any(dim=0).all():
            raise Wrong("somebody is not gathered.", HINTS["10.2 left"])
        if not torch.equal(other, found[order]):
            raise Wrong("it depends on how the points are numbered.", HINTS["10.2 tie"])
        others = (_gatherers(sees, merit, once_free=True), _gatherers(sees, -merit))
        trials.append((found, _gatherers(sees, merit), *others))
    if all(torch.equal(found, right) for found, right, _, _ in trials):
        return
    if all(torch.equal(found, once_free) for found, _, once_free, _ in trials):
        raise Wrong("who is taken cannot gather any more.", HINTS["10.2 taken"])
    if all(torch.equal(found, upside_down) for found, _, _, upside_down in trials):
        raise Wrong("merits do not count as they should.", HINTS["10.2 merit"])
    if all(found[right].all() for found, right, _, _ in trials):
        raise Wrong("more points gather than have to.", HINTS["10.2 free"])
    raise Wrong("others should gather.", HINTS["10.2 other"])


def _gatherers(sees: Tensor, merit: Tensor, once_free: bool = False) -> Tensor:
    free, chosen = torch.ones(len(merit), dtype=torch.bool), torch.zeros(len(merit), dtype=torch.bool)
    while free.any():
        useful = free if once_free else (sees & free).any(dim=1) & ~chosen
        best = useful & (merit == merit[useful].max())
        chosen = chosen | best
        free = free & ~sees[best].any(dim=0)
    return chosen


def check_10_3(answer: object) -> Verdict:
    """The verdict on `same(x, kinds, y, others, within)`: places in angstrom and kinds of two molecules, to 0 or 1.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("10.3", answer, _compares, RIGHT["10.3"])


def _compares(answer: Answer, generator: Generator) -> None:
    def says(x: Tensor, kinds: Tensor, y: Tensor, others: Tensor, within: float = 0.2) -> bool:
        return bool(answer(x, kinds, y, others, within, shape=(), dtype=torch.int64))

    for n in (3, 5, 8):
        y = 2 * random_cloud(n, generator)
        others = torch.arange(n) % 2
        order = torch.randperm(n, generator=generator)
        shift = torch.randn(n, 3, generator=generator, dtype=torch.float64)
        x = y + 0.1 * shift / shift.norm(dim=1, keepdim=True)
        if not says(x, others, y, others):
            raise Wrong("it turns a good one down.", HINTS["10.3 other"])
        if not says(x[order], others[order], y, others):
            raise Wrong("it turns down a good one that is numbered otherwise.", HINTS["10.3 order"])
        if says(x, others, y, others, 0.05) or not says(y + 0.2, others, y, others, 0.4):
            raise Wrong("it has a tolerance of its own.", HINTS["10.3 within"])
        crossed = torch.cat([y[:1], y[:1] + 0.05, y[2:]])
        if not says(crossed[[1, 0, *range(2, n)]], others, crossed, others):
            raise Wrong("it turns a good one down.", HINTS["10.3 crossing"])
        if says(x, 1 - others, y, others):
            raise Wrong("it takes other elements.", HINTS["10.3 species"])
        if says(x[:-1], others[:-1], y, others) or says(
            torch.cat([x, x[:1]]), torch.cat([others, others[:1]]), y, others
        ):
            raise Wrong("it takes another number of atoms.", HINTS["10.3 number"])
        near = torch.cat([y[:1], y[:1] + 0.05, y[2:]])
        if says(near, others * 0, y, others * 0):
            raise Wrong("it takes two atoms at one place.", HINTS["10.3 shared"])
        pair = torch.cat([y[:1], y[:1] + 0.05, y[1:]])
        doubled = torch.cat([y[:1], y[1:2], y[1:]])
        if says(pair, torch.zeros(n + 1).long(), doubled, torch.zeros(n + 1).long()):
            raise Wrong("it takes two atoms at one place.", HINTS["10.3 shared"])
        far = y.clone()
        far[0, 0] += 0.3
        if says(far, others, y, others):
            raise Wrong("it takes one with an atom too far off.", HINTS["10.3 worst"])
        turned = y @ random_rotation(generator).mT
        pairs = linear_sum_assignment(torch.cdist(turned, y).numpy())
        if torch.cdist(turned, y)[pairs].max() > 0.3 and says(turned, others, y, others):
            raise Wrong("it takes a turned one.", HINTS["10.3 pose"])


def check_10_4(answer: object) -> Verdict:
    """The verdict on `composed(counts, energies, unseen)`: (N, e), (N,) in eV and (M, e), to energies (M,) in eV.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("10.4", answer, _adds_up, RIGHT["10.4"])


def _adds_up(answer: Answer, generator: Generator) -> None:
    for n, m, e in [(12, 5, 3), (20, 7, 4)]:
        counts = torch.randint(0, 6, (n, e), generator=generator).double()
        unseen = torch.randint(0, 6, (m, e), generator=generator).double()
        energies = counts @ torch.randn(e, generator=generator, dtype=torch.float64) - 3
        energies = energies + 0.3 * torch.randn(n, generator=generator, dtype=torch.float64)
        right = unseen @ torch.linalg.lstsq(counts, energies[:, None]).solution[:, 0]
        found = answer(counts, energies, unseen, shape=(m,)).detach()
        if close(found, right, 1e-6):
            continue
        if close(found, energies.mean().expand(m), 1e-6):
            raise Wrong("it says the same of all.", HINTS["10.4 mean"])
        one = torch.ones(n, 1, dtype=torch.float64)
        weights = torch.linalg.lstsq(torch.cat([counts, one], dim=1), energies[:, None]).solution[:, 0]
        if close(found, unseen @ weights[:-1] + weights[-1], 1e-6):
            raise Wrong("it has a constant.", HINTS["10.4 constant"])
        total = counts.sum(dim=1)
        of_size = unseen.sum(dim=1) * (total @ energies) / (total @ total)
        if close(found, of_size, 1e-6):
            raise Wrong("it treats all elements alike.", HINTS["10.4 shuffle"])
        atoms = total.clamp(min=1)
        share, each = counts / atoms[:, None], energies / atoms
        per_atom = torch.linalg.lstsq(share, each[:, None]).solution[:, 0]
        if close(found, unseen @ per_atom, 1e-6) or close(found, unseen @ per_atom / unseen.sum(dim=1), 1e-6):
            raise Wrong("it fits energies per atom.", HINTS["10.4 per atom"])
        if not close(answer(counts, energies, unseen[:1], shape=(1,)).detach(), found[:1], 1e-6):
            raise Wrong("what it says of one molecule depends on which others are asked about.", HINTS["10.4 unseen"])
        raise Wrong("other energies of the elements fit better.", HINTS["10.4 other"])
