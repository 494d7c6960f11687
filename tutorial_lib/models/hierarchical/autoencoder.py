"""The autoencoder: clouds come in, one vector of irreps each goes out, and the clouds come out of it again.

Every feature is a signal, a function on the sphere at a point. On the way up, at each level, points look at the
others of their cloud, and are pooled into clusters; at the end there is one point with one vector. On the way down a
field about each point shows where the points of the level below are, as its peaks. What is found twice is merged, what
is improbable is deleted. No direction is built in, so all of it is equivariant. Where the cloud is, is lost: what comes
back is about its centroid.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.models.hierarchical.layers import Ascent, Descent, codes_of, signals_of
from tutorial_lib.models.hierarchical.levels import TETRIS, Level, Pooling, check_clouds, out_of_reach, pooled
from tutorial_lib.models.hierarchical.points import Points, check_kinds, padded, points_of
from tutorial_lib.models.spherical import (
    EquivariantLinear,
    EquivariantNonlinearity,
    OccupancyField,
    merge,
    normalised,
    peaks,
)
from tutorial_lib.shapes import (
    Features,
    Indices,
    Places,
    Signals,
    check,
    check_finite,
    check_shapes,
    differentiating,
    seeded,
)

N_FIELD_SIGNALS = 8  # channels of the signals that a field below the top is made of
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


class HierarchicalAutoencoder(nn.Module):
    """From clouds to one vector of irreps each, and back.

    Args:
        levels: how points are pooled; the last level has an infinite pooling radius.
        latent_lmax: the highest l of the vector.
        latent_channels: how many irreps of each l.
        lmax: of the signals inside; at least that of the vector is used.
        species: the names of what may stand at a point; none, if all points are alike.
        judges: learn to delete points that are found between levels and should not have been.

    Attributes:
        largest: how many points the largest example had that it was trained on, if anybody knows.
        latent_irreps: of the vector, such as 2x0e+2x1o+2x2e.

    Raises:
        ValueError: the last level does not pool everything.
    """

    def __init__(
        self,
        levels: Sequence[Level] = TETRIS,
        *,
        latent_lmax: int = 4,
        latent_channels: int = 2,
        channels: int = 24,
        lmax: int = 4,
        species: Sequence[str] = (),
        judges: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        check(
            levels and levels[-1].pooling_radius == float("inf"),
            "the last level has to gather all points into one: give it pooling_radius=math.inf",
        )
        lmax = max(lmax, latent_lmax)
        self.levels, self.species, self.judges = tuple(levels), tuple(species), judges
        self.largest: int | None = None
        self.latent_irreps = o3.Irreps(
            [(latent_channels, ir) for ir in o3.Irrep.iterator(latent_lmax) if ir.p == (-1) ** ir.l]
        )
        with seeded(seed):
            self.start = nn.Parameter(torch.randn(1, max(1, len(self.species)), channels))
            self.ascents = nn.ModuleList(Ascent(channels, lmax, level) for level in levels)
            self.last = EquivariantNonlinearity(channels, lmax)
            self.to_latent = EquivariantLinear(channels, latent_channels, latent_lmax)
            self.from_latent = EquivariantLinear(latent_channels, channels, latent_lmax)
            self.descents = nn.ModuleList(Descent(channels, lmax, level) for level in levels[1:])
            self.to_field = nn.ModuleList(EquivariantLinear(channels, N_FIELD_SIGNALS, lmax) for _ in levels[1:])
            below = [(N_FIELD_SIGNALS, lmax, level, 64) for level in levels[:-1]]
            self.fields = nn.ModuleList(
                OccupancyField(n, l_of, level.radius, width, unit=level.unit, kinds=0 if k else len(self.species))
                for k, (n, l_of, level, width) in enumerate([*below, (latent_channels, latent_lmax, levels[-1], 128)])
            )
            self.judge = nn.ModuleList(nn.Linear(channels, 1) for _ in levels[1:] if judges)

    def encode(self, clouds: Tensor | Sequence[Tensor], species: Sequence[Tensor] | None = None) -> Features:
        """One vector of irreps for each cloud; it turns with the cloud and does not see where that is.

        Args:
            clouds: (N, n, 3), or N clouds (n, 3) of different sizes, in the unit of the levels.
            species: N times (n,), which of the model's species stands at each point.

        Returns:
            (N, dim of `latent_irreps`).
        """
        check_clouds(clouds, self.levels)
        named = () if species is None else (pad_sequence(list(species), batch_first=True),)
        poolings = pooled(points_of(*padded(list(clouds)), *named), self.levels)
        out_of_reach(poolings, self.levels)
        return codes_of(self.ascend(poolings)[-1])

    forward = encode

    def ascend(self, poolings: Sequence[Pooling]) -> list[Signals]:
        """The signals at the clusters of each level, and at last those of the vectors."""
        points = poolings[0].points
        check_kinds(points, self.start.shape[1])
        signals = self.start[:, points.cloud * 0 if points.species is None else points.species]
        found = []
        for ascent, pooling in zip(self.ascents, poolings, strict=True):
            signals = ascent(signals, pooling)
            found.append(signals)
        return [*found, normalised(self.to_latent(normalised(signals + self.last(signals))))]

    def descend(self, k: int, signals: Signals, above: Places, points: Points, parent: Indices, child: Indices):
        """The signals of points below level k, from which the next level starts, and those of their fields.

        Args:
            k: the level whose clusters are above.
            signals: (coefficients, parents, channels).
            above: (parents, 3), where the parents are.
            points: the children, each of one or more parents.
            parent: (memberships,), indices of parents.
            child: (memberships,), indices of children.
        """
        signals = self.descents[k - 1](signals, above, points, parent, child)
        return signals, normalised(self.to_field[k - 1](normalised(signals)))

    def judgement(self, k: int, signals: Signals) -> Tensor:
        """(children,) logits that the points below level k are points, from their signals."""
        return self.judge[k - 1](normalised(signals)[0])[:, 0]

    def signals_of(self, latent: Tensor) -> Signals:
        """Vectors (N, dim of `latent_irreps`) as signals (coefficients, N, latent channels)."""
        check_shapes(codes=(latent, f"N {self.latent_irreps.dim}"))
        check_finite(latent, what="codes")
        return signals_of(latent, self.latent_irreps.lmax)

    def decode(self, latent: Tensor) -> list[Tensor]:
        """The clouds of vectors, about their centroids, as many points as the fields show.

        A vector whose fields have no peak gives a cloud (0, 3), with a warning.
        """
        points = self.unfold(latent)[-1].points
        clouds = [points.positions[points.cloud == n] for n in range(len(latent))]
        if empty := sum(len(cloud) == 0 for cloud in clouds):
            warnings.warn(
                f"{empty} of {len(clouds)} codes decode to no point at all: their fields have no peak above one half, "
                "or none that holds from all sides",
                stacklevel=2,
            )
        return clouds

    @differentiating
    @torch.no_grad()
    def unfold(self, latent: Tensor) -> list[Unfolded]:
        """All that is found when vectors are decoded, one entry a level, from the top."""
        in_field, n_clouds = self.signals_of(latent), len(latent)
        signals = self.from_latent(in_field)
        parents = Points(signals.new_zeros(n_clouds, 3), torch.arange(n_clouds, device=signals.device), n_clouds)
        found: list[Unfolded] = []
        for k in reversed(range(len(self.levels))):
            level, judged = self.levels[k], bool(k and self.judges)
            about, parent = peaks(
                self.fields[k], in_field, width=level.width, radius=level.radius, least=HOPEFUL if judged else SURE
            )
            places = about + parents.positions[parent]
            twice = SAME_POINT * level.unit if k < len(self.levels) - 1 else 0.0
            means, cloud, child = merge(places, parents.cloud[parent], twice)
            species = None if k or not self.species else self._species(in_field, about, parent, child, len(means))
            points = Points(means, cloud, n_clouds, species)
            if judged:
                points, parent, child = self._judged(k, signals, parents.positions, points, parent, child)
            found.append(Unfolded(parents, in_field, places, points))
            if k:
                signals, in_field = self.descend(k, signals, parents.positions, points, parent, child)
                parents = points
        return found

    def _species(self, in_field, about, parent, child, n_points) -> Tensor:
        """What stands at each point of the lowest level: the likeliest, if all that found it are asked."""
        votes = self.fields[0].kinds(in_field, about, parent).log_softmax(dim=1)
        return votes.new_zeros(n_points, votes.shape[1]).index_add(0, child, votes).argmax(dim=1)

    def _judged(self, k, signals, above, points, parent, child):
        """What is left of points when those that are improbable, seen together with all others, are deleted."""
        kept = self.judgement(k, self.descend(k, signals, above, points, parent, child)[0]) > 0
        number = kept.cumsum(0) - 1
        left = replace(points, positions=points.positions[kept], cloud=points.cloud[kept])
        return left, parent[kept[child]], number[child[kept[child]]]
