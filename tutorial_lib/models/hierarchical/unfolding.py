"""The way down: the signals of a code come in, level by level points are found, merged, judged, and go out.

The model says what fields there are and what points are told; here is what is done with the answers.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from tutorial_lib.models.hierarchical.points import Points
from tutorial_lib.models.spherical import merge, peaks
from tutorial_lib.shapes import Signals, differentiating

SAME_POINT = 0.35  # units of the level: points found nearer to each other are one, found twice
HOPEFUL = 0.25  # probability from which a peak is a proposal, where proposals are judged afterwards
SURE = 0.5


@dataclass(frozen=True)
class Unfolded:
    """One level on the way down."""

    parents: Points  # of the level above
    signals: Tensor  # (coefficients, parents, channels), of which the fields about the parents are made
    proposals: Tensor  # (peaks, 3), the peaks of the fields
    points: Points  # when those found twice are merged, and those that are no points deleted


@differentiating
@torch.no_grad()
def unfold(model: Any, signals: Signals) -> list[Unfolded]:
    """All that a `HierarchicalAutoencoder` finds when signals of codes are decoded, level by level, from the top."""
    in_field, n_clouds = signals, signals.shape[1]
    signals = model.from_latent(in_field)
    clouds = torch.arange(n_clouds, device=signals.device)
    parents = Points(signals.new_zeros(n_clouds, 3), clouds, n_clouds)
    found: list[Unfolded] = []
    for k in reversed(range(len(model.levels))):
        level, judged = model.levels[k], bool(k and model.judges)
        least = HOPEFUL if judged else SURE
        about, parent = peaks(model.fields[k], in_field, width=level.width, radius=level.radius, least=least)
        places = about + parents.positions[parent]
        twice = SAME_POINT * level.unit if k < len(model.levels) - 1 else 0.0
        means, cloud, child = merge(places, parents.cloud[parent], twice)
        points = Points(means, cloud, n_clouds, _species(model, in_field, about, parent, child, len(means), k))
        if judged:
            points, parent, child = _judged(model, k, signals, parents.positions, points, parent, child)
        found.append(Unfolded(parents, in_field, places, points))
        if k:
            signals, in_field = model.descend(k, signals, parents.positions, points, parent, child)
            parents = points
    return found


def _species(model, in_field, about, parent, child, n_points, k) -> Tensor | None:
    """What stands at each point of the lowest level: the likeliest, if all that found it are asked."""
    if k or not model.species:
        return None
    votes = model.fields[0].kinds(in_field, about, parent).log_softmax(dim=1)
    return votes.new_zeros(n_points, votes.shape[1]).index_add(0, child, votes).argmax(dim=1)


def _judged(model, k, signals, above, points, parent, child):
    """What is left of points when those that are improbable, seen together with all others, are deleted."""
    kept = model.judgement(k, model.descend(k, signals, above, points, parent, child)[0]) > 0
    number = kept.cumsum(0) - 1
    left = replace(points, positions=points.positions[kept], cloud=points.cloud[kept])
    return left, parent[kept[child]], number[child[kept[child]]]
