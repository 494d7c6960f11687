"""Clouds with holes: clouds come in, what is known and what is missing go out, and how far an answer is off.

Lost on purpose is which atoms of the list were taken out: those that stay are renumbered at random.
"""

from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.shapes import Known, Missing, PerCandidate, check_counts, check_finite, check_shapes

MOST_TRIED = 4  # atoms whose pairings are all tried, 24
SHELLS = {"first": slice(0, 4), "second": slice(4, 8), "any": slice(0, 8)}  # by distance to the centre


def taken_out(positions: Tensor, n_missing: int, shell: str, generator: Generator) -> tuple[Known, Missing]:
    """Clouds without some of their atoms, and those atoms.

    The first shell are the four atoms nearest to the centre, the second the next four. What is left is renumbered
    at random, so that its order tells nothing. Which atoms are taken out does not depend on how many there are: with
    one seed, larger clouds about the same centres lose the same atoms.

    Args:
        positions: (N, n, 3), angstrom, nearest atom first as `nearest_neighbours` gives them, n at least 8.
        n_missing: how many atoms are taken out, at least 1.
        shell: of which: "first", "second" or "any" of the two.
        generator: of the choice.

    Returns:
        What is known (N, n - n_missing, 3) and what is missing (N, n_missing, 3), angstrom.

    Raises:
        ValueError: there is no such shell, it has too few atoms, or fewer than three atoms would be left.
    """
    if shell not in SHELLS:
        raise ValueError(f"there is no shell {shell!r}: choose one of {tuple(SHELLS)}")
    n_atoms, here = positions.shape[1], range(positions.shape[1])[SHELLS[shell]]
    if not 1 <= n_missing <= len(here) or n_atoms - n_missing < 3:
        raise ValueError(
            f"{n_missing} of the {len(here)} atoms of shell {shell!r} cannot be taken out of a cloud of {n_atoms}: "
            f"take out between 1 and {min(len(here), n_atoms - 3)}"
        )
    chosen = torch.rand(len(positions), len(here), generator=generator).argsort(dim=1)[:, :n_missing] + here.start
    order = torch.rand(len(positions), n_atoms, generator=generator).scatter(1, chosen, -1.0).argsort(dim=1)
    shuffled = positions.gather(1, order[..., None].expand_as(positions).to(positions.device))
    return shuffled[:, n_missing:], shuffled[:, :n_missing]


def apart(one: Tensor, other: Tensor) -> Tensor:
    """How far two answers are from each other: the root mean square over their atoms, paired as well as possible.

    Which of two silicon atoms is which means nothing, so the best pairing counts: of few atoms every one is tried, of
    more than four SciPy finds it.

    Args:
        one: (..., m, 3), angstrom.
        other: (..., m, 3), angstrom, of shapes that can be broadcast.

    Returns:
        (...,), angstrom.

    Raises:
        ValueError: there is no atom, or not as many on both sides.
        RuntimeError: the other dimensions cannot be broadcast.
    """
    n_missing = one.shape[-2]
    if n_missing == 0:
        raise ValueError(f"no atom is missing in answers of shape {tuple(one.shape)}: (..., m, 3), m at least 1")
    check_shapes(one=(one, "*answers missing 3"), other=(other, "*others missing 3"))
    square = (one.unsqueeze(-2) - other.unsqueeze(-3)).square().sum(-1)
    if n_missing > MOST_TRIED:
        check_finite(square, what="distances of atoms")
        costs = square.flatten(0, -3) if square.ndim > 2 else square[None]
        orders = np.stack([linear_sum_assignment(cost)[1] for cost in costs.detach().cpu().numpy()])
        paired = costs.gather(2, torch.from_numpy(orders).to(costs.device)[..., None])
        return paired.mean((1, 2)).sqrt().reshape(square.shape[:-2])
    pairings = [square[..., range(n_missing), order].sum(-1) for order in permutations(range(n_missing))]
    return torch.stack(pairings).amin(0).div(n_missing).sqrt()


def restored_error(candidates: Tensor, missing: Missing) -> PerCandidate:
    """How far each candidate is from what was taken out.

    Args:
        candidates: (N, k, m, 3), angstrom.
        missing: (N, m, 3), angstrom.

    Returns:
        (N, k), angstrom.

    Raises:
        ValueError: the numbers of clouds or of missing atoms differ.
    """
    if candidates.ndim != 4 or candidates[:, 0].shape != missing.shape:
        shapes = f"{tuple(candidates.shape)} and {tuple(missing.shape)}"
        raise ValueError(f"candidates (N, k, m, 3) and missing atoms (N, m, 3) are needed: {shapes} arrived")
    return apart(candidates, missing[:, None])


def closest(known: Known, candidates: Tensor) -> Tensor:
    """The shortest distance of a restored atom to any other: to known ones, to the centre, to one another.

    Args:
        known: (N, k, 3), angstrom.
        candidates: (N, c, m, 3), angstrom.

    Returns:
        (N, c), angstrom.

    Raises:
        ValueError: the numbers of clouds differ.
    """
    check_shapes(known=(known, "clouds+ _ 3"), candidates=(candidates, "clouds candidates+ missing+ 3"))
    others = torch.nn.functional.pad(known, (0, 0, 1, 0))
    shortest = torch.cdist(candidates.flatten(1, 2), others).view(*candidates.shape[:3], -1).amin((2, 3))
    row, column = torch.triu_indices(candidates.shape[2], candidates.shape[2], offset=1)
    if len(row):
        among = (candidates[:, :, row] - candidates[:, :, column]).norm(dim=-1).amin(2)
        shortest = torch.minimum(shortest, among)
    return shortest


def shell_places(shape: tuple[int, ...], inner: float, outer: float, like: Tensor, generator: Generator) -> Tensor:
    """Places drawn uniformly from the space between two spheres about the centre.

    Args:
        shape: of the set of places.
        inner: radius, angstrom.
        outer: radius, angstrom.
        like: any tensor of the dtype and on the device that is wanted, in angstrom.
        generator: of the draw, on that device.

    Returns:
        (*shape, 3), angstrom.

    Raises:
        ValueError: the shape is none, or the radii are not in order.
        RuntimeError: the generator is on another device.
    """
    check_counts(0, **{f"dimension {at}": n for at, n in enumerate(shape)})
    if not 0 <= inner <= outer < torch.inf:
        raise ValueError(f"places lie between two radii, the smaller one first: {inner:g} and {outer:g} A arrived")
    kind = {"generator": generator, "device": like.device, "dtype": like.dtype}
    direction = torch.nn.functional.normalize(torch.randn(*shape, 3, **kind), dim=-1)
    volume = inner**3 + (outer**3 - inner**3) * torch.rand(*shape, 1, **kind)
    return direction * volume.pow(1 / 3)


def by_cell(errors: Tensor, cell: Tensor) -> tuple[float, float]:
    """The mean of errors, and how far it can be trusted: cells are drawn again, not atoms.

    Atoms of one cell are neighbours of one another and no independent witnesses, so the standard error is that of the
    mean of the cells' means.

    Args:
        errors: (N,), angstrom, one a cloud.
        cell: (N,), the cell of each.

    Returns:
        The mean and its standard error, angstrom; the latter is not a number for a single cell.

    Raises:
        ValueError: the lengths differ.
    """
    check_shapes(errors=(errors, "clouds+"), cell=(cell, "clouds+"))
    means = torch.stack([errors[cell == number].mean() for number in cell.unique()])
    return errors.mean().item(), (means.std() / len(means) ** 0.5).item()


def check_known(known: Tensor, n_missing: int, n_atoms: int, shortest: float) -> None:
    """Refuse what cannot be completed.

    Args:
        known: (N, k, 3), angstrom.
        n_missing: how many atoms are missing.
        n_atoms: how many atoms the model's clouds have.
        shortest: angstrom; known atoms that are closer clash.

    Raises:
        ValueError: says what arrived, what is needed and the way out.
    """
    if known.ndim != 3 or known.shape[-1] != 3 or len(known) == 0:
        raise ValueError(f"known atoms are (N, k, 3): {tuple(known.shape)} arrived; for one cloud pass known[None]")
    n_known = known.shape[1]
    if n_known == 0:
        raise ValueError("no atom is known, so anything fits: hand in three at least, or draw from the model instead")
    if n_missing < 1:
        raise ValueError(
            f"n_missing is {n_missing}: all atoms are known, and there is nothing to restore; pass 1 or more"
        )
    if n_missing > n_atoms - 3:
        raise ValueError(
            f"{n_missing} atoms are missing, and the model has {n_atoms} in all: three must be known to fix the "
            f"pose, so pass n_missing of {n_atoms - 3} at most"
        )
    if n_known + n_missing != n_atoms:
        raise ValueError(
            f"{n_known} known and {n_missing} missing make {n_known + n_missing} atoms, and the model was trained on "
            f"{n_atoms} neighbours: pass {n_atoms - n_missing} known ones, or a model for {n_known + n_missing}"
        )
    if not torch.isfinite(known).all():
        raise ValueError("known positions hold NaN or infinity: look at where they came from")
    all_atoms = torch.nn.functional.pad(known, (0, 0, 1, 0))
    row, column = torch.triu_indices(n_known + 1, n_known + 1, offset=1)
    distance = (all_atoms[:, row] - all_atoms[:, column]).norm(dim=-1)
    if (distance < shortest).any():
        cloud, pair = (int(i) for i in (distance < shortest).nonzero()[0])
        names = ["the centre" if i == 0 else f"atom {i - 1}" for i in (int(row[pair]), int(column[pair]))]
        raise ValueError(
            f"known atoms clash: in cloud {cloud}, {names[0]} and {names[1]} are {distance[cloud, pair]:.2f} A apart, "
            f"at least {shortest} A is asked for. Leave one of them out, or relax the cloud"
        )
