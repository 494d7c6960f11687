"""The variational autoencoder: features come in, a few latent numbers and the features again go out.

Whatever the latent numbers cannot hold is lost. The loss is handed to `training`; the features come
from `gram`; what the decoder draws is judged in `motifs`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.gram import permuted
from tutorial_lib.vocabulary import Features, Latent

Loss = Callable[[nn.Module, Tensor, Generator], dict[str, Tensor]]
ACTIVE_VARIANCE = 0.01  # Burda, Grosse and Salakhutdinov, ICLR 2016


class VariationalAutoencoder(nn.Module):
    """An encoder to a normal distribution over codes, and a decoder back.

    The default is the network of Uhrin and Paulish: 36 features, hidden layers of 28 and 18, eight
    latent numbers, tanh, and the mirror image of it as the decoder.

    Args:
        n_features: numbers in and out.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse.
        n_latent: width of the code.
        activation: the non-linearity between layers.
        seed: of the initial weights.
    """

    def __init__(
        self,
        n_features: int = 36,
        hidden: Sequence[int] = (28, 18),
        n_latent: int = 8,
        *,
        activation: type[nn.Module] = nn.Tanh,
        seed: int = 0,
    ):
        super().__init__()
        self.n_latent = n_latent
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = _layers([n_features, *hidden], activation)
            self.code = nn.Linear(hidden[-1], 2 * n_latent)  # means, then logarithms of variances
            self.decoder = nn.Sequential(
                _layers([n_latent, *reversed(hidden)], activation), nn.Linear(hidden[0], n_features)
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

    def decode(self, latent: Latent) -> Features:
        """The features that codes stand for.

        Args:
            latent: (N, n_latent).

        Returns:
            (N, n_features), standardised.

        Raises:
            RuntimeError: the width of the code is not the network's.
        """
        return self.decoder(latent)

    @torch.no_grad()
    def reconstruct(self, features: Features) -> Features:
        """What comes out when the mean of each code is decoded, without noise.

        Args:
            features: (N, n_features), standardised.

        Returns:
            (N, n_features), standardised.

        Raises:
            ValueError: the number of features is not the network's.
        """
        return self.decode(self.encode(features)[0])

    @torch.no_grad()
    def sample(self, n: int, generator: Generator) -> Features:
        """Decoded draws from the prior N(0, 1).

        Args:
            n: how many.
            generator: of the draws, on the model's device.

        Returns:
            (n, n_features), standardised.

        Raises:
            RuntimeError: the generator is on another device than the model.
        """
        weight = self.code.weight
        noise = torch.randn(n, self.n_latent, generator=generator, device=weight.device, dtype=weight.dtype)
        return self.decode(noise)


def kl_divergence(mean: Latent, log_variance: Latent) -> Latent:
    """The Kullback-Leibler divergence of N(mean, variance) from N(0, 1), latent by latent.

    KL = (mean^2 + variance - 1 - log variance) / 2, which is 0 exactly where the code carries nothing
    (Kingma and Welling, ICLR 2014).

    Args:
        mean: (N, n_latent), no unit.
        log_variance: (N, n_latent), no unit.

    Returns:
        (N, n_latent), nats.

    Raises:
        RuntimeError: the shapes differ.

    Example:
        >>> silent = torch.zeros(1, 8)
        >>> kl_divergence(silent, silent).sum().item()
        0.0
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def evidence_loss(*, beta: float, reduction: str, permute: bool) -> Loss:
    """The loss of a variational autoencoder, for `training.train`.

    reconstruction + beta * KL, averaged over the batch. Both are sums, over features and over
    latents, when the reduction is "sum": then the loss is beta times the negative evidence bound, up to a
    constant, for a decoder with noise of variance beta / 2. With "mean" the squared error is divided by the
    number of features while the KL is not, which is the same as a beta that many times larger.

    Args:
        beta: weight of the KL divergence.
        reduction: "sum" or "mean" of the squared error over features.
        permute: renumber the atoms of every cloud at random, anew in each batch. Features must then
            be standardised entries of Gram matrices.

    Returns:
        A function of the model, a batch (N, n_features) and a generator, that gives the terms
        "loss", "reconstruction" and "kl".

    Raises:
        ValueError: beta is negative, or the reduction is neither.
    """
    if beta < 0:
        raise ValueError(f"beta is {beta}, and a negative weight rewards codes far from the prior: pass 0 or more")
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}: pass 'sum' or 'mean'")

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        if permute:
            batch = permuted(batch, generator)
        mean, log_variance = model.encode(batch)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        decoded = model.decode(mean + noise * (0.5 * log_variance).exp())
        n_terms = len(batch) if reduction == "sum" else batch.numel()
        reconstruction = (decoded - batch).square().sum() / n_terms
        kl = kl_divergence(mean, log_variance).sum() / len(batch)
        return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}

    return loss


@torch.no_grad()
def active_units(model: VariationalAutoencoder, features: Features) -> int:
    """How many latent numbers say anything about the input.

    A unit is active where the variance over inputs of its mean exceeds 0.01 (Burda, Grosse and
    Salakhutdinov, ICLR 2016).

    Args:
        model: the autoencoder.
        features: (N, n_features), standardised.

    Returns:
        A number from 0 to n_latent.

    Raises:
        ValueError: the number of features is not the network's.
    """
    mean, _ = model.encode(features)
    return int((mean.var(0) > ACTIVE_VARIANCE).sum())


def _layers(widths: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(*[layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())])
