"""The velocity of the flow on canonical motifs: points and times come in, velocities go out.

A small residual network. It reads what physics looks at: the distances in the cloud that its input stands for, as far
as a normal distribution can guess that cloud. No symmetry is left to respect, since motifs come in one order and pose.
"""

import math

import torch
from torch import Tensor, nn

from tutorial_lib.models.flow.ode import normal
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Features, Latent, Motifs, Scalars, check_shapes, seeded

N_WAVES = 5  # Fourier features of the time: from half a wave to eight
TYPICAL = 3.5  # A, between the distances of the first and of the second shell
N_RADIAL, NEAREST, FARTHEST = 10, 1.8, 4.8  # A, the centres of the first and the last
BLUR = 1e-4  # A^2, keeps the derivative of a distance finite where two atoms meet


class TimeWaves(nn.Module):
    """The time from 0 to 1 with its Fourier features, sines and cosines, and a condition if the flow has one.

    A network reads these better than the bare time. A condition of NaN, or None for all, asks for nothing; a bit says
    so.
    """

    def __init__(self, n_properties: int = 0):
        super().__init__()
        self.n_properties, self.width = n_properties, 2 * N_WAVES + 1 + 2 * n_properties

    def forward(self, time: Scalars, condition: Features | None = None) -> Latent:
        """(N, width) numbers."""
        check_shapes(time=(time, "points"))
        phase = time[:, None] * (math.pi * 2.0 ** torch.arange(-1, N_WAVES - 1, dtype=time.dtype, device=time.device))
        parts = [time[:, None], phase.sin(), phase.cos()]
        if self.n_properties:
            condition = time.new_full((len(time), self.n_properties), torch.nan) if condition is None else condition
            parts += [condition.nan_to_num(0.0), condition.isnan().to(time)]
        return torch.cat(parts, dim=1)


class MotifVelocity(nn.Module):
    """The velocity of canonical motifs.

    What is known of normal motifs is built in, by `ode.normal`: v = slope x + (w / s) F(x / s, t), so what F has
    to learn has variance 1 at all times, in all directions (as Karras et al., NeurIPS 2022, do for diffusion). Layers
    are normalised, then stretched and shifted as time, and a condition if there is one, say (as in FiLM: Perez et al.,
    AAAI 2018). Hidden layers come in pairs, `n_blocks` of them; the chart is `charts.Principal`.
    """

    def __init__(self, chart: nn.Module, width: int = 256, n_blocks: int = 1, *, n_properties: int = 0, seed: int = 0):
        super().__init__()
        self.chart = chart
        n_numbers, n_atoms = chart.shape[0], len(chart.mean)
        self.register_buffer("centres", torch.linspace(NEAREST, FARTHEST, N_RADIAL).to(chart.mean))
        self.pairs = torch.triu_indices(n_atoms + 1, n_atoms + 1, offset=1)
        with seeded(seed):
            self.waves = TimeWaves(n_properties)
            self.read = nn.Linear(n_numbers + (1 + N_RADIAL) * self.pairs.shape[1], width)
            self.modulate = nn.Sequential(
                nn.Linear(self.waves.width, 64), nn.SiLU(), nn.Linear(64, 2 * width * n_blocks)
            )
            self.normalise = nn.LayerNorm(width, elementwise_affine=False)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)) for _ in range(n_blocks)
            )
            self.write = nn.Sequential(nn.SiLU(), nn.Linear(width, n_numbers))
        nn.init.zeros_(self.write[1].weight)

    def forward(self, point: Latent, time: Scalars, condition: Features | None = None) -> Latent:
        """The velocity at points and times; `condition` is NaN, or None for all, where nothing is asked for."""
        check_shapes(point=(point, f"points {self.chart.shape[0]}"), time=(time, "points"))
        known = normal(time, point, self.chart.widths)
        hidden = self.read(torch.cat([point / known.width, self.looks(point * known.guess)], dim=1))
        changes = self.modulate(self.waves(time, condition)).unflatten(1, (len(self.blocks), 2, -1))
        for at, block in enumerate(self.blocks):
            stretch, shift = changes[:, at].unbind(1)
            hidden = hidden + block(self.normalise(hidden) * (1 + stretch) + shift)
        return known.slope * point + known.left * self.write(hidden)

    def looks(self, point: Latent) -> Tensor:
        """All distances of the cloud that a point stands for, centre included, angstrom, and on a radial basis.

        A network sees a distance that is off by a tenth of an angstrom better there than in the bare number.
        """
        cloud: Motifs = nn.functional.pad(self.chart.positions(point), (0, 0, 1, 0))
        one, other = self.pairs.to(point.device)
        distance = ((cloud[:, one] - cloud[:, other]).square().sum(-1) + BLUR).sqrt()
        heights = gaussians(distance, self.centres, (FARTHEST - NEAREST) / (N_RADIAL - 1) / math.sqrt(2))
        return torch.cat([distance - TYPICAL, heights.flatten(1)], dim=1)
