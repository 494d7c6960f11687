"""The G2/97 set, as ASE carries it: 148 small molecules of two atoms or more, with their measured energies."""

from collections import Counter

import torch
from ase import Atoms, units
from ase.build import molecule
from ase.data.g2 import data, molecule_names
from torch import Generator

LARGEST = 14  # atoms


def molecules() -> list[Atoms]:
    """All molecules of two atoms or more, with `info["name"]` and `info["energy"]`.

    The energy is that of atomisation with the sign reversed and divided by the number of atoms, in eV: what one atom
    gains on average when the molecule is made of free atoms. Measured, and corrected for heat and zero-point motion.
    L. A. Curtiss, K. Raghavachari, P. C. Redfern, J. A. Pople, J. Chem. Phys. 106, 1063 (1997);
    V. N. Staroverov et al., ibid. 119, 12129 (2003).
    """
    found = [molecule(name) for name in molecule_names]
    for name, atoms in zip(molecule_names, found, strict=True):
        atoms.info = {"name": name, "energy": _energy(name, atoms) / len(atoms)}
    return found


def elements(molecules: list[Atoms]) -> tuple[str, ...]:
    """The symbols that occur in molecules, those in the most molecules first."""
    return tuple(symbol for symbol, _ in _counted(molecules).most_common())


def split(seed: int = 0) -> tuple[list[Atoms], list[Atoms]]:
    """118 molecules to train on, and thirty that are not seen, drawn among those of common elements.

    An element that occurs in fewer than eight molecules stays with the seen ones: nobody can learn what nothing shows.
    """
    everything = molecules()
    count = _counted(everything)
    order = torch.randperm(len(everything), generator=Generator().manual_seed(seed)).tolist()
    common = [i for i in order if all(count[symbol] >= 8 for symbol in everything[i].symbols)]
    unseen = sorted(common[:30])
    return [atoms for i, atoms in enumerate(everything) if i not in unseen], [everything[i] for i in unseen]


def _energy(name: str, atoms: Atoms) -> float:
    # From the heat of formation at room temperature to free atoms and nuclei at rest: as in ase.data.g2_1, whose
    # function knows the first half of the set only.
    known = data[name]
    free = sum(data[symbol]["enthalpy"] - data[symbol]["thermal correction"] for symbol in atoms.symbols)
    return (known["enthalpy"] - known["ZPE"] - known["thermal correction"] - free) * units.kcal / units.mol


def _counted(molecules: list[Atoms]) -> Counter:
    return Counter(symbol for atoms in molecules for symbol in sorted(set(atoms.symbols)))
