"""Growth: clouds come in, each with one point more goes out, where surroundings like these have had one in training.

Each point looks at its neighbours, no farther, and has a field of its own: how probable is a point at x, given what I
see? Nothing knows the whole cloud, so what is learnt is a rule about surroundings and no list of shapes, and it can
make shapes that were never shown. What is lost: whatever is decided farther away than a point sees.

The proposals turn with the cloud. Where a cloud is symmetric, as two points are about their axis, so is its field, and
the dice break the symmetry; no network could.
"""

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.hierarchy.layers import Message
from tutorial_lib.hierarchy.points import Points, points_of
from tutorial_lib.sphere import Bend, Field, Mix, blobs, climbed, excess, normalised, places_about
from tutorial_lib.vocabulary import Indices, Signals

N_FIELD_SIGNALS = 8
WIDTH = 0.2  # of a blob about a place where a point may be added, in edges
RADIUS = 1.5  # how far a point's field is looked at
JOINED = 1.25  # a place is beside a point that is nearer than this
APART = 0.75  # a new point is never nearer to another
SHAKE = 0.03  # of the examples: what was grown is not exact either
N_PLACES = 32  # about each point, in one step of the training
N_STARTS = 24  # in each cloud, in one step of growth
N_CLIMBS = 12
FAR = 50.0  # where those stand that fill up a list
FAINT = 0.05  # probability below which a place is no proposal


class GrowthHead(nn.Module):
    """For every point of a cloud a field: is there room for another point beside me?

    Args:
        channels: of the signals inside.
        lmax: of the signals.
        sight: how far a point sees, in edges.
        seed: of the weights.
    """

    def __init__(self, *, channels: int = 16, lmax: int = 4, sight: float = 1.6, seed: int = 0):
        super().__init__()
        self.sight = sight
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.start = nn.Parameter(torch.randn(1, 1, channels))
            self.look, self.after_look = Message(channels, lmax), Bend(channels, lmax)
            self.to_field = Mix(channels, N_FIELD_SIGNALS, lmax)
            self.field = Field(N_FIELD_SIGNALS, lmax, RADIUS)

    def forward(self, points: Points) -> Signals:
        """What each point knows of its surroundings; it turns with the cloud.

        Args:
            points: of all clouds.

        Returns:
            (coefficients, points, channels of the field), no unit.

        Raises:
            Nothing.
        """
        start = self.start.expand(1, len(points.cloud), -1)
        target, source = points.pairs(self.sight)
        apart = points.positions[source] - points.positions[target]
        seen = self.look(start, apart, source, target, len(points.cloud))
        return normalised(self.to_field(self.after_look(torch.cat([seen[:1] + start, seen[1:]]))))


def growth_loss(model: GrowthHead, batch: tuple[Tensor, ...], dice: Generator) -> dict[str, Tensor]:
    """How far the field of every point is from blobs about the places beside it where a point may be added.

    Args:
        model: the head.
        batch: padded clouds (N, most, 3) in edges, their counts (N,), padded places (N, most, 3) and their counts (N,).
        dice: of the places that are asked about, and of the shaking.

    Returns:
        The "loss", the cross-entropy in nats a place, zero for perfect fields.

    Raises:
        Nothing.
    """
    positions, counts, added, n_added = batch
    there = torch.arange(positions.shape[1], device=positions.device) < counts[:, None]
    shift = (positions * there[..., None]).sum(dim=1, keepdim=True) / counts[:, None, None]
    shaken = positions + SHAKE * torch.randn(positions.shape, generator=dice, device=dice.device)
    points = points_of(shaken, counts)
    filled = torch.arange(added.shape[1], device=added.device) < n_added[:, None]
    about = (added - shift)[points.cloud] - points.positions[:, None]
    beside = filled[points.cloud] & (about.norm(dim=2) < JOINED)
    order = (~beside).long().argsort(dim=1, stable=True)[..., None].expand(-1, -1, 3)  # those beside come first
    children = about.where(beside[..., None], about.new_tensor(FAR)).gather(1, order)
    places = _asked(children, beside.sum(dim=1), dice)
    target = blobs(places, children, WIDTH).flatten()
    of = torch.arange(len(children), device=places.device).repeat_interleave(N_PLACES)
    logits = model.field(model(points), places.flatten(0, 1), of)
    return {"loss": excess(logits, target)}


def _asked(children: Tensor, counts: Indices, dice: Generator) -> Tensor:
    """Half of them near places where a point may be added, if there are any, and the others where bonds end."""
    near = places_about(children, counts.clamp(min=1), dice, width=WIDTH, radius=RADIUS, n=N_PLACES)
    away = torch.randn(near.shape, generator=dice, device=dice.device)
    length = 1 + 1.5 * WIDTH * torch.randn(near.shape[:2], generator=dice, device=dice.device)
    where_bonds_end = length[..., None] * nn.functional.normalize(away, dim=2)
    kept = (torch.arange(N_PLACES, device=dice.device) < N_PLACES // 2) & (counts > 0)[:, None]
    return torch.where(kept[..., None], near, where_bonds_end)


@torch.no_grad()
def grow(
    model: GrowthHead, clouds: list[Tensor], n_points: int, dice: Generator, *, boldness: float = 0.4, tries: int = 4
) -> list[Tensor]:
    """Clouds grown point by point, each point where the field of another proposes it.

    From places on the sphere about random points, uphill; of the places where that ends, one is drawn, whichever of
    the sites it belongs to being as likely as the others.

    Args:
        model: the head, trained.
        clouds: (n, 3) each, in edges of a cube; a single point is enough to begin with.
        n_points: how many points each should have in the end.
        dice: of the draws.
        boldness: from 0 to 1; a site is taken if its probability is above (1 - boldness) of the best one's.
        tries: how often a cloud that finds no site looks again, before it is left as it is.

    Returns:
        (n, 3) each, in the same unit, where they stood; smaller than asked for where nothing more was proposed.

    Raises:
        ValueError: the boldness is not between 0 and 1, or a cloud is empty.
    """
    if not 0 <= boldness <= 1:
        raise ValueError(f"boldness {boldness:g}: it is a share, from 0 to 1")
    if any(len(cloud) == 0 for cloud in clouds):
        raise ValueError("a cloud has no point: give each one to begin with, such as torch.zeros(1, 3)")
    clouds = list(clouds)
    for size in range(min(map(len, clouds), default=n_points), n_points):
        left = [i for i, cloud in enumerate(clouds) if len(cloud) == size]
        for _ in range(tries):
            if left:
                added = _proposals(model, [clouds[i] for i in left], dice, boldness)
                for i, place in zip(left, added, strict=True):
                    clouds[i] = clouds[i] if place is None else torch.cat([clouds[i], place[None]])
                left = [i for i, place in zip(left, added, strict=True) if place is None]
    return clouds


def _proposals(model: GrowthHead, clouds: list[Tensor], dice: Generator, boldness: float) -> list[Tensor | None]:
    """For each of some clouds of one size a place to add, or None."""
    whole = torch.stack(clouds)
    n_clouds, size = whole.shape[:2]
    cloud = torch.arange(n_clouds, device=whole.device)
    points = Points(whole.flatten(0, 1), cloud.repeat_interleave(size), n_clouds)
    signals = model(points)
    whose = torch.randint(size, (n_clouds, N_STARTS), generator=dice, device=whole.device)
    of = (whose + size * cloud[:, None]).flatten()
    place = nn.functional.normalize(torch.randn(len(of), 3, generator=dice, device=whole.device), dim=1)
    for _ in range(N_CLIMBS):
        place = climbed(model.field, signals, place, of, width=WIDTH)
    sure = model.field(signals, place, of).sigmoid().view(n_clouds, N_STARTS)
    ends = (place + points.positions[of]).view(n_clouds, N_STARTS, 3)
    sure = sure * (torch.cdist(ends, whole).amin(dim=2) > APART)
    good = (sure > FAINT) & (sure >= (1 - boldness) * sure.amax(dim=1, keepdim=True))
    found: list[Tensor | None] = []
    for some, kept in zip(ends, good, strict=True):
        some = some[kept]
        if len(some) == 0:
            found.append(None)
            continue
        site = (torch.cdist(some, some) < 2 * WIDTH).long().argmax(dim=1)  # the first end that is near
        sites = site.unique()
        found.append(some[sites[torch.randint(len(sites), (), generator=dice, device=whole.device)]])
    return found
