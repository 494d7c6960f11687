"""Three molecules of one formula, and rattled copies of them."""

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule
from torch import Generator, Tensor

from tutorial_lib.shapes import Motifs, check_counts

ISOMERS = ("butadiene", "2-butyne", "methylenecyclopropane", "bicyclobutane", "cyclobutene")


def molecules() -> dict[str, Atoms]:
    """The five isomers of C4H6 in the G2 set: the same ten atoms, bonded in five ways.

    Geometries are those that ship with ASE, from the G2 set (Curtiss et al., J. Chem. Phys. 106, 1063 (1997)),
    each moved to its centroid.

    Returns:
        Name to molecule, positions in angstrom.
    """
    found = {name: molecule(name) for name in ISOMERS}
    for atoms in found.values():
        atoms.positions -= atoms.positions.mean(axis=0)
    return found


def rattled(molecules: list[Atoms], n_copies: int, noise: float, generator: Generator) -> tuple[Motifs, Tensor]:
    """Copies of molecules of one size whose atoms are displaced at random, and which molecule each is.

    Args:
        molecules: as many atoms in each.
        n_copies: of each molecule.
        noise: the standard deviation of every coordinate, angstrom.
        generator: of the noise, on the CPU.

    Returns:
        Positions (n_copies * len(molecules), n, 3), angstrom, and the index of the molecule of each.

    Raises:
        ValueError: there is no molecule, or they differ in size.
    """
    check_counts(0, n_copies=n_copies)
    if len({len(atoms) for atoms in molecules}) != 1:
        raise ValueError(f"molecules of one size are needed: {[len(atoms) for atoms in molecules]} atoms arrived")
    label = torch.arange(len(molecules)).repeat(n_copies)
    still = torch.tensor(np.stack([atoms.positions for atoms in molecules]), dtype=torch.get_default_dtype())[label]
    return still + noise * torch.randn(still.shape, generator=generator), label
