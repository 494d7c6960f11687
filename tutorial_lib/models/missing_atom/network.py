"""An output for every atom that is left, and one answer for the molecule by attention pooling.

An output is logits of the elements, a vector from the atom to the missing one, and a confidence. Features are scalars
and vectors, l = 0 and 1, as plain Cartesian arrays. Their products are few enough to be written out: scalar times
direction, vector times scalar, vector times vector summed to a scalar. The cross product, which the published network
has, would have to be carried along as a third kind, 1e; we need none.

Attention pooling takes means over the atoms of a molecule, with softmax weights. Where atoms vote for different
positions, the mean lies between them; the answer does not hold the spread, but `Guess` keeps the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from ase import Atoms
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn

from tutorial_lib.models.missing_atom.graphs import ELEMENTS, N_RADIAL, MaskedMolecules, MoleculeSet
from tutorial_lib.shapes import Indices, check, check_shapes, seeded

NEAR = 0.5  # A: the published table counts a place as right within it
BATCH = 64  # holes at a time: larger arrays take longer to get from the system than to fill


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

    def features(self, holes: MaskedMolecules) -> tuple[Tensor, Tensor]:
        """The numbers (atoms, width) and vectors (atoms, 3, n_vectors) of every atom that is left, after all rounds."""
        numbers = self.known(holes.element)
        vectors = numbers.new_zeros(len(numbers), 3, self.n_vectors)
        for layer in self.layers:
            numbers, vectors = layer(numbers, vectors, holes)
        return numbers, vectors

    def forward(self, holes: MaskedMolecules) -> AtomOutput:
        """The output of every atom that is left; the graph and the network have one dtype and number of functions."""
        numbers, vectors = self.features(holes)
        output = self.head(numbers)
        return AtomOutput(output[:, :-1], self.displacement(vectors)[..., 0], output[:, -1])


class Guess(NamedTuple):
    """One answer a molecule."""

    position: Float[Tensor, "molecules 3"]  # angstrom
    scores: Float[Tensor, "molecules elements"]
    weight: Float[Tensor, " atoms"]  # the attention of each; those of a molecule sum to one


def attention_pool(holes: MaskedMolecules, output: AtomOutput) -> Guess:
    """The means of places and scores, weighed by the softmax of confidences."""
    sure = output.confidence
    highest = sure.new_full((len(holes),), -torch.inf).scatter_reduce(0, holes.molecule, sure.detach(), "amax")
    weight = (sure - highest[holes.molecule]).exp()
    weight = weight / holes.sums(weight)[holes.molecule]
    return Guess(
        position=holes.sums(weight[:, None] * (holes.position + output.displacement)),
        scores=holes.sums(weight[:, None] * output.scores),
        weight=weight,
    )


def vote_terms(holes: MaskedMolecules, output: AtomOutput) -> dict[str, Tensor]:
    """What is wrong with the votes: squared distance (angstrom squared) and the element's cross-entropy (nats)."""
    found = attention_pool(holes, output)
    return {
        "squared distance": (found.position - holes.missing_position).square().sum(dim=1).mean(),
        "cross-entropy": nn.functional.cross_entropy(found.scores, holes.missing_element),
    }


def masked_atom_loss(
    molecules: MoleculeSet, terms: Callable[..., dict[str, Tensor]] = vote_terms
) -> Callable[..., dict[str, Tensor]]:
    """The loss of `training.train`, whose data are the numbers of molecules: every time another atom is taken out.

    It is the sum of `terms` of the holes and of what the network says of them. The molecules follow the batch to its
    device.
    """
    on_device = cache(molecules.to)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        here = on_device(batch.device)
        removed = (torch.rand(len(batch), generator=generator, device=batch.device) * here.counts[batch]).long()
        holes = here.without(batch, removed)
        found = terms(holes, model(holes))
        return {"loss": sum(found.values())} | {name: term.detach() for name, term in found.items()}

    return loss


@dataclass(frozen=True)
class Results:
    """What became of holes in molecules."""

    error: Float[Tensor, " holes"]  # the distance of the guessed place from the true one, angstrom
    right: Bool[Tensor, " holes"]  # whether the guessed element is the true one
    element: Int[Tensor, " holes"]  # the true one, an index of ELEMENTS

    @property
    def accuracy(self) -> float:
        """The share of holes whose place is within half an angstrom and whose element is right."""
        return ((self.error <= NEAR) & self.right).float().mean().item()

    @property
    def mae(self) -> float:
        """The mean distance over all holes, whatever the element, angstrom."""
        return self.error.mean().item()


@torch.no_grad()
def results(
    model: nn.Module,
    molecules: MoleculeSet,
    holes: tuple[Indices, Indices] | None = None,
    pool: Callable[..., Guess] = attention_pool,
) -> Results:
    """What a model, from `MaskedMolecules` to what `pool` makes a guess of, says of holes.

    They are molecules and the atoms removed from them; every atom of every molecule in turn if None.
    """
    holes = molecules.every_hole() if holes is None else holes
    check(len(holes) == 2, f"{len(holes)} arrays arrived: molecules and the atoms removed from them are needed")
    molecule, removed = holes
    check_shapes(molecule=(molecule, "holes"), removed=(removed, "holes"))
    parts = map(molecules.without, molecule.split(BATCH), removed.split(BATCH))
    columns = zip(*(_compared(part, pool(part, model(part))) for part in parts), strict=True)
    return Results(*map(torch.cat, columns))


def _compared(holes: MaskedMolecules, found: Guess) -> tuple[Tensor, Tensor, Tensor]:
    error = (found.position - holes.missing_position).norm(dim=1)
    return error, found.scores.argmax(dim=1) == holes.missing_element, holes.missing_element


@torch.no_grad()
def every_answer(model: nn.Module, molecules: MoleculeSet) -> tuple[MaskedMolecules, AtomOutput, Guess]:
    """Everything about all holes in molecules, to be looked at; `results` needs less memory.

    One graph with a part for every atom that is taken out, the output of the others, and the answers.
    """
    molecule, removed = molecules.every_hole()
    outputs = map(model, map(molecules.without, molecule.split(BATCH), removed.split(BATCH)))
    output = AtomOutput(*map(torch.cat, zip(*outputs, strict=True)))
    holes = molecules.without(molecule, removed)
    return holes, output, attention_pool(holes, output)


@torch.no_grad()
def answers(model: nn.Module, atoms: Atoms, removed: int) -> tuple[MaskedMolecules, AtomOutput, Guess]:
    """Everything about one hole, to be drawn: the graph, the output of its atoms, and the answer."""
    holes = MoleculeSet([atoms]).without(torch.tensor([0]), torch.tensor([removed]))
    output = model(holes)
    return holes, output, attention_pool(holes, output)


def guess(model: nn.Module, atoms: Atoms, removed: int) -> Atoms:
    """The molecule with one atom removed and put back, where and as what the others say; last in the order of atoms."""
    _, _, found = answers(model, atoms, removed)
    restored = Atoms([ELEMENTS[int(found.scores.argmax())]], found.position.double().numpy())
    return atoms[[i for i in range(len(atoms)) if i != removed]] + restored
