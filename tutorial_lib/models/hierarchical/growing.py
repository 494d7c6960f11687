"""Growing: clouds come in, and go out with points added or moved, as the rule of a head proposes it.

Proposals turn with the cloud. Where a cloud is symmetric, as two points are about their axis, so is what is proposed,
and the generator breaks the symmetry; no network could. There is no lattice here: a place is where ascents end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.models.hierarchical.points import Points, in_one_part
from tutorial_lib.models.spherical import uphill
from tutorial_lib.shapes import Indices, Places, check, check_shapes, differentiating, unrounded

JOINED, APART = 1.2, 0.75  # a new point is nearer than the one to another, and never nearer than the other
BOND = 1.0  # from a point to where the ascents begin
N_STARTS = 24  # in each cloud, unless more are asked for
N_CLIMBS = 12
N_TRIES = 4  # of a cloud that finds no site, before it is left as it is
SURE = 0.06  # probability below which a place is no proposal
N_AT_ONCE = 2400  # ascents, to save memory
ELSEWHERE = 1e3  # points of another cloud are never near

# Places (P, 3), to which cloud each belongs (P,), and the points of the clouds: a log weight (P,) for each place.
Favour = Callable[[Places, Indices, Points], Tensor]


@dataclass(frozen=True)
class Sites:
    """Places at which points may be added to clouds."""

    places: Tensor  # (sites, 3), in the frame of their clouds; of a ring, some places
    cloud: Tensor  # (sites,), to which cloud each belongs
    weight: Tensor  # (sites,), by how much each is favoured, as a logarithm


@unrounded
@differentiating
def sites(
    model: GrowthHead,
    clouds: Sequence[Tensor],
    generator: Generator,
    *,
    favour: Favour | None = None,
    sure: float = SURE,
    starts: int = N_STARTS,
    about: Sequence[Tensor] | None = None,
    kinds: Sequence[Tensor] | None = None,
) -> Sites:
    """The places at which points may be added, as far as ascents from random places find them.

    Args:
        model: the head, trained.
        clouds: (n, 3) each, in the unit of the head.
        generator: of the places where ascents begin.
        favour: added to what the head says in the first half of the ascents, and in the weights.
        sure: the probability below which a place is no site, whichever point says it.
        starts: from how many places in each cloud the ascents begin.
        about: (k,) for each cloud, the indices of the points about which they begin; about all of them if None.
        kinds: (n,) for each cloud, of its points, where the head tells them apart.

    Raises:
        ValueError: a cloud is empty.
    """
    check(all(map(len, clouds)), "a cloud has no point: give each one to begin with, such as torch.zeros(1, 3)")
    check_shapes(**{f"cloud {at}": (cloud, "_ 3") for at, cloud in enumerate(clouds)})
    counts = torch.tensor([len(cloud) for cloud in clouds], device=generator.device)
    points = Points(torch.cat(list(clouds)), _numbers(counts), len(clouds), kinds and torch.cat(list(kinds)))
    begin = [torch.arange(len(cloud), device=generator.device) for cloud in clouds] if about is None else about
    ends, cloud = _ascents(model, points, counts, begin, starts, generator, favour)
    with torch.no_grad():
        _, least = model.judged(model(points), points, ends, cloud)
    nearest = (torch.cdist(ends, points.positions) + ELSEWHERE * (cloud[:, None] != points.cloud)).amin(dim=1)
    good = (least > sure) & (nearest > APART) & (nearest < JOINED)
    ends, cloud = ends[good], cloud[good]
    same = (torch.cdist(ends, ends) < 2 * model.width) & (cloud[:, None] == cloud)
    first = same.long().argmax(dim=1).unique() if len(same) else slice(0)  # of ends that are near, the first
    ends, cloud = ends[first], cloud[first]
    return Sites(ends, cloud, favour(ends, cloud, points) if favour else torch.zeros(len(ends), device=ends.device))


@unrounded
@differentiating
def grow(
    model: GrowthHead,
    clouds: Sequence[Tensor],
    n_points: int | Sequence[int],
    generator: Generator,
    *,
    favour: Favour | None = None,
    sure: float = SURE,
    starts: int = N_STARTS,
    about: Sequence[Tensor] | None = None,
    kinds: Sequence[Tensor] | None = None,
    adds: int = 0,
) -> list[Tensor]:
    """Clouds grown point by point, each point at one of the `sites` that those before it propose.

    What was there stays where it stood. `n_points`, one number for all or one for each, is how many a cloud should have
    in the end; it has fewer where nothing more is proposed. A single point is enough to begin with. Without `favour`
    all sites of a cloud are equally likely; points of the kind `adds` are added. `sites` explains the rest.

    Raises:
        ValueError: there are not as many numbers as clouds.
    """
    clouds, named = list(clouds), kinds and list(kinds)
    wanted = [n_points] * len(clouds) if isinstance(n_points, int) else list(n_points)
    check(
        len(wanted) == len(clouds),
        f"{len(wanted)} numbers of points for {len(clouds)} clouds: give one for each, or one for all",
    )
    at_once = max(1, N_AT_ONCE // starts)
    for size in range(min(map(len, clouds), default=0), max(wanted, default=0)):
        left = [i for i, cloud in enumerate(clouds) if len(cloud) <= size < wanted[i]]
        for _ in range(N_TRIES):
            for batch in (left[at : at + at_once] for at in range(0, len(left), at_once)):
                led = favour and partial(_renumbered, favour, torch.tensor(batch, device=generator.device))
                these, begin, of_kind = (x and [x[i] for i in batch] for x in (clouds, about, named))
                found = sites(model, these, generator, favour=led, sure=sure, starts=starts, about=begin, kinds=of_kind)
                for number, i in enumerate(batch):
                    mine = found.cloud == number
                    if mine.any():
                        drawn = torch.multinomial(found.weight[mine].softmax(dim=0), 1, generator=generator)
                        clouds[i] = torch.cat([clouds[i], found.places[mine][drawn]])
                        if named:
                            named[i] = torch.cat([named[i], named[i].new_tensor([adds])])
            left = [i for i in left if len(clouds[i]) <= size]
    return clouds


def _renumbered(favour: Favour, numbers: Tensor, places: Tensor, cloud: Tensor, points: Points) -> Tensor:
    return favour(places, numbers[cloud], replace(points, cloud=numbers[points.cloud]))


@unrounded
def removable(model: GrowthHead, cloud: Tensor) -> Tensor:
    """Which points may be taken away: what is left hangs together, and would propose them again."""
    n = len(cloud)
    numbers = torch.arange(n, device=cloud.device)
    if n < 2:
        return numbers > n
    left = torch.stack([cloud[numbers != at] for at in range(n)])
    points = Points(left.flatten(0, 1), numbers.repeat_interleave(n - 1), n)
    with torch.no_grad():
        _, least = model.judged(model(points), points, cloud, numbers)
    return (least > SURE) & torch.tensor([in_one_part(part, JOINED) for part in left], device=cloud.device)


@unrounded
@differentiating
def edited(model: GrowthHead, clouds: Sequence[Tensor], n_edits: int, generator: Generator) -> list[Tensor]:
    """Clouds of the same sizes: in each edit one point that may be taken away is drawn, and one is added elsewhere.

    Raises:
        ValueError: the clouds have different sizes, or fewer than two points.
    """
    clouds = list(clouds)
    wanted = [len(cloud) for cloud in clouds]
    check(
        len(set(wanted)) < 2 and not {0, 1} & set(wanted),
        f"clouds of {sorted(set(wanted))} points: all have to be of one size, of two points at least",
    )
    for _ in range(n_edits):
        for i, cloud in enumerate(clouds):
            weight = removable(model, cloud).float()
            if weight.any():
                at = int(torch.multinomial(weight, 1, generator=generator))
                clouds[i] = torch.cat([cloud[:at], cloud[at + 1 :]])
        clouds = grow(model, clouds, wanted, generator)
    return clouds


def _ascents(
    model: GrowthHead,
    points: Points,
    counts: Indices,
    begin: Sequence[Tensor],
    starts: int,
    generator: Generator,
    favour: Favour | None,
) -> tuple[Tensor, Tensor]:
    """Where ascents end that begin a bond away from points which are drawn, and to which cloud each belongs."""
    listed, many = pad_sequence(list(begin), batch_first=True), counts.new_tensor([len(indices) for indices in begin])
    drawn = (torch.rand(len(counts), starts, generator=generator, device=generator.device) * many[:, None]).long()
    whose = listed.gather(1, drawn) + (counts.cumsum(0) - counts)[:, None]
    away = torch.randn(*whose.shape, 3, generator=generator, device=generator.device).to(points.positions)
    places = (points.positions[whose] + BOND * normalize(away, dim=2)).flatten(0, 1)
    cloud = _numbers(torch.full_like(counts, starts))
    with torch.no_grad():
        signals = model(points)

    def free(here: Tensor) -> Tensor:
        return model.judged(signals, points, here, cloud)[0]

    def led(here: Tensor) -> Tensor:
        return free(here) + favour(here, cloud, points)

    for log_p in [*([led] * N_CLIMBS if favour else []), *([free] * N_CLIMBS)]:  # led first, and then let go
        places = uphill(log_p, places, model.width)
    return places, cloud


def _numbers(counts: Tensor) -> Tensor:
    return torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
