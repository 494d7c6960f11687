"""Points of several clouds in one list: clouds come in, every point goes out with the number of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.models.spherical import merge
from tutorial_lib.shapes import Indices, Positions, check, check_indices, check_shapes


@dataclass(frozen=True)
class Points:
    """The points of several clouds, in one list.

    Attributes:
        positions: (P, 3), each cloud about the centroid of its first points, in the unit of the levels.
        cloud: (P,), to which cloud each belongs, 0 to n_clouds - 1.
        n_clouds: how many clouds there are.
        species: (P,), what stands at each, as numbers; None where all are alike.
    """

    positions: Tensor
    cloud: Tensor
    n_clouds: int
    species: Tensor | None = None

    def pairs(self, cutoff: float = math.inf) -> tuple[Tensor, Tensor]:
        """All ordered pairs of two points of one cloud that are nearer than `cutoff`: who looks, and who is seen."""
        target, source = (self.cloud[:, None] == self.cloud).fill_diagonal_(False).nonzero(as_tuple=True)
        if math.isinf(cutoff):
            return target, source
        near = (self.positions[target] - self.positions[source]).norm(dim=1) < cutoff
        return target[near], source[near]


def padded(clouds: Sequence[Tensor]) -> tuple[Tensor, Indices]:
    """Clouds of different sizes as one tensor (N, most, 3), filled up with zeros, and how many points each has.

    Raises:
        ValueError: there is no cloud, or one is not (n, 3).
    """
    shapes = sorted({tuple(cloud.shape) for cloud in clouds})
    check(
        shapes and all(len(shape) == 2 and shape[1] == 3 for shape in shapes),
        f"clouds are (n, 3) each, one at least, also where there is only one: shapes {shapes} arrived",
    )
    positions = pad_sequence(list(clouds), batch_first=True)
    return positions, torch.tensor([len(cloud) for cloud in clouds], device=positions.device)


def in_one_part(cloud: Tensor, cutoff: float) -> bool:
    """Whether a cloud hangs together: from each point to each other there is a chain of steps shorter than `cutoff`.

    True also for one point; False for none.
    """
    return len(merge(cloud, torch.zeros(len(cloud), dtype=torch.long, device=cloud.device), cutoff)[0]) == 1


def points_of(positions: Positions, counts: Indices, species: Tensor | None = None) -> Points:
    """The points of padded clouds, each cloud about its centroid.

    Args:
        positions: (N, most, 3).
        counts: (N,), how many points each has.
        species: (N, most), what stands at each point, as numbers; None where all are alike.
    """
    check_shapes(positions=(positions, "clouds most 3"), counts=(counts, "clouds"))
    there = torch.arange(positions.shape[1], device=positions.device) < counts[:, None]
    centroid = (positions * there[..., None]).sum(dim=1, keepdim=True) / counts[:, None, None]
    named = None if species is None else species[there]
    return Points((positions - centroid)[there], there.nonzero(as_tuple=True)[0], len(positions), named)


def check_kinds(points: Points, n_kinds: int) -> None:
    """Refuse points whose kinds a model needs and nobody gave, or does not know.

    Raises:
        ValueError: kinds are missing.
    """
    check(
        points.species is not None or n_kinds < 2,
        f"the model tells {n_kinds} species apart, and none were given: say which stands at each point, as numbers "
        f"from 0 to {n_kinds - 1}, such as encode(clouds, species)",
    )
    if points.species is not None:
        check_indices(n_kinds, species=points.species)


def noise_like(numbers: Tensor, generator: Generator) -> Tensor:
    """Normal numbers, as many as there are, of their type and from the generator, on its device."""
    return torch.randn(numbers.shape, generator=generator, device=generator.device, dtype=numbers.dtype)
