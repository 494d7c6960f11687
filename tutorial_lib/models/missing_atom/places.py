"""Several places with their probabilities in place of one: a mixture density (C. Bishop, 1994) for the missing atom.

An atom has a displacement and a confidence for each of the places. One softmax over all atoms and all places of a
molecule shares out the probability: what the atoms give to a place is its probability, and where they put it is their
mean, weighed by what they give. The loss is minus the logarithm of the density at the true place, of which each place
adds a Gaussian; with one place that is the squared distance, up to a factor and a constant.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tutorial_lib.models.missing_atom.graphs import ELEMENTS, MaskedMolecules
from tutorial_lib.models.missing_atom.network import CartesianNetwork, Guess
from tutorial_lib.shapes import check_counts, seeded

WIDTH = 0.3  # A, the standard deviation of the Gaussian of a place, in each direction


class PlacesOutput(NamedTuple):
    """The output of each atom."""

    scores: Float[Tensor, "atoms elements"]  # of what is missing
    displacement: Float[Tensor, "atoms places 3"]  # from the atom to where it is missing, angstrom
    confidence: Float[Tensor, "atoms places"]  # the logarithm of its share, up to a constant of its molecule


class Places(NamedTuple):
    """One answer a molecule."""

    position: Float[Tensor, "molecules places 3"]  # angstrom
    log_probability: Float[Tensor, "molecules places"]  # nats; the probabilities of a molecule sum to one
    scores: Float[Tensor, "molecules elements"]
    weight: Float[Tensor, "atoms places"]  # the share of each; those of a molecule sum to one


class ManyPlaces(CartesianNetwork):
    """The network of the votes, whose atoms name `n_places` places each."""

    def __init__(self, n_places: int = 3, *, seed: int = 0, **sizes: int):
        check_counts(n_places=n_places, **sizes)
        super().__init__(seed=seed, **sizes)
        width, self.n_places = self.head[0].in_features, n_places
        with seeded(seed):
            self.head = nn.Sequential(nn.Linear(width, 32), nn.SiLU(), nn.Linear(32, len(ELEMENTS) + n_places))
            self.displacement = nn.Linear(self.n_vectors, n_places, bias=False)

    def forward(self, holes: MaskedMolecules) -> PlacesOutput:
        """The output of every atom that is left."""
        numbers, vectors = self.features(holes)
        scores, confidence = self.head(numbers).split([len(ELEMENTS), self.n_places], dim=1)
        return PlacesOutput(scores, self.displacement(vectors).mT, confidence)


def pool_places(holes: MaskedMolecules, output: PlacesOutput) -> Places:
    """The places of each molecule, by one softmax over its atoms and their places."""
    sure, n_places = output.confidence, output.confidence.shape[1]
    part = holes.molecule[:, None].expand(-1, n_places)
    highest = sure.new_full((len(holes), n_places), -torch.inf).scatter_reduce(0, part, sure.detach(), "amax")
    share = (sure - highest[holes.molecule]).exp()
    total = holes.sums(share)  # at least one
    share = share / total[holes.molecule]
    log_probability = (highest + total.log()).log_softmax(dim=1)
    weight = share * log_probability.exp()[holes.molecule]
    return Places(
        position=holes.sums(share[..., None] * (holes.position[:, None] + output.displacement)),
        log_probability=log_probability,
        scores=holes.sums(weight.sum(dim=1, keepdim=True) * output.scores),
        weight=weight,
    )


def likeliest(holes: MaskedMolecules, output: PlacesOutput) -> Guess:
    """One answer a molecule: the place of the highest probability."""
    found = pool_places(holes, output)
    first = found.log_probability.argmax(dim=1)
    return Guess(found.position[torch.arange(len(first)), first], found.scores, found.weight.sum(dim=1))


def places_terms(holes: MaskedMolecules, output: PlacesOutput) -> dict[str, Tensor]:
    """What is wrong with the places, both in nats: minus the logarithm of the density at the truth, and cross-entropy.

    The first lacks the Gaussian's normalisation, the same for all: it is 0 for one place that is right and certain.
    """
    found = pool_places(holes, output)
    square = (found.position - holes.missing_position[:, None]).square().sum(dim=2)
    return {
        "surprise": -(found.log_probability - square / (2 * WIDTH**2)).logsumexp(dim=1).mean(),
        "cross-entropy": nn.functional.cross_entropy(found.scores, holes.missing_element),
    }
