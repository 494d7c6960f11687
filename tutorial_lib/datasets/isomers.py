"""Five isomers of C4H6, and copies with random displacements."""

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule
from torch import Generator, Tensor

from tutorial_lib.shapes import Motifs, check, check_counts


def molecules() -> dict[str, Atoms]:
    """The five isomers of C4H6 in the G2 set by name: the same ten atoms, bonded in five ways, about their centroids.

    Geometries are those that ship with ASE (Curtiss et al., J. Chem. Phys. 106, 1063 (1997)).
    """
    names = ("butadiene", "2-butyne", "methylenecyclopropane", "bicyclobutane", "cyclobutene")
    found = {name: molecule(name) for name in names}
    for atoms in found.values():
        atoms.positions -= atoms.positions.mean(axis=0)
    return found


def rattled(molecules: list[Atoms], n_copies: int, noise: float, generator: Generator) -> tuple[Motifs, Tensor]:
    """Copies of molecules of one size whose atoms are displaced at random, and which molecule each is.

    The noise is normal, its standard deviation in each coordinate in angstrom; the generator is on the CPU.
    """
    check_counts(0, n_copies=n_copies)
    check(
        len({len(atoms) for atoms in molecules}) == 1,
        f"molecules of one size are needed: {[len(atoms) for atoms in molecules]} atoms arrived",
    )
    label = torch.arange(len(molecules)).repeat(n_copies)
    still = torch.tensor(np.stack([atoms.positions for atoms in molecules]), dtype=torch.get_default_dtype())[label]
    return still + noise * torch.randn(still.shape, generator=generator), label
