"""The first small networks of the course: numbers come in, a class or the same numbers again go out.

Also the handwritten digits that they are tried on, and their two losses, for `training.train`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.shapes import Features, Latent, check_counts, check_indices, check_shapes


def perceptron(widths: Sequence[int], *, activation: type[nn.Module] = nn.SiLU, seed: int) -> nn.Sequential:
    """A multilayer perceptron: linear layers with a non-linearity between any two.

    Args:
        widths: of the input, the hidden layers and the output.
        activation: the non-linearity.
        seed: of the initial weights.

    Returns:
        The network.

    Raises:
        ValueError: there are fewer than two widths, or one is no number of units.
    """
    if len(widths) < 2:
        raise ValueError(f"a network has an input and an output, so at least two widths: {list(widths)} arrived")
    check_counts(**{f"width {at}": width for at, width in enumerate(widths)})
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class Apply(nn.Module):
    """A function as a layer, so that it can stand in front of a network.

    Args:
        function: of a batch.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        """What the function gives.

        Args:
            inputs: (N, ...), in the unit of the function's input.

        Returns:
            (N, ...), in the unit of its output.

        Raises:
            Exception: whatever the function raises.
        """
        return self.function(inputs)


class Autoencoder(nn.Module):
    """A network that squeezes its input through a few numbers and restores it.

    Args:
        n_features: numbers in and out.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        n_latent: width of the code.
        seed: of the initial weights.
    """

    def __init__(self, n_features: int, hidden: Sequence[int], n_latent: int, *, seed: int):
        super().__init__()
        widths = [n_features, *hidden, n_latent]
        self.encoder = perceptron(widths, activation=nn.ReLU, seed=seed)
        self.decoder = perceptron(widths[::-1], activation=nn.ReLU, seed=seed + 1)

    def encode(self, features: Features) -> Latent:
        """The codes of inputs.

        Args:
            features: (N, n_features), standardised.

        Returns:
            (N, n_latent), no unit.

        Raises:
            ValueError: the number of features is not the network's.
        """
        check_shapes(features=(features, f"inputs {self.encoder[0].in_features}"))
        return self.encoder(features)

    def decode(self, latent: Latent) -> Features:
        """What codes stand for.

        Args:
            latent: (N, n_latent), no unit.

        Returns:
            (N, n_features), standardised.

        Raises:
            ValueError: the width of the code is not the network's.
        """
        check_shapes(latent=(latent, f"inputs {self.decoder[0].in_features}"))
        return self.decoder(latent)

    def forward(self, features: Features) -> Features:
        """Encode and decode.

        Args:
            features: (N, n_features), standardised.

        Returns:
            (N, n_features), standardised.

        Raises:
            ValueError: the number of features is not the network's.
        """
        return self.decode(self.encode(features))


def reconstruction_loss(model: Callable, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
    """The mean squared difference between the input and the model's output: the loss of an autoencoder.

    Args:
        model: gives as many numbers as it takes.
        batch: (N, n_features), standardised.
        generator: not used.

    Returns:
        The loss under its name, no unit.

    Raises:
        ValueError: the shapes of input and output differ.
    """
    restored = model(batch)
    check_shapes(batch=(batch, "*batch"), restored=(restored, "*batch"))
    return {"loss": (restored - batch).square().mean()}


def cross_entropy_loss(model: Callable, batch: tuple[Tensor, Tensor], generator: Generator) -> dict[str, Tensor]:
    """The cross-entropy between the model's scores and the right classes: the loss of a classifier.

    Args:
        model: gives one score a class.
        batch: inputs, in the unit that the model reads, and the index of the right class of each.
        generator: not used.

    Returns:
        The loss under its name, nats.

    Raises:
        ValueError: the numbers of inputs and labels differ.
        IndexError: a class has no score.
    """
    inputs, label = batch
    scores = model(inputs)
    check_shapes(scores=(scores, "inputs classes"), label=(label, "inputs"))
    check_indices(scores.shape[1], label=label)
    return {"loss": nn.functional.cross_entropy(scores, label)}


@torch.no_grad()
def accuracy(model: Callable, inputs: Tensor, label: Tensor) -> float:
    """The share of inputs to which the model gives its highest score in the right class.

    Args:
        model: gives one score a class.
        inputs: (N, ...), in the unit that the model reads.
        label: (N,), the index of the right class.

    Returns:
        A share between 0 and 1.

    Raises:
        ValueError: there is no input, or the numbers of inputs and labels differ.
    """
    scores = model(inputs)
    check_shapes(scores=(scores, "inputs+ classes+"), label=(label, "inputs"))
    return (scores.argmax(dim=1) == label).double().mean().item()
