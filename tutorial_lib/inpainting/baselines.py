"""What a method for missing atoms has to beat: nothing is trained here; draws of the missing atoms go out.

Any free place, the mean motif, a normal distribution, and memory. They pass the same rules as models.
"""

import torch
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal

from tutorial_lib.inpainting.holes import closest, shell_places
from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.ranking import Draws
from tutorial_lib.metrics.motif_statistics import MAX_RADIUS, MIN_DISTANCE
from tutorial_lib.shapes import Known, Motifs, Positions

N_TRIES = 20  # for every random place that is kept
SIGMA = 0.8  # A, a coordinate; on the validation cell better than 0.15, 0.3 and 0.5
RIDGE = 1e-3  # A^2, added to variances


class RandomPlaces:
    """Any places that do not clash: what one knows without having seen silicon.

    Args:
        n_atoms: of a cloud.
        radius: angstrom; no place is farther out.
    """

    def __init__(self, n_atoms: int = 8, radius: float = MAX_RADIUS):
        self.n_atoms, self.radius = n_atoms, radius

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Random places, those that do not clash first.

        Args:
            known: (N, k, 3), angstrom.
            n_missing: how many atoms are missing.
            n: how many draws a query gets.
            generator: of the draws.

        Returns:
            Draws (N, n, n_missing, 3), angstrom; all count alike.

        Raises:
            RuntimeError: the generator is on another device.
        """
        shape = (len(known), N_TRIES * n, n_missing)
        places = shell_places(shape, MIN_DISTANCE, self.radius, known, generator)
        free = (closest(known, places) >= MIN_DISTANCE).int().argsort(dim=1, descending=True, stable=True)[:, :n]
        return Draws(places[torch.arange(len(known))[:, None], free], torch.zeros(free.shape).to(known))


class Retrieval:
    """Memory: training clouds that hold the known atoms best, and where their other atoms are.

    Args:
        training: (M, n, 3), angstrom.
        sigma: angstrom, a coordinate: known atoms that are so far off still count. If it is small, the best cloud
            decides alone (a copy); if it is large, all have a say.
    """

    def __init__(self, training: Motifs, sigma: float = SIGMA):
        self.n_atoms, self.library, self.sigma = training.shape[1], Library(training), sigma

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Copies of training atoms, those of the best cloud first.

        Args:
            known: (N, k, 3), angstrom.
            n_missing: n_atoms - k.
            n: how many draws a query gets.
            generator: not used.

        Returns:
            Draws (N, n, n_missing, 3), angstrom.

        Raises:
            ValueError: fewer than three atoms are known, or all.
        """
        found = self.library.find(known, n)
        draws = self.library.clouds[found.item[..., None], found.others] @ found.rotation.mT
        return Draws(draws, -known.shape[1] * found.rmsd.square() / (2 * self.sigma**2))


class TemplateCompletion(Retrieval):
    """The mean motif, laid upon the known atoms in every way.

    Args:
        template: (n, 3), angstrom.
    """

    def __init__(self, template: Positions):
        super().__init__(template[None])


class LinearGaussian:
    """A normal distribution of all 3n coordinates, given some of them.

    Motifs in one order and pose have a mean and a covariance. The known atoms are laid upon the mean in every way; for
    each way the others follow by the rule for conditional normal distributions, and it counts by how well it explains
    the known ones.

    Args:
        canonical: (M, n, 3), angstrom, training motifs in one order and pose; M at least 2.

    Raises:
        ValueError: there are fewer than two motifs, or they are not finite.
    """

    def __init__(self, canonical: Motifs):
        if canonical.ndim != 3 or len(canonical) < 2:
            raise ValueError(f"a covariance takes (M, n, 3) with M at least 2: shape {tuple(canonical.shape)} arrived")
        flat = canonical.flatten(1).double()
        self.n_atoms, self.mean = canonical.shape[1], flat.mean(0)
        self.covariance = flat.mT.cov() + RIDGE * torch.eye(flat.shape[1], dtype=torch.float64)
        self.library = Library(canonical.mean(0, keepdim=True))

    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, those of the most probable way first.

        Args:
            known: (N, k, 3), angstrom.
            n_missing: n_atoms - k.
            n: how many draws a query gets, at least.
            generator: of the draws.

        Returns:
            Draws (N, n or a few more, n_missing, 3), angstrom.

        Raises:
            ValueError: fewer than three atoms are known, or all.
        """
        found = self.library.find(known, n)
        n_ways = found.item.shape[1]
        a, b = (_coordinates(atoms) for atoms in (found.order, found.others))
        values = (known.double()[:, None] @ found.rotation.double()).flatten(2)
        c_ab = self.covariance[a[..., :, None], b[..., None, :]]
        seen = MultivariateNormal(self.mean[a], self.covariance[a[..., :, None], a[..., None, :]])
        gain = torch.cholesky_solve(c_ab, seen.scale_tril).mT
        mean = self.mean[b] + (gain @ (values - self.mean[a])[..., None])[..., 0]
        left = self.covariance[b[..., :, None], b[..., None, :]] - gain @ c_ab
        n_each = -(-n // n_ways)
        noise = torch.randn(*mean.shape, n_each - 1, generator=generator, dtype=torch.float64)
        moved = mean[..., None] + torch.linalg.cholesky((left + left.mT) / 2) @ noise
        draws = torch.cat([mean[..., None], moved], dim=-1).movedim(-1, 2).unflatten(3, (n_missing, 3))
        draws = (draws @ found.rotation.double().mT[:, :, None]).to(known)
        log_weight = seen.log_prob(values).to(known)
        best = log_weight.argsort(dim=1, descending=True)
        draws = draws[torch.arange(len(known))[:, None], best].flatten(1, 2)
        return Draws(draws, log_weight.gather(1, best).repeat_interleave(n_each, dim=1))


def _coordinates(atoms: Tensor) -> Tensor:
    # Where the coordinates of atoms (..., k) stand in a flat list of all: (..., 3 k).
    return (3 * atoms[..., None] + torch.arange(3)).flatten(-2)
