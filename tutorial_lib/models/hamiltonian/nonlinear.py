"""Equivariant non-linearities: features (dim, ..., channels) come in, the same and invariants (..., width) go out.

Equivariance allows linear maps within an irrep, and tensor products. What else there is goes through invariants, on
which anything is allowed. `TensorSquare` stays with products. `Gate` lets invariants scale features.
`Gradient` follows S. Yin et al., arXiv:2405.05722: the gradient of any invariant is an equivariant feature,

    z(D f) = z(f) for all f, so D^T (grad z)(D f) = (grad z)(f), so grad z transforms by D.

Both take the same invariants u = (A f) . (B f), one for each irrep and each row of A and B. For these the gradient is
dz/du (A^T B + B^T A) f: again numbers that scale linear maps of f, with the maps tied to those that made u. From
invariants alone neither makes a direction: where f vanishes, so does what comes out.
"""

import torch
from e3nn import o3
from torch import Tensor, nn

from tutorial_lib.models.hamiltonian.layers import Linear, coupling, n_paths

N_COMPARED = 16  # rows of A and B


class Compared(nn.Module):
    """Invariants u = (A f) . (B f) / (2 l + 1) of each irrep, then a small network of that width."""

    def __init__(self, irreps: str, channels: int, width: int):
        super().__init__()
        self.sizes = [ir.dim for _, ir in o3.Irreps(irreps)]
        self.both = Linear(irreps, channels, 2 * N_COMPARED)  # A and B
        n = N_COMPARED * len(self.sizes)
        self.mixed = nn.Sequential(nn.LayerNorm(n), nn.Linear(n, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def inner(self, features: Tensor) -> Tensor:
        """The invariants u of features (dim, ..., channels), (..., irreps times `N_COMPARED`)."""
        a, b = self.both(features).chunk(2, dim=-1)
        return torch.cat([part.mean(dim=0) for part in (a * b).split(self.sizes)], dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """What the network makes of them, (..., width)."""
        return self.mixed(self.inner(features))


class TensorSquare(nn.Module):
    """Features and the tensor product, of `width` channels, of two linear maps of them, channel by channel."""

    def __init__(self, irreps: str, channels: int, width: int):
        super().__init__()
        self.irreps = irreps
        self.both = Linear(irreps, channels, 2 * width)
        self.after = Linear(irreps, width, channels, n_paths(irreps, irreps, irreps))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The features with their products, and no invariants."""
        table = coupling(self.irreps, self.irreps, self.irreps, features.dtype).to(features.device)
        left, right = self.both(features).chunk(2, dim=-1)
        every = (left[:, None] * right).flatten(0, 1)
        product = (table.flatten(0, 1).mT @ every.flatten(1)).view(-1, *every.shape[1:])
        return features + self.after(product), features.new_empty(*features.shape[1:-1], 0)


class Gate(nn.Module):
    """Features and a linear map of them, each channel of each irrep scaled by a number that a network makes."""

    def __init__(self, irreps: str, channels: int, width: int):
        super().__init__()
        self.compared = Compared(irreps, channels, width)
        self.sizes, self.channels = self.compared.sizes, channels
        self.scales = nn.Linear(width, len(self.sizes) * channels)
        self.mixed = Linear(irreps, channels, channels)
        of_component = torch.arange(len(self.sizes)).repeat_interleave(torch.tensor(self.sizes))
        self.register_buffer("which", of_component, persistent=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The gated features, and the invariants behind the gates."""
        numbers = self.compared(features)
        scales = self.scales(numbers).unflatten(-1, (len(self.sizes), self.channels)).movedim(-2, 0)
        return features + self.mixed(features) * scales.index_select(0, self.which), numbers


class Gradient(nn.Module):
    """Features and a linear map of v, the gradient of an invariant with respect to them.

    The gradient is taken when predicting as well, so it is switched on inside `torch.no_grad` and
    `torch.inference_mode`. At first v is twenty times too small to matter: the first batch in training fixes a scale at
    which it is half as large as f.
    """

    def __init__(self, irreps: str, channels: int, width: int):
        super().__init__()
        self.compared = Compared(irreps, channels, width)
        self.number = nn.Linear(width, 1, bias=False)
        self.mixed = Linear(irreps, channels, channels)
        self.register_buffer("scale", torch.tensor(1.0))
        self.register_buffer("measured", torch.tensor(False))

    def gradient(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of the sum of all invariants z, that of each z for its own atom or pair; and what makes z."""
        learning = torch.is_grad_enabled()
        # What was made in inference mode can have no gradient; a copy that is made outside it can.
        with torch.inference_mode(False), torch.enable_grad():
            f = features if features.requires_grad else features.detach().clone().requires_grad_()
            numbers = self.compared(f)
            (v,) = torch.autograd.grad(self.number(numbers).sum(), f, create_graph=learning)
        return v, numbers if learning else numbers.detach()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The features with their gradient, and the invariants behind it."""
        v, numbers = self.gradient(features)
        if self.training and not self.measured:
            rms_f, rms_v = (x.detach().square().mean().sqrt() for x in (features, v))
            if rms_f > 0 and rms_v > 0:  # else there is nothing to measure yet
                self.scale.copy_(0.5 * rms_f / rms_v)
                self.measured.fill_(True)
        return features + self.mixed(v * self.scale), numbers
