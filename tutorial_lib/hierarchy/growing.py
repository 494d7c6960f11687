"""Growing: clouds come in, and go out with points more, or with points moved, as the rule of a head proposes it.

Proposals turn with the cloud. Where a cloud is symmetric, as two points are about their axis, so is what is proposed,
and the dice break the symmetry; no network could. There is no lattice here: a place is where ascents end.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.hierarchy.growth import GrowthHead
from tutorial_lib.hierarchy.points import padded, points_of
from tutorial_lib.sphere import merge
from tutorial_lib.vocabulary import Places

JOINED, APART = 1.25, 0.75  # a new point is nearer than the one to another, and never nearer than the other
BOND = 1.0  # from a point to where the ascents begin
N_STARTS = 24  # in each cloud, unless more are asked for
N_CLIMBS = 12
SURE = 0.06  # probability below which a place is no proposal
N_AT_ONCE = 2400  # places, to save memory
ELSEWHERE = 1e3  # points of another cloud are never near

Favour = Callable[[int, Tensor, Tensor], Tensor]  # number of a cloud, its points, its sites: a log weight for each site


def sites(
    model: GrowthHead,
    clouds: Sequence[Tensor],
    dice: Generator,
    *,
    sure: float = SURE,
    starts: int = N_STARTS,
    about: Sequence[Tensor] | None = None,
    kinds: Sequence[Tensor] | None = None,
) -> list[Places]:
    """The places at which points may be added, as far as ascents from random places find them.

    Args:
        model: the head, trained.
        clouds: (n, 3) each, in edges of a cube or whatever the head was trained in.
        dice: of the places where ascents begin.
        sure: the probability below which a place is no site, whoever says it.
        starts: from how many places in each cloud the ascents begin.
        about: (k,) for each cloud, the indices of the points about which they begin; about all of them if None.
        kinds: (n,) for each cloud, of its points, where the head tells them apart.

    Returns:
        (sites, 3) for each cloud, in the same unit, in the frame of the cloud; on a ring, some of its places.

    Raises:
        ValueError: a cloud is empty.
    """
    if any(len(cloud) == 0 for cloud in clouds):
        raise ValueError("a cloud has no point: give each one to begin with, such as torch.zeros(1, 3)")
    found: list[Places] = []
    about = about or [torch.arange(len(cloud), device=cloud.device) for cloud in clouds]
    step = max(1, N_AT_ONCE // starts)
    for begin in range(0, len(clouds), step):
        some = slice(begin, begin + step)
        found += _sites(model, clouds[some], dice, sure, starts, about[some], kinds and kinds[some])
    return found


def grow(
    model: GrowthHead,
    clouds: Sequence[Tensor],
    n_points: int,
    dice: Generator,
    *,
    favour: Favour | None = None,
    sure: float = SURE,
    tries: int = 4,
    starts: int = N_STARTS,
    about: Sequence[Tensor] | None = None,
    kinds: Sequence[Tensor] | None = None,
    adds: int = 0,
) -> list[Tensor]:
    """Clouds grown point by point, each point at one of the sites that those before it propose.

    Args:
        model: the head, trained.
        clouds: (n, 3) each, in the unit of the head; a single point is enough to begin with.
        n_points: how many points each should have in the end.
        dice: of the draws.
        favour: a log weight for each site; without it all sites are as likely as each other.
        sure: as in `sites`.
        tries: how often a cloud that finds no site looks again, before it is left as it is.
        starts: as in `sites`.
        about: as in `sites`.
        kinds: as in `sites`.
        adds: the kind of the points that are added.

    Returns:
        (n, 3) each, in the same unit, where they stood; smaller than asked for where nothing more was proposed.

    Raises:
        ValueError: a cloud is empty.
    """
    clouds, kinds = list(clouds), kinds and list(kinds)
    for size in range(min(map(len, clouds), default=n_points), n_points):
        left = [i for i, cloud in enumerate(clouds) if len(cloud) <= size]
        for _ in range(tries):
            some = [clouds[i] for i in left]
            where, named = about and [about[i] for i in left], kinds and [kinds[i] for i in left]
            proposed = sites(model, some, dice, sure=sure, starts=starts, about=where, kinds=named)
            for i, places in zip(left, proposed, strict=True):
                if len(places):
                    weight = favour(i, clouds[i], places) if favour else places.new_zeros(len(places))
                    drawn = torch.multinomial(weight.softmax(dim=0), 1, generator=dice)
                    clouds[i] = torch.cat([clouds[i], places[drawn]])
                    if kinds:
                        kinds[i] = torch.cat([kinds[i], kinds[i].new_tensor([adds])])
            left = [i for i, places in zip(left, proposed, strict=True) if len(places) == 0]
    return clouds


def removable(model: GrowthHead, cloud: Tensor, *, sure: float = SURE) -> Tensor:
    """Which points may be taken away: what is left hangs together, and would propose them again.

    Args:
        model: the head, trained.
        cloud: (n, 3), in the unit of the head.
        sure: as in `sites`.

    Returns:
        (n,), whether it may.

    Raises:
        Nothing.
    """
    n = len(cloud)
    if n < 2:
        return torch.zeros(n, dtype=torch.bool, device=cloud.device)
    others = ~torch.eye(n, dtype=torch.bool, device=cloud.device)
    left = torch.stack([cloud[kept] for kept in others])
    points = points_of(left, torch.full((n,), n - 1, device=cloud.device))
    with torch.no_grad():
        _, least = model.judged(model(points), points, cloud - left.mean(dim=1), torch.arange(n, device=cloud.device))
    parts = [len(merge(part, torch.zeros(n - 1).long(), JOINED)[0]) for part in left]
    return (least > sure) & (torch.tensor(parts, device=cloud.device) == 1)


def edited(model: GrowthHead, clouds: Sequence[Tensor], n_edits: int, dice: Generator) -> list[Tensor]:
    """Clouds of the same sizes: in each edit one point that may be taken away is drawn, and one is added elsewhere.

    Args:
        model: the head, trained.
        clouds: (n, 3) each, all of one size of at least two, in the unit of the head.
        n_edits: how many points are moved.
        dice: of the draws.

    Returns:
        (n, 3) each, in the same unit, in the frame of what came in.

    Raises:
        ValueError: the clouds have different sizes, or one point only.
    """
    clouds = list(clouds)
    size = {len(cloud) for cloud in clouds}
    if len(size) > 1 or size & {0, 1}:
        raise ValueError(f"clouds of {sorted(size)} points: all have to be of one size, of two points at least")
    for _ in range(n_edits):
        for i, cloud in enumerate(clouds):
            weight = removable(model, cloud).float()
            if weight.any():
                at = int(torch.multinomial(weight, 1, generator=dice))
                clouds[i] = torch.cat([cloud[:at], cloud[at + 1 :]])
        clouds = grow(model, clouds, size.copy().pop(), dice)
    return clouds


def _sites(
    model: GrowthHead,
    clouds: Sequence[Tensor],
    dice: Generator,
    sure: float,
    starts: int,
    about: Sequence[Tensor],
    kinds: Sequence[Tensor] | None,
) -> list[Places]:
    positions, counts = padded(clouds)
    points = points_of(positions, counts, kinds and pad_sequence(list(kinds), batch_first=True))
    middle = positions.sum(dim=1) / counts[:, None]
    listed, many = pad_sequence(list(about), batch_first=True), counts.new_tensor([len(some) for some in about])
    whose = torch.rand(len(clouds), starts, generator=dice, device=dice.device) * many[:, None]
    first = counts.cumsum(0) - counts
    away = normalize(torch.randn(len(clouds), starts, 3, generator=dice, device=dice.device), dim=2)
    places = (points.positions[listed.gather(1, whose.long()) + first[:, None]] + BOND * away).flatten(0, 1)
    of = torch.arange(len(clouds), device=places.device).repeat_interleave(starts)
    with torch.no_grad():
        signals = model(points)
    for _ in range(N_CLIMBS):
        places = _climbed(model, signals, points, places, of)
    with torch.no_grad():
        _, least = model.judged(signals, points, places, of)
    apart = torch.cdist(places, points.positions) + ELSEWHERE * (of[:, None] != points.cloud)
    nearest = apart.amin(dim=1)
    good = (least > sure) & (nearest > APART) & (nearest < JOINED)
    found = []
    for number, centre in enumerate(middle):
        some = places[good & (of == number)]
        first_near = (torch.cdist(some, some) < 2 * model.width).long()
        kept = first_near.argmax(dim=1).unique() if len(some) else slice(0)
        found.append(some[kept] + centre)
    return found


def _climbed(model, signals, points, places, of):
    """One step up, along the gradient of what is said on average, and no farther than a width."""
    with torch.enable_grad():
        places = places.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(model.judged(signals, points, places, of)[0].sum(), places)
    step = model.width**2 * slope
    return places.detach() + step * (0.8 * model.width / (step.norm(dim=1, keepdim=True) + 1e-9)).clamp(max=1)
