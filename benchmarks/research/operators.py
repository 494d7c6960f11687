"""Operators on codes: a code and a place come in, and the code of the cloud with a point more there goes out.

Nothing is decoded on the way. A place is about the centroid of the cloud whose code comes in, and what goes out is
about that of the new cloud, as codes are. The operator turns along when code and place turn together. The same network,
trained the other way round, takes a point away.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.layers import Message, codes_of
from tutorial_lib.models.hierarchical.points import in_one_part
from tutorial_lib.models.spherical import EquivariantLinear, EquivariantNonlinearity, normalised
from tutorial_lib.shapes import Features, Places, check_shapes

N_BENDS = 3


class CodeOperator(nn.Module):
    """What adding a point does to a code, or what taking one away does, learned from pairs of codes.

    The model, whose codes are changed, is not trained along.
    """

    def __init__(self, model: HierarchicalAutoencoder, *, channels: int = 24, seed: int = 0):
        super().__init__()
        (n, top), *_ = reversed(model.latent_irreps)
        self.signals_of = model.signals_of
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.enter, self.kept = EquivariantLinear(n, channels, top.l), EquivariantLinear(n, n, top.l)
            self.place = Message(channels, top.l)
            self.bends = nn.ModuleList(EquivariantNonlinearity(channels, top.l) for _ in range(N_BENDS))
            self.leave = EquivariantLinear(channels, n, top.l)

    def forward(self, latent: Features, places: Places) -> Features:
        """The codes of the clouds with a point more, or less, at places about the centroid of each cloud."""
        check_shapes(latent=(latent, "codes _"), places=(places, "codes 3"))
        signals = self.signals_of(latent)
        at = torch.arange(len(latent), device=latent.device)
        inside = normalised(self.enter(signals))
        inside = inside + self.place(inside, places, at, at, len(latent))
        for bend in self.bends:
            inside = inside + bend(normalised(inside))
        return codes_of(self.kept(signals) + self.leave(normalised(inside)))


def pairs_of_codes(
    model: HierarchicalAutoencoder, clouds: Sequence[Tensor], generator: Generator
) -> tuple[Tensor, ...]:
    """Codes of clouds without one of their points, and of the whole clouds, and where the point is.

    The point is drawn among those without which the others still hang together. To add it, (code without, place, code
    with); to take it away, the other code and the other place.

    Returns:
        (N, dim) codes without, (N, 3) places about that centroid, (N, dim) codes with, and (N, 3) places about the
        centroid of these.

    Raises:
        ValueError: a cloud has fewer than three points.
    """
    if any(len(cloud) < 3 for cloud in clouds):
        raise ValueError(f"a cloud without one of its points needs two: {min(map(len, clouds))} points arrived, take 3")
    less, places, own = [], [], []
    for cloud in clouds:
        for at in torch.randperm(len(cloud), generator=generator).tolist():
            rest = torch.cat([cloud[:at], cloud[at + 1 :]])
            if in_one_part(rest, model.levels[0].pooling_radius):
                break
        less.append(rest)
        places.append(cloud[at] - rest.mean(dim=0))
        own.append(cloud[at] - cloud.mean(dim=0))
    with torch.no_grad():
        return model.encode(less), torch.stack(places), model.encode(list(clouds)), torch.stack(own)


def operator_loss(operator: CodeOperator, batch: tuple[Tensor, ...], generator: Generator) -> dict[str, Tensor]:
    """The mean square error over the mean square of codes; a batch is codes before, places, and codes after."""
    before, places, after = batch
    found = operator(before, places)
    check_shapes(found=(found, "codes latent"), after=(after, "codes latent"))
    return {"loss": (found - after).square().mean() / after.square().mean()}
