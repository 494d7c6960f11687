"""Statistics of motifs: clouds about a centre come in, numbers that say how good a generator is go out.

No number here means anything alone. `compare` puts each beside its floor, the same number for real
motifs from training cells against real motifs from held-out cells. Lost here: handedness, and which
atom is which; motifs are compared through sorted distances, so that no order has to be chosen.
"""

from dataclasses import dataclass

import torch
from scipy.stats import wasserstein_distance
from torch import Generator, Tensor

from tutorial_lib.representations.radial import distances_of_pairs
from tutorial_lib.shapes import Motifs, check, check_counts, check_finite, check_shapes, unrounded

MIN_DISTANCE = 2.1  # A: no two atoms of a valid motif are closer
MAX_RADIUS = 4.05  # A: no atom of a valid motif is farther from the centre
N_COMPARED = 1024  # motifs on each side of a comparison
N_BALL = 5  # coverage: the ball about a real motif reaches its fifth real neighbour


def centre_distances(positions: Motifs) -> Tensor:
    """The distances of the atoms to the centre (N, n), angstrom, nearest first."""
    _check(positions)
    return positions.norm(dim=-1).sort(dim=-1).values


def pair_distances(positions: Motifs) -> Tensor:
    """The distances between the atoms (N, n (n - 1) / 2), angstrom, the centre left out, shortest first."""
    _check(positions)
    return distances_of_pairs(positions).sort(dim=-1).values


def bond_angles(positions: Motifs) -> Tensor:
    """The angles at the centre between its four nearest atoms, (N, 6), degree: 109.47 in a perfect tetrahedron."""
    _check(positions)
    check_counts(4, n_atoms=positions.shape[1])
    nearest = positions.norm(dim=-1).argsort(dim=-1)[:, :4]
    unit = torch.nn.functional.normalize(positions.gather(1, nearest[..., None].expand(-1, -1, 3)), dim=-1)
    one, other = (unit[:, index] for index in torch.triu_indices(4, 4, offset=1))
    return 2 * torch.atan2((one - other).norm(dim=-1), (one + other).norm(dim=-1)).rad2deg()  # exact near 0 and 180


def validity(positions: Motifs) -> Tensor:
    """Which motifs could be silicon: no two atoms too close, no atom too far.

    Every pair, centre included, is beyond 2.1 A and every atom within 4.05 A of the centre. A
    generator that repeats one good motif is valid too: look at `coverage` and `novelty` beside it.
    """
    radius = centre_distances(positions)
    closest = torch.minimum(radius[:, 0], pair_distances(positions)[:, 0])
    return (closest > MIN_DISTANCE) & (radius[:, -1] < MAX_RADIUS)


def wasserstein(generated: Tensor, real: Tensor) -> float:
    """The Wasserstein distance of two samples of a number: how far mass must move, on average, in their unit."""
    check(
        all(sample.numel() and not sample.isnan().any() for sample in (generated, real)),
        "a sample is empty or holds NaN: at least one number is needed on each side, and all of them",
    )
    return float(wasserstein_distance(generated.flatten().cpu().numpy(), real.flatten().cpu().numpy()))


def descriptor(positions: Motifs) -> Tensor:
    """Sorted distances (N, n (n + 1) / 2), angstrom, to the centre first: a motif whatever its pose and order of atoms.

    Not complete: two different motifs can share all their distances, though none is expected to.
    """
    return torch.cat([centre_distances(positions), pair_distances(positions)], dim=1)


def coverage(generated: Motifs, real: Motifs) -> float:
    """The share of real motifs that a generator comes close to.

    Close means nearer than the real motif's fifth nearest real neighbour (Naeem et al., ICML 2020),
    so a generator that repeats itself covers little. About 0.97 for a second sample of the same
    size from the same distribution.
    """
    check_counts(N_BALL + 1, n_real=len(real))
    check_shapes(generated=(generated, "_ atoms 3"), real=(real, "_ atoms 3"))
    own = descriptor(real)
    near = torch.cdist(own, descriptor(generated)).amin(1) < _nearest_fellow(own, N_BALL)
    return near.float().mean().item()


def novelty(generated: Motifs, training: Motifs) -> float:
    """The share of generated motifs that are farther from every training motif than usual.

    Usual is the median distance of a training motif to its nearest neighbour. Copies score 0, held-out
    real motifs about one half, and nonsense 1: a score above the floor is no merit.
    """
    check_counts(2, n_training=len(training))
    check_shapes(generated=(generated, "_ atoms 3"), training=(training, "_ atoms 3"))
    known = descriptor(training)
    novel = torch.cdist(descriptor(generated), known).amin(1) > _nearest_fellow(known, 1).median()
    return novel.float().mean().item()


@dataclass(frozen=True)
class Comparison:
    """Scores of a generator by name, and as its floor the same scores of real motifs from training cells."""

    score: dict[str, float]
    floor: dict[str, float]

    def __str__(self) -> str:
        rows = (f"{name:24}{value:>10.3f}{self.floor[name]:>10.3f}" for name, value in self.score.items())
        return "\n".join([f"{'':24}{'generated':>10}{'floor':>10}", *rows])


@unrounded
def compare(generated: Motifs, held_out: Motifs, training: Motifs, *, seed: int = 0) -> Comparison:
    """How a generator's motifs compare with real ones from cells that were not trained on.

    Wasserstein distances W_r, W_dij (angstrom) and W_angle (degree), and the shares valid, covered and novel.
    1,024 motifs on each side, or as many as there are. The floor puts real training motifs in the
    generator's place; for novelty it puts held-out motifs there.
    """
    generator = Generator().manual_seed(seed)
    real, made, known = (sampled(motifs, N_COMPARED, generator) for motifs in (held_out, generated, training))
    numbers = {"W_r (A)": centre_distances, "W_dij (A)": pair_distances, "W_angle (degree)": bond_angles}

    def scores(candidates: Motifs, for_novelty: Motifs) -> dict[str, float]:
        distances = {name: wasserstein(number(candidates), number(real)) for name, number in numbers.items()}
        return distances | {
            "valid (share)": validity(candidates).float().mean().item(),
            "covered (share)": coverage(candidates, real),
            "novel (share)": novelty(for_novelty, training),
        }

    return Comparison(score=scores(made, made), floor=scores(known, real))


def sampled(positions: Motifs, n: int, generator: Generator) -> Motifs:
    """So many motifs at random, or all in a random order where there are fewer."""
    return positions[torch.randperm(len(positions), generator=generator)[:n].to(positions.device)]


def _nearest_fellow(descriptors: Tensor, k: int) -> Tensor:
    # The very nearest is the motif itself. kthvalue would do, with four times the memory.
    return torch.cdist(descriptors, descriptors).topk(k + 1, dim=1, largest=False).values[:, k]


def _check(positions: Tensor) -> None:
    check_shapes(positions=(positions, "motifs+ atoms+ 3"))
    check_finite((4 * positions).square().sum())  # and small enough to square
