"""Distances, and Gaussian radial basis functions: numbers come in, and the values of the functions go out.

A network reads a number more easily from a row of them, of which two or three answer, than from the number alone.
"""

import math

import torch
from torch import Tensor

from tutorial_lib.shapes import Positions, check

# Below exp(-87) a number in single precision has no full accuracy left, and many a processor takes a hundred times as
# long for it. A bump that far away is 2e-35 here.
FARTHEST = 80.0


def gaussians(values: Tensor, centres: Tensor, width: float) -> Tensor:
    """The values exp(-((value - centre) / width)^2 / 2) (..., n), at least 2e-35, no unit."""
    check(width > 0, f"a bump of width {width}: it must be above 0")
    return (-0.5 * ((values[..., None] - centres) * (1 / width)).square()).clamp(min=-FARTHEST).exp()


def cosine_window(distance: Tensor, cutoff: float) -> Tensor:
    """A weight that falls from 1 at no distance to 0 at the cut-off, where its slope vanishes as well."""
    check(cutoff > 0, f"a cut-off of {cutoff} A: it must be above 0")
    return 0.5 + 0.5 * (math.pi * distance / cutoff).cos()


def distances_of_pairs(positions: Positions) -> Tensor:
    """The distance of every pair of atoms, (..., n (n - 1) / 2), in the order of `torch.triu_indices`."""
    row, column = torch.triu_indices(positions.shape[-2], positions.shape[-2], offset=1)
    return (positions[..., row, :] - positions[..., column, :]).norm(dim=-1)
