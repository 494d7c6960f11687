"""Scalar fields about a centre, and their peaks: signals come in, as many points as there are come out.

A field is a number at every place, made of a signal and the place by invariants only, so it turns with the signal.
It is trained to be a blob about every point; points are then read off as its peaks. A peak has no number
and no slot: one, two or five of them need no other network, and a symmetric signal is no obstacle.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from e3nn import o3
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Generator, Tensor, nn
from torch.nn.functional import logsigmoid

from tutorial_lib.sphere.signals import degrees
from tutorial_lib.vocabulary import Indices, Places, Signals

N_BUMPS = 10
SOFTNESS = 0.1  # in the unit of positions
ASCENTS = 15
FAINT, SURE = 0.15, 0.5  # probability at which an ascent begins, and below which a peak is deleted
N_AT_ONCE = 20_000  # places of the grid, to save memory
LET_GO = 0.8  # share of a shift by one width that may be left after one step of climbing
STRIDE = 1.7  # spacing of the grid where ascents begin, in widths: some place of it is hopeful about every blob


class Field(nn.Module):
    """The logit of "there is a point here", at places about the centre of a signal.

    The network sees the distance of the place and, for each channel and each l, the sum over m of coefficient times
    harmonic: numbers that do not change when signal and place turn together.

    Args:
        channels: of the signals.
        lmax: of the signals.
        radius: how far places are looked at, in the unit of positions.
        hidden: width of the network.
    """

    def __init__(self, channels: int, lmax: int, radius: float, hidden: int = 64):
        super().__init__()
        self.lmax, self.radius = lmax, radius
        self.first = nn.Linear(channels * (lmax + 1), hidden)
        self.by_distance = nn.Linear(N_BUMPS, 2 * hidden)
        middle = [layer for _ in range(2) for layer in (nn.SiLU(), nn.Linear(hidden, hidden))]
        self.rest = nn.Sequential(*middle, nn.SiLU(), nn.Linear(hidden, 1))
        nn.init.constant_(self.rest[-1].bias, -2.0)  # most places are empty
        each_l = (degrees(lmax) == torch.arange(lmax + 1)[:, None]).float()
        self.register_buffer("sum_of_l", each_l / each_l.sum(dim=1, keepdim=True).sqrt(), persistent=False)
        self.register_buffer("bumps", torch.linspace(0, radius, N_BUMPS), persistent=False)

    def forward(self, signals: Signals, places: Places, of: Indices) -> Tensor:
        """The logits at places.

        Args:
            signals: (coefficients, G, channels), no unit.
            places: (P, 3), each about the centre of its signal, in the unit of positions.
            of: (P,), to which signal each place belongs.

        Returns:
            (P,), no unit.

        Raises:
            RuntimeError: the signals have another lmax or number of channels.
        """
        square = places.square().sum(dim=1, keepdim=True)
        solid = o3.spherical_harmonics(
            list(range(self.lmax + 1)), 1.5 * places / (square + 1).sqrt(), False, "component"
        )
        together = signals[:, of] * solid.mT[..., None]
        invariants = (self.sum_of_l @ together.flatten(1)).unflatten(1, together.shape[1:])
        distance = (square + SOFTNESS**2).sqrt()  # without it, a field would have a kink at its centre
        scale, shift = self.by_distance(
            (-((distance - self.bumps) * (N_BUMPS - 1) / self.radius).square()).exp()
        ).chunk(2, dim=1)
        return self.rest(self.first(invariants.permute(1, 2, 0).flatten(1)) * (1 + scale) + shift)[:, 0]


def blobs(places: Tensor, points: Tensor, width: float) -> Tensor:
    """What a field should be: exp(-d^2 / 2 width^2), where d is the distance to the nearest point.

    Args:
        places: (G, M, 3), in the unit of the width.
        points: (G, n, 3); those that fill up a shorter list lie far away.
        width: of a blob.

    Returns:
        (G, M), between 0 and 1, no unit.

    Raises:
        RuntimeError: shapes do not fit.
    """
    nearest = torch.cdist(places, points, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=2)
    return (-nearest.square() / (2 * width**2)).exp()


def places_about(points: Tensor, counts: Tensor, dice: Generator, *, width: float, radius: float, n: int) -> Tensor:
    """Places to train a field on: half within a blob, a quarter around it, a quarter anywhere.

    Args:
        points: (G, most, 3), filled up, in the unit of the width.
        counts: (G,), how many points each has.
        dice: of the draw.
        width: of a blob.
        radius: of the ball of the last quarter.
        n: how many places for each.

    Returns:
        (G, n, 3), in the unit of the width.

    Raises:
        RuntimeError: the generator is on another device.
    """
    device = dice.device
    which = (torch.rand(len(points), n, generator=dice, device=device) * counts[:, None]).long()
    random = torch.randn(len(points), n, 3, generator=dice, device=device)
    stretch = torch.rand(len(points), n, 1, generator=dice, device=device)
    near = points.gather(1, which[..., None].expand(-1, -1, 3))
    direction = random / random.norm(dim=2, keepdim=True)
    places = near + 1.2 * width * random
    half, rest = n // 2, n - n // 4
    places[:, half:rest] = (near + width * (2 + 3 * stretch) * direction)[:, half:rest]
    places[:, rest:] = (radius * stretch.sqrt() * direction)[:, rest:]
    return places


@torch.no_grad()
def peaks(field: Callable[..., Tensor], signals: Signals, *, width: float, radius: float) -> tuple[Tensor, Tensor]:
    """The places where the field of each signal is highest, and surely a point: whose probability exceeds one half.

    From a grid of places that are not hopeless, up the gradient of log p: about a blob of that width one step
    leads to its middle. Ascents that end together, within a width, are one peak.

    Args:
        field: signals, places (P, 3) and (P,) indices to logits (P,).
        signals: (coefficients, G, channels), no unit.
        width: of a blob, in the unit of positions.
        radius: peaks beyond it do not count.

    Returns:
        (peaks, 3) places about their centres, and (peaks,) to which signal they belong.

    Raises:
        Nothing: a field without a peak gives none.
    """
    grid = _ball(radius, STRIDE * width).to(signals)
    starts, owners = [], []
    for some in torch.arange(signals.shape[1], device=signals.device).split(max(1, N_AT_ONCE // len(grid))):
        of = some.repeat_interleave(len(grid))
        begin = grid.repeat(len(some), 1)
        hopeful = field(signals, begin, of).sigmoid() > FAINT
        starts.append(begin[hopeful])
        owners.append(of[hopeful])
    places, of = torch.cat(starts), torch.cat(owners)
    before = places
    for _ in range(ASCENTS):
        before, places = places, climbed(field, signals, places, of, width=width)
    arrived = (places - before).norm(dim=1) < 0.1 * width  # others are still on their way, between two peaks
    kept = arrived & (field(signals, places, of).sigmoid() > SURE) & (places.norm(dim=1) < radius)
    places, of, _ = merge(places[kept], of[kept], width)
    kept = (field(signals, places, of).sigmoid() > SURE) & _held(field, signals, places, of, width)
    return places[kept], of[kept]


def climbed(field: Callable[..., Tensor], signals: Signals, places: Places, of: Indices, *, width: float) -> Places:
    """Places one step further up: along the gradient of log p, width squared times as far, and no farther than a width.

    Args:
        field: signals, places (P, 3) and (P,) indices to logits (P,).
        signals: (coefficients, G, channels), no unit.
        places: (P, 3), about their centres, in the unit of the width.
        of: (P,), to which signal each belongs.
        width: of a blob.

    Returns:
        (P, 3), in the unit of the width.

    Raises:
        Nothing.
    """
    with torch.enable_grad():
        places = places.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(logsigmoid(field(signals, places, of)).sum(), places)
    step = width**2 * slope
    return places.detach() + step * (0.8 * width / (step.norm(dim=1, keepdim=True) + 1e-9)).clamp(max=1)


def merge(places: Places, of: Indices, within: float) -> tuple[Tensor, Tensor, Tensor]:
    """Places of one owner that hang together, each group as its mean: no order, and so no tie to break.

    Args:
        places: (P, 3), in the unit of `within`.
        of: (P,), the owner of each; those of two owners are never merged.
        within: places nearer than this hang together.

    Returns:
        (groups, 3) means, in the same unit, (groups,) owners, and (P,) to which group each place went.

    Raises:
        Nothing.
    """
    if len(places) == 0:
        return places, of, of
    apart = 10 * (places.abs().max().item() + within)  # owners are kept apart in a fourth dimension
    near = cKDTree(np.column_stack([places.cpu(), apart * of.cpu()])).query_pairs(within, output_type="ndarray")
    joined = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(places), len(places)))
    n_groups, label = connected_components(joined, directed=False)
    group = torch.tensor(label, dtype=torch.long, device=places.device)
    size = torch.bincount(group, minlength=n_groups)[:, None]
    means = places.new_zeros(n_groups, 3).index_add(0, group, places) / size
    return means, of.new_zeros(n_groups).index_put((group,), of), group


def _held(field: Callable[..., Tensor], signals: Signals, places: Places, of: Indices, width: float) -> Tensor:
    """Whether whoever is put beside a place, on any side, climbs back: on a ring one does not, along the ring."""
    apart = width * torch.cat([torch.eye(3), -torch.eye(3)]).to(places)
    beside = (places[:, None] + apart).flatten(0, 1)
    ends = climbed(field, signals, beside, of.repeat_interleave(6), width=width).unflatten(0, (-1, 2, 3))
    left = (ends[:, 0] - ends[:, 1]) / (2 * width)  # what is left of each shift: nothing in a blob, all along a ring
    return torch.linalg.eigvalsh(left + left.mT)[:, -1] / 2 < LET_GO


@lru_cache
def _ball(radius: float, spacing: float) -> Tensor:
    axis = torch.arange(-(radius // spacing), radius // spacing + 1) * spacing
    cube = torch.cartesian_prod(axis, axis, axis)
    return cube[cube.norm(dim=1) < radius]
