"""The space in which a flow runs: motifs come in, numbers without a unit go out, and back.

`Principal` reads motifs in one order and pose, from `alignment.Template`, and drops what is the same in all of them.
`Scaled` reads motifs in any order and pose, and only changes the unit. Nothing is lost by either.
"""

import torch
from torch import Tensor, nn

from tutorial_lib.shapes import Latent, Motifs, Positions, check, check_counts, check_finite, check_shapes


class Principal(nn.Module):
    """Canonical motifs as 3 n - 3 numbers about 0, uncorrelated, the one that varies most first.

    The pose in which X is nearest to a template T makes T^T X symmetric: three linear equations, so canonical motifs
    fill 3 n - 3 of 3 n directions, exactly. The other three are left out. All numbers have one unit, in which their
    variances have the mean 1, so noise is the same in every direction of space: it drowns the stiff directions, the
    bonds, first. In sampling, the soft directions are fixed first and bonds last.

    Args:
        mean: (n, 3), angstrom.
        axes: (3 n - 3, 3 n), orthonormal rows.
        unit: angstrom, one number.
        widths: (3 n - 3,), standard deviations in that unit.
    """

    def __init__(self, mean: Tensor, axes: Tensor, unit: Tensor, widths: Tensor):
        super().__init__()
        self.shape = (len(widths),)
        for name, value in {"mean": mean, "axes": axes, "unit": unit, "widths": widths}.items():
            self.register_buffer(name, value)

    @classmethod
    def fit(cls, canonical: Motifs) -> "Principal":
        """The chart of at least 3 n training motifs in one order and pose.

        Raises:
            ValueError: they are all alike, or not in the pose of a template.
        """
        check_shapes(canonical=(canonical, "motifs atoms 3"))
        check_finite(canonical)
        flat = canonical.flatten(1).double()
        n_kept = flat.shape[1] - 3
        check_counts(flat.shape[1], **{f"motifs that fix {n_kept} widths": len(flat)})
        mean = flat.mean(0)
        _, values, axes = torch.linalg.svd(flat - mean, full_matrices=False)
        check(
            values[n_kept] <= 1e-3 * values[n_kept - 1],
            f"the motifs fill all {flat.shape[1]} directions, so they are not in one pose: "
            "pass them through alignment.Template.canonical first",
        )
        check(
            values[n_kept - 1] > 0,
            "the motifs do not differ in some directions, so these have no width: take real motifs",
        )
        widths = values[:n_kept] / len(flat) ** 0.5
        unit = widths.square().mean().sqrt()
        return cls(*(x.to(canonical) for x in (mean.view(canonical.shape[1:]), axes[:n_kept], unit, widths / unit)))

    def coordinates(self, positions: Motifs) -> Latent:
        """The 3 n - 3 numbers that stand for motifs in the order and pose of the template."""
        check_shapes(positions=(positions, f"motifs {len(self.mean)} 3"))
        return (positions - self.mean).flatten(1) @ self.axes.mT / self.unit

    def positions(self, coordinates: Latent) -> Motifs:
        """The canonical motifs that numbers stand for."""
        check_shapes(coordinates=(coordinates, f"motifs {len(self.axes)}"))
        return self.mean + (coordinates * self.unit @ self.axes).unflatten(1, self.mean.shape)


class Scaled(nn.Module):
    """Motifs in a unit (angstrom) in which their coordinates have a mean square of 1."""

    def __init__(self, unit: Tensor, n_atoms: int):
        super().__init__()
        self.shape = (n_atoms, 3)
        self.register_buffer("unit", unit)
        self.register_buffer("widths", torch.ones_like(unit))

    @classmethod
    def fit(cls, positions: Motifs) -> "Scaled":
        """The chart of training motifs in any order and pose."""
        check_shapes(positions=(positions, "motifs+ atoms+ 3"))
        return cls(positions.square().mean().sqrt(), positions.shape[1])

    def coordinates(self, positions: Motifs) -> Positions:
        """Motifs in the unit of the chart."""
        return positions / self.unit

    def positions(self, coordinates: Positions) -> Motifs:
        """Motifs in angstrom."""
        return coordinates * self.unit
