"""From noise to a glass: a network that knows noise comes in, and a cell as made goes out, an `ase.Atoms`.

We start from a lattice that is shaken beyond recognition and take the noise out slowly, level by level: each atom moves
along what the network says (the flow from noise to data), and a step of Langevin dynamics at the new level mends what
went wrong. The noise is a temperature, and this is a quench.
"""

import math
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.cell import Cell
from torch import Generator
from tqdm.auto import tqdm

from tutorial_lib import storage
from tutorial_lib.models.denoiser.network import Denoiser
from tutorial_lib.shapes import check, check_counts, check_not_negative

SHAKEN = 1.3  # A: leaves no Bragg peaks of a lattice, and its long waves
SLOW = (0.8, 0.2)  # A: nine tenths of the levels lie between them
LAST, N_LAST = 4 / 3, 30  # of the weakest noise that the network knows, and how many quick levels lead there
N_LEVELS, TEMPERATURE = 2000, 0.6
STEP = 0.3  # of a Langevin step, in units of the variance of the noise
N_LATTICES = 300  # tried
SHIPPED = {"silicon": "denoiser.pt", "silica": "silica.pt"}
OTHERWISE = "train your own with scripts/train/denoiser.py"


def generate_cell(
    network: Denoiser,
    n_atoms: int,
    *,
    generator: Generator,
    density: float | None = None,
    cell: np.ndarray | None = None,
    levels: int | None = None,
    temperature: float | None = None,
    progress: bool = True,
) -> Atoms:
    """A new periodic cell, made from noise alone; on Ctrl-C as it stands, with a warning.

    Args:
        network: trained; `trained_denoiser()` knows amorphous silicon, `trained_denoiser("silica")` silica.
        n_atoms: how many; the species are drawn by the network's composition.
        generator: of the noise, on the device of the network.
        density: atoms per cubic angstrom; the middle of the network's range if None.
        cell: the directions and ratios of its vectors, scaled to the density; a cube if None.
        levels: more of them are a slower quench, and fewer defects.
        temperature: of the Langevin steps; 1 draws from the learnt distribution, below 1 prefers what is likely.
        progress: show a bar.
    """
    atoms = shaken_lattice(network, n_atoms, generator=generator, density=density, cell=cell)
    n_levels, noise = N_LEVELS if levels is None else levels, SHAKEN
    temperature = TEMPERATURE if temperature is None else temperature
    steps = quench(network, atoms, noise_levels(n_levels), generator=generator, temperature=temperature)
    try:
        bar = tqdm(steps, total=n_levels + N_LAST, desc="quench", unit="level", disable=not progress, leave=False)
        for noise, atoms in bar:  # noqa: B007
            bar.set_postfix(noise=f"{noise:.2f} A", refresh=False)
    except KeyboardInterrupt:
        warnings.warn(f"stopped at a noise of {noise:.2f} A: the cell is as it stood there", stacklevel=2)
    atoms.wrap()
    atoms.info = {"noise": noise, "levels": n_levels, "temperature": temperature}
    return atoms


def shaken_lattice(
    network: Denoiser,
    n_atoms: int,
    *,
    generator: Generator,
    density: float | None = None,
    cell: np.ndarray | None = None,
    shaken: float = SHAKEN,
) -> Atoms:
    """Where a quench starts: a lattice of `n_atoms` places, each coordinate moved by some `shaken` angstrom.

    A glass with much noise has few long waves, and so has a shaken lattice: shaken by s, its structure factor is
    1 - exp(-q^2 s^2), and of a Bragg peak exp(-q^2 s^2) is left. (Places drawn at random, with a structure factor of 1
    at all q, lead to the same glasses: a network that sees a few angstrom mends long waves, too.)
    """
    check_counts(n_atoms=n_atoms)
    low, high = network.density
    density = (low + high) / 2 if density is None else density
    check(density > 0, f"a density of {density} atoms per cubic angstrom: it must be above 0")
    if not 0.99 * low <= density <= 1.01 * high:
        warnings.warn(
            f"the network has learnt from {low:.4f} to {high:.4f} atoms per cubic angstrom, and {density:.4f} are "
            "asked for: look at the result with care",
            stacklevel=3,
        )
    box = Cell(np.eye(3) if cell is None else np.asarray(cell, dtype=float))
    check(box.volume > 0, "the cell has no volume: give three vectors that do not lie in a plane")
    box = Cell(box.array * (n_atoms / density / box.volume) ** (1 / 3))
    counts = np.floor(np.cumsum([0.0, *network.composition.values()]) * n_atoms + 0.5).astype(int)
    symbols = np.repeat(list(network.composition), np.diff(counts))
    device = generator.device
    order = torch.randperm(n_atoms, generator=generator, device=device).cpu().numpy()
    kicks = torch.randn(n_atoms, 3, generator=generator, device=device, dtype=torch.float64).cpu().numpy()
    return Atoms(symbols[order], lattice(n_atoms, box.array) + shaken * kicks, cell=box, pbc=True)


def lattice(n_atoms: int, cell: np.ndarray) -> np.ndarray:
    """The places (n_atoms, 3) of a lattice that is periodic in a cell of any shape, for any number of atoms.

    They are all multiples of one vector of whole numbers, divided by n and taken modulo the cell. Of many such lattices
    we take the one whose nearest places are farthest apart.
    """
    check_counts(n_atoms=n_atoms)
    check(np.shape(cell) == (3, 3), f"a cell is three vectors as rows, (3, 3), and shape {np.shape(cell)} arrived")
    check(np.isfinite(cell).all(), f"the cell holds NaN or infinity: {cell}")
    steps = np.random.default_rng(0).integers(0, n_atoms, (N_LATTICES, 3))
    steps[:, 0] = 1  # so that no two multiples are one place

    def places(step: np.ndarray) -> np.ndarray:
        return np.arange(n_atoms)[:, None] * step % n_atoms / n_atoms

    def nearest(step: np.ndarray) -> float:
        shares = places(step)[1:]
        return np.linalg.norm((shares - shares.round()) @ cell, axis=1).min(initial=np.inf)

    return places(max(steps, key=nearest)) @ cell


def noise_levels(n_levels: int = N_LEVELS, highest: float = SHAKEN) -> list[float]:
    """Standard deviations (angstrom), falling: a tenth of them down to 0.8 A, the others slowly to 0.2 A."""
    check_counts(levels=n_levels)
    slow, end = SLOW
    n_first = n_levels // 10 if highest > slow else 0
    first = torch.linspace(highest, slow, n_first + 1)[:-1]
    return [*first.tolist(), *torch.linspace(min(highest, slow), end, n_levels - n_first).tolist()]


def quench(
    network: Denoiser,
    atoms: Atoms,
    levels: list[float],
    *,
    generator: Generator,
    temperature: float = TEMPERATURE,
) -> Iterator[tuple[float, Atoms]]:
    """Noisy atoms on their way to none, level by level: the noise that is left (angstrom), and the atoms with it.

    After the last of the levels come thirty quick ones, as a melt is minimised in the end.
    """
    check_not_negative(temperature=temperature)
    check(
        len(levels) and min(levels) > 0, f"levels of noise are above 0, and {levels[-3:]} arrived: see noise_levels()"
    )
    positions, cell, species = network.tensors(atoms)
    last = np.geomspace(levels[-1], min(levels[-1], LAST * network.weakest), N_LAST + 1)[1:].tolist()
    for noise, below in pairwise([*levels, *last, 0.0]):
        with torch.no_grad():
            found = network(positions, cell, noise, species)
        kick = torch.randn(positions.shape, generator=generator, device=generator.device).to(positions)
        positions = positions - (noise - below) * found
        positions = positions - STEP * below * found + temperature * math.sqrt(2 * STEP) * below * kick
        atoms = atoms.copy()
        atoms.positions = positions.double().cpu().numpy()
        yield below, atoms


def trained_denoiser(which: str | Path = "silicon", *, data: Path = storage.WEIGHTS) -> Denoiser:
    """The network that has learnt "silicon" or "silica" from their training cells, or that of a file of your own."""
    shipped = which in SHIPPED
    path = storage.verified(data / SHIPPED[which], otherwise=OTHERWISE) if shipped else storage.expanded(which)
    check(
        path.exists(),
        f"there is no network {str(which)!r}: {' and '.join(SHIPPED)} are shipped, the path of a "
        f"file will do, or {OTHERWISE}",
    )
    state = storage.stored(path, ("settings", "weights"), otherwise=OTHERWISE)
    return storage.fitted(Denoiser(**state["settings"]), state["weights"], path, otherwise=OTHERWISE).eval()


def keep_denoiser(network: Denoiser, path: str | Path) -> None:
    """Write a network into a file for `trained_denoiser`."""
    storage.keep({"settings": network.settings, "weights": network.state_dict()}, path)
