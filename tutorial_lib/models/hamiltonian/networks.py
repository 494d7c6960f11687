"""The network: shapes of one molecule come in, standardised coefficients of their matrices go out.

Atoms exchange messages twice, and what they then know becomes their own blocks. A pair of atoms is one more message,
along one edge, which becomes the block of the pair. Both orders of two equal atoms are asked and the
mean is taken, so that the matrix follows when atoms are renumbered. The non-linearity after each message is handed in:
`network` makes the four variants of one size that differ in nothing else.
"""

import bisect
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from e3nn import o3
from torch import Tensor, nn

from tutorial_lib.models.hamiltonian.blocks import Blocks, Kind, check_reachable, needed_irreps
from tutorial_lib.models.hamiltonian.graphs import LMAX, N_RADIAL, Shapes, seen
from tutorial_lib.models.hamiltonian.layers import Convolution, Linear, products
from tutorial_lib.models.hamiltonian.nonlinear import Gate, Gradient, TensorSquare
from tutorial_lib.shapes import check_one_of, seeded

CHANNELS = 24
WIDTH = 32  # of the network in a gate
NONLINEARITIES = {"tensor products": TensorSquare, "gate": Gate, "gradient": Gradient, "gradient and trace": Gradient}


class Prediction(NamedTuple):
    """What the network predicts.

    Attributes:
        coefficients: (shapes, coefficients), standardised, no unit.
        traces: (shapes, traces), standardised, no unit; none where the network is not asked for them.
    """

    coefficients: Tensor
    traces: Tensor


class Head(nn.Module):
    """Features of the atoms or pairs of one kind to the coefficients of their blocks.

    Their traces come from the invariants of the non-linearity, as many as `width`; none are made if it is 0.
    """

    def __init__(self, kind: Kind, irreps: str, channels: int, width: int):
        super().__init__()
        slices = dict(zip([ir for _, ir in o3.Irreps(irreps)], o3.Irreps(irreps).slices(), strict=True))
        self.where = [slices[ir] for _, ir in kind.irreps]
        self.weights = nn.ParameterList(torch.randn(channels, n) / math.sqrt(channels) for n, _ in kind.irreps)
        self.traces = nn.Linear(width, len(kind.parts)) if width else None

    def forward(self, features: Tensor) -> Tensor:
        """Features (dim, shapes, sites, channels) to coefficients (shapes, sites, coefficients of a block)."""
        pairs = zip([features[where] for where in self.where], self.weights, strict=True)
        mixed = [(part.flatten(0, 2) @ weight).unflatten(0, part.shape[:-1]) for part, weight in pairs]
        return torch.cat([part.permute(1, 2, 3, 0).flatten(2) for part in mixed], dim=-1)


class HamiltonianNetwork(nn.Module):
    """An equivariant network for the matrices of one molecule.

    `bend` makes the non-linearity, of irreps, channels and a width. `irreps` are those of a channel, by default the
    blocks' own. With `traces` it also predicts the trace of each part times its transpose.
    """

    def __init__(
        self,
        blocks: Blocks,
        bend: Callable[[str, int, int], nn.Module],
        irreps: str | None = None,
        *,
        channels: int = CHANNELS,
        width: int = WIDTH,
        traces: bool = False,
        lmax: int = LMAX,
        seed: int = 0,
    ):
        super().__init__()
        self.irreps = irreps = irreps or needed_irreps(blocks)
        self.harmonics = harmonics = str(o3.Irreps.spherical_harmonics(lmax))
        check_reachable(blocks, irreps, harmonics)
        n_atoms, elements = len(blocks.numbers), sorted(set(blocks.numbers))
        n_alone = len(elements)  # kinds of blocks of one atom, which come before those of pairs
        self.atoms = [[i for i, _ in kind.sites] for kind in blocks.kinds[:n_alone]]
        self.n_more = o3.Irreps(irreps).dim - 1
        with seeded(seed):
            self.known = nn.Embedding(len(elements), channels)
            self.looks = nn.ModuleList(
                Convolution(before, irreps, harmonics, channels, N_RADIAL) for before in ("0e", irreps, irreps)
            )
            self.sends = nn.ModuleList(Linear(before, channels, channels) for before in ("0e", irreps, irreps, irreps))
            self.keeps = nn.ModuleList(Linear(irreps, channels, channels) for _ in range(2))
            self.bends = nn.ModuleList(bend(irreps, channels, width) for _ in range(3))
            self.heads = nn.ModuleList(Head(kind, irreps, channels, width * traces) for kind in blocks.kinds)
        self._keep("element", torch.tensor([elements.index(z) for z in blocks.numbers]))
        self._keep("source", seen(n_atoms).flatten())
        # Pairs of two equal atoms are asked about in both orders.
        pairs = [[*kind.sites, *[(j, i) for i, j in kind.sites if kind.alike]] for kind in blocks.kinds[n_alone:]]
        self.counts = [len(sites) for sites in pairs]
        pair = torch.tensor([site for sites in pairs for site in sites])
        self._keep("pair", pair)
        self._keep("edge", pair[:, 0] * (n_atoms - 1) + pair[:, 1] - (pair[:, 1] > pair[:, 0]).long())
        for at, kind in enumerate(blocks.kinds):
            if kind.alike:
                self._keep(f"swap_{at}", blocks.swap(kind))
                self._keep(f"swap_parts_{at}", torch.tensor([kind.parts.index((b, a)) for a, b in kind.parts]))

    def _keep(self, name: str, constant: Tensor) -> None:
        self.register_buffer(name, constant, persistent=False)

    def forward(self, shapes: Shapes) -> Prediction:
        """The standardised matrices of shapes of the molecule."""
        n, n_atoms = len(shapes), len(self.element)
        start, product = (
            products(shapes.harmonics, before, self.harmonics, self.irreps).flatten(1, 2)
            for before in ("0e", self.irreps)
        )
        heights = shapes.heights.flatten(1, 2)
        features = self.known(self.element).expand(1, n, -1, -1)
        for step, matrix in enumerate((start, product)):
            sent = self.sends[step](features).index_select(2, self.source).flatten(1, 2)
            messages = self.looks[step](sent, matrix.flatten(0, 1), heights.flatten(0, 1))
            received = messages.view(n, n_atoms, n_atoms - 1, *messages.shape[1:]).mean(dim=2).permute(2, 0, 1, 3)
            if step == 0:
                features = nn.functional.pad(features, (0, 0, 0, 0, 0, 0, 0, self.n_more))
            features, numbers = self.bends[step](self.keeps[step](features) + self.looks[step].after(received))
        ends = [self.sends[2 + end](features).index_select(2, self.pair[:, end]) for end in (0, 1)]
        messages = self.looks[2](
            (ends[0] + ends[1]).flatten(1, 2), product[:, self.edge].flatten(0, 1), heights[:, self.edge].flatten(0, 1)
        )
        along, along_numbers = self.bends[2](self.looks[2].after(messages.transpose(0, 1).unflatten(1, (n, -1))))
        parts = [*(features[:, :, atoms] for atoms in self.atoms), *along.split(self.counts, dim=2)]
        invariants = [*(numbers[:, atoms] for atoms in self.atoms), *along_numbers.split(self.counts, dim=1)]
        heads = list(enumerate(zip(self.heads, parts, invariants, strict=True)))
        blocks = [self._both_orders(head(part), f"swap_{at}") for at, (head, part, _) in heads]
        traces = [self._both_orders(head.traces(z), f"swap_parts_{at}") for at, (head, _, z) in heads if head.traces]
        return Prediction(torch.cat(blocks, dim=1), torch.cat([blocks[0].new_empty(n, 0), *traces], dim=1))

    def _both_orders(self, predicted: Tensor, name: str) -> Tensor:
        """The mean of what is predicted for (i, j) and, transposed, for (j, i), where both were asked."""
        swap = getattr(self, name, None)
        if swap is None:
            return predicted.flatten(1)
        here, there = predicted.chunk(2, dim=1)
        there = there[..., swap] if swap.ndim == 1 else there @ swap.to(there.dtype)
        return (0.5 * (here + there)).flatten(1)


def network(
    name: str, blocks: Blocks, *, channels: int = CHANNELS, irreps: str | None = None, seed: int = 0
) -> HamiltonianNetwork:
    """One of `NONLINEARITIES`, with the width at which its number of parameters is nearest to that of the gates."""
    check_one_of(NONLINEARITIES, variant=name)

    def made(name: str, width: int) -> HamiltonianNetwork:
        how = {"channels": channels, "width": width, "traces": name == "gradient and trace"}
        return HamiltonianNetwork(blocks, NONLINEARITIES[name], irreps, **how, seed=seed)

    if name == "gate":
        return made(name, WIDTH)
    meant, widths = size(made("gate", WIDTH)), range(2, 3 * WIDTH)
    # The number of parameters grows with the width.
    at = bisect.bisect_left(widths, meant, key=lambda width: size(made(name, width)))
    near = [made(name, width) for width in widths[max(0, at - 1) : at + 1]]
    return min(near, key=lambda model: abs(size(model) - meant))


def size(model: nn.Module) -> int:
    """How many parameters there are."""
    return sum(weights.numel() for weights in model.parameters())
