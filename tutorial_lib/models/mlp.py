"""The first small networks of the course: numbers come in, a class or the same numbers again go out.

Also their two losses and the accuracy of a classifier.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.shapes import Features, Latent, check_counts, check_indices, check_shapes, seeded


def perceptron(widths: Sequence[int], *, activation: type[nn.Module] = nn.SiLU, seed: int) -> nn.Sequential:
    """A multilayer perceptron: a linear layer from each width to the next, with a non-linearity between any two."""
    check_counts(2, **{"the number of widths, input and output included,": len(widths)})
    check_counts(**{f"width {at}": width for at, width in enumerate(widths)})
    with seeded(seed):
        layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers[:-1])


class Apply(nn.Module):
    """A function of a batch as a layer, so that it can stand in front of a network."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        """What the function gives."""
        return self.function(inputs)


class Autoencoder(nn.Module):
    """A network that squeezes standardised features through a few numbers and restores them.

    The hidden layers of the decoder are those of the encoder in reverse.
    """

    def __init__(self, n_features: int, hidden: Sequence[int], n_latent: int, *, seed: int):
        super().__init__()
        widths = [n_features, *hidden, n_latent]
        self.encoder = perceptron(widths, activation=nn.ReLU, seed=seed)
        self.decoder = perceptron(widths[::-1], activation=nn.ReLU, seed=seed + 1)

    def encode(self, features: Features) -> Latent:
        """The codes of inputs."""
        check_shapes(features=(features, f"inputs {self.encoder[0].in_features}"))
        return self.encoder(features)

    def decode(self, latent: Latent) -> Features:
        """What codes stand for."""
        check_shapes(latent=(latent, f"inputs {self.decoder[0].in_features}"))
        return self.decoder(latent)

    def forward(self, features: Features) -> Features:
        """Encode and decode."""
        return self.decode(self.encode(features))


def reconstruction_loss(model: Callable, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
    """The loss of an autoencoder: the mean squared difference between input and output."""
    restored = model(batch)
    check_shapes(batch=(batch, "*batch"), restored=(restored, "*batch"))
    return {"loss": (restored - batch).square().mean()}


def cross_entropy_loss(model: Callable, batch: tuple[Tensor, Tensor], generator: Generator) -> dict[str, Tensor]:
    """The loss of a classifier, nats, for a batch of inputs and the indices of their classes.

    The model gives one score a class.
    """
    inputs, label = batch
    scores = model(inputs)
    check_shapes(scores=(scores, "inputs classes"), label=(label, "inputs"))
    check_indices(scores.shape[1], label=label)
    return {"loss": nn.functional.cross_entropy(scores, label)}


@torch.no_grad()
def accuracy(model: Callable, inputs: Tensor, label: Tensor) -> float:
    """The share of inputs, from 0 to 1, to which the model gives the highest score in the right class."""
    scores = model(inputs)
    check_shapes(scores=(scores, "inputs+ classes+"), label=(label, "inputs"))
    return (scores.argmax(dim=1) == label).double().mean().item()
