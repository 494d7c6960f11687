"""A local model that grows clouds: at every position, the probability that another point can be added.

Each point sees its neighbours only, and has a field of its own: how probable is a point at x, given my neighbours? A
position is scored by all points near to it, and one that refuses is enough. The model does not know the whole cloud, so
it learns a rule about local environments and no list of shapes, and can make shapes that were never shown. It cannot
learn constraints of longer range than one layer of neighbours. `growing` uses it.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import logsigmoid, normalize

from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models.hierarchical.layers import Message, signal_sum
from tutorial_lib.models.hierarchical.points import Points, check_kinds, noise_like, padded, points_of
from tutorial_lib.models.spherical import (
    EquivariantLinear,
    EquivariantNonlinearity,
    OccupancyField,
    normalised,
    places_about,
)
from tutorial_lib.shapes import Indices, Places, Signals, check_shapes, seeded

LMAX, N_FIELD_SIGNALS = 4, 8
RATTLE = 0.03  # of the examples in training, in the unit of positions: what was grown is not exact either
N_PLACES = 48  # about each point, in one step of the training
FAR = 50.0  # where those stand that fill up a list


class GrowthHead(nn.Module):
    """For every point of a cloud a field: is there room for another point near to me?

    Args:
        cutoff: how far a point sees, in the unit of positions, such as edges of a cube.
        radius: how far from a point its field is asked.
        width: of the blob about a place where a point may be added.
        kinds: of points, where the clouds tell them apart.
    """

    def __init__(
        self,
        *,
        channels: int = 16,
        cutoff: float = 1.6,
        radius: float = 1.55,
        width: float = 0.2,
        kinds: int = 1,
        seed: int = 0,
    ):
        super().__init__()
        self.cutoff, self.radius, self.width = cutoff, radius, width
        with seeded(seed):
            self.start = nn.Parameter(torch.randn(1, kinds, channels))
            self.look, self.after_look = Message(channels, LMAX), EquivariantNonlinearity(channels, LMAX)
            self.to_field = EquivariantLinear(channels, N_FIELD_SIGNALS, LMAX)
            self.field = OccupancyField(N_FIELD_SIGNALS, LMAX, radius)

    def forward(self, points: Points) -> Signals:
        """What each point knows of its surroundings, as signals that turn with the cloud."""
        check_kinds(points, self.start.shape[1])
        alike = points.species is None
        start = self.start[:, :1].expand(1, len(points.cloud), -1) if alike else self.start[:, points.species]
        messages = self.look.among(start, points, self.cutoff)
        return normalised(self.to_field(self.after_look(signal_sum(start, messages))))

    def judged(self, signals: Signals, points: Points, places: Places, cloud: Indices) -> tuple[Tensor, Tensor]:
        """What all points within the radius of each place say of it: the mean of log p, and the least p; 0 without any.

        Args:
            signals: what `forward` gives.
            points: of all clouds.
            places: (P, 3).
            cloud: (P,), to which cloud each place belongs.
        """
        distance = (places.detach()[:, None] - points.positions).norm(dim=2)
        at, by = ((cloud[:, None] == points.cloud) & (distance < self.radius)).nonzero(as_tuple=True)
        log_p = logsigmoid(self.field(signals, places[at] - points.positions[by], by))
        nobody = places.new_zeros(len(places))
        mean = nobody.scatter_reduce(0, at, log_p, "mean", include_self=False)
        return mean, nobody.scatter_reduce(0, at, log_p.exp(), "amin", include_self=False)


def growth_loss(model: GrowthHead, batch: tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
    """How far the fields of points are from blobs about places near to them where one may be added, in nats a place.

    The batch is padded clouds (N, most, 3), their counts (N,), padded places (N, most, 3) and their counts (N,); then
    the kinds of the points (N, most), where they are told apart.
    """
    positions, counts, added, n_added, *kinds = batch
    check_shapes(positions=(positions, "clouds _ 3"), counts=(counts, "clouds"))
    check_shapes(added=(added, f"{len(counts)} _ 3"), n_added=(n_added, str(len(counts))))
    rattled = positions + RATTLE * noise_like(positions.to(model.start), generator)
    points = points_of(rattled, counts, *kinds)
    there = torch.arange(positions.shape[1], device=positions.device) < counts[:, None]
    filled = torch.arange(added.shape[1], device=added.device) < n_added[:, None]
    about = added[points.cloud] - rattled[there][:, None]
    near = filled[points.cloud] & (about.norm(dim=2) < model.radius + 1.5 * model.width)
    order = (~near).long().argsort(dim=1, stable=True)[..., None].expand(-1, -1, 3)  # those that are near come first
    children = about.where(near[..., None], about.new_tensor(FAR)).gather(1, order)
    places = _asked(model, children, near.sum(dim=1), generator)
    return {"loss": model.field.loss(model(points), places, children, model.width)}


def _asked(model: GrowthHead, children: Tensor, counts: Indices, generator: Generator) -> Tensor:
    """Half near places where a point may be added, half as far away in any direction; anywhere, if there are none."""
    near = places_about(children, counts.clamp(min=1), generator, width=model.width, radius=model.radius, n=N_PLACES)
    kind = {"generator": generator, "device": generator.device, "dtype": near.dtype}
    direction = normalize(torch.randn(near.shape, **kind), dim=2)
    distance = model.radius * torch.rand(near.shape[:2], **kind)[..., None].pow(1 / 3)
    far = near.norm(dim=2, keepdim=True) > model.radius + model.width
    turned = (torch.arange(N_PLACES, device=generator.device) % 2 == 1)[:, None]
    places = near.where(~turned, near.norm(dim=2, keepdim=True) * direction)
    return places.where(~far, distance * direction)


def free_places(cells: Places) -> Tensor:
    """The places (n, 3), each once, where one more cube shares a face with a polycube on the lattice."""
    check_shapes(cells=(cells, "cubes+ 3"))
    steps = torch.cat([torch.eye(3), -torch.eye(3)]).to(cells)
    beside = torch.unique((cells[:, None] + steps).flatten(0, 1), dim=0)
    return beside[torch.cdist(beside, cells).amin(dim=1) > 0.5]


def additions(known: Sequence[Tensor], *, most: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each known shape the places where one more cube makes another known shape: a batch for `growth_loss`.

    A shape that is not known counts as forbidden, as everything does that nobody has shown. The single cube is known.
    Shapes of more than `most` cubes do not grow.
    """
    shapes = {polycube_of(shape, mirrors_equal=True) for shape in (*known, torch.zeros(1, 3))}
    clouds, places = [], []
    for shape in sorted((shape for shape in shapes if shape and len(shape) <= most), key=sorted):
        cells = torch.tensor(sorted(shape), dtype=torch.get_default_dtype())
        allowed = [
            place
            for place in free_places(cells)
            if polycube_of(torch.cat([cells, place[None]]), mirrors_equal=True) in shapes
        ]
        if allowed:
            clouds.append(cells)
            places.append(torch.stack(allowed))
    return (*padded(clouds), *padded(places))
