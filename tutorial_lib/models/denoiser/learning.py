"""What a denoiser learns from: cells come in, and the loss of `training.train` goes out.

We add noise to a cell and ask which. The best answer that there is, in the mean square, is the mean of all noise that
could have led here; taken away from the positions it leaves the mean of all cells that could have been (Tweedie's
formula), and divided by minus the standard deviation it is the score, the gradient of the logarithm of the density of
noisy cells (P. Vincent, Neural Comput. 23, 1661 (2011)).
"""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from ase import Atoms
from ase.data import covalent_radii
from torch import Generator, Tensor

from tutorial_lib.models.denoiser.network import Denoiser
from tutorial_lib.representations import neighbour_pairs
from tutorial_lib.shapes import check

STRONGEST = 1.5  # A, the standard deviation of a coordinate
DECISIVE = (0.15, 0.9)  # A: between them it is decided which atoms are bonded
SHARE = 0.8  # of the steps are spent there
DENSEST = 0.5  # atoms per cubic angstrom; diamond has 0.18
USUAL = (0.6, 1.6)  # of the distance of the nearest atoms, in sums of covalent radii


def denoiser_for(cells: Sequence[Atoms], seed: int = 0, **settings: float | int) -> Denoiser:
    """An untrained network for the species and densities of cells."""
    check(len(cells), "no cell arrived: a denoiser learns from one at least, and is judged on another")
    check(
        all(0 < atoms.cell.volume < torch.inf for atoms in cells),
        "a cell has no volume: set atoms.cell, and atoms.pbc = True",
    )
    symbols = Counter(symbol for atoms in cells for symbol in atoms.symbols)
    composition = {symbol: n / symbols.total() for symbol, n in sorted(symbols.items())}
    densities = [float(len(atoms) / atoms.get_volume()) for atoms in cells]
    network = Denoiser(composition, (min(densities), max(densities)), seed=seed, **settings)
    for atoms in cells:
        _doubt_units(atoms, network.cutoff)
    return network


def denoising_loss(
    network: Denoiser, cells: Sequence[Atoms], *, share: float = SHARE
) -> Callable[..., dict[str, Tensor]]:
    """The mean square error of the noise, of which all atoms of a cell get the same level, drawn anew in each step.

    A `share` of the steps has noise from 0.15 to 0.9 angstrom, where it is decided which atoms are bonded, and the rest
    from the network's weakest to 1.5. The batches of `training.train` are numbers of cells. A loss of 1 is what a
    network reaches that knows nothing.
    """
    check(0 <= share <= 1, f"a share of the steps lies between 0 and 1, and {share} arrived")
    data = [network.tensors(atoms) for atoms in cells]

    def loss(model: Denoiser, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        errors = [
            _error(model, *data[at], _some_noise(network.weakest, share, generator), generator) for at in batch.tolist()
        ]
        return {"loss": torch.stack(errors).mean()}

    return loss


def noise_error(model: Denoiser, cells: Sequence[Atoms], noise: float, seed: int = 0) -> float:
    """The mean square error at one level of noise (angstrom) on cells, which may be held out."""
    check(len(cells), "no cell arrived: pass a list of ase.Atoms")
    generator = Generator().manual_seed(seed)
    with torch.no_grad():
        errors = [_error(model, *model.tensors(atoms), noise, generator).item() for atoms in cells]
    return sum(errors) / len(errors)


def _doubt_units(atoms: Atoms, cutoff: float) -> None:
    """Refuse a density that no matter has, and warn where neighbours stand as far apart as in no chemistry."""
    density = len(atoms) / atoms.get_volume()
    check(
        density < DENSEST,
        f"{density:.3g} atoms per cubic angstrom, and no solid has {DENSEST:g}: are positions and cell in angstrom?",
    )
    first, second, distance, _ = neighbour_pairs(atoms, cutoff)
    check(len(distance), f"no atom has another within {cutoff} A: are the positions in angstrom?")
    bonds = covalent_radii[atoms.numbers]
    _, at = np.unique(first, return_index=True)  # of the nearest one of each atom
    nearest = np.median((distance / (bonds[first] + bonds[second]))[at])
    if not USUAL[0] < nearest < USUAL[1]:
        warnings.warn(
            f"neighbours in {atoms.get_chemical_formula()} stand {nearest:.1f} times the sum of their covalent radii "
            "apart: are the positions in angstrom?",
            stacklevel=3,
        )


def _some_noise(weakest: float, share: float, generator: Generator) -> float:
    which, where = torch.rand(2, generator=generator, device=generator.device).tolist()
    low, high = DECISIVE if which < share else (weakest, STRONGEST)
    return low * (high / low) ** where


def _error(
    model: Denoiser, positions: Tensor, cell: Tensor, species: Tensor, noise: float, generator: Generator
) -> Tensor:
    added = torch.randn(positions.shape, generator=generator, device=generator.device).to(positions)
    return (model(positions + noise * added, cell, noise, species) - added).square().mean()
