"""Functions on the sphere, as coefficients of spherical harmonics: directions come in, coefficients go out.

A signal is a function of the direction, given by (lmax + 1)^2 coefficients in e3nn's order, all of natural parity.
Turning it mixes the coefficients of each l; multiplying two of them is multiplying their values on enough directions.
Many signals are one tensor (coefficients, points, channels): with the coefficients first, every operation here
is one product of large matrices.
"""

import math

import numpy as np
import torch
from e3nn import o3
from torch import Tensor, nn

from tutorial_lib.shapes import Coefficients, Signals, check, check_counts, check_finite, check_shapes, constant

CLEARLY = 0.002  # share of the range of a signal by which a peak is above what is around it
EMPTY = 0.02  # mean square below which a signal is not brought to size 1


def degrees(lmax: int) -> Tensor:
    """The l of every coefficient: 0, 1, 1, 1, 2, ..."""
    return torch.arange(lmax + 1).repeat_interleave(2 * torch.arange(lmax + 1) + 1)


def harmonics(lmax: int, vectors: Tensor, *, softness: float = 0.0) -> Tensor:
    """(..., (lmax + 1)^2) spherical harmonics of (..., 3) directions, mean square 1 a component.

    With a softness s, in the unit of the vectors, those of l are multiplied by (r / sqrt(r^2 + s^2))^l: a point at the
    centre has no direction, and one that passes through it has a smooth one.

    Raises:
        ValueError: a vector has length 0, and there is no softness.
    """
    check_counts(0, lmax=lmax)
    check_shapes(vectors=(vectors, "*batch 3"))
    size = (vectors.square().sum(dim=-1, keepdim=True) + softness**2).sqrt()
    check_finite(size, what="lengths of vectors")
    check((size != 0).all(), "a vector has length 0, and so no direction: leave it out, or give a softness above 0")
    return o3.spherical_harmonics(list(range(lmax + 1)), vectors / size, False, "component").to(vectors.dtype)


def quadrature(degree: int) -> tuple[Tensor, Tensor]:
    """Directions and weights for which sums are integrals over the sphere, exact for polynomials up to a degree.

    Gauss points along the axis, evenly spaced ones about it; float64, and the weights sum to 1.
    """
    check_counts(0, degree=degree)
    height, weight = np.polynomial.legendre.leggauss(degree // 2 + 1)
    angle = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    ring = np.sqrt(1 - height**2)[:, None]
    directions = np.stack([ring * np.sin(angle), height[:, None] + 0 * angle, ring * np.cos(angle)], axis=-1)
    return torch.tensor(directions.reshape(-1, 3)), torch.tensor(np.repeat(weight / 2 / len(angle), len(angle)))


def product(one: Tensor, other: Tensor) -> Tensor:
    """The product of two functions at every direction, up to the higher lmax of the two; one may have one channel.

    In the algebra of irreps it is a tensor product with fixed weights; here values on a grid are multiplied, which
    for many channels is faster and exact as well, because a polynomial of degree 3 lmax is integrated exactly.
    """
    channels = "channels" if 1 not in (one.shape[-1], other.shape[-1]) else "_"
    check_shapes(one=(one, f"_+ points {channels}"), other=(other, f"_+ points {channels}"))
    if len(one) == 1 or len(other) == 1:  # a constant function
        return one * other
    evaluate, project = _grid(math.isqrt(max(len(one), len(other))) - 1, one.dtype, one.device)
    values = (evaluate[:, : len(one)] @ one.flatten(1)).unflatten(1, one.shape[1:])
    values = values * (evaluate[:, : len(other)] @ other.flatten(1)).unflatten(1, other.shape[1:])
    return (project @ values.flatten(1)).unflatten(1, values.shape[1:])


@constant
def _grid(lmax: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    directions, weights = quadrature(3 * lmax)
    values = harmonics(lmax, directions)
    return values.to(device, dtype), (values.mT * weights).contiguous().to(device, dtype)


def normalised(signals: Signals) -> Signals:
    """Signals brought to size 1, over all channels and all l together.

    One l by itself must not: where symmetry forbids it there is nothing but rounding, and that would be brought to
    size 1 as well.
    """
    check_shapes(signals=(signals, "coefficients points channels"))
    return signals * (signals.square().mean(dim=(0, 2), keepdim=True) + EMPTY).rsqrt()


class EquivariantLinear(nn.Module):
    """Mixtures of channels, with a matrix for each l and a constant: all that is linear and equivariant.

    Signals that come in may have fewer l than lmax; higher ones are cut off.
    """

    def __init__(self, channels_in: int, channels_out: int, lmax: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(lmax + 1, channels_in, channels_out) / math.sqrt(channels_in))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.register_buffer("degree", degrees(lmax), persistent=False)

    def forward(self, signals: Signals) -> Signals:
        """The mixtures, (coefficients, points, channels_out)."""
        check_shapes(signals=(signals, f"coefficients points {self.weight.shape[1]}"))
        signals = signals[: len(self.degree)]
        mixed = torch.bmm(signals, self.weight[self.degree[: len(signals)]])
        return torch.cat([mixed[:1] + self.bias, mixed[1:]])


class EquivariantNonlinearity(nn.Module):
    """A signal, brought to size 1, plus the product of two mixtures of it."""

    def __init__(self, channels: int, lmax: int):
        super().__init__()
        self.straight, self.left, self.right, self.bent = (
            EquivariantLinear(channels, channels, lmax) for _ in range(4)
        )

    def forward(self, signals: Signals) -> Signals:
        """Signals of the same shape."""
        signals = normalised(signals)
        return self.straight(signals) + self.bent(product(self.left(signals), self.right(signals)))


def signal_peaks(signal: Coefficients, *, least: float = 0.5, n_directions: int = 2000) -> Tensor:
    """The directions in which a signal has a peak, highest first.

    A peak is a direction, of many evenly spread ones, at which the value is higher than at all others near, and clearly
    higher than at those 10 to 20 degrees away: a ridge or a plateau has no peak.

    Args:
        signal: ((lmax + 1)^2,).
        least: the height of a peak, as a share of the highest.
        n_directions: how many are tried.

    Returns:
        (peaks, 3).

    Raises:
        ValueError: the signal is not finite, or its length is no square.
    """
    check_shapes(signal=(signal, "coefficients+"))
    check_counts(n_directions=n_directions)
    lmax = math.isqrt(len(signal)) - 1
    check(
        (lmax + 1) ** 2 == len(signal) and torch.isfinite(signal).all(),
        f"a signal has (lmax + 1)^2 finite coefficients: {len(signal)} arrived, or some are not",
    )
    turn = math.pi * (3 - math.sqrt(5)) * torch.arange(n_directions, dtype=torch.float64)  # the golden angle
    height = 1 - (2 * torch.arange(n_directions, dtype=torch.float64) + 1) / n_directions
    ring = (1 - height.square()).sqrt()
    directions = torch.stack([ring * turn.cos(), height, ring * turn.sin()], dim=1).to(signal)
    values = harmonics(lmax, directions) @ signal
    cosine, everywhere = directions @ directions.mT, values.expand(n_directions, -1)
    near = everywhere.masked_fill(cosine < math.cos(math.radians(10)), -math.inf).amax(dim=1)
    around = (cosine < math.cos(math.radians(10))) & (cosine > math.cos(math.radians(20)))
    beside = everywhere.masked_fill(~around, -math.inf).amax(dim=1)
    highest = (values == near) & (values - beside > CLEARLY * (values.max() - values.min()))
    highest &= (values >= least * values.max()) & (values.max() - values.min() > 1e-4 * values.abs().max())
    return directions[highest][values[highest].argsort(descending=True)]
