"""Four other networks for the missing atom, each from `holes` to `AtomOutput`: benchmarks/missing_atom.py ranks them.

All have about as many parameters as the one of notebook 08, see as far and look as often.
"""

from dataclasses import replace
from itertools import pairwise

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Generator, Tensor, nn
from torch.nn.functional import silu

from tutorial_lib.models.equivariant.network import gate_for
from tutorial_lib.models.missing_atom.graphs import ELEMENTS, N_RADIAL, MaskedMolecules
from tutorial_lib.models.missing_atom.network import AtomOutput
from tutorial_lib.representations import random_rotation

N_LAYERS = 3
PER_ATOM = 3.5  # about the root of the number of neighbours, so that sums have the size of their terms


def perceptron(*sizes: int, bias: bool = True) -> nn.Sequential:
    """Linear layers with SiLU between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, bias=bias), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class ChannelConvolution(nn.Module):
    """A tensor product of each channel with the harmonics by itself, and linear layers before and after it."""

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps, harmonics: o3.Irreps):
        super().__init__()
        paths = [
            (i, j, n, out)
            for i, (n, a) in enumerate(irreps_in)
            for j, (_, b) in enumerate(harmonics)
            for out in a * b
            if out in irreps_out
        ]
        between = o3.Irreps([(n, out) for _, _, n, out in paths])
        how = [(i, j, k, "uvu", True) for k, (i, j, _, _) in enumerate(paths)]
        self.before = o3.Linear(irreps_in, irreps_in)
        self.product = o3.TensorProduct(
            irreps_in, harmonics, between, how, shared_weights=False, internal_weights=False
        )
        self.radial = FullyConnectedNet([N_RADIAL, 32, self.product.weight_numel], silu)
        self.after = o3.Linear(between, irreps_out)
        self.beside = o3.Linear(irreps_in, irreps_out)

    def forward(self, features: Tensor, holes: MaskedMolecules, harmonics: Tensor) -> Tensor:
        """The features after one look."""
        sent = self.after(
            self.product(self.before(features).index_select(0, holes.source), harmonics, self.radial(holes.heights))
        )
        return self.beside(features) + holes.gathered(sent) / PER_ATOM


class GateNetwork(nn.Module):
    """The usual e3nn network: tensor products and gates, l up to 1."""

    def __init__(self, scalars: int = 52, vectors: int = 28):
        super().__init__()
        harmonics, before = o3.Irreps("0e + 1o"), o3.Irreps(f"{scalars}x0e")
        self.known = nn.Embedding(len(ELEMENTS), scalars)
        self.convolutions, self.gates = nn.ModuleList(), nn.ModuleList()
        for _ in range(N_LAYERS):
            gate = gate_for(f"{scalars}x0e + {vectors}x1o")
            self.convolutions.append(ChannelConvolution(before, gate.irreps_in, harmonics))
            self.gates.append(gate)
            before = gate.irreps_out
        self.head = perceptron(scalars, 32, len(ELEMENTS) + 1)
        self.displacement = o3.Linear(before, "1o")
        self.scalars = scalars

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """What every atom says."""
        x = self.known(holes.element)
        harmonics = o3.spherical_harmonics("0e + 1o", holes.direction, False, "component")
        for convolution, gate in zip(self.convolutions, self.gates, strict=True):
            x = gate(convolution(x, holes, harmonics))
        output = self.head(x[:, : self.scalars])
        return AtomOutput(output[:, :-1], self.displacement(x), output[:, -1])


class MessagePassing(nn.Module):
    """Numbers only, sent along edges through a filter of what is known of the edge; what that is, subclasses say."""

    def __init__(self, n_edge: int, width: int, n_out: int):
        super().__init__()
        self.known = nn.Embedding(len(ELEMENTS), width)
        self.filters = nn.ModuleList(perceptron(n_edge, width, width, bias=False) for _ in range(N_LAYERS))
        self.sent = nn.ModuleList(nn.Linear(width, width) for _ in range(N_LAYERS))
        self.updates = nn.ModuleList(perceptron(width, width, width) for _ in range(N_LAYERS))
        self.head = perceptron(width, width, n_out)

    def looked(self, holes: MaskedMolecules, edge: Tensor) -> Tensor:
        """The numbers of every atom after all looks."""
        x = self.known(holes.element)
        for filter_, sent, update in zip(self.filters, self.sent, self.updates, strict=True):
            x = x + update(holes.gathered(sent(x).index_select(0, holes.source) * filter_(edge)) / PER_ATOM)
        return x


class InvariantNetwork(MessagePassing):
    """Distances alone; in the end each atom points along its edges, by weights that are made of numbers.

    Its answer turns with the molecule, though none of its features does.
    """

    def __init__(self, width: int = 64):
        super().__init__(N_RADIAL, width, len(ELEMENTS) + 1)
        self.along = perceptron(2 * width + N_RADIAL, width, 1)

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """What every atom says."""
        x = self.looked(holes, holes.heights)
        output = self.head(x)
        weight = self.along(
            torch.cat([x.index_select(0, end) for end in (holes.target, holes.source)] + [holes.heights], dim=1)
        )
        steps = weight * holes.direction * holes.distance[:, None]
        return AtomOutput(output[:, :-1], holes.gathered(steps), output[:, -1])


class PlainNetwork(MessagePassing):
    """The direction of an edge is three numbers among others: nothing tells the network what turning is."""

    def __init__(self, width: int = 64):
        super().__init__(N_RADIAL + 3 + 3 * N_RADIAL, width, len(ELEMENTS) + 4)

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """What every atom says."""
        both = (holes.heights[:, :, None] * holes.direction[:, None]).flatten(1)
        output = self.head(self.looked(holes, torch.cat([holes.heights, holes.direction, both], dim=1)))
        return AtomOutput(output[:, :-4], output[:, -4:-1], output[:, -1])


class Turned(nn.Module):
    """A network that is asked in a random pose: every molecule is turned, and what its atoms point at is turned back.

    Training through it shows the network rotated copies; an equivariant network would not notice.
    """

    def __init__(self, model: nn.Module, seed: int = 0):
        super().__init__()
        self.model, self.generator = model, Generator().manual_seed(seed)

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """What every atom says."""
        q = random_rotation(self.generator, (len(holes),), holes.direction.dtype)
        direction = torch.einsum("nij,nj->ni", q[holes.molecule[holes.target]], holes.direction)
        output = self.model(replace(holes, direction=direction))
        return output._replace(displacement=torch.einsum("nji,nj->ni", q[holes.molecule], output.displacement))
