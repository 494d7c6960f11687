"""Masked atoms: clouds come in, what is known and what is missing go out, and how far an answer is off.

Atoms that stay are renumbered at random, so that their order does not tell which ones were taken out.
"""

from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.representations.radial import distances_of_pairs
from tutorial_lib.shapes import (
    Known,
    Missing,
    PerCandidate,
    check,
    check_counts,
    check_finite,
    check_one_of,
    check_shapes,
)

MOST_TRIED = 4  # atoms whose pairings are all tried, 24
SHELLS = {"first": slice(0, 4), "second": slice(4, 8), "any": slice(0, 8)}  # by distance to the centre


def taken_out(positions: Tensor, n_missing: int, shell: str, generator: Generator) -> tuple[Known, Missing]:
    """What is known of clouds without some of their atoms, and those atoms.

    The clouds hold the nearest atom first, as `nearest_neighbours` gives them. The first shell are the four atoms
    nearest to the centre, the second the next four; "any" is both. What is left is renumbered at random, so that its
    order tells nothing. Which atoms are taken out does not depend on how many there are: with one seed, larger clouds
    about the same centres lose the same atoms.

    Raises:
        ValueError: the shell has too few atoms, or fewer than three atoms would be left.
    """
    check_one_of(SHELLS, shell=shell)
    n_atoms, here = positions.shape[1], range(positions.shape[1])[SHELLS[shell]]
    check(
        1 <= n_missing <= len(here) and n_atoms - n_missing >= 3,
        f"{n_missing} of the {len(here)} atoms of shell {shell!r} cannot be taken out of a cloud of {n_atoms}: "
        f"take out between 1 and {min(len(here), n_atoms - 3)}",
    )
    chosen = torch.rand(len(positions), len(here), generator=generator).argsort(dim=1)[:, :n_missing] + here.start
    order = torch.rand(len(positions), n_atoms, generator=generator).scatter(1, chosen, -1.0).argsort(dim=1)
    shuffled = positions.gather(1, order[..., None].expand_as(positions).to(positions.device))
    return shuffled[:, n_missing:], shuffled[:, :n_missing]


def apart(one: Tensor, other: Tensor) -> Tensor:
    """How far two answers (..., m, 3) are from each other: the root mean square over their atoms, angstrom.

    Which of two silicon atoms is which means nothing, so the best pairing counts: of few atoms every one is tried, of
    more than four SciPy finds it. The other dimensions are broadcast.
    """
    check_shapes(one=(one, "*answers missing+ 3"), other=(other, "*others missing 3"))
    n_missing = one.shape[-2]
    square = (one.unsqueeze(-2) - other.unsqueeze(-3)).square().sum(-1)
    if n_missing > MOST_TRIED:
        check_finite(square, what="distances of atoms")
        costs = square.reshape(-1, n_missing, n_missing)
        orders = np.stack([linear_sum_assignment(cost)[1] for cost in costs.detach().cpu().numpy()])
        paired = costs.gather(2, torch.from_numpy(orders).to(costs.device)[..., None])
        return paired.mean((1, 2)).sqrt().reshape(square.shape[:-2])
    pairings = [square[..., range(n_missing), order].sum(-1) for order in permutations(range(n_missing))]
    return torch.stack(pairings).amin(0).div(n_missing).sqrt()


def restored_error(candidates: Tensor, missing: Missing) -> PerCandidate:
    """How far each candidate is from what was taken out, angstrom."""
    check_shapes(candidates=(candidates, "clouds candidates missing 3"), missing=(missing, "clouds missing 3"))
    return apart(candidates, missing[:, None])


def closest(known: Known, candidates: Tensor) -> Tensor:
    """The shortest distance of restored atoms to any other: to known ones, to the centre, to one another, angstrom."""
    check_shapes(known=(known, "clouds+ _ 3"), candidates=(candidates, "clouds candidates+ missing+ 3"))
    others = torch.nn.functional.pad(known, (0, 0, 1, 0))
    shortest = torch.cdist(candidates.flatten(1, 2), others).view(*candidates.shape[:3], -1).amin((2, 3))
    if candidates.shape[2] > 1:
        shortest = torch.minimum(shortest, distances_of_pairs(candidates).amin(2))
    return shortest


def shell_places(shape: tuple[int, ...], inner: float, outer: float, like: Tensor, generator: Generator) -> Tensor:
    """Places (*shape, 3) drawn uniformly from the space between two spheres about the centre.

    They have the dtype and the device of `like`, on which the generator is, too.

    Raises:
        ValueError: the radii are not in order.
    """
    check_counts(0, **{f"dimension {at}": n for at, n in enumerate(shape)})
    check(
        0 <= inner <= outer < torch.inf,
        f"places lie between two radii, the smaller one first: {inner:g} and {outer:g} A arrived",
    )
    kind = {"generator": generator, "device": like.device, "dtype": like.dtype}
    direction = torch.nn.functional.normalize(torch.randn(*shape, 3, **kind), dim=-1)
    volume = inner**3 + (outer**3 - inner**3) * torch.rand(*shape, 1, **kind)
    return direction * volume.pow(1 / 3)


def by_cell(errors: Tensor, cell: Tensor) -> tuple[float, float]:
    """The mean of errors, one a cloud, and its standard error: cells are drawn again, not atoms.

    Atoms of one cell are neighbours of one another and no independent witnesses, so the standard error is that of the
    mean of the cells' means; it is not a number for a single cell.
    """
    check_shapes(errors=(errors, "clouds+"), cell=(cell, "clouds+"))
    means = torch.stack([errors[cell == number].mean() for number in cell.unique()])
    return errors.mean().item(), (means.std() / len(means) ** 0.5).item()
