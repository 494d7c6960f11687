"""Generating a cloud environment by environment: a flow of codes comes in, and new arrangements go out.

A point and its neighbours are a local environment; a cloud is an arrangement of environments, which share their points.
`Surroundings` is their autoencoder. Codes are normalised, and noise is added to them in training, so that the decoder
tolerates imperfect, sampled codes.

The flow samples the code of a complete environment, given the code of the neighbours that are there already. The code
is decoded, and accepted if the decoded points contain those neighbours; the others are added. Then the next point
follows, until there are as many as asked for. The model sees local environments only: it knows no list of shapes, and
no lattice.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.hierarchical.layers import Message, codes_of, signal_sum, signals_of
from tutorial_lib.models.pieces.drawing import CodeFlow
from tutorial_lib.models.spherical import (
    EquivariantLinear,
    EquivariantNonlinearity,
    OccupancyField,
    normalised,
    peaks,
    places_about,
)
from tutorial_lib.shapes import Features, check_shapes, seeded

LMAX, CODE_CHANNELS = 4, 2
NOISE = 0.3  # of every number of a code during training, where all have mean square 1
SIGHT = 1.6  # so far a point sees, in edges
MARGIN = 0.4  # and so much farther its field is learnt
WIDTH = 0.2  # of a blob about a point
RATTLE = 0.06  # of what is encoded in training; what is decoded is as it was before
N_PLACES = 48  # about each point, in one step of the training
FAR = 50.0  # where those stand that fill up a list
BOND = 1.2  # edges; those nearer than this to a point are its motif
AGREED = 0.15  # so far what is drawn may be from what is there
SAME = 0.3  # points nearer than this are one
APART = 0.75  # and others are farther than this from each other


class Surroundings(nn.Module):
    """An autoencoder of what stands about a point, in edges of a cube."""

    def __init__(self, *, channels: int = 16, seed: int = 0):
        super().__init__()
        with seeded(seed):
            self.start = nn.Parameter(torch.randn(1, 1, channels))
            self.look, self.bend = Message(channels, LMAX), EquivariantNonlinearity(channels, LMAX)
            self.to_code = EquivariantLinear(channels, CODE_CHANNELS, LMAX)
            self.field = OccupancyField(CODE_CHANNELS, LMAX, SIGHT + MARGIN)

    def encode(self, around: Sequence[Tensor]) -> Features:
        """The codes of what stands about some points: of each the vectors (m, 3) to those that it sees."""
        check_shapes(**{f"what stands about point {at}": (each, "_ 3") for at, each in enumerate(around)})
        vectors = torch.cat(list(around))
        counts = torch.tensor([len(each) for each in around], device=vectors.device)
        point = torch.arange(len(counts), device=vectors.device).repeat_interleave(counts)
        messages = self.look(self.start, vectors, torch.zeros_like(point), point, len(counts))
        return codes_of(normalised(self.to_code(self.bend(signal_sum(self.start, messages)))))

    def decode(self, codes: Features) -> list[Tensor]:
        """What stands about each point, (m, 3), as many as its field shows."""
        places, point = peaks(self.field, normalised(signals_of(codes, LMAX)), width=WIDTH, radius=SIGHT + 0.2)
        return [places[point == k] for k in range(len(codes))]


def surroundings_loss(model: Surroundings, batch: tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
    """How far the field of every code is from blobs about what stands there, in nats a place.

    The batch is what stands about each point, (N, most, 3), filled up, and how many are there (N,).
    """
    positions, counts = batch
    kind = {"generator": generator, "device": generator.device, "dtype": positions.dtype}
    there = torch.arange(positions.shape[1], device=positions.device) < counts[:, None]
    rattled = positions + RATTLE * torch.randn(positions.shape, **kind)
    codes = model.encode([cloud[:k] for cloud, k in zip(rattled, counts, strict=True)])
    signals = normalised(signals_of(codes + NOISE * torch.randn(codes.shape, **kind), LMAX))
    children = positions.where(there[..., None], positions.new_tensor(FAR))
    near = places_about(children, counts.clamp(min=1), generator, width=WIDTH, radius=SIGHT + MARGIN, n=N_PLACES)
    away = nn.functional.normalize(torch.randn(near.shape, **kind), dim=2)
    length = (SIGHT + MARGIN) * torch.rand(near.shape[:2], **kind).sqrt()
    use = (torch.arange(N_PLACES, device=generator.device) < N_PLACES // 2) & (counts > 0)[:, None]
    places = torch.where(use[..., None], near, length[..., None] * away)
    return {"loss": model.field.loss(signals, places, children, WIDTH)}


def completions(cloud: Tensor, generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """How a cloud, in edges of a cube, is made motif by motif, from a random point on.

    Yields:
        For each step what a point sees before, and its motif after, (m, 3) each.
    """
    distance = torch.cdist(cloud, cloud).fill_diagonal_(FAR)
    start = int(torch.randint(len(cloud), (), generator=generator))
    present, done = torch.arange(len(cloud)) == start, torch.zeros(len(cloud), dtype=torch.bool)
    while not present.all():
        inside = present.nonzero()[:, 0]
        at = _centre(cloud[inside], done[inside], generator)
        if at is None:
            return
        at = int(inside[at])
        before, after = present & (distance[at] < SIGHT), distance[at] < BOND
        yield cloud[before] - cloud[at], cloud[after] - cloud[at]
        present, done[at] = present | after, True


def _centre(cloud: Tensor, done: Tensor, generator: Generator) -> int | None:
    """A point whose motif comes next: one that sees as many dimensions as there are, two at most.

    Where all that a point sees is on one line, it cannot know how the rest of the cloud is turned about that line.
    """
    near = torch.cdist(cloud, cloud) < SIGHT
    dimensions = min(2, _dimensions(cloud - cloud[0]))
    able = [k for k in range(len(cloud)) if not done[k] and _dimensions(cloud[near[k]] - cloud[k]) >= dimensions]
    return able[int(torch.randint(len(able), (), generator=generator))] if able else None


def _dimensions(vectors: Tensor) -> int:
    return int(torch.linalg.matrix_rank(vectors, atol=0.3))


@torch.no_grad()
def completed(
    flow: CodeFlow, model: Surroundings, n_points: int, n_clouds: int, generator: Generator, *, rounds: int = 30
) -> list[Tensor]:
    """Clouds made motif by motif from one point each: what a code shows is added, if it agrees with the rest.

    The flow draws codes of motifs, given those of what a point sees already, which the model encodes: for each cloud
    `rounds` at most. There are fewer points where nothing more agreed.
    """
    clouds = [torch.zeros(1, 3)] * n_clouds
    done = [torch.zeros(1, dtype=torch.bool)] * n_clouds
    for _ in range(rounds):
        left = [i for i, cloud in enumerate(clouds) if len(cloud) < n_points]
        if not left:
            break
        at, around = [], []
        for i in left:
            k = _centre(clouds[i], done[i], generator)
            if k is None:  # all motifs are complete, and the cloud is too small: begin anew
                clouds[i], done[i], k = torch.zeros(1, 3), torch.zeros(1, dtype=torch.bool), 0
            vectors = clouds[i] - clouds[i][k]
            distance = vectors.norm(dim=1)
            around.append(vectors[(distance < SIGHT) & (distance > SAME)])
            at.append(k)
        drawn = model.decode(flow.draw(len(left), generator, model.encode(around)))
        for i, k, before, after in zip(left, at, around, drawn, strict=True):
            new = _agreed(clouds[i], clouds[i][k], before[before.norm(dim=1) < BOND], after)
            if new is not None and len(clouds[i]) + len(new) <= n_points:
                clouds[i] = torch.cat([clouds[i], new])
                finished = done[i] | (torch.arange(len(done[i])) == k)
                done[i] = torch.cat([finished, torch.zeros(len(new), dtype=torch.bool)])
    return clouds


def _agreed(cloud: Tensor, centre: Tensor, before: Tensor, after: Tensor) -> Tensor | None:
    """What a drawn motif adds to a cloud; None, if it lacks what is there or stands too near to it."""
    if len(before) and (len(after) == 0 or torch.cdist(before, after).amin(dim=1).max() > AGREED):
        return None
    places = after + centre
    new = places[torch.cdist(places, cloud).amin(dim=1) > SAME]
    if (torch.cdist(new, cloud) < APART).any() or (len(new) > 1 and torch.pdist(new).min() < APART):
        return None
    return new
