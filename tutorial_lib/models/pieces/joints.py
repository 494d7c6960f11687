"""How octahedra are joined: a network comes in, and the polycube goes out that it is once all tilts are undone.

It judges what has grown, and is no part of the growing. What is lost: the tilts, and which of two mirror images it is.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tutorial_lib.datasets.octahedra import CORNERS_APART, FOREIGN, MIDDLES_APART, Octahedra
from tutorial_lib.datasets.polycubes import Cells, polycube_of
from tutorial_lib.shapes import unrounded

OFF = 0.1  # by which a corner may be nearer or farther than the unit
ASKEW = 15.0  # degrees, by which the angle between two corners may differ from 90 or from 180
BENT = 20.0  # degrees, by which a joint may be bent


def topology(network: Octahedra) -> Cells | None:
    """How octahedra are joined, straight or bent: the polycube that they are once all tilts are undone.

    Each octahedron is laid on the axes of the one that it is joined to, so tilts do not add up. Mirror images are one.
    The unit is the metal-oxygen distance.

    Returns:
        The polycube; None where an octahedron has not six corners about at right angles, a corner belongs to none or
        to more than two, edges are shared, a joint is bent or turned too far, something is too near, or there are
        several parts.
    """
    if not _sound(network):
        return None
    cells, steps = steps_of(network)
    if cells is None:
        return None
    n_shared = int((steps.abs().sum(dim=(0, 2)) == 2).sum())
    n_beside = int(((torch.cdist(cells, cells) - 1).abs() < 0.1).sum()) // 2
    return polycube_of(cells, mirrors_equal=True) if n_shared == n_beside else None


@unrounded
def steps_of(network: Octahedra) -> tuple[Tensor | None, Tensor]:
    """Where octahedra would be on a lattice, and into which of its directions each corner points.

    Returns:
        (n, 3) cells, or None if not all hang together or one is turned too far to tell; and (n, corners, 3) steps,
        zero for the corners of others. The cells are a right- or a left-handed picture.
    """
    middles, corners = network.middles, network.corners
    own = (torch.cdist(middles, corners) - 1).abs() < OFF
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
        for at in own[k].nonzero()[:, 0].tolist():
            for other in own[:, at].nonzero()[:, 0].tolist():
                if other not in frames:
                    frames[other], cells[other] = _square(step.mT @ arms), cells[k] + steps[k, at]
                    queue.append(other)
    return (cells if len(frames) == len(middles) else None), steps


def bends(network: Octahedra) -> Tensor:
    """By how much each joint is bent, in degrees: zero where middle, corner and middle are on a line."""
    own = (torch.cdist(network.middles, network.corners) - 1).abs() < OFF
    shared = (own.sum(dim=0) == 2).nonzero()[:, 0]
    pairs = [normalize(network.corners[at] - network.middles[own[:, at]], dim=1) for at in shared]
    sides = network.middles.new_tensor([[(one + other).norm(), (one - other).norm()] for one, other in pairs])
    return 2 * torch.atan2(*sides.view(-1, 2).unbind(1)).rad2deg()


def _sound(network: Octahedra) -> bool:
    """Whether octahedra are octahedra and none is in the way of another, however they are joined."""
    middles, corners = network.middles, network.corners
    distance = torch.cdist(middles, corners)
    own = (distance - 1).abs() < OFF
    owners = own.sum(dim=0)
    if (own.sum(dim=1) != 6).any() or (owners < 1).any() or (owners > 2).any() or (distance[~own] < FOREIGN).any():
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
