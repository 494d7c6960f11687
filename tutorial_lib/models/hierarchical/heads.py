"""Other uses of the same code: vectors of irreps come in, names of pieces or a fixed number of points go out.

Neither knows how the code was made. The slots are the decoder that one would write first; what they cannot do is a
theorem, and notebook 05 shows it.
"""

from itertools import permutations

import torch
from e3nn import o3
from torch import Tensor, nn

from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.spherical import EquivariantLinear, EquivariantNonlinearity
from tutorial_lib.shapes import Features, Positions, check, check_shapes, seeded, unrounded


class PieceHead(nn.Module):
    """A pseudoscalar and seven scalars, for `equivariant.logits`, as sums of products of three numbers of the code.

    Two tensor products: the code with itself, and what comes out with the code once more. A pseudoscalar needs three:
    no product of two irreps of natural parity holds one.
    """

    def __init__(self, irreps: o3.Irreps, seed: int = 0):
        super().__init__()
        with seeded(seed):
            self.dim = irreps.dim
            self.twice = o3.FullyConnectedTensorProduct(irreps, irreps, "8x0e + 4x1o + 4x1e + 4x2e + 4x2o")
            self.thrice = o3.FullyConnectedTensorProduct(self.twice.irreps_out, irreps, "0o + 7x0e")

    @unrounded
    def forward(self, latent: Features) -> Tensor:
        """(N, 8), the pseudoscalar first."""
        check_shapes(latent=(latent, f"*batch {self.dim}"))
        return self.thrice(self.twice(latent, latent), latent)


class SlotDecoder(nn.Module):
    """As many vectors as there are slots, one a point: equivariant, and therefore as symmetric as the code."""

    def __init__(self, model: HierarchicalAutoencoder, n_slots: int = 4, channels: int = 16, seed: int = 0):
        super().__init__()
        (n, top), *_ = reversed(model.latent_irreps)
        self.signals_of = model.signals_of
        with seeded(seed):
            self.layers = nn.Sequential(
                EquivariantLinear(n, channels, top.l),
                EquivariantNonlinearity(channels, top.l),
                EquivariantNonlinearity(channels, top.l),
                EquivariantLinear(channels, n_slots, 1),
            )

    def forward(self, latent: Tensor) -> Positions:
        """The points (N, n_slots, 3), in no order that means anything."""
        return self.layers(self.signals_of(latent))[1:].permute(1, 2, 0)


def matched_error(found: Positions, true: Positions) -> Tensor:
    """The mean square distance of points to their partners, of all n! pairings the one with the smallest.

    Raises:
        ValueError: n is above six, 720 pairings.
    """
    check_shapes(found=(found, "clouds points+ 3"), true=(true, "clouds points+ 3"))
    n = found.shape[1]
    check(n <= 6, f"{n} points have {n}! pairings: at most six points are paired by trying all")
    square = (found[:, :, None] - true[:, None]).square().sum(dim=3)
    pairings = torch.tensor(list(permutations(range(n))), device=found.device)
    return square[:, torch.arange(n, device=found.device), pairings].mean(dim=2).amin(dim=1)


def invariants(latent: Features, irreps: o3.Irreps) -> Tensor:
    """All inner products of irreps of one l in a code: what is left of it when its pose is forgotten.

    The irreps have the same number of each l, and (N, number of l * pairs of channels) come out, the same for a turned
    and for a mirrored cloud.
    """
    check_shapes(latent=(latent, f"codes {irreps.dim}"))
    found = []
    for (n, ir), part in zip(irreps, latent.split([n * ir.dim for n, ir in irreps], dim=1), strict=True):
        vectors = part.unflatten(1, (n, ir.dim))
        one, other = torch.triu_indices(n, n, device=latent.device)
        found.append((vectors @ vectors.mT)[:, one, other] / ir.dim)
    return torch.cat(found, dim=1)
