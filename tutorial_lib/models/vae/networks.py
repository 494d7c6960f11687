"""Variational autoencoders: features come in, a few latent numbers go through, features or clouds go out.

`VariationalAutoencoder` is the network of notebook 02, `AlignedAutoencoder` that of 03.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.shapes import Decoded, Features, Latent, Motifs, check_counts, check_shapes, seeded


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
