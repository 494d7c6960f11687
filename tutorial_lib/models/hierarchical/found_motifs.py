"""Motifs that recur: clouds come in, and the points about which others are to be pooled go out.

Every point has a signal, its neighbours as a function on the sphere. Points whose signals look alike, in whatever pose,
are of one kind. Of all choices of kinds the one is taken that pools the clouds into the fewest clusters. A kind is
taken as a whole, so points that a symmetry makes equal are chosen together or not at all, and nothing is torn.
"""

from dataclasses import dataclass
from itertools import combinations

import torch
from sklearn.cluster import AgglomerativeClustering
from torch import Tensor

from tutorial_lib.models.hierarchical.points import Points
from tutorial_lib.models.spherical import degrees, harmonics
from tutorial_lib.shapes import Indices, check, check_apart

LMAX = 4
ALIKE = 1.0  # neighbours: points whose signals differ by less on average are of one kind
MOST_EXAMPLES = 3000  # points that are compared, pair by pair
MOST_CHOSEN = 2  # kinds


@dataclass(frozen=True)
class FoundMotifs:
    """Kinds of points, and which of them pool others.

    Attributes:
        cutoff: how far a point looks for its neighbours, in the unit of positions.
        kinds: (K, LMAX + 1), the mean signal of each kind without its pose, in neighbours.
        chosen: the kinds that pool, first the one with the most members.
    """

    cutoff: float
    kinds: Tensor
    chosen: tuple[int, ...]

    @classmethod
    def fit(cls, points: Points, cutoff: float) -> "FoundMotifs":
        """The kinds that clouds are made of, and the choice of at most two that needs the fewest clusters.

        A point that no chosen kind pools is a cluster of its own surroundings, and counts. Species are not looked at.
        Points beyond 3,000 are thinned out.

        Raises:
            ValueError: no point has a neighbour within the cut-off.
        """
        powers = signal_powers(points, cutoff)
        check(powers.any(), f"no point has a neighbour within the cut-off of {cutoff:g}: take a longer cut-off")
        thinned = torch.linspace(0, len(powers) - 1, min(MOST_EXAMPLES, len(powers))).long()
        grouping = AgglomerativeClustering(n_clusters=None, distance_threshold=ALIKE, linkage="average")
        group = torch.tensor(grouping.fit_predict(powers[thinned].cpu()), device=powers.device)
        kinds = torch.stack([powers[thinned][group == k].mean(dim=0) for k in range(int(group.max()) + 1)])
        kind = torch.cdist(powers, kinds).argmin(dim=1)
        about, member = _surroundings(points, cutoff)
        size = torch.bincount(about).double()
        members = [size[kind == k].mean().item() for k in range(len(kinds))]
        choices = [
            tuple(sorted(choice, key=lambda k: -members[k]))
            for n in range(1, MOST_CHOSEN + 1)
            for choice in combinations(range(len(kinds)), n)
        ]
        return cls(cutoff, kinds, min(choices, key=lambda choice: len(_taken(about, member, kind, choice)[1].unique())))

    def kind_of(self, points: Points) -> Indices:
        """The kind of every point: the one whose signal is most like its own."""
        return torch.cdist(signal_powers(points, self.cutoff), self.kinds.to(points.positions)).argmin(dim=1)

    def members(self, points: Points, cutoff: float) -> tuple[Indices, Indices]:
        """Which points are pooled, and about which: (memberships,) indices each.

        Kind by kind: all points of a kind that would pool a free point take their surroundings, at once. Those that are
        left take theirs.
        """
        about, member = _surroundings(points, cutoff)
        return _taken(about, member, self.kind_of(points), self.chosen)


def signal_powers(points: Points, cutoff: float) -> Tensor:
    """The neighbours of every point as a signal without its pose: for each l the root of the mean square over m.

    In neighbours: for l = 0 it is their number.
    """
    target, source = points.pairs(cutoff)
    vectors = points.positions[source] - points.positions[target]
    check_apart(vectors.norm(dim=1), cutoff)
    directions = harmonics(LMAX, vectors)
    signal = points.positions.new_zeros(len(points.positions), directions.shape[1]).index_add(0, target, directions)
    each_l = (degrees(LMAX) == torch.arange(LMAX + 1)[:, None]).to(signal)
    return (signal.square() @ each_l.mT / each_l.sum(dim=1)).sqrt()


def _surroundings(points: Points, cutoff: float) -> tuple[Tensor, Tensor]:
    """About whom, and who: every point and its neighbours, itself included."""
    target, source = points.pairs(cutoff)
    itself = torch.arange(len(points.positions), device=target.device)
    return torch.cat([itself, target]), torch.cat([itself, source])


def _taken(about: Tensor, member: Tensor, kind: Tensor, chosen: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    free = torch.ones(len(kind), dtype=torch.bool, device=kind.device)
    taken = torch.zeros_like(free)
    for k in (*chosen, None):
        gathers = torch.zeros_like(free)
        gathers[about[free[member]]] = True
        new = gathers & (free if k is None else kind == k)
        taken = taken | new
        free[member[new[about]]] = False
    return member[taken[about]], about[taken[about]]
