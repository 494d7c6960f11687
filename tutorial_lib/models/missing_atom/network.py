"""Every atom that is left looks about and has an output: graphs come in, and three things an atom go out.

Scores of the elements, a vector from the atom to where the missing one was, and how sure it is. Features are numbers
and vectors, l = 0 and 1, written as plain Cartesian arrays. The products among them are few enough to be written out:
number times direction, vector times number, vector times vector summed to a number. The cross product, which the
published network has, would have to be carried along as a third kind, 1e; we need none.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tutorial_lib.models.missing_atom.graphs import ELEMENTS, N_RADIAL, MaskedMolecules
from tutorial_lib.shapes import seeded


class AtomOutput(NamedTuple):
    """The output of each atom."""

    scores: Float[Tensor, "atoms elements"]  # of what is missing
    displacement: Float[Tensor, "atoms 3"]  # from the atom to where it is missing, angstrom
    confidence: Float[Tensor, " atoms"]  # the logarithm of its attention, up to a constant of its molecule


class Layer(nn.Module):
    """One round of messages from the neighbours.

    With learnt functions W of the distance and u the direction, each atom sums what its neighbours send: numbers
    W_number a and W_inner (v . u), vectors W_along b u and W_vector v. Vectors are mixed linearly, channel with
    channel; their inner products and all numbers go through a small network, which also says by how much each new
    vector is scaled. Nothing else happens to a vector, so it turns when the molecule does. Each W is a sum of the
    radial basis functions and vanishes with them at the cut-off, so nothing jumps when an atom crosses it. In the
    `first` layer nobody has vectors yet, and none are sent.
    """

    def __init__(self, width: int, n_vectors: int, n_radial: int, *, first: bool):
        super().__init__()
        kinds = 1 if first else 2  # of vectors that are sent
        self.sizes = [width, n_vectors] if first else [width, n_vectors, n_vectors, n_vectors]
        self.radial = nn.Linear(n_radial, sum(self.sizes), bias=False)
        self.sent_numbers = nn.Linear(width, width + n_vectors)
        self.sent_vectors = None if first else nn.Linear(n_vectors, n_vectors, bias=False)
        self.joined = nn.Linear(kinds * n_vectors, n_vectors, bias=False)
        self.compared = nn.Linear(n_vectors, n_vectors, bias=False)
        self.mixed = nn.Sequential(
            nn.Linear(2 * width + kinds * n_vectors, width), nn.SiLU(), nn.Linear(width, width + n_vectors)
        )

    def forward(self, numbers: Tensor, vectors: Tensor, holes: MaskedMolecules) -> tuple[Tensor, Tensor]:
        """The features of all atoms, (atoms, width) and (atoms, 3, n_vectors), after one round."""
        width, n_vectors = self.sizes[:2]
        w_number, w_along, *others = self.radial(holes.heights).split(self.sizes, dim=1)
        scalar, along = self.sent_numbers(numbers).index_select(0, holes.source).split([width, n_vectors], dim=1)
        direction = holes.direction[:, :, None]
        to_numbers, to_vectors = [scalar * w_number], [(along * w_along)[:, None] * direction]
        if others:
            w_vector, w_inner = others
            vector = self.sent_vectors(vectors).index_select(0, holes.source)
            to_numbers.append((vector * direction).sum(dim=1) * w_inner)
            to_vectors.append(vector * w_vector[:, None])
        # An atom has seven or eight neighbours: about their root, so that sums have the size of their terms.
        received = torch.cat([holes.gathered(sent) for sent in to_numbers], dim=1) / 3
        new = self.joined(torch.cat([holes.gathered(sent) for sent in to_vectors], dim=2) / 2)
        inner = (self.compared(vectors + new) * new).sum(dim=1)
        more, scale = self.mixed(torch.cat([numbers, received, inner], dim=1)).split([width, n_vectors], dim=1)
        return numbers + more, vectors + new * scale[:, None]


class CartesianNetwork(nn.Module):
    """An equivariant network: `width` numbers and `n_vectors` vectors an atom, `n_layers` rounds of messages."""

    def __init__(
        self,
        width: int = 55,
        n_vectors: int = 24,
        n_layers: int = 3,
        n_radial: int = N_RADIAL,
        *,
        seed: int = 0,
    ):
        super().__init__()
        self.n_vectors = n_vectors
        with seeded(seed):
            self.known = nn.Embedding(len(ELEMENTS), width)
            self.layers = nn.ModuleList(Layer(width, n_vectors, n_radial, first=at == 0) for at in range(n_layers))
            self.head = nn.Sequential(nn.Linear(width, 32), nn.SiLU(), nn.Linear(32, len(ELEMENTS) + 1))
            self.displacement = nn.Linear(n_vectors, 1, bias=False)

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """The output of every atom that is left; the graph and the network have one dtype and number of functions."""
        numbers = self.known(holes.element)
        vectors = numbers.new_zeros(len(numbers), 3, self.n_vectors)
        for layer in self.layers:
            numbers, vectors = layer(numbers, vectors, holes)
        output = self.head(numbers)
        return AtomOutput(output[:, :-1], self.displacement(vectors)[..., 0], output[:, -1])
