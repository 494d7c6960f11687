"""An equivariant flow-matching model that samples latent codes.

A code is a vector of irreps, such as 4x0e+4x1o+4x2e: natural parity, equally many of each l. What it is a code of does
not matter here. The velocity is made of linear maps and products of signals, so it turns with the code, and a code that
was shown in one pose is sampled in all. A condition, such as the code of what is there already, turns along; numbers,
such as a size, do not.
"""

import math

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.flow.ode import integrate, matching_error, normal
from tutorial_lib.models.hierarchical.layers import codes_of, signals_of
from tutorial_lib.models.spherical import EquivariantLinear, EquivariantNonlinearity, degrees, normalised
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Features, Scalars, check, check_counts, seeded

N_RADIAL = 12  # on the axis of times
WIDTH = 1 / (N_RADIAL - 1) / math.sqrt(2)
N_STEPS = 6  # of Runge and Kutta: 24 velocities
LEAST = 0.05  # is added to every standard deviation: what never varies is not blown up


class CodeFlow(nn.Module):
    """The velocity that carries noise to codes, and what it draws.

    Args:
        codes: (N, dim); only their means and sizes are kept, of each l and channel.
        given_channels: irreps of each l in what is given, 0 if nothing is.
        n_numbers: how many invariant numbers are given.
        lmax: the highest l of the codes.
        depth: how many non-linearities there are.

    Raises:
        ValueError: there is no code.
    """

    def __init__(
        self,
        codes: Features,
        *,
        given_channels: int = 0,
        n_numbers: int = 0,
        lmax: int = 4,
        channels: int = 24,
        depth: int = 3,
        seed: int = 0,
    ):
        super().__init__()
        check(len(codes), "no code was given: the flow takes their means and sizes from (N, dim), N at least 1")
        signals = signals_of(codes, lmax)
        n = signals.shape[2]
        self.lmax, self.n_numbers, self.given_channels, self.dim = lmax, n_numbers, given_channels, codes.shape[1]
        mean = torch.zeros_like(signals[:, :1])
        mean[0] = signals[0].mean(dim=0)  # of l > 0 no other mean turns along
        power = (signals - mean).square().mean(dim=1)
        scale = torch.stack([power[degrees(lmax) == l_of].mean(dim=0) for l_of in range(lmax + 1)]).sqrt()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", (scale + LEAST)[degrees(lmax)][:, None])
        self.register_buffer("degree", degrees(lmax), persistent=False)
        self.register_buffer("centres", torch.linspace(0, 1, N_RADIAL), persistent=False)
        with seeded(seed):
            self.begin = EquivariantLinear(n + given_channels, channels, lmax)
            self.bends = nn.ModuleList(EquivariantNonlinearity(channels, lmax) for _ in range(depth))
            self.scalars = nn.Sequential(
                nn.Linear(N_RADIAL + n_numbers, 64), nn.SiLU(), nn.Linear(64, depth * channels * (lmax + 2))
            )
            self.end = EquivariantLinear(channels, n, lmax)

    def forward(
        self, points: Features, time: Scalars, given: Features | None = None, numbers: Tensor | None = None
    ) -> Features:
        """The velocity of standardised codes; it turns with them and with what is given.

        Args:
            points: (N, dim).
            time: (N,), from 0 (noise) to 1 (codes).
            given: (N, given channels * (lmax + 1)^2).
            numbers: (N, n_numbers).

        Raises:
            ValueError: something is given that was not announced, or the other way round.
        """
        check(
            (given is None) != bool(self.given_channels) and (numbers is None) != bool(self.n_numbers),
            f"the flow was made for {self.given_channels} channels given and {self.n_numbers} numbers: hand in "
            "both, one or neither of them accordingly",
        )
        known = normal(time, points, points.new_ones(()))
        signals = signals_of(points / known.width, self.lmax)
        if given is not None:
            signals = torch.cat([signals, signals_of(given, self.lmax)], dim=2)
        condition = gaussians(time, self.centres, WIDTH)
        condition = self.scalars(condition if numbers is None else torch.cat([condition, numbers], dim=1))
        condition = condition.unflatten(1, (len(self.bends), self.lmax + 2, -1)).permute(1, 2, 0, 3)
        signals = self.begin(signals)
        for bend, (shift, *stretch) in zip(self.bends, condition, strict=True):  # a stretch for each l
            bent = normalised(signals) * (1 + torch.stack(stretch)[self.degree])
            signals = signals + bend(torch.cat([bent[:1] + shift, bent[1:]]))
        return known.slope * points + known.left * codes_of(self.end(normalised(signals)))

    @torch.no_grad()
    def draw(
        self,
        n: int,
        generator: Generator,
        given: Features | None = None,
        numbers: Tensor | None = None,
        *,
        n_steps: int = N_STEPS,
    ) -> Features:
        """So many new codes, under the conditions of `forward`, in `n_steps` of Runge and Kutta."""
        check_counts(0, n=n)
        noise = torch.randn(n, self.dim, generator=generator, device=generator.device).to(self.mean)
        carried = integrate(lambda x, t: self(x, t, given, numbers), noise, n_steps)
        return codes_of(signals_of(carried, self.lmax) * self.scale + self.mean)


def drawing_loss(model: CodeFlow, batch: tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
    """How far the velocity is from that of straight lines from noise to codes; 1 is what a normal distribution reaches.

    The batch holds codes (N, dim); then what is given, and then numbers, if there are any.
    """
    codes, *others = batch
    given = others.pop(0) if model.given_channels else None
    numbers = others.pop(0) if model.n_numbers else None
    standard = codes_of((signals_of(codes, model.lmax) - model.mean) / model.scale)
    return {
        "loss": matching_error(lambda x, t: model(x, t, given, numbers), standard, standard.new_ones(()), generator)
    }
