"""What a variational autoencoder minimises: a network, a batch and dice come in, terms of the loss go out.

And what says whether its code is alive.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.gram import permuted
from tutorial_lib.vae.networks import VariationalAutoencoder
from tutorial_lib.vocabulary import Features, Latent

Loss = Callable[[nn.Module, Tensor, Generator], dict[str, Tensor]]
ACTIVE_VARIANCE = 0.01  # Burda, Grosse and Salakhutdinov, ICLR 2016


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
    _check_weight(beta)
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


def aligned_loss(*, beta: float, compare: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """The loss of an autoencoder that draws clouds, for `training.train`.

    Squared error of the cloud + beta * KL, each summed and then averaged over the batch.

    Args:
        beta: weight of the KL divergence, in the unit of the error a nat.
        compare: the squared error (N,) of decoded clouds (N, n, 3) against true ones, angstrom: after alignment,
            or of their Gram matrices.

    Returns:
        A function of the model, a batch (features (N, n_features), positions (N, n, 3)) and a generator, that gives
        the terms "loss", "reconstruction" and "kl".

    Raises:
        ValueError: beta is negative.
    """
    _check_weight(beta)

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor], generator: Generator) -> dict[str, Tensor]:
        features, positions = batch
        mean, log_variance = model.encode(features)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        decoded = model.decode(mean + noise * (0.5 * log_variance).exp())
        reconstruction = compare(decoded, positions).mean()
        kl = kl_divergence(mean, log_variance).sum() / len(mean)
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


def _check_weight(beta: float) -> None:
    if beta < 0:
        raise ValueError(f"beta is {beta}, and a negative weight rewards codes far from the prior: pass 0 or more")
