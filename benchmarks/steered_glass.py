"""A quench that is pushed towards a measured g(r), as notebook 12 shows: what a curve can add to what was learnt.

The quench is quick and hot, so that something is left to mend. Held-out cells stand for the measurement.
"""

import math
from functools import cache

import torch
from ase import Atoms
from torch import Tensor

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure
from benchmarks.whole_glass import ENERGY, FOUR_FOLD, cells, made, scores
from tutorial_lib.models import denoiser

STRENGTHS = (0.0, 3.0, 30.0)
LEVELS, TEMPERATURE, N_CELLS = 500, 1.0, 3
WIDTH, SPACING, REACH = 0.1, 0.05, 5.8  # A, of the curve
DISTANCES = torch.arange(2.0, 5.4, SPACING)
FIRST, LONGEST = 0.9, 0.3  # A, the noise at which the push begins; its largest rms, where that of the noise is 1


class Steered:
    """The shipped network, its answer pushed downhill in the squared distance of g(r) to one that was measured.

    g(r) is that of the denoised positions, and both curves are blurred by the noise: what could have been is a mean,
    whose own g(r) is sharper than it can be known.
    """

    def __init__(self, strength: float):
        self.network, self.strength = denoiser.trained_denoiser(), strength

    def __getattr__(self, name: str) -> object:
        """What else a network has."""
        return getattr(self.network, name)

    def __call__(self, positions: Tensor, cell: Tensor, noise: float, species: Tensor) -> Tensor:
        """The noise in positions, and the push."""
        found = self.network(positions, cell, noise, species)
        if not self.strength or noise > FIRST:
            return found
        width = round(math.hypot(WIDTH, noise), 2)
        with torch.enable_grad():
            guess = (positions - noise * found).requires_grad_()
            off = (distribution(guess, cell, width) - measured(width)).square().sum() * SPACING * len(guess)
            (uphill,) = torch.autograd.grad(off, guess)
        push = self.strength * noise * uphill
        return found + push * (LONGEST / push.square().mean().sqrt()).clamp(max=1)


def distribution(positions: Tensor, cell: Tensor, width: float = WIDTH) -> Tensor:
    """g(r) as a smooth function of the positions."""
    found = denoiser.neighbours(positions, cell, REACH)
    between = found.seen(positions) - positions[:, None]
    # The vectors that were found lead to the nearest image; it moves with its atom.
    distances = (between + (found.vectors - between).detach()).norm(dim=-1)
    distances = distances[distances < REACH]
    heights = torch.exp(-((DISTANCES[:, None] - distances) ** 2) / (2 * width**2)).sum(dim=1)
    shells = len(positions) ** 2 / torch.linalg.det(cell).abs() * 4 * math.pi * DISTANCES**2
    return heights / (math.sqrt(2 * math.pi) * width * shells)


def curve(some: list[Atoms], width: float = WIDTH) -> Tensor:
    """The mean g(r) of cells."""
    network = denoiser.trained_denoiser()
    return torch.stack([distribution(*network.tensors(atoms)[:2], width) for atoms in some]).mean(0)


@cache
def measured(width: float = WIDTH) -> Tensor:
    """What stands for the measurement."""
    return curve(cells()[0], width)


def steered(strength: float) -> dict:
    """Cells, their curve and how far it is off, and what they are worth by all other metrics."""
    found, a_cell = made(Steered(strength), 9, n_cells=N_CELLS, levels=LEVELS, temperature=TEMPERATURE)
    off = [(curve([atoms]) - measured()).square().mean().sqrt().item() for atoms in found]
    return scores(found) | {"g(r)": curve(found).tolist(), "g(r), off": sum(off) / len(off), "a cell (s)": a_cell}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """One setting for each strength; the seeds of the cells are the same for all."""
    found = runs.by_key({f"strength {strength:g}": Call(steered, strength) for strength in STRENGTHS})
    return found | {"r (A)": DISTANCES.tolist(), "measured": measured().tolist(), "seeds": seeds}


def all_figures(series: dict) -> list[Figure]:
    """How well the curve agrees, and what else became of the cells."""
    runs = {name: run for name, run in series.items() if name.startswith("strength")}
    return [
        Figure(
            f"{name}: g(r) off, four-fold, energy (eV)",
            "reported",
            f"{run['g(r), off']:.3f}, {run['score'][FOUR_FOLD]:.3f}, {run['score'][ENERGY]:.3f}",
        )
        for name, run in runs.items()
    ]


BENCHMARK = Benchmark("steered_glass", all_runs, all_figures)
