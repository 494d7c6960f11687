"""Decoding a latent code by growing a cloud point by point, with the code's occupancy field as guidance.

Most latent codes decode to clouds that break the rule of growth. So the growth head proposes positions, and the top
field of the autoencoder ranks them, by the probability of the bond middles that they would create. Where the field says
nothing, the generator decides.
"""

import torch
from torch import Generator, Tensor
from torch.nn.functional import logsigmoid

from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.growing import JOINED, Favour, grow
from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.models.hierarchical.points import Points
from tutorial_lib.shapes import differentiating, unrounded

N_AT_ONCE = 20  # codes, to save memory


@differentiating
def led_by(model: HierarchicalAutoencoder, codes: Tensor, *, strength: float = 1.0) -> Favour:
    """What codes say of a site: the mean log-probability of the middles of bonds that it would have, times `strength`.

    The first level of the model has to be bonds, and places are about the centroid of what the code is of.
    """
    signals = model.signals_of(codes)

    def weight(places: Tensor, cloud: Tensor, points: Points) -> Tensor:
        near = torch.cdist(places.detach(), points.positions) < JOINED
        at, by = (near & (cloud[:, None] == points.cloud)).nonzero(as_tuple=True)
        middles = (places[at] + points.positions[by]) / 2
        log_p = logsigmoid(model.fields[-1](signals, middles, cloud[at]))
        return strength * places.new_zeros(len(places)).scatter_reduce(0, at, log_p, "mean", include_self=False)

    return weight


@unrounded
@differentiating
@torch.no_grad()
def guided_decode(
    head: GrowthHead,
    model: HierarchicalAutoencoder,
    codes: Tensor,
    n_points: int,
    generator: Generator,
    *,
    strength: float = 1.0,
) -> list[Tensor]:
    """Clouds of n points grown by the head, from a point on which the code insists most, to where it would have more.

    Head and model have one unit; clouds are about the centroid of what the code is of, which may be any at all. Large
    strengths, as in `led_by`, leave nothing to the generator.
    """
    favour = led_by(model, codes, strength=strength)
    return grow(head, _first_points(model, codes), n_points, generator, favour=favour)


def _first_points(model: HierarchicalAutoencoder, codes: Tensor) -> list[Tensor]:
    """For each code one point that it decodes to, that with the most bonds; the centroid, if it decodes to nothing."""
    begin, found = [], [model.unfold(part)[-1].points for part in codes.split(N_AT_ONCE)]
    for number, signals in enumerate(model.signals_of(codes).split(1, dim=1)):
        these = found[number // N_AT_ONCE]
        points = these.positions[these.cloud == number % N_AT_ONCE]
        points = points if len(points) else codes.new_zeros(1, 3)
        one, other = ((torch.cdist(points, points) < JOINED).fill_diagonal_(False)).nonzero(as_tuple=True)
        middles = (points[one] + points[other]) / 2
        bonds = model.fields[-1](signals, middles, torch.zeros_like(one)).sigmoid()
        begin.append(points[codes.new_zeros(len(points)).index_add(0, one, bonds).argmax()][None])
    return begin
