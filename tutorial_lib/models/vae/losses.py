"""What a variational autoencoder minimises, and what says whether its code is alive.

A loss takes a model, a batch and a generator, and gives its terms by name, as `training.train` wants it.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.models.vae.networks import LatentVariableModel
from tutorial_lib.representations.gram import permuted
from tutorial_lib.representations.radial import distances_of_pairs
from tutorial_lib.shapes import Features, Latent, Motifs, Scalars, check_not_negative, check_one_of, check_shapes

Loss = Callable[[nn.Module, Tensor, Generator], dict[str, Tensor]]


def kl_divergence(mean: Latent, log_variance: Latent) -> Latent:
    """The Kullback-Leibler divergence of N(mean, variance) from N(0, 1), latent by latent, nats.

    KL = (mean^2 + variance - 1 - log variance) / 2, which is 0 exactly where the code carries nothing
    (Kingma and Welling, ICLR 2014).

    Example:
        >>> silent = torch.zeros(1, 8)
        >>> kl_divergence(silent, silent).sum().item()
        0.0
    """
    check_shapes(mean=(mean, "codes latent"), log_variance=(log_variance, "codes latent"))
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def evidence_loss(*, beta: float, reduction: str, permute: bool) -> Loss:
    """The loss of a variational autoencoder: reconstruction + beta * KL, averaged over the batch.

    Both are sums, over features and over latents, when the reduction is "sum": then the loss is beta times the negative
    evidence bound, up to a constant, for a decoder with noise of variance beta / 2. With "mean" the squared error is
    divided by the number of features while the KL is not, which is the same as a beta that many times larger.
    `permute` renumbers the atoms of every cloud at random, anew in each batch; features must then be standardised
    entries of Gram matrices.
    """
    check_not_negative(beta=beta)
    check_one_of(("sum", "mean"), reduction=reduction)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        batch = permuted(batch, generator) if permute else batch
        decoded, mean, log_variance = model(batch, generator)
        reconstruction = (decoded - batch).square().sum() / (len(batch) if reduction == "sum" else batch.numel())
        kl = kl_divergence(mean, log_variance).sum() / len(batch)
        return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}

    return loss


def overlap(positions: Motifs, closest: float) -> Scalars:
    """How far atoms stand inside each other, angstrom^2: the squared depth below a shortest distance, over all pairs.

    The central atom, from which positions count, is one more. Pairs farther than `closest` (angstrom) do not overlap.
    """
    check_shapes(positions=(positions, "motifs _ 3"))
    return (closest - distances_of_pairs(nn.functional.pad(positions, (0, 0, 1, 0)))).clamp(min=0).square().sum(1)


def aligned_loss(
    *,
    beta: float,
    describe: Callable[[Tensor], Tensor],
    error: Callable[[Tensor, Tensor], Tensor],
    rattle: float = 0.0,
    repulsion: float = 0.0,
    closest: float = 0.0,
) -> Loss:
    """The loss of an autoencoder that draws clouds, on batches of clouds (N, n, 3), angstrom.

    Squared error of the cloud + repulsion * overlap + beta * KL, each summed over a cloud and then averaged over the
    batch. A squared error does not mind two atoms in one place; the repulsion does. Rattling shows clouds warmer than
    the data are, each by an amount of its own.

    Args:
        beta: weight of the KL divergence, in the unit of the error a nat.
        describe: the standardised features (N, n_features) of clouds.
        error: the squared error (N,) of decoded clouds against true ones: after alignment, or of their Gram matrices.
        rattle: angstrom, the largest standard deviation of every coordinate.
        repulsion: weight of the overlap, in the unit of the error an angstrom^2.
        closest: angstrom; closer pairs overlap. The shortest distance in the training motifs, say.
    """
    check_not_negative(beta=beta, rattle=rattle, repulsion=repulsion)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        if rattle > 0:
            draw = {"generator": generator, "device": batch.device, "dtype": batch.dtype}
            batch = batch + rattle * torch.rand(len(batch), 1, 1, **draw) * torch.randn(batch.shape, **draw)
        decoded, mean, log_variance = model(describe(batch), generator)
        reconstruction, depth = error(decoded, batch).mean(), overlap(decoded, closest).mean()
        kl = kl_divergence(mean, log_variance).sum() / len(mean)
        return {
            "loss": reconstruction + repulsion * depth + beta * kl,
            "reconstruction": reconstruction,
            "overlap": depth,
            "kl": kl,
        }

    return loss


@torch.no_grad()
def active_units(model: LatentVariableModel, features: Features) -> int:
    """How many latent numbers say anything about the input.

    A unit is active where the variance over inputs of its mean exceeds 0.01 (Burda, Grosse and Salakhutdinov, ICLR
    2016).
    """
    return int((model.encode(features)[0].var(0) > 0.01).sum())
