"""Votes are counted: what every atom says comes in, one place and one element a molecule go out.

The weights are a softmax over the atoms of a molecule. A mean of places that disagree lies where nobody meant; how far
votes lie apart is not in the answer, and `vote` keeps the weights so that one can look.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from ase import Atoms
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from tutorial_lib.models.missing_atom.graphs import ELEMENTS, MaskedMolecules, MoleculeSet
from tutorial_lib.models.missing_atom.network import AtomOutput
from tutorial_lib.shapes import Indices

NEAR = 0.5  # A: the published table counts a place as right within it
BATCH = 64  # holes at a time: larger arrays take longer to get from the system than to fill


class Guess(NamedTuple):
    """One answer a molecule.

    Attributes:
        position: (molecules, 3), angstrom.
        scores: (molecules, elements), no unit.
        weight: (atoms,), of each vote; those of a molecule sum to one, no unit.
    """

    position: Tensor
    scores: Tensor
    weight: Tensor


def attention_pool(holes: MaskedMolecules, speech: AtomOutput) -> Guess:
    """The means of places and scores, weighed by the softmax of confidences.

    Args:
        holes: molecules without an atom each, angstrom.
        speech: what their atoms say.

    Returns:
        Place, scores and weights.
    """
    said = speech.confidence
    highest = said.new_full((len(holes),), -torch.inf).scatter_reduce(0, holes.molecule, said.detach(), "amax")
    weight = (said - highest[holes.molecule]).exp()
    weight = weight / holes.sums(weight)[holes.molecule]
    return Guess(
        position=holes.sums(weight[:, None] * (holes.position + speech.displacement)),
        scores=holes.sums(weight[:, None] * speech.scores),
        weight=weight,
    )


def masked_atom_loss(molecules: MoleculeSet) -> Callable[..., dict[str, Tensor]]:
    """The loss of `training.train`, whose data are the numbers of molecules: every time another atom is taken out.

    Args:
        molecules: to train on, angstrom; they follow the batch to its device.

    Returns:
        A function of model, batch (N,) and generator, to the squared distance (angstrom squared) plus the cross-entropy
        of the element (nats).
    """
    there = cache(molecules.to)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        here = there(batch.device)
        removed = (torch.rand(len(batch), generator=generator, device=batch.device) * here.counts[batch]).long()
        holes = here.without(batch, removed)
        found = attention_pool(holes, model(holes))
        square = (found.position - holes.missing_position).square().sum(dim=1).mean()
        surprise = cross_entropy(found.scores, holes.missing_element)
        return {"loss": square + surprise, "squared distance": square.detach(), "cross-entropy": surprise.detach()}

    return loss


@dataclass(frozen=True)
class Results:
    """What became of all holes in some molecules.

    Attributes:
        error: (holes,), the distance of the guessed place from the true one, angstrom.
        right: (holes,), whether the guessed element is the true one.
        element: (holes,), the true one, as a place in `ELEMENTS`.
    """

    error: Tensor
    right: Tensor
    element: Tensor

    @property
    def accuracy(self) -> float:
        """The share of holes whose place is within half an angstrom and whose element is right.

        Returns:
            Between 0 and 1, no unit.
        """
        return ((self.error <= NEAR) & self.right).float().mean().item()

    @property
    def mae(self) -> float:
        """The mean distance over all holes, whatever the element.

        Returns:
            angstrom.
        """
        return self.error.mean().item()


@torch.no_grad()
def results(model: nn.Module, molecules: MoleculeSet, holes: tuple[Indices, Indices] | None = None) -> Results:
    """What a model says of holes.

    Args:
        model: from `MaskedMolecules` to `AtomOutput`.
        molecules: angstrom.
        holes: molecules (N,) and the places of the removed atoms in them (N,); every atom of every molecule in turn if
            None.

    Returns:
        Errors (angstrom) and elements.

    Raises:
        IndexError: a molecule has no such atom.
    """
    molecule, removed = molecules.every_hole() if holes is None else holes
    errors, right, element = [], [], []
    for some, gone in zip(molecule.split(BATCH), removed.split(BATCH), strict=True):
        part = molecules.without(some, gone)
        found = attention_pool(part, model(part))
        errors.append((found.position - part.missing_position).norm(dim=1))
        right.append(found.scores.argmax(dim=1) == part.missing_element)
        element.append(part.missing_element)
    return Results(torch.cat(errors), torch.cat(right), torch.cat(element))


@torch.no_grad()
def every_answer(model: nn.Module, molecules: MoleculeSet) -> tuple[MaskedMolecules, AtomOutput, Guess]:
    """Everything about all holes in some molecules, to be looked at; `results` needs less memory.

    Args:
        model: from `MaskedMolecules` to `AtomOutput`.
        molecules: angstrom.

    Returns:
        One graph with a part for every atom that is taken out, what the others say, and the answers.
    """
    molecule, removed = molecules.every_hole()
    parts = zip(molecule.split(BATCH), removed.split(BATCH), strict=True)
    said = [model(molecules.without(some, gone)) for some, gone in parts]
    holes, speech = molecules.without(molecule, removed), AtomOutput(*map(torch.cat, zip(*said, strict=True)))
    return holes, speech, attention_pool(holes, speech)


@torch.no_grad()
def answers(model: nn.Module, atoms: Atoms, removed: int) -> tuple[MaskedMolecules, AtomOutput, Guess]:
    """Everything about one hole, to be drawn.

    Args:
        model: from `MaskedMolecules` to `AtomOutput`.
        atoms: the whole molecule, angstrom.
        removed: which of its atoms is taken out.

    Returns:
        The graph, what its atoms say, and the answer.

    Raises:
        ValueError: as in `MoleculeSet`.
        IndexError: it has no such atom.
    """
    holes = MoleculeSet([atoms]).without(torch.tensor([0]), torch.tensor([removed]))
    speech = model(holes)
    return holes, speech, attention_pool(holes, speech)


def guess(model: nn.Module, atoms: Atoms, removed: int) -> Atoms:
    """The molecule with the atom put back where the others say, and as what they say; last in the order of atoms.

    Args:
        model: from `MaskedMolecules` to `AtomOutput`.
        atoms: the whole molecule, angstrom.
        removed: which of its atoms is taken out first.

    Returns:
        A molecule of as many atoms, angstrom.

    Raises:
        ValueError: as in `MoleculeSet`.
        IndexError: it has no such atom.
    """
    _, _, found = answers(model, atoms, removed)
    left = atoms[[i for i in range(len(atoms)) if i != removed]]
    return left + Atoms([ELEMENTS[int(found.scores.argmax())]], found.position.double().numpy())
