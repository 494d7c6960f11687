"""Messages between points: signals at points come in, signals at points go out, one level up or one level down.

A code is a vector of irreps, and the same numbers are signals, functions on the sphere: irreps of natural parity,
equally many of each l, and those of one l stand together, 4x0e+4x1o+4x2e.
"""

import math

import torch
from torch import nn

from tutorial_lib.models.hierarchical.levels import Level, Pooling
from tutorial_lib.models.hierarchical.points import Points
from tutorial_lib.models.spherical import EquivariantLinear, EquivariantNonlinearity, harmonics, product
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Features, Indices, Places, Signals, check, check_shapes

SOFTNESS = 0.15  # edges of a cube: nearer than this to a centre, a direction fades
VIEW = 4.5  # edges of a cube: where the radial basis ends
N_RADIAL = 10
WIDTH = VIEW / (N_RADIAL - 1) / math.sqrt(2)


class Message(nn.Module):
    """What points are sent by others: the sender's signals, times learned functions of distance and direction.

    Vectors are divided by the unit first.
    """

    def __init__(self, channels: int, lmax: int, unit: float = 1.0):
        super().__init__()
        self.lmax, self.shape, self.unit = lmax, (2, lmax + 1, channels), unit
        self.register_buffer("centres", torch.linspace(0, VIEW, N_RADIAL), persistent=False)
        self.radial = nn.Sequential(nn.Linear(N_RADIAL, 64), nn.SiLU(), nn.Linear(64, 2 * (lmax + 1) * channels))
        self.before, self.after = (EquivariantLinear(channels, channels, lmax) for _ in range(2))

    def forward(self, signals: Signals, vectors: Places, source: Indices, target: Indices, n_targets: int) -> Signals:
        """The sums of all messages at each target, ((lmax + 1)^2, n_targets, channels).

        Args:
            signals: (coefficients, senders, channels).
            vectors: (messages, 3), from target to source.
            source: (messages,), who sends.
            target: (messages,), who receives.
            n_targets: how many receivers there are.
        """
        vectors = vectors / self.unit
        distance = (vectors.square().sum(dim=1) + 1e-12).sqrt()
        # 2, l, messages, channels
        of_l = self.radial(gaussians(distance, self.centres, WIDTH)).unflatten(1, self.shape).permute(1, 2, 0, 3)
        direction = harmonics(self.lmax, vectors, softness=SOFTNESS).mT[..., None]
        filters, plain = direction * of_l[0][self.before.degree], direction * of_l[1][self.before.degree]
        sent = product(self.before(signals)[:, source], filters) + signals[:1, source] * plain
        return self.after(sent.new_zeros(len(sent), n_targets, sent.shape[2]).index_add(1, target, sent) / 2)

    def among(self, signals: Signals, points: Points, cutoff: float) -> Signals:
        """The sums of all messages between points nearer than the cut-off."""
        target, source = points.pairs(cutoff)
        return self(signals, points.positions[source] - points.positions[target], source, target, len(points.cloud))


class Ascent(nn.Module):
    """One level up: points look at each other, and clusters pool what their members know."""

    def __init__(self, channels: int, lmax: int, level: Level):
        super().__init__()
        self.cutoff = level.cutoff
        self.look, self.after_look = Message(channels, lmax, level.unit), EquivariantNonlinearity(channels, lmax)
        self.gather, self.after_gather = Message(channels, lmax, level.unit), EquivariantNonlinearity(channels, lmax)

    def forward(self, signals: Signals, level: Pooling) -> Signals:
        """The signals of the clusters."""
        points, centres = level.points, level.centres
        signals = signal_sum(signals, self.after_look(self.look.among(signals, points, self.cutoff)))
        vectors = points.positions[level.member] - centres.positions[level.cluster]
        return self.after_gather(self.gather(signals, vectors, level.member, level.cluster, len(centres.cloud)))


class Descent(nn.Module):
    """One level down: points learn what those above them know, and look at each other."""

    def __init__(self, channels: int, lmax: int, level: Level):
        super().__init__()
        self.cutoff = level.cutoff
        self.tell, self.after_tell = Message(channels, lmax, level.unit), EquivariantNonlinearity(channels, lmax)
        self.look, self.after_look = Message(channels, lmax, level.unit), EquivariantNonlinearity(channels, lmax)

    def forward(self, signals: Signals, above: Places, points: Points, parent: Indices, child: Indices) -> Signals:
        """The signals of points, for what `HierarchicalAutoencoder.descend` is given."""
        vectors = above[parent] - points.positions[child]
        signals = self.after_tell(self.tell(signals, vectors, parent, child, len(points.cloud)))
        return signal_sum(signals, self.after_look(self.look.among(signals, points, self.cutoff)))


def signal_sum(one: Signals, other: Signals) -> Signals:
    """The sum of signals, of which one may have fewer coefficients."""
    if len(one) > len(other):
        one, other = other, one
    return torch.cat([one + other[: len(one)], other[len(one) :]])


def signals_of(codes: Features, lmax: int) -> Signals:
    """Codes (N, channels * (lmax + 1)^2), all of l = 0 first, as signals ((lmax + 1)^2, N, channels).

    Raises:
        ValueError: the codes have another size.
    """
    n = (lmax + 1) ** 2
    check(
        lmax >= 0 and codes.ndim == 2 and codes.shape[1] and codes.shape[1] % n == 0,
        f"codes have shape {tuple(codes.shape)}: (N, k * {n}) is needed, for irreps up to l = {lmax}, 0 or more",
    )
    channels = codes.shape[1] // n
    parts = codes.split([channels * (2 * l_of + 1) for l_of in range(lmax + 1)], dim=1)
    return torch.cat([part.unflatten(1, (channels, part.shape[1] // channels)).permute(2, 0, 1) for part in parts])


def codes_of(signals: Signals) -> Features:
    """Signals as codes: the way back from `signals_of`."""
    n_l = max(1, round(len(signals) ** 0.5))
    check_shapes(signals=(signals, f"{n_l**2} codes channels"))
    parts = signals.split([2 * l_of + 1 for l_of in range(n_l)])
    return torch.cat([part.permute(1, 2, 0).flatten(1) for part in parts], dim=1)
