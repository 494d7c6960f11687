"""Networks of octahedra that share corners: how they are grown without a lattice, and which polycube each one is.

One more octahedron is two questions to two heads: beyond which free corner does a middle have room (attach), and where
are the corners that this middle lacks (complete)? The first sees an octahedron and no farther, so it cannot know a
network as a whole, and joins octahedra as it has never seen them joined. `topology` judges what has grown, and has no
part in the growing; it forgets the tilts, and which of two mirror images it is. The unit is the metal-oxygen distance.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.datasets.octahedra import CORNERS_APART, FOREIGN, MIDDLES_APART, TILT, Octahedra
from tutorial_lib.datasets.polycubes import Cells, polycube_of
from tutorial_lib.models.hierarchical import GrowthHead, grow, padded

OFF = 0.1  # by which a corner may be nearer or farther than the unit
ASKEW = 15.0  # degrees, by which the angle between two corners may differ from 90 or from 180
BENT = 20.0  # degrees, by which a joint may be bent
MIDDLE, CORNER = 0, 1  # kinds of points
N_STARTS = {MIDDLE: 48, CORNER: 16}
SURE = {MIDDLE: 0.06, CORNER: 0.4}  # room is one place of many, a corner is missed where it is


def straight(cells: Tensor) -> Octahedra:
    """Octahedra without tilts, one for each cell of a polycube, that share corners where cells share faces."""
    steps = torch.cat([torch.eye(3), -torch.eye(3)])
    return Octahedra(2 * cells, torch.unique((2 * cells[:, None] + steps).flatten(0, 1), dim=0))


def topology(network: Octahedra) -> Cells | None:
    """How octahedra are joined, straight or bent: the polycube that they are once all tilts are undone.

    Each octahedron is laid on the axes of the one that it is joined to, so tilts do not add up. Mirror images are one.
    None where an octahedron has not six corners about at right angles, a corner belongs to none or to more than two,
    edges are shared, a joint is bent or turned too far, something is too near, or there are several parts.
    """
    if not _sound(network):
        return None
    cells, steps = steps_of(network)
    n_shared = int((steps.abs().sum(dim=(0, 2)) == 2).sum())
    if cells is None or n_shared != int(((torch.cdist(cells, cells) - 1).abs() < 0.1).sum()) // 2:
        return None
    return polycube_of(cells, mirrors_equal=True)


def steps_of(network: Octahedra) -> tuple[Tensor | None, Tensor]:
    """Where octahedra would be on a lattice, and into which of its directions each corner points.

    (n, 3) cells, or None if not all hang together or one is turned too far to tell, in a right- or a left-handed
    picture; and (n, corners, 3) steps, zero for the corners of others.
    """
    middles, corners = network.middles, network.corners
    own = _own(network)
    cells, steps = torch.zeros_like(middles), torch.zeros(*own.shape, 3).to(middles)
    first = normalize(corners[own[0]] - middles[0], dim=1)
    across = first[(first @ first[0]).abs().argmin()]
    frames = {0: _square(torch.stack([first[0], across, torch.linalg.cross(first[0], across)]))}
    queue = [0]
    for k in queue:
        arms = normalize(corners[own[k]] - middles[k], dim=1)
        along = arms @ frames[k].mT
        step = torch.zeros_like(along).scatter(1, along.abs().argmax(dim=1, keepdim=True), 1.0) * along.sign()
        if len(torch.unique(step, dim=0)) < 6:
            return None, steps
        steps[k, own[k]] = step
        for at, other in own[:, own[k]].mT.nonzero().tolist():
            if other not in frames:
                frames[other], cells[other] = _square(step.mT @ arms), cells[k] + step[at]
                queue.append(other)
    return (cells if len(frames) == len(middles) else None), steps


def bends(network: Octahedra) -> Tensor:
    """By how much each joint is bent, in degrees: zero where middle, corner and middle are on a line."""
    own = _own(network)
    shared = (own.sum(dim=0) == 2).nonzero()[:, 0]
    pairs = [normalize(network.corners[at] - network.middles[own[:, at]], dim=1) for at in shared]
    sides = network.middles.new_tensor([[(one + other).norm(), (one - other).norm()] for one, other in pairs])
    return 2 * torch.atan2(*sides.view(-1, 2).unbind(1)).rad2deg()


def network_heads(seed: int = 0, *, cutoff: float = 1.8) -> tuple[GrowthHead, GrowthHead]:
    """Two untrained heads: that which attaches middles, and sees as far as `cutoff`, and that which adds corners."""
    # The corners beside a corner are 1.4 away from it, the opposite one 2.
    attach = GrowthHead(cutoff=cutoff, radius=1.7, width=0.25, kinds=2, seed=seed)
    return attach, GrowthHead(cutoff=2.6, radius=1.7, kinds=2, seed=seed)


def attachments(networks: Sequence[Octahedra], known: Collection[Cells], generator: Generator) -> tuple[Tensor, ...]:
    """For each network the middles beyond free corners that make a known topology, each joint bent at random.

    What is not known is forbidden; networks that grow into nothing known are left out. A batch for `growth_loss`:
    padded clouds and their counts, padded places and theirs, and the kinds of points.
    """
    found = []
    for network in networks:
        cells, steps = steps_of(network)
        own = steps.abs().sum(dim=2) > 0
        places = []
        for at in (own.sum(dim=0) == 1).nonzero()[:, 0].tolist():
            k = int(own[:, at].nonzero()[0])
            if polycube_of(torch.cat([cells, cells[k : k + 1] + steps[k, at]]), mirrors_equal=True) in known:
                place = _beyond(network.corners[at], network.middles[k], generator)
                others = torch.cat([network.corners[:at], network.corners[at + 1 :]])
                free = (others - place).norm(dim=1).min() > FOREIGN
                if free and (network.middles - place).norm(dim=1).min() > MIDDLES_APART:
                    places.append(place)
        if places:
            found.append((network, torch.stack(places)))
    return _examples(found)


def gaps(networks: Sequence[Octahedra], generator: Generator) -> tuple[Tensor, ...]:
    """Each network with one octahedron at an end of it that lacks one to five of its corners, and the corners.

    The octahedron and the corners are drawn; the corner that joins it to others stays. A batch as of `attachments`.
    """
    found = []
    for network in networks:
        own = steps_of(network)[1].abs().sum(dim=2) > 0
        shared = own.sum(dim=0) == 2
        ends = ((own & shared).sum(dim=1) <= 1).nonzero()[:, 0]
        k = ends[torch.randint(len(ends), (), generator=generator)]
        mine = (own[k] & ~shared).nonzero()[:, 0]
        order = torch.randperm(len(mine), generator=generator)
        drawn = mine[order[: int(torch.randint(1, 6, (), generator=generator))]]
        left = torch.ones(len(shared), dtype=torch.bool).scatter(0, drawn, value=False)
        found.append((Octahedra(network.middles, network.corners[left]), network.corners[drawn]))
    return _examples(found)


def more_octahedra(
    heads: tuple[GrowthHead, GrowthHead], networks: Sequence[Octahedra], n: int, generator: Generator
) -> list[Octahedra]:
    """Networks that have grown to n octahedra, each one a middle first and then its corners.

    One that finds no room, or not all of its corners, is left as it was then.
    """
    networks = list(networks)
    growing = [i for i, network in enumerate(networks) if len(network.middles) < n]
    while growing:
        for head, more, kind in ((heads[0], 1, MIDDLE), (heads[1], 5, CORNER)):
            added = _added(head, [networks[i] for i in growing], more, kind, generator)
            for i, new in zip(growing, added, strict=True):
                part = "middles" if kind == MIDDLE else "corners"
                networks[i] = replace(networks[i], **{part: torch.cat([getattr(networks[i], part), new])})
            growing = [i for i, new in zip(growing, added, strict=True) if len(new) == more]
        growing = [i for i in growing if len(networks[i].middles) < n]
    return networks


def _added(head: GrowthHead, networks: list[Octahedra], more: int, kind: int, generator: Generator) -> list[Tensor]:
    """The points that a head adds to each network, so many at most; corners about the middle that came last."""
    clouds, kinds = [network.points for network in networks], [_kinds(network) for network in networks]
    about = [torch.tensor([len(network.middles) - 1]) for network in networks] if kind == CORNER else None
    how = {"sure": SURE[kind], "starts": N_STARTS[kind], "about": about, "kinds": kinds, "adds": kind}
    grown = grow(head, clouds, [len(cloud) + more for cloud in clouds], generator, **how)
    return [cloud[len(before) :] for cloud, before in zip(grown, clouds, strict=True)]


def _kinds(network: Octahedra) -> Tensor:
    return torch.tensor([MIDDLE] * len(network.middles) + [CORNER] * len(network.corners))


def _examples(found: Sequence[tuple[Octahedra, Tensor]]) -> tuple[Tensor, ...]:
    clouds, counts = padded([network.points for network, _ in found])
    kinds = pad_sequence([_kinds(network) for network, _ in found], batch_first=True)
    return (clouds, counts, *padded([places for _, places in found]), kinds)


def _beyond(corner: Tensor, middle: Tensor, generator: Generator) -> Tensor:
    """The middle of an octahedron that shares a corner, bent away from the line by a random angle."""
    out = corner - middle
    across = torch.linalg.cross(out, torch.randn(3, generator=generator).to(out))
    bend = (2 * torch.rand((), generator=generator) - 1) * torch.pi * TILT / 180
    return corner + bend.cos() * out + bend.sin() * out.norm() * across / across.norm()


def _own(network: Octahedra) -> Tensor:
    """Which corners, of all, are those of each octahedron."""
    return (torch.cdist(network.middles, network.corners) - 1).abs() < OFF


def _sound(network: Octahedra) -> bool:
    """Whether octahedra are octahedra and none is in the way of another, however they are joined."""
    middles, corners, own = network.middles, network.corners, _own(network)
    if (own.sum(dim=1) != 6).any() or ((own.sum(dim=0) - 1.5).abs() > 1).any():  # a corner belongs to one or two
        return False
    if (torch.cdist(middles, corners)[~own] < FOREIGN).any():
        return False
    if (torch.pdist(middles) < MIDDLES_APART).any() or (torch.pdist(corners) < CORNERS_APART).any():
        return False
    arms = torch.stack([normalize(corners[mine] - middle, dim=1) for mine, middle in zip(own, middles, strict=True)])
    angles = (arms @ arms.mT).clamp(-1, 1).acos().rad2deg()
    right, opposite = ((angles - 90).abs() < ASKEW).sum(dim=2), (angles > 180 - ASKEW).sum(dim=2)
    shared = (own.double() @ own.double().mT).fill_diagonal_(0)
    return bool((right == 4).all() and (opposite == 1).all() and (shared < 2).all() and (bends(network) < BENT).all())


def _square(axes: Tensor) -> Tensor:
    left, _, right = torch.linalg.svd(axes)
    return left @ right
