"""A generator of motifs by flow matching: a chart (coordinates of motifs) and a velocity network make a `Flow`.

`training.train` minimises `flow_loss`. Noise is to a flow what the latent vector is to an autoencoder, but the map is
invertible: every motif has its own noise.
"""

from collections.abc import Callable
from functools import partial

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
from tutorial_lib.shapes import Features, Motifs, Scalars, check_counts, check_shapes

DECAY = 0.999  # of the exponential moving average, over the last thousand steps or so
DROPPED = 0.5  # of the training motifs come without their condition, so that one network knows both


class Flow(nn.Module):
    """A flow from noise to motifs, which samples and computes densities.

    Training changes `velocity`; samples are drawn with an exponential moving average of its weights, which fits
    held-out motifs better. `n_steps` is the number of Runge-Kutta steps for a sample. The chart, `charts.Principal` or
    `charts.Scaled`, sets the order and pose of motifs. A condition is a row of standardised properties for each motif;
    NaN, or None for all motifs, leaves them free.
    """

    def __init__(self, chart: nn.Module, velocity: nn.Module, n_steps: int = N_STEPS):
        super().__init__()
        self.chart, self.velocity, self.n_steps = chart, velocity, n_steps
        self.average = AveragedModel(velocity)
        for part in self.average.module.modules():  # an average is not trained: no parameter, but a buffer
            for name, weight in list(part.named_parameters(recurse=False)):
                delattr(part, name)
                part.register_buffer(name, weight.detach())

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the average one step towards the velocity; `training.train` calls this before each of its steps."""
        n_before = int(self.average.n_averaged)
        # Short at first, so that the weights of the start are soon forgotten.
        share = 1 - min(DECAY, (1 + n_before) / (10 + n_before)) if n_before else 1.0
        for name, fresh in self.velocity.named_parameters():
            self.average.module.get_buffer(name).lerp_(fresh, share)
        self.average.n_averaged += 1

    @torch.no_grad()
    def sample(self, n: int, generator: Generator, condition: Features | None = None) -> Motifs:
        """New motifs; the generator is on the model's device."""
        check_counts(n=n)
        like = next(self.velocity.parameters())
        kind = {"generator": generator, "device": like.device, "dtype": like.dtype}
        return self.decode(torch.randn(n, *self.chart.shape, **kind), condition)

    @torch.no_grad()
    def decode(self, noise: Tensor, condition: Features | None = None) -> Motifs:
        """The motifs at the ends of the paths that start at noise (N, *chart.shape)."""
        return self.chart.positions(integrate(self._velocity(condition), noise, self.n_steps))

    @torch.no_grad()
    def encode(self, positions: Motifs, condition: Features | None = None) -> Tensor:
        """The noise (N, *chart.shape) that the flow carries to the given motifs."""
        return integrate(
            self._velocity(condition), self.chart.coordinates(positions), self.n_steps, since=1.0, until=0.0
        )

    def interpolate(self, one: Motifs, other: Motifs, shares: Scalars) -> Tensor:
        """Motifs (N, S, n, 3) decoded from noise between that of one motif (shares 0) and of another (shares 1)."""
        check_shapes(one=(one, "clouds _ _"), other=(other, "clouds _ _"), shares=(shares, "shares"))
        ends = [self.encode(x).repeat_interleave(len(shares), dim=0) for x in (one, other)]
        return self.decode(interpolate(*ends, shares.repeat(len(one)))).unflatten(0, (len(one), len(shares)))

    def log_likelihood(self, positions: Motifs, n_steps: int = N_STEPS_OF_DENSITY) -> Scalars:
        """The logarithm of the probability density of motifs, in the coordinates of the chart, nats.

        Only flows with the same chart can be compared by it. The density of a set counts every pose and order.
        """
        return log_likelihood(self.average, self.chart.coordinates(positions), n_steps)

    def _velocity(self, condition: Features | None) -> Velocity:
        return self.average if condition is None else partial(self.average, condition=condition)


def flow_loss(
    pair: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Callable[[nn.Module, Tensor | tuple[Tensor, ...], Generator], dict[str, Tensor]]:
    """The flow-matching loss for `training.train`: the velocity's squared error on lines from fresh noise to motifs.

    A loss of 1 is what a normal distribution reaches. A batch may be a pair of motifs and standardised properties
    (N, n_properties); half of the properties are hidden from the network (condition dropout). Whoever writes another
    training loop has to call `Flow.update_average` in each step, or samples come from the untrained average. `pair` is
    as for `matching_error`.
    """

    def loss(flow: nn.Module, batch: Tensor | tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
        positions, *properties = batch if isinstance(batch, tuple) else (batch,)
        velocity = flow.velocity
        if properties:
            known = torch.rand(len(positions), 1, generator=generator, device=positions.device) >= DROPPED
            velocity = partial(flow.velocity, condition=torch.where(known, properties[0], torch.nan))
        motifs = flow.chart.coordinates(positions)
        return {"loss": matching_error(velocity, motifs, flow.chart.widths, generator, pair)}

    return loss
