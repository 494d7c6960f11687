"""The smallest equivariant network worth having: clouds come in, numbers that turn with them go out.

Three convolutions whose filters are W(r) = R(r) Y(r/|r|), a learned function of the distance times spherical harmonics
of the direction; features are combined by tensor products, and a gate is the non-linearity. Tensor field networks are
built so (Thomas et al., arXiv:1802.08219), and e3nn supplies the algebra (Geiger and Smidt, arXiv:2207.09453). The
network serves any point cloud; `logits` reads the eight Tetris pieces of notebook 04 from its default output.
"""

import math
from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import Activation, Gate
from torch import Tensor, nn

from tutorial_lib.models.equivariant.graph import Graph, default_dtype, neighbour_graph
from tutorial_lib.shapes import Features, Positions, check, check_shapes, seeded


class Convolution(nn.Module):
    """Every point sums what its neighbours send: features times W(r) = R(r) Y(r/|r|), by the tensor product.

    e3nn rounds the coefficients of the product to the dtype in which it is made, so it is made anew where that changes.

    Raises:
        ValueError: an irrep cannot be made from what comes in; e3nn would give zeros.
    """

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps, lmax: int, n_radial: int):
        super().__init__()
        harmonics = o3.Irreps.spherical_harmonics(lmax)
        reached = {ir for _, a in irreps_in for _, b in harmonics for ir in a * b}
        for _, ir in irreps_out:
            check(
                ir in reached,
                f"{ir} cannot be made of {irreps_in} and harmonics up to l = {lmax}, which give "
                f"{' + '.join(map(str, sorted(reached)))}: leave it out, or add to the layer before what makes it",
            )
        self.irreps = irreps_in, harmonics, irreps_out
        self._make_product(torch.get_default_dtype())
        self.weights = nn.Parameter(torch.randn(n_radial, self.product.weight_numel) / math.sqrt(n_radial))

    def forward(self, features: Tensor, graph: Graph) -> Tensor:
        """The features (N n, irreps_out) of all points, from those (N n, irreps_in) of their neighbours."""
        radial = graph.radial @ self.weights
        with default_dtype(radial.dtype):  # in which e3nn computes, whatever its arguments are
            return graph.gather(self.product(features[graph.source], graph.harmonics, radial))

    def _make_product(self, dtype: torch.dtype) -> None:
        with default_dtype(dtype):
            self.product = o3.FullyConnectedTensorProduct(*self.irreps, internal_weights=False, shared_weights=False)

    def _apply(self, fn, recurse=True):
        before = self.weights.dtype
        super()._apply(fn, recurse)
        if self.weights.dtype != before:
            self._make_product(self.weights.dtype)
            self.product.to(self.weights.device)
        return self


class EquivariantNetwork(nn.Module):
    """From clouds to one vector of irreps each, the same for a cloud wherever it is, and turned if it is turned.

    `irreps_hidden` are those after each convolution but the last. Each R(r) is made of `n_radial` radial basis
    functions. Points farther apart than the cut-off do not see each other; for Tetris its unit is the edge of a cube.

    Raises:
        ValueError: the hidden layers are one string.
    """

    def __init__(
        self,
        irreps_out: str = "0o + 7x0e",
        *,
        irreps_hidden: Sequence[str] = ("2x0e + 1o", "2x0e + 1o + 1e"),
        lmax: int = 2,
        n_radial: int = 2,
        cutoff: float = 2.2,
        seed: int = 0,
    ):
        super().__init__()
        check(
            not isinstance(irreps_hidden, str),
            f"irreps_hidden is one string: pass a sequence, such as ({irreps_hidden!r},) for one layer",
        )
        self.view = {"cutoff": cutoff, "lmax": lmax, "n_radial": n_radial}
        self.irreps_out = o3.Irreps(irreps_out)
        gates = [gate_for(hidden) for hidden in irreps_hidden]
        irreps_before = [o3.Irreps("0e"), *(gate.irreps_out for gate in gates)]
        irreps_after = [*(gate.irreps_in for gate in gates), self.irreps_out]
        with seeded(seed):
            self.convolutions = nn.ModuleList(
                Convolution(comes_in, goes_out, lmax, n_radial)
                for comes_in, goes_out in zip(irreps_before, irreps_after, strict=True)
            )
        self.gates = nn.ModuleList(gates)

    def graph(self, positions: Tensor) -> Graph:
        """What `forward` needs of clouds (N, n, 3); worth keeping while the network trains on them."""
        return neighbour_graph(positions, **self.view)

    def forward(self, clouds: Positions | Graph) -> Features:
        """One vector for each cloud: the sum over its points, divided by the root of their number."""
        each = self.each_point(clouds)
        return each.sum(dim=1) / math.sqrt(each.shape[1])

    def each_point(self, clouds: Positions | Graph) -> Tensor:
        """One vector for each point, (N, n, irreps_out)."""
        graph = clouds if isinstance(clouds, Graph) else self.graph(clouds)
        n_clouds, n_points = graph.shape
        features = graph.radial.new_ones(n_clouds * n_points, 1)
        for convolution, gate in zip(self.convolutions, self.gates, strict=False):
            features = gate(convolution(features, graph))
        return self.convolutions[-1](features, graph).unflatten(0, graph.shape)


def gate_for(irreps: str) -> Gate | Activation:
    """The non-linearity for features: scalars pass SiLU or tanh, and each vector is scaled by a scalar of its own.

    The `irreps_in` of the module hold the scalars that do the scaling as well.
    """
    scalars = [(n, ir) for n, ir in o3.Irreps(irreps) if ir.l == 0]
    gated = [(n, ir) for n, ir in o3.Irreps(irreps) if ir.l > 0]
    # An odd scalar changes sign in a mirror: only an odd function keeps that.
    activations = [torch.nn.functional.silu if ir.p == 1 else torch.tanh for _, ir in scalars]
    if not gated:
        return Activation(scalars, activations)
    return Gate(scalars, activations, f"{sum(n for n, _ in gated)}x0e", [torch.sigmoid], gated)


def logits(output: Tensor) -> Tensor:
    """Scores of the eight pieces, of which the first two are mirror images: s0 + p, s0 - p, s1, ..., s6.

    The output is the pseudoscalar p and seven scalars. p changes sign in a mirror, so the mirror image of one screw
    gets the scores of the other.
    """
    check_shapes(output=(output, "pieces 8"))
    p, screw, others = output[:, :1], output[:, 1:2], output[:, 2:]
    return torch.cat([screw + p, screw - p, others], dim=1)
