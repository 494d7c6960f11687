"""The peaks of a field about a centre, as many as there are.

Gradient ascents start from all points of a grid where the field is not hopelessly low; end points closer than one width
are merged. The result has no order and needs no tie to be broken, so the peaks of a rotated field are the rotated
peaks.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn.functional import logsigmoid

from tutorial_lib.shapes import Indices, Places, Signals, check, check_finite, check_shapes, constant, differentiating

ASCENTS = 15
POLISH = 5  # steps more of those that are left: the mean of ends is not quite the top
FAINT = 0.15  # probability at which an ascent begins
N_AT_ONCE = 20_000  # places of the grid, to save memory
LET_GO = 0.8  # share of a shift by one width that may be left after one step of climbing
MOST_WIDTHS = 100  # of the radius; a grid of finer ones would fill the memory
STRIDE = 1.7  # spacing of the grid where ascents begin, in widths: some place of it is hopeful about every blob


@differentiating
@torch.no_grad()
def peaks(
    field: Callable[..., Tensor], signals: Signals, *, width: float, radius: float, least: float = 0.5
) -> tuple[Tensor, Tensor]:
    """The places where the field of each signal is highest, and probably a point.

    From a grid of places that are not hopeless, up the gradient of log p: about a blob of that width one step
    leads to its middle. Ascents that end together, within a width, are one peak. A field without a peak gives none.

    Args:
        field: signals, places (P, 3) and (P,) indices to logits (P,).
        signals: (coefficients, G, channels).
        width: of a blob, in the unit of positions.
        radius: peaks beyond it do not count.
        least: nor do those whose probability is not above this.

    Returns:
        (peaks, 3) places about their centres, and (peaks,) to which signal they belong.

    Raises:
        ValueError: the width or the radius is not positive, or the radius is over a hundred widths.
    """
    check(
        0 < width < math.inf and 0 < radius <= MOST_WIDTHS * width,
        f"width {width:g}, radius {radius:g}: both above 0, the radius at most {MOST_WIDTHS} widths",
    )
    grid = _ball(radius, STRIDE * width).to(signals)
    starts, owners = [], []
    for batch in torch.arange(signals.shape[1], device=signals.device).split(max(1, N_AT_ONCE // len(grid))):
        owner = batch.repeat_interleave(len(grid))
        begin = grid.repeat(len(batch), 1)
        hopeful = field(signals, begin, owner).sigmoid() > FAINT
        starts.append(begin[hopeful])
        owners.append(owner[hopeful])
    places, owner = torch.cat(starts), torch.cat(owners)
    before = places
    for _ in range(ASCENTS):
        before, places = places, climbed(field, signals, places, owner, width=width)
    arrived = (places - before).norm(dim=1) < 0.1 * width  # others are still on their way, between two peaks
    kept = arrived & (field(signals, places, owner).sigmoid() > least) & (places.norm(dim=1) < radius)
    places, owner, _ = merge(places[kept], owner[kept], width)
    for _ in range(POLISH):
        places = climbed(field, signals, places, owner, width=width)
    kept = (field(signals, places, owner).sigmoid() > least) & _held(field, signals, places, owner, width)
    return places[kept], owner[kept]


@differentiating
def climbed(field: Callable[..., Tensor], signals: Signals, places: Places, owner: Indices, *, width: float) -> Places:
    """Places one step further up: width squared times the gradient of log p, and no farther than a width."""
    return uphill(lambda here: logsigmoid(field(signals, here, owner)), places, width)


def uphill(log_p: Callable[[Tensor], Tensor], places: Places, width: float) -> Places:
    """One step of `climbed` for any function of places."""
    with torch.enable_grad():
        places = places.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(log_p(places).sum(), places)
    step = width**2 * slope
    return places.detach() + step * (0.8 * width / (step.norm(dim=1, keepdim=True) + 1e-9)).clamp(max=1)


def merge(places: Places, owner: Indices, within: float) -> tuple[Tensor, Tensor, Tensor]:
    """Places of one owner that hang together, each group as its mean: no order, and so no tie to break.

    Args:
        places: (P, 3).
        owner: (P,), the owner of each.
        within: places of one owner nearer than this hang together.

    Returns:
        (groups, 3) means, (groups,) owners, and (P,) to which group each place went.
    """
    check_finite(places, owner, torch.tensor([within]), what="places, their owners or the distance")
    check_shapes(places=(places, "places 3"), owner=(owner, "places"))
    if len(places) == 0:
        return places, owner, owner
    apart = 10 * (places.abs().max().item() + within)  # owners are kept apart in a fourth dimension
    near = cKDTree(np.column_stack([places.cpu(), apart * owner.double().cpu()])).query_pairs(
        within, output_type="ndarray"
    )
    joined = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(places), len(places)))
    n_groups, label = connected_components(joined, directed=False)
    group = torch.tensor(label, dtype=torch.long, device=places.device)
    size = torch.bincount(group, minlength=n_groups)[:, None]
    means = places.new_zeros(n_groups, 3).index_add(0, group, places) / size
    return means, owner.new_zeros(n_groups).index_put((group,), owner), group


def _held(field: Callable[..., Tensor], signals: Signals, places: Places, owner: Indices, width: float) -> Tensor:
    """Whether whoever is put beside a place, on any side, climbs back: on a ring one does not, along the ring."""
    shifts = width * torch.cat([torch.eye(3), -torch.eye(3)]).to(places)
    beside = (places[:, None] + shifts).flatten(0, 1)
    ends = climbed(field, signals, beside, owner.repeat_interleave(6), width=width).unflatten(0, (-1, 2, 3))
    left = (ends[:, 0] - ends[:, 1]) / (2 * width)  # what is left of each shift: nothing in a blob, all along a ring
    return torch.linalg.eigvalsh(left + left.mT)[:, -1] / 2 < LET_GO


@constant
def _ball(radius: float, spacing: float) -> Tensor:
    axis = torch.arange(-(radius // spacing), radius // spacing + 1) * spacing
    cube = torch.cartesian_prod(axis, axis, axis)
    return cube[cube.norm(dim=1) < radius]
