"""The velocity of the flow on sets of atoms: clouds in any order and pose come in, velocities that turn alike go out.

Nothing is canonical here. Atoms see each other and the centre through distances, and speak in vectors along what they
see, scaled by learnt numbers: turning, mirroring or renumbering the cloud turns, mirrors or renumbers the velocity,
exactly. Noise has the same symmetry, so the generated distribution has it, too.
"""

import torch
from torch import Tensor, nn

from tutorial_lib.models.flow.network import TimeWaves
from tutorial_lib.models.flow.ode import normal
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import Features, Positions, Scalars, check_shapes, seeded

N_RADIAL = 24
FARTHEST = 4.0  # in the unit of the chart, about 1.9 A: noise reaches that far
SOFT = 0.3  # in the same unit: vectors shrink with their length below it, so that nothing jumps where two atoms meet


class SetVelocity(nn.Module):
    """The velocity of a set of atoms about a centre.

    Numbers of atom i are updated by messages, which read the numbers of i and of j, their distance, the distances of
    both from the centre and the inner product of their places. The last messages are numbers that multiply x_i - x_j;
    the velocity is their sum, and one more number times x_i. There are `width` numbers an atom, and a message, and
    `n_layers` rounds of messages.
    """

    def __init__(self, width: int = 48, n_layers: int = 3, *, n_properties: int = 0, seed: int = 0):
        super().__init__()
        self.register_buffer("centres", torch.linspace(0, FARTHEST, N_RADIAL))
        with seeded(seed):
            self.waves = TimeWaves(n_properties)
            self.start = nn.Linear(N_RADIAL + self.waves.width, width)
            self.of_pair = nn.ModuleList(nn.Linear(N_RADIAL + 2, width, bias=False) for _ in range(n_layers))
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
        known = normal(time, point, point.new_ones(()))
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
        return gaussians(distance[..., 0], self.centres, FARTHEST / N_RADIAL)


def _length(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1, keepdim=True) + 1e-6).sqrt()
