"""Missing atoms the talk's way: a network for Gram matrices is handed in, draws of the missing atoms go out.

What is not known of the matrix is filled with noise, and the code is moved until the known entries are right.
"""

from itertools import combinations

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.inpainting.ranking import Draws, best_first
from tutorial_lib.representations.gram import Standardiser, gram_matrix, upper_triangle
from tutorial_lib.shapes import Known, Missing, check_finite, check_shapes, differentiating
from tutorial_lib.training.loop import threads

N_STEPS = 200  # of Adam
STEP = 0.05


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
            optimiser = torch.optim.Adam([code], lr=STEP)
            for _ in range(N_STEPS):
                drawn = self.model.decode(code)
                mismatch = ((drawn - features) * is_known).square().sum(1)
                optimiser.zero_grad()
                mismatch.sum().backward(inputs=[code])
                optimiser.step()
        with torch.no_grad():
            drawn = self.model.decode(code)
            return ((drawn - features) * is_known).square().sum(1), drawn
