"""Occupancy fields: signals and positions come in, and the probability of a point at each position goes out.

The field is computed from invariants of a signal and a position only, so it turns with the signal. It is trained on
Gaussian targets about the points; points are then read off as its peaks (`peaks`). The peaks are a set without order
and of any size, so that the decoder needs no fixed number of outputs, and symmetric codes decode too.
"""

import math

import torch
from e3nn import o3
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tutorial_lib.models.spherical.signals import degrees
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Indices, Places, Signals, check, check_counts, check_indices, check_shapes

N_RADIAL = 10
SOFTNESS = 0.1  # in the unit of positions


class OccupancyField(nn.Module):
    """The logit of "there is a point here", at places about the centre of a signal.

    The network sees the distance of the place and, for each channel and each l, the sum over m of coefficient times
    harmonic: numbers that do not change when signal and place turn together.

    Args:
        radius: how far places are looked at, in the unit of positions.
        unit: the distance by which places are divided before the network sees them.
        kinds: how many kinds of points there are, if the field is to say which one stands at a place.
    """

    def __init__(self, channels: int, lmax: int, radius: float, hidden: int = 64, *, unit: float = 1.0, kinds: int = 0):
        super().__init__()
        self.lmax, self.radius, self.unit = lmax, radius / unit, unit
        self.first = nn.Linear(channels * (lmax + 1), hidden)
        self.by_distance = nn.Linear(N_RADIAL, 2 * hidden)
        middle = [layer for _ in range(2) for layer in (nn.SiLU(), nn.Linear(hidden, hidden))]
        self.rest = nn.Sequential(*middle, nn.SiLU(), nn.Linear(hidden, 1 + kinds))
        nn.init.constant_(self.rest[-1].bias, -2.0)  # most places are empty
        each_l = (degrees(lmax) == torch.arange(lmax + 1)[:, None]).float()
        self.register_buffer("sum_of_l", each_l / each_l.sum(dim=1, keepdim=True).sqrt(), persistent=False)
        self.register_buffer("centres", torch.linspace(0, self.radius, N_RADIAL), persistent=False)

    def forward(self, signals: Signals, places: Places, owner: Indices) -> Tensor:
        """(P,) logits that a point is there."""
        return self.answers(signals, places, owner)[:, 0]

    def kinds(self, signals: Signals, places: Places, owner: Indices) -> Tensor:
        """(P, kinds) logits of every kind, should there be a point."""
        return self.answers(signals, places, owner)[:, 1:]

    def answers(self, signals: Signals, places: Places, owner: Indices) -> Tensor:
        """The logit that a point is there, and those of every kind beside it, (P, 1 + kinds).

        Args:
            signals: (coefficients, G, channels).
            places: (P, 3), each about the centre of its signal.
            owner: (P,), to which of the G signals each place belongs.
        """
        channels = self.first.in_features // (self.lmax + 1)
        check_shapes(signals=(signals, f"{(self.lmax + 1) ** 2} _ {channels}"))
        check_shapes(places=(places, "places 3"), owner=(owner, "places"))
        check_indices(signals.shape[1], owner=owner)
        places = places / self.unit
        square = places.square().sum(dim=1, keepdim=True)
        solid = o3.spherical_harmonics(
            list(range(self.lmax + 1)), 1.5 * places / (square + 1).sqrt(), False, "component"
        )
        together = signals[:, owner] * solid.mT.to(signals.dtype)[..., None]
        invariants = (self.sum_of_l @ together.flatten(1)).unflatten(1, together.shape[1:])
        distance = (square + SOFTNESS**2).sqrt()  # without it, a field would have a kink at its centre
        radial = gaussians(distance[:, 0], self.centres, self.radius / (N_RADIAL - 1) / math.sqrt(2))
        scale, shift = self.by_distance(radial).chunk(2, dim=1)
        return self.rest(self.first(invariants.permute(1, 2, 0).flatten(1)) * (1 + scale) + shift)

    def loss(self, signals: Signals, places: Tensor, points: Tensor, width: float) -> Tensor:
        """The excess cross-entropy of fields at places (G, M, 3), for Gaussian targets about each signal's points."""
        owner = torch.arange(len(places), device=places.device).repeat_interleave(places.shape[1])
        return excess_cross_entropy(
            self(signals, places.flatten(0, 1), owner), gaussian_targets(places, points, width).flatten()
        )


def gaussian_targets(places: Tensor, points: Tensor, width: float) -> Tensor:
    """What a field should be, (G, M): exp(-d^2 / 2 width^2), where d is the distance to the nearest point.

    Places are (G, M, 3) and points (G, n, 3), of which those that fill up a shorter list lie far away.
    """
    check_shapes(places=(places, "clouds _ 3"), points=(points, "clouds points+ 3"))
    nearest = torch.cdist(places, points, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=2)
    return (-nearest.square() / (2 * width**2)).exp()


def excess_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of fields in nats a place, less what is left where they are perfect: zero for perfect fields."""
    check_shapes(logits=(logits, "*places"), target=(target, "*places"))
    check_counts(places=target.numel())
    check(((target >= 0) & (target <= 1)).all(), "a target is no number between 0, empty, and 1, occupied")
    least = torch.special.entr(target) + torch.special.entr(1 - target)
    return (binary_cross_entropy_with_logits(logits, target, reduction="none") - least).mean()


def places_about(
    points: Tensor, counts: Tensor, generator: Generator, *, width: float, radius: float, n: int
) -> Tensor:
    """Places (G, n, 3) to train a field on: half within a blob, a quarter around it, a quarter anywhere in the radius.

    Points are (G, most, 3), filled up; counts (G,) says how many there are.
    """
    check_shapes(points=(points, "clouds most+ 3"), counts=(counts, "clouds"))
    check_indices(points.shape[1] + 1, counts=counts)
    check_counts(0, n=n)
    device = generator.device
    which = (torch.rand(len(points), n, generator=generator, device=device) * counts[:, None]).long()
    random = torch.randn(len(points), n, 3, generator=generator, device=device, dtype=points.dtype)
    stretch = torch.rand(len(points), n, 1, generator=generator, device=device, dtype=points.dtype)
    near = points.gather(1, which[..., None].expand(-1, -1, 3))
    direction = random / random.norm(dim=2, keepdim=True)
    places = near + 1.2 * width * random
    half, rest = n // 2, n - n // 4
    places[:, half:rest] = (near + width * (2 + 3 * stretch) * direction)[:, half:rest]
    places[:, rest:] = (radius * stretch.sqrt() * direction)[:, rest:]
    return places
