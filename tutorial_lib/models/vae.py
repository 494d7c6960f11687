"""Variational autoencoders: features come in, a few latent numbers go through, features or clouds go out.

`VariationalAutoencoder` is the network of notebook 02, `AlignedAutoencoder` that of 03. Whatever the latent numbers
cannot hold is lost. A loss takes a model, a batch and a generator, and gives its terms by name, as `training.train`
wants it.
"""

from collections.abc import Callable, Sequence
from itertools import count, pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.representations.gram import permuted
from tutorial_lib.representations.radial import distances_of_pairs
from tutorial_lib.shapes import (
    Decoded,
    Features,
    Latent,
    Motifs,
    Scalars,
    check_counts,
    check_not_negative,
    check_one_of,
    check_shapes,
    seeded,
)

Loss = Callable[[nn.Module, Tensor, Generator], dict[str, Tensor]]


class LatentVariableModel(nn.Module):
    """An encoder to a normal distribution over codes, and a decoder; what is decoded is said by a subclass.

    The hidden layers of the decoder are those of the encoder in reverse.
    """

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int],
        n_latent: int,
        n_outputs: int,
        *,
        activation: type[nn.Module],
        seed: int,
    ):
        super().__init__()
        check_counts(
            n_features=n_features,
            hidden_layers=len(hidden),
            **{f"hidden width {at}": width for at, width in enumerate(hidden)},
            n_latent=n_latent,
            n_outputs=n_outputs,
        )
        self.n_features, self.n_latent = n_features, n_latent
        with seeded(seed):
            self.encoder = _layers([n_features, *hidden], activation)
            self.code = nn.Linear(hidden[-1], 2 * n_latent)  # means, then logarithms of variances
            self.decoder = nn.Sequential(
                _layers([n_latent, *reversed(hidden)], activation), nn.Linear(hidden[0], n_outputs)
            )

    def encode(self, features: Tensor) -> tuple[Latent, Latent]:
        """The mean and the logarithm of the variance of the code of each row of standardised features."""
        check_shapes(features=(features, f"clouds {self.n_features}"))
        mean, log_variance = self.code(self.encoder(features)).chunk(2, dim=1)
        # exp of an unbounded logarithm overflows in the first steps of a bad start.
        return mean, log_variance.clamp(-12, 4)

    def decode(self, latent: Latent) -> Decoded:
        """What codes stand for."""
        check_shapes(latent=(latent, f"codes {self.n_latent}"))
        return self.decoder(latent)

    def forward(self, features: Tensor, generator: Generator | None = None) -> tuple[Decoded, Latent, Latent]:
        """What one draw from each code decodes to, and the mean and the logarithm of the variance of the code.

        The noise scales a standard normal number (the reparametrisation of Kingma and Welling, ICLR 2014), so that
        gradients reach the encoder.
        """
        mean, log_variance = self.encode(features)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return self.decode(mean + noise * (0.5 * log_variance).exp()), mean, log_variance

    @torch.no_grad()
    def reconstruct(self, features: Features) -> Decoded:
        """What the mean of each code decodes to, without noise."""
        return self.decode(self.encode(features)[0])

    @torch.no_grad()
    def sample(self, n: int, generator: Generator) -> Decoded:
        """Decoded draws from the prior N(0, 1); the generator is on the model's device."""
        check_counts(0, n=n)
        weight = self.code.weight
        return self.decode(torch.randn(n, self.n_latent, generator=generator, device=weight.device, dtype=weight.dtype))


class VariationalAutoencoder(LatentVariableModel):
    """Features in, the same features out.

    The default is the network of Uhrin and Paulish: 36 features, hidden layers of 28 and 18, eight
    latent numbers, tanh, and the mirror image of it as the decoder.
    """

    def __init__(self, n_features: int = 36, hidden: Sequence[int] = (28, 18), n_latent: int = 8, *, seed: int = 0):
        super().__init__(n_features, hidden, n_latent, n_features, activation=nn.Tanh, seed=seed)


class AlignedAutoencoder(LatentVariableModel):
    """Gram matrices in, positions out: whatever it draws is a cloud, and its matrix has rank three.

    In which pose it draws is up to the decoder: the loss compares after alignment.
    """

    def __init__(self, n_atoms: int = 8, hidden: Sequence[int] = (384, 384), n_latent: int = 8, *, seed: int = 0):
        n_features = n_atoms * (n_atoms + 1) // 2
        super().__init__(n_features, hidden, n_latent, 3 * n_atoms, activation=nn.SiLU, seed=seed)

    def decode(self, latent: Latent) -> Motifs:
        """The clouds that codes stand for."""
        # A network's numbers are about 1, a silicon atom's neighbours are at 2 to 4 A.
        return 2.0 * super().decode(latent).unflatten(1, (-1, 3))


def _layers(widths: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(*[layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())])


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


def watched(loss: Loss, held_out: Features, every: int) -> Loss:
    """A loss with one more term, which nobody minimises: the reconstruction of held-out features.

    It is computed anew at every so many calls, with the same noise. Of `training.train` the steps of an epoch make it
    once at the beginning of each.
    """
    check_counts(every=every)
    calls, terms = count(), {}

    def watching(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        if next(calls) % every == 0:
            unseen = held_out.to(batch.device)
            with torch.no_grad():
                found = loss(model, unseen, Generator(batch.device).manual_seed(0))
            terms["validation"] = found["reconstruction"]
        return loss(model, batch, generator) | terms

    return watching


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
