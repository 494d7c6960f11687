"""Answers to "which atoms are missing?": draws of any model come in, a few candidates, best first, go out.

Whatever the model, its draws pass the same rules here. Lost are draws that clash, and those that others speak for.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from tutorial_lib.inpainting.holes import apart, closest
from tutorial_lib.metrics.motif_statistics import MIN_DISTANCE
from tutorial_lib.representations.radial import distances_of_pairs
from tutorial_lib.shapes import Candidates, Missing, PerCandidate, check, check_counts, check_finite, check_shapes

N_DRAWS = 160  # asked of a model for one query, or as many as there shall be candidates
FAINT = 1e-4  # of the probability is spread over all draws
CHUNK = 32  # queries at a time, for the sake of memory


class Draws(NamedTuple):
    """What a model thinks of a query, as a weighted sample, best first."""

    positions: Candidates
    log_weight: PerCandidate  # nats, up to a constant: the logarithm of how much each counts


def best_first(draws: Tensor, log_weight: PerCandidate) -> Draws:
    """Draws (N, T, S, m, 3) of T ways, S of one weight each, as one row a query with the weightiest way first."""
    order = log_weight.argsort(dim=1, descending=True)
    draws = draws.take_along_dim(order[..., None, None, None], 1)
    return Draws(draws.flatten(1, 2), log_weight.gather(1, order).repeat_interleave(draws.shape[2], dim=1))


@runtime_checkable
class Completer(Protocol):
    """A model that can be asked for missing atoms."""

    n_atoms: int

    def complete(self, known: Tensor, n_missing: int, n: int, generator: Generator) -> Draws:
        """About n draws of the missing atoms for every query, best first."""


@dataclass(frozen=True)
class Completions:
    """Candidates for the missing atoms of each query, best first.

    The errors that the model's draws let expect are right only as far as the model is.
    """

    positions: Candidates
    expected_error: PerCandidate  # angstrom: how far off each is, on average over the draws
    share: PerCandidate  # of the model's probability that is nearer to this candidate than to the others


@torch.no_grad()
def inpaint(known: Tensor, n_missing: int, model: Completer, n_candidates: int, generator: Generator) -> Completions:
    """The candidates among a model's draws that leave the smallest error to be expected.

    A candidate is a draw. Draws closer than 2.1 A to a known atom, to the centre or within themselves are left out. The
    first candidate has the smallest mean distance to all draws, by their weights; each further one makes the mean
    distance to the *nearest* candidate as small as it can, with those before it kept. Where a model has fewer draws
    than candidates are asked for, some repeat.

    Args:
        known: (N, k, 3), angstrom, about the centre, in any order and pose.
        n_missing: the same number in every cloud.
        model: with `known` and missing atoms together as many as its `n_atoms`.
        n_candidates: how many answers a query gets.
        generator: of the model's draws.

    Raises:
        ValueError: known atoms clash, or known and missing atoms together are not as many as the model's.
    """
    check_counts(n_candidates=n_candidates)
    _check_known(known, n_missing, model.n_atoms)
    found = []
    for part in known.split(CHUNK):
        draws = model.complete(part, n_missing, max(N_DRAWS, n_candidates), generator)
        clashes = closest(part, draws.positions) < MIN_DISTANCE
        allowed = ~clashes | clashes.all(dim=1, keepdim=True)
        found.append(_best(draws.positions, draws.log_weight.masked_fill(~allowed, -torch.inf), n_candidates))
    return Completions(*(torch.cat(column) for column in zip(*found, strict=True)))


def energy_score(made: Completions, missing: Missing) -> Tensor:
    """The energy score (queries,) of candidates and their shares, angstrom: the smaller, the better.

    sum_i p_i |x_i - x| - 1/2 sum_ij p_i p_j |x_i - x_j|, the continuous ranked probability score of a place (Gneiting
    and Raftery 2007, https://doi.org/10.1198/016214506000001437). On average it is smallest for the true probabilities,
    so neither too sure nor too careful an answer gains by it; a single place scores its error.
    """
    check_shapes(missing=(missing, "queries missing 3"), positions=(made.positions, "queries candidates missing 3"))
    p = made.share
    off = apart(made.positions, missing[:, None])
    between = apart(made.positions[:, :, None], made.positions[:, None])
    return (p * off).sum(1) - (p[:, None] * between * p[..., None]).sum((1, 2)) / 2


def _best(positions: Tensor, log_weight: Tensor, n_candidates: int) -> tuple[Candidates, PerCandidate, PerCandidate]:
    weight = log_weight.softmax(dim=1)
    weight = (weight + FAINT / weight.shape[1]) * (log_weight > -torch.inf)  # or nothing would rank the unlikely ones
    weight = weight / weight.sum(dim=1, keepdim=True)
    between = apart(positions[:, :, None], positions[:, None])
    each, chosen = torch.arange(len(positions), device=positions.device), []
    nearest = torch.full_like(weight, torch.inf)
    for _ in range(n_candidates):
        left = (torch.minimum(between, nearest[:, None]) * weight[:, None]).sum(2)
        chosen.append(left.masked_fill(~(weight > 0), torch.inf).argmin(dim=1))
        nearest = torch.minimum(nearest, between[each, chosen[-1]])
    chosen = torch.stack(chosen, dim=1)
    to_chosen = between.gather(1, chosen[..., None].expand(-1, -1, between.shape[2]))
    owner = torch.nn.functional.one_hot(to_chosen.argmin(dim=1), n_candidates)
    expected = (between * weight[:, None]).sum(2).gather(1, chosen)
    return positions[each[:, None], chosen], expected, (owner * weight[..., None]).sum(1)


def _check_known(known: Tensor, n_missing: int, n_atoms: int) -> None:
    check_shapes(known=(known, "clouds+ known+ 3"))
    check_counts(n_missing=n_missing)
    n_known = known.shape[1]
    check(
        n_missing <= n_atoms - 3,
        f"{n_missing} atoms are missing, and the model has {n_atoms} in all: three must be known to fix the "
        f"pose, so pass n_missing of {n_atoms - 3} at most",
    )
    check(
        n_known + n_missing == n_atoms,
        f"{n_known} known and {n_missing} missing make {n_known + n_missing} atoms, and the model was trained on "
        f"{n_atoms} neighbours: pass {n_atoms - n_missing} known ones, or a model for {n_known + n_missing}",
    )
    check_finite(known, what="known positions")
    distance = distances_of_pairs(torch.nn.functional.pad(known, (0, 0, 1, 0)))
    if (distance < MIN_DISTANCE).any():
        cloud, pair = (int(i) for i in (distance < MIN_DISTANCE).nonzero()[0])
        names = list(combinations(["the centre", *(f"atom {i}" for i in range(n_known))], 2))[pair]
        raise ValueError(
            f"known atoms clash: in cloud {cloud}, {names[0]} and {names[1]} are {distance[cloud, pair]:.2f} A apart, "
            f"at least {MIN_DISTANCE} A is asked for. Leave one of them out, or relax the cloud"
        )
