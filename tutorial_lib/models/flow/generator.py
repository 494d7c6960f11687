"""A generator of motifs: a chart and a velocity come in; what they learn, draw and say of motifs goes out.

`charts` says what the numbers mean, `network` or `sets` is the velocity, `integrate` follows it. The loss is handed to
`training`. Noise is to a flow what the code is to an autoencoder, but nothing is lost: every motif has its own noise.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tutorial_lib.models.flow.ode import (
    N_STEPS,
    N_STEPS_OF_DENSITY,
    Velocity,
    integrate,
    interpolate,
    log_likelihood,
    matching_error,
)
from tutorial_lib.shapes import Features, Motifs, Scalars, check_shapes

MEMORY = 0.999  # of a step: the mean is over the last thousand or so
FORGOTTEN = 0.5  # of the training motifs come without their property, so that one network knows both


class Flow(nn.Module):
    """Noise made into motifs.

    The velocity is trained, and a running mean of its weights draws: what one batch or another had taught it last is
    averaged out, and held-out motifs are met better.

    Args:
        chart: `charts.Principal` or `charts.Scaled`.
        velocity: of the points of that chart; a function of points, times and conditions.
        n_steps: of Runge and Kutta, when it draws.
    """

    def __init__(self, chart: nn.Module, velocity: nn.Module, n_steps: int = N_STEPS):
        super().__init__()
        self.chart, self.velocity, self.n_steps = chart, velocity, n_steps
        self.average = AveragedModel(velocity)
        for part in self.average.module.modules():  # a mean is not trained: no parameter, but a buffer
            for name, weight in list(part.named_parameters(recurse=False)):
                delattr(part, name)
                part.register_buffer(name, weight.detach())

    @torch.no_grad()
    def update_average(self) -> None:
        """Let the running mean follow the velocity by a step; `training.train` calls it before each of its own."""
        n_before = int(self.average.n_averaged)
        # Short at first, so that the weights of the start are soon forgotten.
        share = 1 - min(MEMORY, (1 + n_before) / (10 + n_before)) if n_before else 1.0
        for name, fresh in self.velocity.named_parameters():
            self.average.module.get_buffer(name).lerp_(fresh, share)
        self.average.n_averaged += 1

    @torch.no_grad()
    def sample(self, n: int, generator: Generator, condition: Features | None = None) -> Motifs:
        """New motifs.

        Args:
            n: how many.
            generator: of the noise, on the model's device.
            condition: (n, n_properties), standardised; None for motifs of any kind.

        Returns:
            (n, n_atoms, 3), angstrom, in the order and pose of the chart, or in any.

        Raises:
            ValueError: the number is below 1.
            RuntimeError: the generator is on another device than the model.
        """
        if n < 1:
            raise ValueError(f"n is {n}: ask for one motif at least")
        like = next(self.velocity.parameters())
        kind = {"generator": generator, "device": like.device, "dtype": like.dtype}
        return self.decode(torch.randn(n, *self.chart.shape, **kind), condition)

    @torch.no_grad()
    def decode(self, noise: Tensor, condition: Features | None = None) -> Motifs:
        """The motifs that noise is carried to.

        Args:
            noise: (N, *chart.shape), no unit.
            condition: (N, n_properties), standardised; None for motifs of any kind.

        Returns:
            (N, n_atoms, 3), angstrom.

        Raises:
            RuntimeError: the noise has another shape.
        """
        return self.chart.positions(integrate(self._towards(condition), noise, self.n_steps))

    @torch.no_grad()
    def encode(self, positions: Motifs, condition: Features | None = None) -> Tensor:
        """The noise that motifs came from, or would have.

        Args:
            positions: (N, n_atoms, 3), angstrom, in the order and pose of the chart.
            condition: (N, n_properties), standardised; None for motifs of any kind.

        Returns:
            (N, *chart.shape), no unit.

        Raises:
            RuntimeError: the motifs have another number of atoms.
        """
        start = self.chart.coordinates(positions)
        return integrate(self._towards(condition), start, self.n_steps, since=1.0, until=0.0)

    def interpolate(self, one: Motifs, other: Motifs, shares: Scalars) -> Tensor:
        """Motifs on the way from one to another, through the noise.

        Args:
            one: (N, n_atoms, 3), angstrom, in the order and pose of the chart.
            other: (N, n_atoms, 3), angstrom, likewise.
            shares: (S,), no unit, from 0 (the one) to 1 (the other).

        Returns:
            (N, S, n_atoms, 3), angstrom.

        Raises:
            ValueError: shapes do not fit, or the motifs have another number of atoms.
        """
        check_shapes(one=(one, "clouds _ _"), other=(other, "clouds _ _"), shares=(shares, "shares"))
        ends = [self.encode(x).repeat_interleave(len(shares), dim=0) for x in (one, other)]
        noise = interpolate(*ends, shares.repeat(len(one)))
        return self.decode(noise).unflatten(0, (len(one), len(shares)))

    def log_likelihood(self, positions: Motifs, n_steps: int = N_STEPS_OF_DENSITY) -> Scalars:
        """The logarithm of the probability density of motifs, in the coordinates of the chart.

        Two flows can be compared by it only in one chart; that of a set counts every pose and order of a motif.

        Args:
            positions: (N, n_atoms, 3), angstrom, in the order and pose of the chart.
            n_steps: of the way back to noise.

        Returns:
            (N,), nats.

        Raises:
            RuntimeError: the motifs have another number of atoms.
        """
        return log_likelihood(self.average, self.chart.coordinates(positions), n_steps)

    def _towards(self, condition: Features | None) -> Velocity:
        return self.average if condition is None else lambda point, time: self.average(point, time, condition)


Loss = Callable[[nn.Module, Tensor | tuple[Tensor, ...], Generator], dict[str, Tensor]]


def flow_loss() -> Loss:
    """The loss of a flow, for `training.train`: the error of the velocity on lines from fresh noise to motifs.

    It changes nothing: a loop of one's own calls `Flow.update_average` in each step, or the flow draws as it began.

    Returns:
        A function of the flow, a batch of motifs (N, n_atoms, 3), angstrom, and a generator, that gives the term
        "loss", no unit, in which 1 is what a normal distribution reaches. Where the batch is a pair, its second part
        are properties (N, n_properties), standardised, and half of them are kept from the network.
    """

    def loss(flow: nn.Module, batch: Tensor | tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
        positions, *properties = batch if isinstance(batch, tuple) else (batch,)
        velocity = flow.velocity
        if properties:
            known = torch.rand(len(positions), 1, generator=generator, device=positions.device) >= FORGOTTEN
            condition = torch.where(known, properties[0], torch.nan)

            def velocity(point: Tensor, time: Tensor) -> Tensor:
                return flow.velocity(point, time, condition)

        return {"loss": matching_error(velocity, flow.chart.coordinates(positions), flow.chart.widths, generator)}

    return loss
