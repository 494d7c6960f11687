"""Missing atoms by a flow: a generator of canonical motifs is handed in, draws of the missing atoms go out.

The flow was never trained for this. On its way from noise to a motif the known atoms are put in, at every step. Lost is
exactness: the draws are only close to those of the flow under the condition.
"""

import torch
from torch import Generator, Tensor

from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.ranking import Draws, best_first
from tutorial_lib.metrics.motif_statistics import validity
from tutorial_lib.models.flow.generator import Flow
from tutorial_lib.representations.alignment import best_rotation
from tutorial_lib.shapes import Known, Motifs, unrounded

N_LIBRARY = 8000  # motifs drawn to start from
SINCE = 0.5  # the time at which starts are given back to the flow; on the validation cell better than 0.3 and 0.8
N_STEPS = 10  # from there to the end
SIGMA = 0.3  # A, a coordinate: known atoms that are put so far off still count; chosen there of 0.15, 0.3 and 0.6


class FlowCompletion:
    """Missing atoms of motifs that a flow can draw.

    Motifs drawn beforehand, in which the known atoms are found, say which atoms of the template may be missing. Each is
    mixed with fresh noise and carried on. At every step the flow says where it would end; there the known atoms are put
    in their places, the cloud is turned back into the pose of the template, and the next step goes towards it
    (replacement, as RePaint does for pictures: Lugmayr et al., CVPR 2022). A draw counts by how far the known atoms had
    to be moved.
    """

    def __init__(self, flow: Flow, generator: Generator):
        self.flow = flow
        drawn = flow.sample(N_LIBRARY, generator)
        self.n_atoms, self.library = drawn.shape[1], Library(drawn[validity(drawn)])

    @unrounded
    @torch.no_grad()
    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, best first."""
        found = self.library.find(known, n)
        shape = found.item.shape
        part, item, order, others = found.flat(known)
        cloud, moved = self._carried(self.library.clouds[item], part, order, generator)
        turn = best_rotation(cloud.take_along_dim(order[..., None], 1), part, allow_mirror=True)
        missing = (cloud.take_along_dim(others[..., None], 1) @ turn.mT).view(*shape, 1, n_missing, 3)
        return best_first(missing, (-moved / (2 * SIGMA**2)).view(shape))

    def _carried(self, start: Motifs, part: Tensor, order: Tensor, generator: Generator) -> tuple[Motifs, Tensor]:
        chart, moved = self.flow.chart, 0.0
        end = chart.coordinates(self._replaced(start, part, order)[0])
        noise = torch.randn(end.shape, generator=generator, dtype=end.dtype)
        for at in range(N_STEPS):
            time = SINCE + (1 - SINCE) * at / N_STEPS
            point = (1 - time) * noise + time * end
            velocity = self.flow.average(point, point.new_full((len(point),), time))
            noise = point - time * velocity
            cloud, off = self._replaced(chart.positions(point + (1 - time) * velocity), part, order)
            end, moved = chart.coordinates(cloud), moved + off / N_STEPS
        return cloud, moved

    def _replaced(self, cloud: Motifs, part: Tensor, order: Tensor) -> tuple[Motifs, Tensor]:
        # The cloud with the known atoms in their places, in the pose of the chart; and how far they moved, A^2.
        before = cloud.take_along_dim(order[..., None], 1)
        placed = part @ best_rotation(part, before, allow_mirror=True).mT
        cloud = cloud.scatter(1, order[..., None].expand_as(placed), placed)
        turn = best_rotation(cloud, self.flow.chart.mean.expand_as(cloud), allow_mirror=True)
        return cloud @ turn.mT, (placed - before).square().sum((1, 2))
