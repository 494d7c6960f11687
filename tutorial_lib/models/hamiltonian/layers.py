"""The linear steps of the network: features come in, features that transform in the same way go out.

Every channel holds one copy of each irrep, such as 0e + 1o + 2e, so features are one array (9, ..., channels): the
components of the irreps come first, which makes a linear layer, the same for all components of an irrep, one product of
stacks of matrices. A convolution multiplies what a neighbour has by the harmonics of its
direction, tensor product by tensor product, each channel with a learnt function of the distance of its own. For one
direction the tensor product is a fixed matrix: `products` makes it once for all layers. That is all of
Thomas et al., arXiv:1802.08219, and of `o3.TensorProduct`, which the tests compare it with.
"""

import math
from collections.abc import Sequence
from functools import cache

import torch
from e3nn import o3
from torch import Tensor, nn

from tutorial_lib.shapes import check, constant

HIDDEN = 24  # in the middle of the functions of the distance


@cache
def paths(first: str, second: str, out: str) -> tuple[tuple[int, int, int], ...]:
    """The places (i, j, k) in three sets of irreps where the product of two can give the third, sorted by k."""
    a, b, c = (list(o3.Irreps(irreps)) for irreps in (first, second, out))
    return tuple(
        (i, j, k)
        for k, (_, ir_c) in enumerate(c)
        for i, (_, ir_a) in enumerate(a)
        for j, (_, ir_b) in enumerate(b)
        if ir_c in ir_a * ir_b
    )


def n_paths(first: str, second: str, out: str) -> list[int]:
    """How many paths lead to each irrep that comes out."""
    ends = [k for _, _, k in paths(first, second, out)]
    return [ends.count(k) for k in range(len(o3.Irreps(out)))]


@constant
def coupling(first: str, second: str, out: str, dtype: torch.dtype) -> Tensor:
    """The tensor products of two sets of irreps, each irrep once, in one array (dim first, dim second, terms).

    Terms are sorted by the irrep that comes out, then by its component, then by the path, and each has the size of the
    factors (e3nn's "component" normalisation).
    """
    a, b, c = o3.Irreps(first), o3.Irreps(second), o3.Irreps(out)
    blocks = []
    for k, (_, ir) in enumerate(c):
        ways = [(i, j) for i, j, end in paths(first, second, out) if end == k]
        block = torch.zeros(a.dim, b.dim, ir.dim, len(ways), dtype=dtype)
        for way, (i, j) in enumerate(ways):
            symbol = math.sqrt(ir.dim) * o3.wigner_3j(a[i].ir.l, b[j].ir.l, ir.l, dtype=dtype)
            block[a.slices()[i], b.slices()[j], :, way] = symbol
        blocks.append(block.flatten(2))
    return torch.cat(blocks, dim=2)


def products(harmonics: Tensor, first: str, second: str, out: str) -> Tensor:
    """The tensor product with harmonics (..., dim second) of one direction, as a matrix (..., terms, dim first)."""
    table = coupling(first, second, out, harmonics.dtype).to(harmonics.device)
    return (harmonics @ table.permute(1, 2, 0).flatten(1)).unflatten(-1, (table.shape[2], table.shape[0]))


class Linear(nn.Module):
    """An equivariant linear layer: it mixes the channels of each irrep with each other.

    Where several `terms`, arrays of one irrep, come in, it adds them up.
    """

    def __init__(self, irreps: str, channels_in: int, channels_out: int, terms: Sequence[int] | None = None):
        super().__init__()
        sizes = [ir.dim for _, ir in o3.Irreps(irreps)]
        terms = terms or [1] * len(sizes)
        spread = [math.sqrt(n * channels_in) for n in terms for _ in range(n)]
        self.weight = nn.Parameter(
            torch.randn(sum(terms), channels_in, channels_out) / torch.tensor(spread).view(-1, 1, 1)
        )
        self.n_out, self.adds_up = sum(sizes), set(terms) != {1}
        self.register_buffer("which", ways_of_rows(sizes, terms), persistent=False)
        row = torch.arange(self.n_out).repeat_interleave(torch.tensor(terms).repeat_interleave(torch.tensor(sizes)))
        self.register_buffer("row", row, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features (sum of (2 l + 1) times terms, ..., channels in) to (sum of 2 l + 1, ..., channels out)."""
        rows, channels = len(self.which), self.weight.shape[1]
        check(
            features.ndim > 2 and features.numel() and (len(features), features.shape[-1]) == (rows, channels),
            f"features must be ({rows}, ..., {channels}), and shape {tuple(features.shape)} arrived",
        )
        mixed = torch.bmm(features.flatten(1, -2), self.weight.index_select(0, self.which))
        if self.adds_up:
            mixed = mixed.new_zeros(self.n_out, *mixed.shape[1:]).index_add(0, self.row, mixed)
        return mixed.view(self.n_out, *features.shape[1:-1], -1)


def ways_of_rows(sizes: Sequence[int], terms: Sequence[int]) -> Tensor:
    """Which path each row of a `coupling` belongs to, by the components of each irrep and the paths that lead to it."""
    first = [sum(terms[:k]) for k in range(len(terms))]
    return torch.tensor(
        [first[k] + way for k, size in enumerate(sizes) for _ in range(size) for way in range(terms[k])],
        dtype=torch.int64,
    )


class Convolution(nn.Module):
    """The messages that atoms send along directed edges, of the harmonics of directions and a radial basis."""

    def __init__(self, irreps_in: str, irreps_out: str, harmonics: str, channels: int, n_radial: int):
        super().__init__()
        terms = n_paths(irreps_in, harmonics, irreps_out)
        self.n_ways, self.channels = sum(terms), channels
        which = ways_of_rows([ir.dim for _, ir in o3.Irreps(irreps_out)], terms)
        self.register_buffer("which", which, persistent=False)
        self.radial = nn.Sequential(
            nn.Linear(n_radial, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, self.n_ways * channels, bias=False)
        )
        self.after = Linear(irreps_out, channels, channels, terms)

    def forward(self, sent: Tensor, product: Tensor, heights: Tensor) -> Tensor:
        """What goes along each edge, (edges, terms, channels), before it is mixed by `after`.

        Args:
            sent: (dim in, edges, channels), the features at the other end.
            product: (edges, terms, dim in), of the harmonics of the edge.
            heights: (edges, radial), of its length.
        """
        weights = self.radial(heights).unflatten(-1, (self.n_ways, self.channels))
        return torch.bmm(product, sent.transpose(0, 1)) * weights.index_select(-2, self.which)
