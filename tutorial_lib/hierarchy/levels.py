"""Which points become one: clouds come in, and level by level fewer points go out, until each cloud is one point.

Clouds of different sizes stand in one list, with the number of their cloud beside each point. A level is data: how
near to each other points must be to be gathered, and what the decoder needs to know to find them again. A pair
of neighbours is a cluster of its own, whoever else they are neighbours of, so there is no tie to break: a square has
four clusters, not two of four.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial_lib.vocabulary import Indices, Places, Positions

RESOLVED = 2.0  # widths of a blob: points nearer than this to each other have one peak in common


@dataclass(frozen=True)
class Level:
    """How points are gathered, and how they are found again.

    Attributes:
        reach: each pair of points nearer than this is gathered into the middle between them; infinity gathers all
            points of a cloud at its centroid. In the unit of positions, like the other two.
        width: of the blob by which a decoder marks a point.
        radius: of the ball about a middle in which the decoder looks for points.
    """

    reach: float
    width: float
    radius: float


# Cubes, their bonds, one point; in edges of a cube. The ball of the second level holds all bonds of six cubes.
TETRIS = (Level(reach=1.2, width=0.2, radius=1.0), Level(reach=math.inf, width=0.2, radius=3.2))
FLAT = (Level(reach=math.inf, width=0.3, radius=3.2),)  # cubes, one point


@dataclass(frozen=True)
class Points:
    """The points of several clouds, in one list.

    Attributes:
        positions: (P, 3), each cloud about the centroid of its first points, in the unit of the levels.
        cloud: (P,), to which cloud each belongs, 0 to n_clouds - 1.
        n_clouds: how many clouds there are.
    """

    positions: Tensor
    cloud: Tensor
    n_clouds: int

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Who sees whom: all ordered pairs of two points of one cloud.

        Returns:
            (pairs,) indices of those that look, and of those that are seen, no unit.

        Raises:
            Nothing.
        """
        together = self.cloud[:, None] == self.cloud
        target, source = together.fill_diagonal_(False).nonzero(as_tuple=True)
        return target, source


@dataclass(frozen=True)
class Gathering:
    """One level of clouds: which points are members of which cluster.

    Attributes:
        points: before.
        centres: after, one point a cluster.
        member: (memberships,), indices of points; a point may be a member of several clusters.
        cluster: (memberships,), indices of centres.
    """

    points: Points
    centres: Points
    member: Tensor
    cluster: Tensor

    def children(self, shift: Places | float = 0.0) -> tuple[Tensor, Tensor]:
        """The members of each cluster about its centre.

        Args:
            shift: (clusters, 3), how far the centres have moved, in the unit of positions.

        Returns:
            (clusters, most members, 3), filled up with places that are far away, and (clusters,) how many there are.

        Raises:
            Nothing.
        """
        order = self.cluster.argsort(stable=True)
        cluster, member = self.cluster[order], self.member[order]
        counts = torch.bincount(cluster, minlength=len(self.centres.positions))
        slot = torch.arange(len(cluster), device=cluster.device) - (counts.cumsum(0) - counts)[cluster]
        children = self.points.positions.new_full((len(counts), int(counts.max()), 3), 1e3)
        children[cluster, slot] = self.points.positions[member] - (self.centres.positions + shift)[cluster]
        return children, counts


def check(clouds: Tensor | Sequence[Tensor], levels: Sequence[Level]) -> None:
    """Nothing, if the clouds can be encoded and found again.

    Args:
        clouds: (N, n, 3), or N clouds (n, 3) of different sizes, in the unit of the levels.
        levels: that they are to be gathered by.

    Raises:
        ValueError: a cloud is not (n, 3) or not finite, or has one point only; two points are too near to each other
            for blobs to be told apart, or one is beyond the last level's radius.
    """
    top, finest = levels[-1], min(level.width for level in levels)
    for at, cloud in enumerate(clouds):
        if cloud.ndim != 2 or cloud.shape[1] != 3:
            raise ValueError(f"cloud {at} has shape {tuple(cloud.shape)}: (n, 3) is needed, also where it is alone")
        if not torch.isfinite(cloud).all():
            raise ValueError(f"cloud {at} holds NaN or infinity")
        if len(cloud) < 2:
            raise ValueError(f"cloud {at} has {len(cloud)} points: there is nothing to encode in fewer than two")
        nearest, farthest = torch.pdist(cloud).min().item(), (cloud - cloud.mean(dim=0)).norm(dim=1).max().item()
        if nearest < RESOLVED * finest:
            what = "coincide" if nearest < 1e-6 else f"are {nearest:.2f} apart"
            raise ValueError(
                f"two points of cloud {at} {what}: blobs of width {finest:g} resolve {RESOLVED * finest:g}. Merge "
                "such points, scale the cloud up, or take levels with narrower blobs"
            )
        if farthest > top.radius:
            raise ValueError(
                f"a point of cloud {at} ({len(cloud)} points) lies {farthest:.2f} from the centroid and the field "
                f"ends at {top.radius:g}. Take fewer points, scale the cloud down, or take a last level with a "
                "longer radius"
            )


def padded(clouds: Sequence[Tensor]) -> tuple[Tensor, Indices]:
    """Clouds of different sizes as one tensor.

    Args:
        clouds: (n, 3) each, in the unit of the levels.

    Returns:
        (N, most, 3), filled up with zeros, and (N,) how many points each has.

    Raises:
        ValueError: there is no cloud, or one has another shape.
    """
    if len(clouds) == 0 or any(cloud.ndim != 2 or cloud.shape[1] != 3 for cloud in clouds):
        shapes = sorted({tuple(cloud.shape) for cloud in clouds})
        raise ValueError(f"clouds are (n, 3) each, one at least, also where there is only one: shapes {shapes} arrived")
    positions = clouds[0].new_zeros(len(clouds), max(map(len, clouds)), 3)
    for row, cloud in zip(positions, clouds, strict=True):
        row[: len(cloud)] = cloud
    return positions, torch.tensor([len(cloud) for cloud in clouds], device=positions.device)


def points_of(positions: Positions, counts: Indices) -> Points:
    """The points of padded clouds, each cloud about its centroid.

    Args:
        positions: (N, most, 3), in the unit of the levels.
        counts: (N,), how many points each has.

    Returns:
        The points.

    Raises:
        Nothing.
    """
    there = torch.arange(positions.shape[1], device=positions.device) < counts[:, None]
    centroid = (positions * there[..., None]).sum(dim=1, keepdim=True) / counts[:, None, None]
    return Points((positions - centroid)[there], there.nonzero(as_tuple=True)[0], len(positions))


def gathered(points: Points, levels: Sequence[Level]) -> list[Gathering]:
    """All levels of clouds, from their points to one point each.

    Args:
        points: of the clouds, in the unit of the levels.
        levels: the last one has an infinite reach.

    Returns:
        One gathering a level.

    Raises:
        ValueError: a point has no neighbour within reach and would be lost.
    """
    gatherings = []
    for level in levels:
        gatherings.append(_into_one(points) if math.isinf(level.reach) else _in_pairs(points, level.reach))
        points = gatherings[-1].centres
    return gatherings


def _into_one(points: Points) -> Gathering:
    everything = torch.arange(len(points.cloud), device=points.cloud.device)
    clouds = torch.arange(points.n_clouds, device=points.cloud.device)
    middles = points.positions.new_zeros(points.n_clouds, 3)
    return Gathering(points, Points(middles, clouds, points.n_clouds), everything, points.cloud)


def _in_pairs(points: Points, reach: float) -> Gathering:
    one, other = points.pairs()
    distance = (points.positions[one] - points.positions[other]).norm(dim=1)
    near = distance < reach
    lonely = torch.bincount(one[near], minlength=len(points.cloud)) == 0
    if lonely.any():
        nearest = distance[one == lonely.nonzero()[0]].min() if (one == lonely.nonzero()[0]).any() else math.inf
        raise ValueError(
            f"a point has no neighbour within the reach of {reach:g} and would be lost: its nearest is {nearest:.2f} "
            "away. Take a level with a longer reach"
        )
    one, other = one[near & (one < other)], other[near & (one < other)]
    middles = (points.positions[one] + points.positions[other]) / 2
    pair = torch.arange(len(one), device=one.device)
    centres = Points(middles, points.cloud[one], points.n_clouds)
    return Gathering(points, centres, torch.cat([one, other]), torch.cat([pair, pair]))
