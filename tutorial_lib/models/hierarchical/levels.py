"""Which points become one: clouds come in, and level by level fewer points go out, until each cloud is one point.

Clouds of different sizes are concatenated, with a batch index for each point. A `Level` holds the pooling radius and
what the decoder needs to find the points again. Every pair of neighbours is one cluster, so there is no tie to break: a
square has four clusters.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial_lib.models.hierarchical.found_motifs import FoundMotifs
from tutorial_lib.models.hierarchical.points import Points
from tutorial_lib.models.spherical import merge
from tutorial_lib.shapes import Places, check, check_finite, check_shapes

RESOLVED = 2.0  # widths of a blob: points nearer than this to each other have one peak in common


@dataclass(frozen=True)
class Level:
    """How points are pooled, and how they are found again. All lengths are in the unit of positions.

    Attributes:
        pooling_radius: each pair of points nearer than this is pooled into the middle between them; infinity pools all
            points of a cloud at its centroid.
        width: of the blob by which a decoder marks a point.
        radius: of the ball about a middle in which the decoder looks for points.
        unit: the distance by which those between the points are divided before a network sees them.
        cutoff: how far the points look at each other.
        motifs: which points pool all others within the pooling radius; without them every pair is pooled.
    """

    pooling_radius: float
    width: float
    radius: float
    unit: float = 1.0
    cutoff: float = math.inf
    motifs: FoundMotifs | None = None


# Cubes, their bonds, one point; in edges of a cube. The ball of the second level holds all bonds of six cubes.
TETRIS = (Level(pooling_radius=1.2, width=0.2, radius=1.0), Level(pooling_radius=math.inf, width=0.2, radius=3.2))
FLAT = (Level(pooling_radius=math.inf, width=0.3, radius=3.2),)  # cubes, one point


@dataclass(frozen=True)
class Pooling:
    """One level of clouds: which points are members of which cluster."""

    points: Points  # before
    centres: Points  # after, one point a cluster
    member: Tensor  # (memberships,), indices of points; a point may be a member of several clusters
    cluster: Tensor  # (memberships,), indices of centres

    def children(self, shift: Places | float = 0.0) -> tuple[Tensor, Tensor]:
        """The members of each cluster about its centre, if the centres (clusters, 3) are shifted.

        Returns:
            (clusters, most members, 3), filled up with places that are far away, and (clusters,) how many there are.
        """
        order = self.cluster.argsort(stable=True)
        cluster, member = self.cluster[order], self.member[order]
        counts = torch.bincount(cluster, minlength=len(self.centres.positions))
        slot = torch.arange(len(cluster), device=cluster.device) - (counts.cumsum(0) - counts)[cluster]
        children = self.points.positions.new_full((len(counts), int(counts.max()), 3), 1e3)
        children[cluster, slot] = self.points.positions[member] - (self.centres.positions + shift)[cluster]
        return children, counts


def check_clouds(clouds: Tensor | Sequence[Tensor], levels: Sequence[Level]) -> None:
    """Refuse clouds that could not be found again: single points, and points too near to each other for their blobs.

    Raises:
        ValueError: a cloud is one of these.
    """
    finest = levels[0].width
    for at, cloud in enumerate(clouds):
        check_shapes(**{f"cloud {at}": (cloud, "points 3")})
        check_finite(cloud, what=f"points of cloud {at}")
        check(len(cloud) > 1, f"cloud {at} has {len(cloud)} points: there is nothing to encode in fewer than two")
        nearest = torch.pdist(cloud).min().item()
        what = "coincide" if nearest < 1e-6 else f"are {nearest:.2f} apart"
        check(
            nearest >= RESOLVED * finest,
            f"two points of cloud {at} {what}: blobs of width {finest:g} resolve {RESOLVED * finest:g}. Merge "
            "such points, scale the cloud up, or take levels with narrower blobs",
        )


def out_of_reach(poolings: Sequence[Pooling], levels: Sequence[Level]) -> None:
    """A warning, if members lie where the field that should find them again does not look."""
    for pooling, level in zip(poolings, levels, strict=True):
        about = pooling.points.positions[pooling.member] - pooling.centres.positions[pooling.cluster]
        farthest, at = about.norm(dim=1).max(dim=0)
        if farthest > level.radius:
            cloud = int(pooling.points.cloud[pooling.member[at]])
            warnings.warn(
                f"a point of cloud {cloud} lies {farthest:.2f} from where it is gathered, and the field about that "
                f"place ends at {level.radius:g}: it will not come back. For larger clouds take levels with a longer "
                "radius, and train on such clouds",
                stacklevel=3,
            )


def pooled(points: Points, levels: Sequence[Level]) -> list[Pooling]:
    """All levels of clouds, from their points to one point each."""
    poolings = []
    for level in levels:
        if math.isinf(level.pooling_radius):
            poolings.append(_into_one(points))
        elif level.motifs is None:
            poolings.append(_in_pairs(points, level.pooling_radius))
        else:
            poolings.append(_about_motifs(points, level))
        points = poolings[-1].centres
    return poolings


def _into_one(points: Points) -> Pooling:
    n, device = points.n_clouds, points.cloud.device
    centres = Points(points.positions.new_zeros(n, 3), torch.arange(n, device=device), n)
    return Pooling(points, centres, torch.arange(len(points.cloud), device=device), points.cloud)


def _in_pairs(points: Points, radius: float) -> Pooling:
    one, other = points.pairs()
    distance = (points.positions[one] - points.positions[other]).norm(dim=1)
    near = distance < radius
    lonely = torch.bincount(one[near], minlength=len(points.cloud)) == 0
    if lonely.any():
        nearest = distance[one == lonely.nonzero()[0]].min() if (one == lonely.nonzero()[0]).any() else math.inf
        raise ValueError(
            f"a point has no neighbour within the pooling radius of {radius:g} and would be lost: its nearest is "
            f"{nearest:.2f} away. Take a level with a longer one"
        )
    one, other = one[near & (one < other)], other[near & (one < other)]
    middles = (points.positions[one] + points.positions[other]) / 2
    pair = torch.arange(len(one), device=one.device)
    centres = Points(middles, points.cloud[one], points.n_clouds)
    return Pooling(points, centres, torch.cat([one, other]), torch.cat([pair, pair]))


def _about_motifs(points: Points, level: Level) -> Pooling:
    member, about = level.motifs.members(points, level.pooling_radius)
    n = len(points.positions)
    size = torch.bincount(about, minlength=n)
    middles = points.positions.new_zeros(n, 3).index_add(0, about, points.positions[member]) / size[:, None]
    chosen = size > 0
    centres, cloud, group = merge(middles[chosen], points.cloud[chosen], 1e-3 * level.unit)
    both = torch.stack([member, group[(chosen.cumsum(0) - 1)[about]]]).unique(dim=1)
    return Pooling(points, Points(centres, cloud, points.n_clouds), *both)
