"""Missing atoms through a latent space: a decoder is handed in, draws of the missing atoms go out.

Where do the codes lie whose clouds hold the known atoms? Around several of them the answer is close to a normal
distribution. Lost is whatever the decoder cannot draw.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.ranking import Draws, best_first
from tutorial_lib.metrics.motif_statistics import validity
from tutorial_lib.representations.alignment.procrustes import turned_onto
from tutorial_lib.shapes import Known

N_PRIOR = 8000  # codes drawn from N(0, 1) to start from
DRAWS_A_START = 5  # the code that fits best, and four about it
N_STEPS = 8  # of Gauss and Newton; most starts have settled by then
DIFFERENCE = 0.01  # of a code, for derivatives
SMALL = 1e-6  # a prior for the pose, which has none
TEMPERATURE = 10.0  # chosen on the validation cell of 1, 3, 10 and 30


class LatentCompletion:
    """Missing atoms of clouds that a decoder can draw.

    A code z and a pose w explain known atoms K with the probability exp(-E), where
    E = |K - Y(z) Q(w)|^2 / (2 sigma^2) + |z|^2 / 2: the aligned distance on the known atoms, and the prior. Starts are
    prior draws whose clouds hold the known atoms, which finds out which atoms of the decoder are missing. Each goes
    down to a minimum of E by damped Gauss-Newton steps (Levenberg 1944). There the posterior is taken as normal, with
    the inverse of the second derivatives as its covariance (Laplace's method), and draws of the code become draws of
    the missing atoms. A start counts by its share of the posterior to the power of one tenth, because these shares are
    surer of themselves than they may be.

    Args:
        decode: codes (N, n_latent) to clouds (N, n_atoms, 3), angstrom, in any pose.
        n_latent: width of a code.
        n_atoms: of a cloud.
        sigma: angstrom, how far off the decoder is, a coordinate.
        generator: of the prior draws to start from.
    """

    @torch.no_grad()
    def __init__(
        self, decode: Callable[[Tensor], Tensor], n_latent: int, n_atoms: int, *, sigma: float, generator: Generator
    ):
        self.decode, self.n_latent, self.n_atoms, self.sigma = decode, n_latent, n_atoms, sigma
        codes = torch.randn(N_PRIOR, n_latent, generator=generator)
        clouds = decode(codes)
        # What is valid is said of eight neighbours; more of them reach farther out.
        usable = validity(clouds) if n_atoms <= 8 else torch.ones(len(clouds), dtype=torch.bool)
        self.codes, self.library = codes[usable], Library(clouds[usable])

    @torch.no_grad()
    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """About n draws of the missing atoms, those of the most probable start first."""
        found = self.library.find(known, -(-n // DRAWS_A_START))
        shape = found.item.shape
        part, item, order, others = found.flat(known)
        fit = self._settled(self.codes[item], part, order)
        at_best = fit.cloud.take_along_dim(others[..., None], 1)
        lever = fit.slope.take_along_dim(others[..., None, None], 1).flatten(1, 2)
        factor = torch.linalg.cholesky(fit.curvature)
        noise = torch.randn(*fit.downhill.shape, DRAWS_A_START - 1, generator=generator)
        moves = torch.linalg.solve_triangular(factor.mT, noise, upper=True)
        moved = at_best[:, None] + (lever @ moves).mT.unflatten(2, (n_missing, 3))
        log_weight = -fit.energy - factor.diagonal(dim1=1, dim2=2).log().sum(1)
        draws = torch.cat([at_best[:, None], moved], dim=1).view(*shape, DRAWS_A_START, n_missing, 3)
        return best_first(draws, (log_weight / TEMPERATURE).view(shape))

    def _settled(self, codes: Tensor, part: Tensor, order: Tensor) -> "_Point":
        here = self._at(codes, part, order)
        damping = torch.full((len(codes), 1, 1), 1e-2)
        for _ in range(N_STEPS):
            damped = here.curvature + damping * torch.diag_embed(here.curvature.diagonal(dim1=1, dim2=2))
            step = torch.linalg.solve(damped, here.downhill)[:, : self.n_latent]
            there = self._at(here.code + step, part, order)
            better = there.energy < here.energy
            damping = torch.where(better[:, None, None], damping / 4, damping * 4).clamp(1e-6, 1e3)
            pairs = zip(there, here, strict=True)
            here = _Point(*(torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old) for new, old in pairs))
        return here

    def _at(self, codes: Tensor, part: Tensor, order: Tensor) -> "_Point":
        clouds = self.decode(codes)
        rotation, _ = turned_onto(clouds.take_along_dim(order[..., None], 1), part, allow_mirror=True)
        clouds = clouds @ rotation.mT
        off = part - clouds.take_along_dim(order[..., None], 1)
        energy = off.square().sum((1, 2)) / (2 * self.sigma**2) + codes.square().sum(1) / 2
        axes = torch.eye(3).expand(*clouds.shape[:2], 3, 3)
        by_pose = torch.linalg.cross(axes, clouds[:, :, None].expand_as(axes)).mT  # turning about an axis: e x y
        slope = torch.cat([rotation[:, None] @ self._slope(codes), by_pose], dim=3)
        at_known = slope.take_along_dim(order[..., None, None], 1).flatten(1, 2)
        prior = torch.tensor([1.0] * self.n_latent + [SMALL] * 3)
        curvature = at_known.mT @ at_known / self.sigma**2 + torch.diag(prior)
        downhill = (off.flatten(1)[:, None] @ at_known)[:, 0] / self.sigma**2
        downhill[:, : self.n_latent] -= codes
        return _Point(codes, energy, clouds, slope, downhill, curvature)

    def _slope(self, codes: Tensor) -> Tensor:
        # Derivatives of clouds by codes, (B, n, 3, L), as differences: any function will do as a decoder.
        moves = DIFFERENCE * torch.eye(self.n_latent)
        there, back = (self.decode((codes[:, None] + sign * moves).flatten(0, 1)) for sign in (1, -1))
        return ((there - back) / (2 * DIFFERENCE)).unflatten(0, (-1, self.n_latent)).movedim(1, -1)


class _Point(NamedTuple):
    # Codes (B, L), and there: energy (B,), clouds laid upon the known atoms (B, n, 3), their derivatives by code and
    # pose (B, n, 3, L + 3), the way down (B, L + 3), and the second derivatives without those of the decoder.
    code: Tensor
    energy: Tensor
    cloud: Tensor
    slope: Tensor
    downhill: Tensor
    curvature: Tensor
