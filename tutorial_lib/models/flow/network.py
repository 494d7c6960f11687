"""The velocities of the flow: points and times come in, velocities go out.

`MotifVelocity` is for canonical motifs, a small residual network. It reads what physics looks at: the distances in the
cloud that its input stands for, as far as a normal distribution can guess that cloud. No symmetry is left to respect,
since motifs come in one order and pose.

`SetVelocity` is for clouds in any order and pose. Atoms see each other and the centre through distances, and speak in
vectors along what they see, scaled by learnt numbers: turning, mirroring or renumbering the cloud turns, mirrors or
renumbers the velocity, exactly. Noise has the same symmetry, so the generated distribution has it, too.
"""

import math

import torch
from torch import Tensor, nn

from tutorial_lib.models.flow.ode import normal
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Features, Latent, Motifs, Positions, Scalars, check_shapes, seeded

N_WAVES = 5  # Fourier features of the time: from half a wave to eight
TYPICAL = 3.5  # A, between the distances of the first and of the second shell
N_RADIAL, NEAREST, FARTHEST = 10, 1.8, 4.8  # A, the centres of the first and the last
BLUR = 1e-4  # A^2, keeps the derivative of a distance finite where two atoms meet
N_RADIAL_OF_SETS = 24
REACH_OF_SETS = 4.0  # in the unit of the chart, about 1.9 A: noise reaches that far
SOFT = 0.3  # in the same unit: vectors shrink with their length below it, so that nothing jumps where two atoms meet


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


class SetVelocity(nn.Module):
    """The velocity of a set of atoms about a centre.

    Numbers of atom i are updated by messages, which read the numbers of i and of j, their distance, the distances of
    both from the centre and the inner product of their places. The last messages are numbers that multiply x_i - x_j;
    the velocity is their sum, and one more number times x_i. There are `width` numbers an atom, and a message, and
    `n_layers` rounds of messages. `covariance` is that of a motif's coordinates with those of its noise, 0 unless they
    are paired.
    """

    def __init__(
        self, width: int = 48, n_layers: int = 3, *, n_properties: int = 0, covariance: float = 0.0, seed: int = 0
    ):
        super().__init__()
        self.covariance = covariance
        self.register_buffer("centres", torch.linspace(0, REACH_OF_SETS, N_RADIAL_OF_SETS))
        with seeded(seed):
            self.waves = TimeWaves(n_properties)
            self.start = nn.Linear(N_RADIAL_OF_SETS + self.waves.width, width)
            self.of_pair = nn.ModuleList(nn.Linear(N_RADIAL_OF_SETS + 2, width, bias=False) for _ in range(n_layers))
            self.of_ends = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(n_layers))
            self.message = nn.ModuleList(
                nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU()) for _ in range(n_layers)
            )
            self.update = nn.ModuleList(
                nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width)) for _ in range(n_layers)
            )
            self.along_pair = nn.Linear(width, 1)
            self.along_radius = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        for last in (self.along_pair, self.along_radius[2]):
            nn.init.zeros_(last.weight)

    def forward(self, point: Positions, time: Scalars, condition: Features | None = None) -> Positions:
        """The velocity at points, in the unit of the chart, and times.

        `condition` is NaN, or None for all, where nothing is asked for.
        """
        check_shapes(point=(point, "points atoms+ 3"), time=(time, "points"))
        known = normal(time, point, point.new_ones(()), self.covariance)
        scaled = point / known.width  # of one size at all times
        vectors = scaled[:, :, None] - scaled[:, None]
        distance, radius = _length(vectors), _length(scaled)
        inner = (scaled / (1 + radius)) @ (scaled / (1 + radius)).mT
        pair = torch.cat([self._basis(distance), distance, inner[..., None]], dim=-1)
        context = self.waves(time, condition)[:, None].expand(-1, point.shape[1], -1)
        numbers = self.start(torch.cat([self._basis(radius), context], dim=-1))
        for of_pair, of_ends, message, update in zip(
            self.of_pair, self.of_ends, self.message, self.update, strict=True
        ):
            mine, yours = of_ends(numbers).chunk(2, dim=-1)
            sent = message(of_pair(pair) + mine[:, :, None] + yours[:, None])
            numbers = numbers + update(torch.cat([numbers, sent.mean(2)], dim=-1))
        pushed = (self.along_pair(sent) * vectors / (distance + SOFT)).sum(2)
        pulled = self.along_radius(numbers) * scaled / (radius + SOFT)
        return known.slope * point + known.left * (pushed + pulled)

    def _basis(self, distance: Tensor) -> Tensor:
        return gaussians(distance[..., 0], self.centres, REACH_OF_SETS / N_RADIAL_OF_SETS)


def _length(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1, keepdim=True) + 1e-6).sqrt()
