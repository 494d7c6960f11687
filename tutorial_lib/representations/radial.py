"""Gaussian radial basis functions: numbers come in, such as distances, and the basis functions' values go out.

A network reads a number more easily from a row of them, of which two or three answer, than from the number alone.
"""

from torch import Tensor

from tutorial_lib.shapes import check

# Below exp(-87) a number in single precision has no full accuracy left, and many a processor takes a hundred times as
# long for it. A bump that far away is 2e-35 here.
FARTHEST = 80.0


def gaussians(values: Tensor, centres: Tensor, width: float) -> Tensor:
    """The values exp(-((value - centre) / width)^2 / 2) (..., n), at least 2e-35, no unit."""
    check(width > 0, f"a bump of width {width}: it must be above 0")
    return (-0.5 * ((values[..., None] - centres) * (1 / width)).square()).clamp(min=-FARTHEST).exp()
