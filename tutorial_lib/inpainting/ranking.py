"""Answers to "which atoms are missing?": draws of any model come in, a few candidates, best first, go out.

Whatever the model, its draws pass the same rules here. Lost are draws that clash, and those that others speak for.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from tutorial_lib.inpainting.holes import apart, check_known, closest
from tutorial_lib.metrics.motif_statistics import MIN_DISTANCE
from tutorial_lib.shapes import Candidates, PerCandidate

N_DRAWS = 160  # asked of a model for one query, or as many as there shall be candidates
FAINT = 1e-4  # of the belief is spread over all draws
CHUNK = 32  # queries at a time, for the sake of memory


class Draws(NamedTuple):
    """What a model thinks of a query, as a weighted sample.

    Attributes:
        positions: (N, n, m, 3), angstrom, best first.
        log_weight: (N, n), nats, up to a constant: the logarithm of how much each counts.
    """

    positions: Candidates
    log_weight: PerCandidate


@runtime_checkable
class Completer(Protocol):
    """A model that can be asked for missing atoms."""

    n_atoms: int

    def complete(self, known: Tensor, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, best first.

        Args:
            known: (N, k, 3), angstrom.
            n_missing: how many atoms are missing.
            n: how many draws a query should get.
            generator: of the draws.

        Returns:
            (N, about n, n_missing, 3), angstrom, with their weights.

        Raises:
            ValueError: the model cannot complete such a cloud.
        """


@dataclass(frozen=True)
class Completions:
    """Candidates for the missing atoms of each query, best first.

    Attributes:
        positions: (N, k, m, 3), angstrom.
        expected_error: (N, k), angstrom: how far off each is, on average over the model's draws. Right only as far
            as the model is.
        share: (N, k): how much of the model's belief is nearer to this candidate than to the others.
    """

    positions: Candidates
    expected_error: PerCandidate
    share: PerCandidate


@torch.no_grad()
def inpaint(known: Tensor, n_missing: int, model: Completer, n_candidates: int, generator: Generator) -> Completions:
    """The candidates among a model's draws that leave the smallest error to be expected.

    A candidate is a draw. Draws closer than 2.1 A to a known atom, to the centre or within themselves are left out. The
    first candidate has the smallest mean distance to all draws, by their weights; each further one makes the mean
    distance to the *nearest* candidate as small as it can, with those before it kept. Where a model has fewer draws
    than candidates are asked for, some repeat.

    Args:
        known: (N, k, 3), angstrom, about the centre, in any order and pose.
        n_missing: how many atoms are missing, the same number in every cloud.
        model: has `n_atoms` and `complete(known, n_missing, n, generator)`.
        n_candidates: how many answers a query gets.
        generator: of the model's draws.

    Returns:
        Candidates with what the model says of them.

    Raises:
        ValueError: nothing is known or nothing missing, known atoms clash, `n_candidates` is below 1, or known and
            missing atoms together are not as many as the model's.
    """
    if n_candidates < 1:
        raise ValueError(f"n_candidates is {n_candidates}: ask for one at least")
    check_known(known, n_missing, model.n_atoms, MIN_DISTANCE)
    found = []
    for some in known.split(CHUNK):
        draws = model.complete(some, n_missing, max(N_DRAWS, n_candidates), generator)
        clashes = closest(some, draws.positions) < MIN_DISTANCE
        allowed = ~clashes | clashes.all(dim=1, keepdim=True)
        found.append(_best(draws.positions, draws.log_weight.masked_fill(~allowed, -torch.inf), n_candidates))
    return Completions(*(torch.cat(column) for column in zip(*found, strict=True)))


def _best(positions: Tensor, log_weight: Tensor, n_candidates: int) -> tuple[Candidates, PerCandidate, PerCandidate]:
    weight = log_weight.softmax(dim=1)
    weight = (weight + FAINT / weight.shape[1]) * (log_weight > -torch.inf)  # or nothing would rank the unlikely ones
    weight = weight / weight.sum(dim=1, keepdim=True)
    between = apart(positions[:, :, None], positions[:, None])
    alone = (between * weight[:, None]).sum(2)
    forbidden = torch.where(weight > 0, 0.0, torch.inf)
    each, chosen = torch.arange(len(positions), device=positions.device), []
    nearest = torch.full_like(weight, torch.inf)
    for _ in range(n_candidates):
        left = (torch.minimum(between, nearest[:, None]) * weight[:, None]).sum(2)
        chosen.append((left + forbidden).argmin(dim=1))
        nearest = torch.minimum(nearest, between[each, chosen[-1]])
    chosen = torch.stack(chosen, dim=1)
    to_chosen = between.gather(1, chosen[..., None].expand(-1, -1, between.shape[2]))
    owner = torch.nn.functional.one_hot(to_chosen.argmin(dim=1), n_candidates)
    share = (owner * weight[..., None]).sum(1)
    return positions[each[:, None], chosen], alone.gather(1, chosen), share
