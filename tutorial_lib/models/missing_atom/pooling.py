"""Attention pooling: the outputs of all atoms come in, one place and one element a molecule go out.

The weights are a softmax over the atoms of a molecule. A mean of places that disagree lies where nobody meant; how far
they lie apart is not in the answer, and `Guess` keeps the weights so that one can look.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from ase import Atoms
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn

from tutorial_lib.models.missing_atom.graphs import ELEMENTS, MaskedMolecules, MoleculeSet
from tutorial_lib.models.missing_atom.network import AtomOutput
from tutorial_lib.shapes import Indices, check, check_shapes

NEAR = 0.5  # A: the published table counts a place as right within it
BATCH = 64  # holes at a time: larger arrays take longer to get from the system than to fill


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


def masked_atom_loss(molecules: MoleculeSet) -> Callable[..., dict[str, Tensor]]:
    """The loss of `training.train`, whose data are the numbers of molecules: every time another atom is taken out.

    It is the squared distance (angstrom squared) plus the cross-entropy of the element (nats). The molecules follow the
    batch to its device.
    """
    on_device = cache(molecules.to)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        here = on_device(batch.device)
        removed = (torch.rand(len(batch), generator=generator, device=batch.device) * here.counts[batch]).long()
        holes = here.without(batch, removed)
        found = attention_pool(holes, model(holes))
        square = (found.position - holes.missing_position).square().sum(dim=1).mean()
        surprise = nn.functional.cross_entropy(found.scores, holes.missing_element)
        return {"loss": square + surprise, "squared distance": square.detach(), "cross-entropy": surprise.detach()}

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
def results(model: nn.Module, molecules: MoleculeSet, holes: tuple[Indices, Indices] | None = None) -> Results:
    """What a model, from `MaskedMolecules` to `AtomOutput`, says of holes.

    They are molecules and the atoms removed from them; every atom of every molecule in turn if None.
    """
    holes = molecules.every_hole() if holes is None else holes
    check(len(holes) == 2, f"{len(holes)} arrays arrived: molecules and the atoms removed from them are needed")
    molecule, removed = holes
    check_shapes(molecule=(molecule, "holes"), removed=(removed, "holes"))
    parts = map(molecules.without, molecule.split(BATCH), removed.split(BATCH))
    columns = zip(*(_compared(part, attention_pool(part, model(part))) for part in parts), strict=True)
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
