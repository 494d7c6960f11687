"""Matrices of quantum chemistry: the name of a set comes in, geometries with their Fock and overlap matrices go out.

Each set is one molecule in many shapes and poses, computed by `scripts/data/make_hamiltonians.py`. Matrices are
written in the basis of e3nn, so that a rotation of the molecule rotates each shell by the Wigner matrix of its l.
Left behind: the orbitals, which follow from the two matrices.
"""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tutorial_lib.shapes import Positions, check, check_finite, check_one_of, check_shapes
from tutorial_lib.storage import SUMS, expanded, verified

DATA = Path(__file__).parent / "files" / "hamiltonians"
NAMES = (
    "water_rhf_500k",
    "water_rhf_300k",
    "water_pbe_500k",
    "water_rhf_svp_500k",
    "ammonia_rhf_500k",
    "methanol_rhf_500k",
    "methanol_pbe_300k",
)
AGAIN = "make it again with scripts/data/make_hamiltonians.py"
COINCIDENT = 0.4  # A: the shortest bond, that of H2, is 0.74
Shells = tuple[tuple[int, int], ...]  # (atom, l) of every shell, in the order of the matrices


@dataclass(frozen=True)
class Hamiltonians:
    """One molecule in many geometries, float64."""

    numbers: Tensor  # (atoms,), atomic numbers
    positions: Tensor  # (geometries, atoms, 3), angstrom
    fock: Tensor  # (geometries, orbitals, orbitals), hartree
    overlap: Tensor  # (geometries, orbitals, orbitals), of the basis functions, no unit
    energy: Tensor  # (geometries,), total, hartree
    n_occupied: int  # orbitals that hold two electrons each
    shells: Shells

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, which: slice | Tensor) -> "Hamiltonians":
        return replace(
            self, **{name: getattr(self, name)[which] for name in ("positions", "fock", "overlap", "energy")}
        )


def load(name: str, split: str, *, data: Path = DATA) -> Hamiltonians:
    """One half of a shipped set: the first half of the geometries is "train", the second "test", drawn independently.

    A name in `NAMES` says molecule, method, basis where it is not STO-3G, and the temperature of the geometries.
    """
    check_one_of(NAMES, set=name)
    check_one_of(("train", "test"), split=split)
    check(
        (data / f"{name}.npz").exists() and (data / SUMS).exists(),
        f"{name}.npz or its {SUMS} is missing in {data}: fetch it again, or {AGAIN}",
    )
    everything = read(verified(data / f"{name}.npz", otherwise=AGAIN))
    half = len(everything) // 2
    return everything[:half] if split == "train" else everything[half:]


def read(path: str | Path) -> Hamiltonians:
    """All of a file that `make_hamiltonians.py` wrote, for instance of a molecule of your own."""
    path = expanded(path)
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            known = {name: arrays[name] for name in arrays.files}
        found = Hamiltonians(
            numbers=torch.from_numpy(known["numbers"].astype(np.int64)),
            positions=torch.from_numpy(known["positions"]),
            fock=torch.from_numpy(symmetric(known["fock"])),
            overlap=torch.from_numpy(symmetric(known["overlap"])),
            energy=torch.from_numpy(known["energy"]),
            n_occupied=int(known["n_occupied"]),
            shells=tuple((int(atom), int(degree)) for atom, degree in known["shells"]),
        )
        n_functions = sum(2 * degree + 1 for _, degree in found.shells)
        check_shapes(
            numbers=(found.numbers, "atoms"),
            positions=(found.positions, "geometries+ atoms 3"),
            fock=(found.fock, f"geometries {n_functions} {n_functions}"),
            overlap=(found.overlap, f"geometries {n_functions} {n_functions}"),
            energy=(found.energy, "geometries"),
        )
        check_finite(found.positions, found.fock, found.overlap, found.energy, what="positions, matrices or energies")
        check(
            all(1 <= number <= 118 for number in found.numbers.tolist()),
            f"numbers are {found.numbers.tolist()}, and elements have 1 to 118",
        )
        check(
            all(0 <= atom < len(found.numbers) for atom, _ in found.shells),
            f"a shell is on an atom beyond its {len(found.numbers)}",
        )
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError, TypeError, AttributeError) as problem:
        reason = "it holds pickled objects" if "pickle" in str(problem) else problem  # NumPy advises to load them
        raise ValueError(f"{path.name} is cut off or another file ({reason}): {AGAIN}") from None
    return found


def symmetric(upper: np.ndarray) -> np.ndarray:
    """Matrices (..., n, n) from their entries i <= j, row by row (..., n (n + 1) / 2)."""
    n = int((2 * upper.shape[-1]) ** 0.5)
    check(
        n * (n + 1) // 2 == upper.shape[-1], f"{upper.shape[-1]} entries arrived: a symmetric matrix has n (n + 1) / 2"
    )
    row, column = np.triu_indices(n)
    whole = np.empty((*upper.shape[:-1], n, n), upper.dtype)
    whole[..., row, column] = whole[..., column, row] = upper
    return whole


def check_molecule(numbers: Tensor, positions: Positions) -> None:
    """Refuse what a closed-shell calculation cannot take: an odd number of electrons, overlapping atoms.

    Args:
        numbers: (atoms,), atomic numbers of a neutral molecule.
        positions: (..., atoms, 3), angstrom.
    """
    check_shapes(numbers=(numbers, "atoms"), positions=(positions, "*batch atoms 3"))
    check_finite(positions)
    electrons = int(numbers.sum())
    check(
        electrons % 2 == 0,
        f"{electrons} electrons are an odd number, and a restricted calculation puts two into each orbital: "
        "take a molecule with an even number, or an unrestricted method, which has two Hamiltonians",
    )
    if len(numbers) < 2:
        return
    row, column = torch.triu_indices(len(numbers), len(numbers), 1)
    distance = (positions[..., row, :] - positions[..., column, :]).norm(dim=-1).reshape(-1, len(row)).amin(dim=0)
    pair = distance.argmin()
    check(
        distance[pair] >= COINCIDENT,
        f"atoms {row[pair]} and {column[pair]} overlap: {distance[pair]:.2f} A apart, at least {COINCIDENT} A are "
        "needed. Are the positions in angstrom?",
    )
