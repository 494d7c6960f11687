"""What a method for missing atoms has to beat: nothing is trained here; draws of the missing atoms go out.

Any free place, the fourth bond, an energy, the mean motif, a normal distribution, and memory. They pass the same rules
as models.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal
from torch.nn.functional import normalize

from tutorial_lib.inpainting.holes import closest, shell_places
from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.ranking import Draws, best_first
from tutorial_lib.metrics.motif_statistics import MAX_RADIUS, MIN_DISTANCE
from tutorial_lib.shapes import (
    Known,
    Missing,
    Motifs,
    Positions,
    check,
    check_counts,
    check_not_negative,
    check_shapes,
    differentiating,
)

N_TRIES = 20  # for every random place that is kept
SIGMA = 0.8  # A, a coordinate; on the validation cell better than 0.15, 0.3 and 0.5
RIDGE = 1e-3  # A^2, added to variances
N_MINIMA, N_DOWN, DOWN = 20, 60, 0.15  # walks a query, steps of a walk, and the first step of each coordinate, A
BRISK = (0.8, 0.95)  # Adam's memory of slopes and of their squares, short, so that walks settle


class RandomPlaces:
    """Any places up to a radius (angstrom) that do not clash: what one knows without having seen silicon."""

    def __init__(self, n_atoms: int = 8, radius: float = MAX_RADIUS):
        self.n_atoms, self.radius = n_atoms, radius

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Random places, those that do not clash first; all count alike."""
        places = shell_places((len(known), N_TRIES * n, n_missing), MIN_DISTANCE, self.radius, known, generator)
        free = (closest(known, places) >= MIN_DISTANCE).int().argsort(dim=1, descending=True, stable=True)[:, :n]
        return Draws(places.take_along_dim(free[..., None, None], 1), torch.zeros(free.shape).to(known))


class FourthBond:
    """A chemist's rule: the place opposite to the sum of the unit vectors of the three atoms nearest to the centre.

    It stands one bond length (angstrom) from the centre, whichever atom is missing. Further atoms are placed one after
    another, each as if those before it were known.
    """

    def __init__(self, bond: float, n_atoms: int = 8):
        check_not_negative(bond=bond)
        self.bond, self.n_atoms = bond, n_atoms

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """One draw a query; neither `n` nor the generator is used."""
        check_shapes(known=(known, "queries atoms 3"))
        check(known.shape[1] >= 3, f"the rule asks three neighbours, and {known.shape[1]} are known")
        for _ in range(n_missing):
            nearest = known.norm(dim=2).topk(3, largest=False).indices
            away = -normalize(known.take_along_dim(nearest[..., None], 1), dim=2).sum(1, keepdim=True)
            known = torch.cat([known, self.bond * normalize(away, dim=2)], dim=1)
        return Draws(known[:, None, -n_missing:], known.new_zeros(len(known), 1))


class EnergyMinima:
    """Minima of an energy: the missing atoms go downhill from free places, and the known ones stay where they are.

    The lower a minimum, the more it counts, exp(-E / kT). Minima beyond the radius (angstrom) hardly count.

    Args:
        energy: of whole clouds (N, n_atoms, 3), angstrom, without their centres; eV, (N,).
        n_atoms: of a cloud.
        kT: eV.
        radius: angstrom, within which the missing atoms are.
    """

    def __init__(self, energy: Callable[[Tensor], Tensor], n_atoms: int = 8, *, kT: float, radius: float = MAX_RADIUS):
        check_not_negative(kT=kT, radius=radius)
        self.energy, self.n_atoms, self.kT, self.radius = energy, n_atoms, kT, radius

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """The ends of twenty walks, whatever `n` is, some of them alike; the lowest first."""
        free = RandomPlaces(self.n_atoms, self.radius).complete(known, n_missing, N_MINIMA, generator).positions
        shape = free.shape[:2]
        ends, energy = self._downhill(known.repeat_interleave(shape[1], dim=0), free.flatten(0, 1))
        beyond = (ends.norm(dim=2) > self.radius).any(dim=1)
        log_weight = (-energy / self.kT).masked_fill(beyond, -1e4).view(shape)
        return best_first(ends.view(*shape, 1, n_missing, 3), log_weight)

    @differentiating
    def _downhill(self, known: Known, places: Missing) -> tuple[Missing, Tensor]:
        with torch.enable_grad():
            places = places.clone().requires_grad_()
            optimiser = torch.optim.Adam([places], lr=DOWN, betas=BRISK)
            slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, N_DOWN)
            for _ in range(N_DOWN):
                optimiser.zero_grad()
                self.energy(torch.cat([known, places], dim=1)).sum().backward(inputs=[places])
                optimiser.step()
                slower.step()
        with torch.no_grad():
            return places.detach(), self.energy(torch.cat([known, places], dim=1))


class Retrieval:
    """Memory: training clouds that hold the known atoms best, and where their other atoms are.

    Known atoms that are off by `sigma` (angstrom, a coordinate) still count. If it is small, the best cloud decides
    alone (a copy); if it is large, all have a say.
    """

    def __init__(self, training: Motifs, sigma: float = SIGMA):
        self.n_atoms, self.library, self.sigma = training.shape[1], Library(training), sigma

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Copies of training atoms, those of the best cloud first; the generator is not used."""
        found = self.library.find(known, n)
        draws = self.library.clouds[found.item[..., None], found.others] @ found.rotation.mT
        return Draws(draws, -known.shape[1] * found.rmsd.square() / (2 * self.sigma**2))


class TemplateCompletion(Retrieval):
    """The mean motif, laid upon the known atoms in every way."""

    def __init__(self, template: Positions):
        super().__init__(template[None])


class LinearGaussian:
    """A normal distribution of all 3n coordinates, given some of them.

    Motifs in one order and pose have a mean and a covariance. The known atoms are laid upon the mean in every way; for
    each way the others follow by the rule for conditional normal distributions, and it counts by how well it explains
    the known ones.
    """

    def __init__(self, canonical: Motifs):
        check_shapes(canonical=(canonical, "motifs atoms 3"))
        check_counts(2, motifs=len(canonical))
        flat = canonical.flatten(1).double()
        self.n_atoms, self.mean = canonical.shape[1], flat.mean(0)
        self.covariance = flat.mT.cov() + RIDGE * torch.eye(flat.shape[1], dtype=torch.float64)
        self.library = Library(canonical.mean(0, keepdim=True))

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, n or a few more, those of the most probable way first."""
        found = self.library.find(known, n)
        a, b = (_coordinates(atoms) for atoms in (found.order, found.others))
        values = (known.double()[:, None] @ found.rotation.double()).flatten(2)
        c_ab = self.covariance[a[..., :, None], b[..., None, :]]
        of_known = MultivariateNormal(self.mean[a], self.covariance[a[..., :, None], a[..., None, :]])
        gain = torch.cholesky_solve(c_ab, of_known.scale_tril).mT
        mean = self.mean[b] + (gain @ (values - self.mean[a])[..., None])[..., 0]
        left = self.covariance[b[..., :, None], b[..., None, :]] - gain @ c_ab
        n_more = -(-n // found.item.shape[1]) - 1
        noise = torch.randn(*mean.shape, n_more, generator=generator, dtype=torch.float64)
        moved = mean[..., None] + torch.linalg.cholesky((left + left.mT) / 2) @ noise
        draws = torch.cat([mean[..., None], moved], dim=-1).movedim(-1, 2).unflatten(3, (n_missing, 3))
        return best_first(
            (draws @ found.rotation.double().mT[:, :, None]).to(known), of_known.log_prob(values).to(known)
        )


def _coordinates(atoms: Tensor) -> Tensor:
    # Where the coordinates of atoms (..., k) stand in a flat list of all: (..., 3 k).
    return (3 * atoms[..., None] + torch.arange(3)).flatten(-2)
