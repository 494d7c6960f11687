"""Codes of surroundings: what stands about a point comes in, one vector of irreps goes out, and what stood there again.

One level and no more: a cloud is an arrangement of such motifs, which share their points. Codes have one
norm, so noise on them in training makes room for codes that are drawn and not exact. `completion` makes clouds of them.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.hierarchical.layers import Message, codes_of, signal_sum, signals_of
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
