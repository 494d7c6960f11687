"""Missing atoms through a latent space: a decoder is handed in, draws of the missing atoms go out.

Where do the codes lie whose clouds hold the known atoms? Around several of them the answer is close to a normal
distribution. The talk's way asks a network for Gram matrices: what is not known of the matrix is filled with noise, and
the code is moved until the known entries are right. Lost is whatever the decoder cannot draw.
"""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.ranking import Draws, best_first
from tutorial_lib.metrics.motif_statistics import validity
from tutorial_lib.representations.alignment.procrustes import turned_onto
from tutorial_lib.representations.gram import Standardiser, gram_matrix, upper_triangle
from tutorial_lib.shapes import Known, Missing, check_finite, check_shapes, differentiating
from tutorial_lib.training.loop import threads

N_PRIOR = 8000  # codes drawn from N(0, 1) to start from
DRAWS_A_START = 5  # the code that fits best, and four about it
N_STEPS = 8  # of Gauss and Newton; most starts have settled by then
DIFFERENCE = 0.01  # of a code, for derivatives
SMALL = 1e-6  # a prior for the pose, which has none
TEMPERATURE = 10.0  # chosen on the validation cell of 1, 3, 10 and 30
N_TALK_STEPS, TALK_STEP = 200, 0.05  # of Adam


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


def from_products(known: Tensor, products: Tensor) -> Missing:
    """The vectors that have given inner products (N, k, m), angstrom^2, with known ones.

    Where known vectors K span space, x follows linearly from K x = g; by least squares, where the products g contradict
    each other.

    Raises:
        ValueError: known vectors lie in a plane, so that a missing one is not determined, or something is not finite.
    """
    check_shapes(known=(known, "clouds known 3"), products=(products, "clouds known _"))
    check_finite(known, products, what="vectors or products")
    spread = torch.linalg.svdvals(known)
    flat = spread[:, -1] <= 1e-3 * spread[:, 0] if known.shape[1] >= 3 else torch.ones(len(known), dtype=torch.bool)
    if flat.any():
        raise ValueError(
            f"the known vectors of cloud {int(flat.nonzero()[0])} lie in a plane and do not fix another one: "
            "know one more"
        )
    return torch.linalg.lstsq(known, products).solution.mT


class TalkCompletion:
    """Missing atoms by the objective of Uhrin and Paulish.

    min over z of |f(z) - G o f(z)|^2, where "G o" overwrites those entries of a drawn matrix that are known; what is
    left is the mismatch of the known entries. The network reads atoms in the order of their distance, and which of
    them are missing is not known, so every way is tried. A search starts from the code of a matrix whose unknown
    entries are noise. `beta` is that of the model's loss: its noise has the variance beta / 2, which makes a mismatch a
    probability.
    """

    def __init__(self, model: nn.Module, standardiser: Standardiser, *, beta: float, n_atoms: int = 8):
        self.model, self.standardiser, self.beta, self.n_atoms = model, standardiser, beta, n_atoms

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, smallest mismatch first: n searches a query, which take the ways in turn."""
        known = known.gather(1, known.norm(dim=2).argsort(dim=1)[..., None].expand_as(known))
        ways = torch.tensor(list(combinations(range(self.n_atoms), known.shape[1])))
        rows = ways[torch.arange(n) % len(ways)].repeat(len(known), 1)
        part = known.repeat_interleave(n, dim=0)
        cloud = part.new_zeros(len(part), self.n_atoms, 3).scatter(1, rows[..., None].expand(-1, -1, 3), part)
        here = torch.zeros(len(part), self.n_atoms).scatter(1, rows, 1.0)
        is_known = upper_triangle(here[:, :, None] * here[:, None]).bool()
        features = self.standardiser.features(gram_matrix(cloud))
        filled = torch.where(is_known, features, torch.randn(features.shape, generator=generator))
        mismatch, drawn = self._fitted(self.model.encode(filled)[0].detach(), features, is_known)
        missing = here.argsort(dim=1, stable=True)[:, :n_missing]
        of_known = self.standardiser.gram(drawn).take_along_dim(rows[..., None], 1)
        draws = from_products(part, of_known.take_along_dim(missing[:, None], 2)).view(len(known), n, 1, n_missing, 3)
        return best_first(draws, -mismatch.view(len(known), n) / self.beta)

    @differentiating
    def _fitted(self, code: Tensor, features: Tensor, is_known: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad(), threads(1):
            code = code.clone().requires_grad_()
            optimiser = torch.optim.Adam([code], lr=TALK_STEP)
            for _ in range(N_TALK_STEPS):
                drawn = self.model.decode(code)
                mismatch = ((drawn - features) * is_known).square().sum(1)
                optimiser.zero_grad()
                mismatch.sum().backward(inputs=[code])
                optimiser.step()
        with torch.no_grad():
            drawn = self.model.decode(code)
            return ((drawn - features) * is_known).square().sum(1), drawn
