"""Variational autoencoders: features come in, a few latent numbers go through, features or clouds go out."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.shapes import Decoded, Features, Latent, check_counts, check_shapes

LENGTH = 2.0  # A; a network's numbers are about 1, a silicon atom's neighbours are at 2 to 4 A


class VariationalAutoencoder(nn.Module):
    """An encoder to a normal distribution over codes, and a decoder back.

    The default is the network of Uhrin and Paulish: 36 features, hidden layers of 28 and 18, eight
    latent numbers, tanh, and the mirror image of it as the decoder.

    Args:
        n_features: numbers in and out.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        n_latent: width of the code.
        activation: the non-linearity between layers.
        n_outputs: numbers out, if they are not as many as come in.
        seed: of the initial weights.
    """

    def __init__(
        self,
        n_features: int = 36,
        hidden: Sequence[int] = (28, 18),
        n_latent: int = 8,
        *,
        activation: type[nn.Module] = nn.Tanh,
        n_outputs: int | None = None,
        seed: int = 0,
    ):
        super().__init__()
        check_counts(n_features=n_features, hidden_layers=len(hidden), n_latent=n_latent)
        self.n_latent = n_latent
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = _layers([n_features, *hidden], activation)
            self.code = nn.Linear(hidden[-1], 2 * n_latent)  # means, then logarithms of variances
            self.decoder = nn.Sequential(
                _layers([n_latent, *reversed(hidden)], activation), nn.Linear(hidden[0], n_outputs or n_features)
            )

    def encode(self, features: Tensor) -> tuple[Latent, Latent]:
        """The mean and the logarithm of the variance of the code of each input.

        Args:
            features: (N, n_features), standardised.

        Returns:
            Two tensors (N, n_latent), no unit.

        Raises:
            ValueError: the number of features is not the network's.
        """
        n_features = self.encoder[0].in_features
        if features.ndim != 2 or features.shape[1] != n_features:
            raise ValueError(
                f"the network reads (N, {n_features}) and {tuple(features.shape)} arrived: "
                "pass n_features when you build it, n (n + 1) / 2 for clouds of n atoms"
            )
        mean, log_variance = self.code(self.encoder(features)).chunk(2, dim=1)
        # exp of an unbounded logarithm overflows in the first steps of a bad start.
        return mean, log_variance.clamp(-12, 4)

    def decode(self, latent: Latent) -> Decoded:
        """The features that codes stand for.

        Args:
            latent: (N, n_latent).

        Returns:
            (N, n_features), standardised.

        Raises:
            ValueError: the width of the code is not the network's.
        """
        check_shapes(latent=(latent, f"codes {self.n_latent}"))
        return self.decoder(latent)

    @torch.no_grad()
    def reconstruct(self, features: Features) -> Decoded:
        """What comes out when the mean of each code is decoded, without noise.

        Args:
            features: (N, n_features), standardised.

        Returns:
            As `decode` gives it.

        Raises:
            ValueError: the number of features is not the network's.
        """
        return self.decode(self.encode(features)[0])

    @torch.no_grad()
    def sample(self, n: int, generator: Generator) -> Decoded:
        """Decoded draws from the prior N(0, 1).

        Args:
            n: how many.
            generator: of the draws, on the model's device.

        Returns:
            As `decode` gives it.

        Raises:
            ValueError: `n` is negative.
            RuntimeError: the generator is on another device than the model.
        """
        check_counts(0, n=n)
        weight = self.code.weight
        noise = torch.randn(n, self.n_latent, generator=generator, device=weight.device, dtype=weight.dtype)
        return self.decode(noise)


class AlignedAutoencoder(VariationalAutoencoder):
    """Gram matrices in, positions out: whatever it draws is a cloud, and its matrix has rank three.

    Which pose the decoder uses is its own affair; the loss compares after alignment.

    Args:
        n_atoms: in a cloud.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        n_latent: width of the code.
        seed: of the initial weights.
    """

    def __init__(self, n_atoms: int = 8, hidden: Sequence[int] = (384, 384), n_latent: int = 8, *, seed: int = 0):
        n_features = n_atoms * (n_atoms + 1) // 2
        super().__init__(n_features, hidden, n_latent, activation=nn.SiLU, n_outputs=3 * n_atoms, seed=seed)

    def decode(self, latent: Latent) -> Decoded:
        """The clouds that codes stand for.

        Args:
            latent: (N, n_latent), no unit.

        Returns:
            (N, n_atoms, 3), angstrom, in a pose of the decoder's own.

        Raises:
            ValueError: the width of the code is not the network's.
        """
        return LENGTH * super().decode(latent).unflatten(1, (-1, 3))


def _layers(widths: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    check_counts(**{f"width {at}": width for at, width in enumerate(widths)})
    return nn.Sequential(*[layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())])
