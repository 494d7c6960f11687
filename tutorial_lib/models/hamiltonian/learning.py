"""What is learnt, and what is left over: matrices come in; standardised targets and a loss go out.

Coefficients differ in size by a factor of a thousand, so each copy of an irrep has a scale. Only 0e has a mean: a mean
of anything else would have a direction. Means are kept in float64, since oxygen's 1s level lies at -20 hartree and
we ask for microhartree. The traces are those of the matrix without its means; with them, they would be a constant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.hamiltonian.blocks import Blocks
from tutorial_lib.models.hamiltonian.graphs import Shapes
from tutorial_lib.shapes import check_counts, check_shapes

FLOOR = 1e-4  # hartree: what varies less is not blown up
SQUARES = 0.02  # of the squared error, for each mean absolute error, both in millihartree
TRACE_WEIGHT = 0.1
BATCH = 100  # shapes at a time when predicting


@dataclass(frozen=True)
class Standard:
    """Means and scales of coefficients and traces, measured on training matrices.

    Attributes:
        blocks: of the molecule.
        mean: (coefficients,), hartree, float64; zero but for 0e.
        scale: (coefficients,), hartree, float64; the same for all components of a copy, and for all sites of a kind.
        trace_mean: (traces,), hartree squared.
        trace_scale: (traces,), hartree squared.
    """

    blocks: Blocks
    mean: Tensor
    scale: Tensor
    trace_mean: Tensor
    trace_scale: Tensor

    @classmethod
    def fit(cls, blocks: Blocks, fock: Tensor) -> "Standard":
        """Means and scales of matrices (shapes, orbitals, orbitals), hartree."""
        check_counts(n_matrices=len(fock))
        coefficients = blocks.coefficients(fock.double())

        def kind_of_shells(at: int, a: int, b: int) -> tuple[int, ...]:
            # Of two equal atoms none is the first: what couples b with a is measured with what couples a with b.
            return (at, *(sorted((a, b)) if blocks.kinds[at].alike else (a, b)))

        copies = [(at, *blocks.kinds[at].copies[copy]) for at, copy in blocks.copy]
        alike = _alike(coefficients, [(degree, p, kind_of_shells(at, a, b)) for at, degree, p, a, b in copies])
        invariant = torch.tensor([copy[1:3] == (0, 1) for copy in copies])
        mean = torch.stack([measured.mean() for measured in alike]).where(invariant, 0.0)
        scale = [(measured - centre).square().mean().sqrt() for measured, centre in zip(alike, mean, strict=True)]
        traces = (coefficients - mean).square() @ blocks.to_traces
        alike = _alike(traces, [kind_of_shells(at, a, b) for at, _, a, b in blocks.parts])
        return cls(
            blocks,
            mean,
            torch.stack(scale).clamp(min=FLOOR),
            torch.stack([measured.mean() for measured in alike]),
            torch.stack([measured.std(correction=0) for measured in alike]).clamp(min=FLOOR**2),
        )

    def targets(self, fock: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised coefficients and traces, float64, which a network learns to predict."""
        moved = self.blocks.coefficients(fock.double()) - self.mean
        return moved / self.scale, (moved.square() @ self.blocks.to_traces - self.trace_mean) / self.trace_scale

    def matrices(self, standardised: Tensor) -> Tensor:
        """Matrices in hartree, float64, of standardised coefficients (shapes, coefficients)."""
        return self.blocks.matrices(standardised.double() * self.scale + self.mean)


def _alike(values: Tensor, keys: list[tuple]) -> list[Tensor]:
    """For each column the columns (shapes, columns) with the same key, itself among them."""
    columns = {key: values[:, [other == key for other in keys]] for key in set(keys)}
    return [columns[key] for key in keys]


def matrix_loss(
    standard: Standard, shapes: Shapes, fock: Tensor, *, trace_weight: float = TRACE_WEIGHT
) -> Callable[..., dict[str, Tensor]]:
    """The loss of `training.train`, whose data are the indices of the shapes; `fock` is in hartree.

    It is the mean absolute error of the coefficients in millihartree, with a little of its square, and the squared
    error of the standardised traces where the network predicts them. Shapes follow the batch to its device.
    """
    check_shapes(shapes=(shapes.harmonics, "shapes _ _ _"), matrices=(fock, "shapes _ _"))
    targets = [x.to(shapes.harmonics.dtype) for x in (*standard.targets(fock), 1e3 * standard.scale)]
    there = cache(lambda device: [x.to(device) for x in (shapes, *targets)])

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        known, aims, its_traces, unit = there(batch.device)
        prediction = model(known[batch])
        error = (prediction.coefficients - aims[batch]) * unit
        absolute = error.abs().mean()
        terms = {"loss": absolute + SQUARES * error.square().mean(), "coefficients (mHa)": absolute.detach()}
        if prediction.traces.shape[1]:
            square = (prediction.traces - its_traces[batch]).square().mean()
            terms["loss"] = terms["loss"] + trace_weight * square
            terms["traces"] = square.detach()
        return terms

    return loss


@torch.no_grad()
def predicted(model: nn.Module, standard: Standard, shapes: Shapes) -> Tensor:
    """The matrices of all shapes, (shapes, orbitals, orbitals), hartree, float64."""
    starts = range(0, len(shapes), BATCH)
    return standard.matrices(torch.cat([model(shapes[at : at + BATCH]).coefficients for at in starts]))
