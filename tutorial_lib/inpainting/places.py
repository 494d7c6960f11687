"""Where could one more atom be? Known atoms and places come in, a score for every place goes out.

The network sees distances only, so its scores are invariant under rotations, mirrors and renumbering of the known
atoms. Nothing is lost: the distances to four atoms in general position fix a position.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.inpainting import Draws, shell_places
from tutorial_lib.representations.radial import gaussians
from tutorial_lib.shapes import (
    Known,
    PerCandidate,
    check_counts,
    check_finite,
    check_not_negative,
    check_shapes,
    seeded,
)
from tutorial_lib.storage import WEIGHTS, with_weights

N_RADIAL = 16  # Gaussians that a distance is written in
REACH = 8.0  # A, where the last of them stands; what is farther is only far
INNER = 2.0  # A, the radius within which no place is asked about
N_PLACES = 2000  # for the first atom of a query
N_PLACES_AGAIN = 80  # for every further atom, and every draw of those before it
N_MOVES = 4  # of Metropolis, which free the draws from the places they were drawn from
MOVE = 0.15  # A
CHUNK = 2_000_000  # pairs of a place and an atom at a time, for the sake of memory


def radial_basis(distance: Tensor) -> Tensor:
    """Distances on 16 Gaussian radial basis functions, which a network reads more easily than one number."""
    centres = torch.linspace(0, REACH, N_RADIAL, device=distance.device, dtype=distance.dtype)
    return gaussians(distance, centres, REACH / N_RADIAL)


class PositionScorer(nn.Module):
    """The score of every place: how likely a missing atom is there, the logarithm of it up to a constant: a logit.

    (Of a diffusion model, the score is another thing: the gradient of such a logarithm.)

    Atoms look at each other through their distances, then a place looks at every atom through its distance to it:
    s(p) = out(sum_i message(h_i, |p - x_i|) + |p|), with h_i what atom i knows of the others. The clouds have `n_atoms`
    in all. Missing atoms are within the radius (angstrom), and so are the places that are asked about.
    """

    def __init__(self, n_atoms: int = 8, radius: float = 4.05, width: int = 64, *, seed: int = 0):
        super().__init__()
        check_counts(width=width)
        self.n_atoms, self.radius = n_atoms, radius
        with seeded(seed):
            self.from_radius = nn.Linear(N_RADIAL, width)
            self.rounds = nn.ModuleList([_Round(width) for _ in range(2)])
            self.towards = _Message(width)
            self.place_radius = nn.Linear(N_RADIAL, width)
            self.out = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, known: Known, places: Tensor) -> PerCandidate:
        """The scores of places (N, p, 3), nats, up to a constant for each cloud."""
        check_shapes(known=(known, "clouds known+ 3"), places=(places, "clouds _ 3"))
        atoms = self.from_radius(radial_basis(known.norm(dim=2)))
        between = radial_basis(torch.cdist(known, known))
        for look in self.rounds:
            atoms = atoms + look(atoms, between)
        hidden = self.towards(atoms[:, None], radial_basis(torch.cdist(places, known))).sum(2)
        hidden = hidden / known.shape[1] ** 0.5 + self.place_radius(radial_basis(places.norm(dim=2)))
        return self.out(hidden)[..., 0]

    @torch.no_grad()
    def complete(self, known: Known, n_missing: int, n: int, generator: Generator) -> Draws:
        """Draws of the missing atoms, one atom after another, each knowing those before it.

        An atom is drawn from places that fill the shell, by their scores, and then moved a little (Metropolis), since
        the truth is nowhere in particular. The most probable draws come first; all count alike.
        """
        check_counts(n_missing=n_missing, n=n)
        check_shapes(known=(known, "clouds known+ 3"))
        check_finite(known)
        drawn, density, total = self._one_more(known, N_PLACES, n, generator)
        density, drawn = (density - total).flatten(), drawn.flatten(0, 1)[:, None]
        known = known.repeat_interleave(n, dim=0)
        for _ in range(n_missing - 1):
            one, its, total = self._one_more(torch.cat([known, drawn], dim=1), N_PLACES_AGAIN, 1, generator)
            density = density + its[:, 0] - total[:, 0]
            drawn = torch.cat([drawn, one], dim=1)
        density, drawn = density.view(-1, n), drawn.view(-1, n, n_missing, 3)
        best = density.argsort(dim=1, descending=True)
        return Draws(drawn.take_along_dim(best[..., None, None], 1), torch.zeros_like(density))

    def _one_more(
        self, known: Tensor, n_places: int, n: int, generator: Generator
    ) -> tuple[Tensor, PerCandidate, Tensor]:
        places = shell_places((len(known), n_places), INNER, self.radius, known, generator)
        score = self._scores(known, places)
        chosen = score.softmax(1).multinomial(n, replacement=True, generator=generator)
        start = places.take_along_dim(chosen[..., None], 1)
        return *self._moved(known, start, score.gather(1, chosen), generator), score.logsumexp(1, keepdim=True)

    def _scores(self, known: Tensor, places: Tensor) -> Tensor:
        at_once = max(1, CHUNK // (places.shape[1] * known.shape[1] * 8))
        return torch.cat(list(map(self, known.split(at_once), places.split(at_once))))

    def _moved(self, known: Tensor, drawn: Tensor, score: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        kind = {"generator": generator, "device": drawn.device, "dtype": drawn.dtype}
        for _ in range(N_MOVES):
            trial = drawn + MOVE * torch.randn(drawn.shape, **kind)
            inside = trial.norm(dim=2).sub(INNER).mul(self.radius - trial.norm(dim=2)) > 0
            trial_score = self._scores(known, trial).masked_fill(~inside, -torch.inf)
            taken = torch.rand(score.shape, **kind).log() < trial_score - score
            drawn, score = torch.where(taken[..., None], trial, drawn), torch.where(taken, trial_score, score)
        return drawn, score


class _Message(nn.Module):
    # What is sent across a distance: (..., width) and its radial basis, to (..., width).

    def __init__(self, width: int):
        super().__init__()
        self.sender, self.distance = nn.Linear(width, width), nn.Linear(N_RADIAL, width)
        self.then = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, sender: Tensor, distance: Tensor) -> Tensor:
        return self.then(self.sender(sender) + self.distance(distance))


class _Round(nn.Module):
    # Every atom hears all atoms, itself included, and takes the mean.

    def __init__(self, width: int):
        super().__init__()
        self.message, self.receiver, self.out = _Message(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, atoms: Tensor, between: Tensor) -> Tensor:
        heard = self.message(atoms[:, None], between).mean(2)
        return self.out(nn.functional.silu(heard + self.receiver(atoms)))


def position_loss(*, n_places: int, rattle: float) -> Callable[..., dict[str, Tensor]]:
    """The loss that makes scores probabilities, for `training.train` on whole clouds, nearest atom first; nats.

    One to three of the eight nearest atoms are taken out of every cloud, and hidden among places drawn at random. The
    scores should find them: -log (e^s(true) / (e^s(true) + sum e^s(random))), after van den Oord, Li and Vinyals (arXiv
    1807.03748). With many random places the best scores are logarithms of the density of missing atoms, up to a
    constant.

    Args:
        n_places: random places a cloud.
        rattle: angstrom, the largest standard deviation of every coordinate: what keeps some thousand clouds from being
            learnt by heart.
    """
    check_counts(n_places=n_places)
    check_not_negative(rattle=rattle)

    def loss(model: PositionScorer, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        draw = {"generator": generator, "device": batch.device, "dtype": batch.dtype}
        n_missing = int(torch.randint(1, 4, (), generator=generator, device=batch.device))
        nearest = (torch.arange(batch.shape[1], device=batch.device) < 8).to(batch)
        order = (torch.rand(batch.shape[:2], **draw) - nearest).argsort(1)  # these come first, in random order
        batch = batch + rattle * torch.rand(len(batch), 1, 1, **draw) * torch.randn(batch.shape, **draw)
        batch = batch.gather(1, order[..., None].expand_as(batch))
        hidden, known = batch[:, :n_missing], batch[:, n_missing:]
        random = shell_places((len(batch), n_places), INNER, model.radius, batch, generator)
        score = model(known, torch.cat([hidden, random], dim=1))
        found, elsewhere = score[:, :n_missing], score[:, n_missing:].logsumexp(1, keepdim=True)
        return {"loss": (torch.logaddexp(found, elsewhere) - found).mean()}

    return loss


def trained_position_scorer(folder: Path = WEIGHTS) -> PositionScorer:
    """The scorer for clouds of eight after its training on the nine training cells of amorphous silicon."""
    return with_weights(PositionScorer(), folder / "places.pt")
