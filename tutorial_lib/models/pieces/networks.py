"""Networks of octahedra, grown without a lattice: octahedra that share corners come in, and more of them go out.

One more octahedron is two questions to two heads: beyond which free corner does a middle have room (attach), and where
are the corners that this middle lacks (complete)? The first sees an octahedron and no farther, so it cannot know a
network as a whole, and joins octahedra as it has never seen them joined. `joints` judges what has grown. The unit is
the metal-oxygen distance.
"""

from collections.abc import Collection, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.datasets.octahedra import FOREIGN, MIDDLES_APART, TILT, Octahedra
from tutorial_lib.datasets.polycubes import Cells, polycube_of
from tutorial_lib.models.hierarchical.growing import grow
from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.models.hierarchical.points import padded
from tutorial_lib.models.pieces.joints import steps_of

MIDDLE, CORNER = 0, 1  # kinds of points
SIGHT = 1.8  # of the head that attaches: the corners beside a corner are 1.4 away, the opposite one 2
N_STARTS = {MIDDLE: 48, CORNER: 16}
SURE = {MIDDLE: 0.06, CORNER: 0.4}  # room is one place of many, a corner is missed where it is

Examples = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def network_heads(seed: int = 0, *, sight: float = SIGHT) -> tuple[GrowthHead, GrowthHead]:
    """Two untrained heads: that which attaches middles, and sees as far as `sight`, and that which adds corners."""
    attach = GrowthHead(sight=sight, radius=1.7, width=0.25, kinds=2, seed=seed)
    return attach, GrowthHead(sight=2.6, radius=1.7, kinds=2, seed=seed)


def attachments(networks: Sequence[Octahedra], known: Collection[Cells], generator: Generator) -> Examples:
    """For each network the middles beyond free corners that make a known topology, each joint bent at random.

    Args:
        networks: sound ones; those that grow into nothing known are left out.
        known: topologies, as `joints.topology` gives them. What is not known counts as forbidden.
        generator: of the bends.

    Returns:
        Padded clouds and their counts, padded places and theirs, and the kinds of points, for `growth_loss`.
    """
    found = []
    for network in networks:
        cells, steps = steps_of(network)
        points_there = steps.abs().sum(dim=2) > 0
        places = []
        for at in (points_there.sum(dim=0) == 1).nonzero()[:, 0].tolist():
            k = int(points_there[:, at].nonzero()[0])
            if polycube_of(torch.cat([cells, cells[k : k + 1] + steps[k, at]]), mirrors_equal=True) in known:
                place = _beyond(network.corners[at], network.middles[k], generator)
                others = torch.cat([network.corners[:at], network.corners[at + 1 :]])
                free = (others - place).norm(dim=1).min() > FOREIGN
                if free and (network.middles - place).norm(dim=1).min() > MIDDLES_APART:
                    places.append(place)
        if places:
            found.append((network, torch.stack(places)))
    return _examples(found)


def gaps(networks: Sequence[Octahedra], generator: Generator) -> Examples:
    """Each network with one octahedron at an end of it that lacks one to five of its corners, and the corners.

    The octahedron and the corners are drawn; that which joins it to others stays. Returns what `attachments` does.
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

    Raises:
        ValueError: there are not two heads.
    """
    if len(heads) != 2:
        raise ValueError(f"two heads are needed, for middles and for corners: {len(heads)} arrived")
    networks = list(networks)
    growing = [i for i, network in enumerate(networks) if len(network.middles) < n]
    while growing:
        middles = _added(heads[0], [networks[i] for i in growing], 1, MIDDLE, generator)
        growing = [i for i, new in zip(growing, middles, strict=True) if len(new)]
        for i, new in zip(growing, [new for new in middles if len(new)], strict=True):
            networks[i] = Octahedra(torch.cat([networks[i].middles, new]), networks[i].corners)
        corners = _added(heads[1], [networks[i] for i in growing], 5, CORNER, generator)
        for i, new in zip(growing, corners, strict=True):
            networks[i] = Octahedra(networks[i].middles, torch.cat([networks[i].corners, new]))
        growing = [i for i, new in zip(growing, corners, strict=True) if len(new) == 5 and len(networks[i].middles) < n]
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


def _examples(found: Sequence[tuple[Octahedra, Tensor]]) -> Examples:
    clouds, counts = padded([network.points for network, _ in found])
    kinds = pad_sequence([_kinds(network) for network, _ in found], batch_first=True)
    return (clouds, counts, *padded([places for _, places in found]), kinds)


def _beyond(corner: Tensor, middle: Tensor, generator: Generator) -> Tensor:
    """The middle of an octahedron that shares a corner, bent away from the line by a random angle."""
    out = corner - middle
    across = torch.linalg.cross(out, torch.randn(3, generator=generator).to(out))
    bend = (2 * torch.rand((), generator=generator) - 1) * torch.pi * TILT / 180
    return corner + bend.cos() * out + bend.sin() * out.norm() * across / across.norm()
