"""Neighbourhoods of atoms: a periodic cell comes in, one small cloud about every atom goes out.

Lost on the way: which species the neighbours are, everything beyond the cut-off, and where in the cell the atom sits.
The clouds are centred on their atom, so that translations are gone; `gram` removes rotations next.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from ase import Atoms
from vesin import NeighborList

from tutorial_lib.shapes import Indices, Positions, check, check_counts

FARTHEST = 1e9  # angstrom from the origin: beyond it, periodic images are counted past what an integer holds
ONE_PLACE = 1e-2  # angstrom: no two atoms are that near, but copies of one with three digits of its coordinates are
N_BINS = 1e5  # vesin sorts atoms into at most so many; a longer cell gets coarser bins, and dies where one is too wide


@dataclass(frozen=True)
class Environments:
    """The clouds of one or many cells, and where each came from."""

    positions: Positions  # about the central atom, nearest neighbour first
    cell: Indices  # in the list that was handed in
    atom: Indices  # the central atom in its cell
    dropped: int  # how many atoms had fewer than n neighbours; they have no row

    def __len__(self) -> int:
        return len(self.positions)


def neighbour_pairs(
    atoms: Atoms, cutoff: float, *, apart: float = ONE_PLACE
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All ordered pairs of atoms closer than a cut-off, angstrom, periodic images included.

    Sorted by the first atom and then by distance. Each axis is periodic or not as the cell's `pbc` says; along those
    that are it must be twice as wide as the cut-off, or an atom would meet the same neighbour twice. Atoms nearer than
    `apart`, angstrom, are refused.

    Returns:
        The first and the second atom of each pair (n_pairs,), their distance (n_pairs,) and the vector from the first
        to the second (n_pairs, 3), both in angstrom.
    """
    check(0 < cutoff < np.inf, f"the cut-off is {cutoff} A: it must be above 0, and finite")
    _check_positions(atoms)
    reach = _reach(atoms, cutoff)
    box = _box(atoms, reach)
    _check_box(box, atoms.pbc, reach)
    finder = NeighborList(cutoff=reach, full_list=True, n_threads=1)  # its memory is what is read below
    first, second, distance, vector = finder.compute(atoms.positions, box, True, quantities="ijdD", copy=False)
    first, second = first.astype(np.int64), second.astype(np.int64)
    if len(distance) and distance.min() < apart:
        pair = distance.argmin()
        raise ValueError(f"atoms {first[pair]} and {second[pair]} stand at one place: look at the file they came from")
    # One key sorts by atom and then by distance, seven times faster than lexsort.
    order = np.argsort(first * (2 * reach) + distance)
    return first[order], second[order], distance[order], vector[order]


def nearest_neighbours(cells: Atoms | Iterable, n_neighbours: int = 8, cutoff: float = 4.0) -> Environments:
    """The nearest neighbours of every atom of one or many cells within a cut-off, angstrom, as clouds about that atom.

    An atom with fewer than `n_neighbours` within the cut-off is dropped and counted, never padded. The order does not
    last: two neighbours at almost the same distance change places, or drop out of the nearest n, when they move a
    little.

    Example:
        The four bonds of diamond point to the corners of a tetrahedron, so they add up to nothing.

        >>> from ase.build import bulk
        >>> crystal = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
        >>> bonds = nearest_neighbours(crystal, n_neighbours=4, cutoff=3.0).positions
        >>> bool(bonds.sum(dim=1).abs().max() < 1e-5)
        True
    """
    cells = [cells] if isinstance(cells, Atoms) else list(cells)
    check(cells, "no cell was given: pass one ase.Atoms or a list of them")
    if strangers := [type(cell).__name__ for cell in cells if not isinstance(cell, Atoms)]:
        raise TypeError(f"a cell is an ase.Atoms and a {strangers[0]} arrived: silicon.load_amorphous reads cells")
    check_counts(n_neighbours=n_neighbours)
    found = []
    for index, atoms in enumerate(cells):
        try:
            first, _, _, vector = neighbour_pairs(atoms, cutoff)
        except ValueError as error:
            raise ValueError(f"cell {index}: {error}") from None
        count = np.bincount(first, minlength=len(atoms))
        kept = np.flatnonzero(count >= n_neighbours)
        start = np.cumsum(count) - count
        found.append((vector[start[kept, None] + np.arange(n_neighbours)], np.full(len(kept), index), kept))
    positions, cell, atom = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*found, strict=True))
    n_atoms = sum(map(len, cells))
    check(
        len(positions),
        f"none of the {n_atoms} atoms has {n_neighbours} neighbours within {cutoff} A: "
        "raise the cutoff or lower n_neighbours",
    )
    return Environments(positions.to(torch.get_default_dtype()), cell, atom, dropped=n_atoms - len(positions))


def _check_positions(atoms: Atoms) -> None:
    check(len(atoms), "it holds no atoms")
    if len(bad := np.flatnonzero(~(np.abs(atoms.positions) < FARTHEST).all(axis=1))):
        raise ValueError(f"the position of atom {bad[0]} is not finite, or too far: {atoms.positions[bad[0]]}")
    check(
        (np.abs(atoms.cell.array[atoms.pbc]) < FARTHEST).all(),
        f"its cell is not finite, or too large: {atoms.cell.array.tolist()}",
    )


def _reach(atoms: Atoms, cutoff: float) -> float:
    """How far to look: in a cluster no farther than from one end to the other, and never nearer than one place."""
    across = np.inf if atoms.pbc.any() else np.linalg.norm(np.ptp(atoms.positions, axis=0))
    return max(min(cutoff, 1.01 * across), ONE_PLACE)


def _box(atoms: Atoms, reach: float) -> np.ndarray:
    """The periodic axes, and others at right angles to them, so long that nothing sees its image along those.

    What a cell says of its free axes does not matter: they may be tilted, short, or not there at all.
    """
    periodic = atoms.cell.array[atoms.pbc]
    if len(periodic) == 3:
        return periodic
    free = np.linalg.svd(periodic)[2][len(periodic) :] if len(periodic) else np.eye(3)
    longest = max(np.ptp(atoms.positions @ free.T, axis=0).max() + 2 * reach, *np.linalg.norm(periodic, axis=1), 0)
    box = np.empty((3, 3))
    box[atoms.pbc], box[~atoms.pbc] = periodic, longest * free
    return box


def _check_box(box: np.ndarray, pbc: np.ndarray, reach: float) -> None:
    volume = abs(np.linalg.det(box))
    check(
        volume > 1e-9 * np.prod(np.linalg.norm(box, axis=1)),
        "it is periodic but its cell has no volume: set atoms.cell, or atoms.pbc = False",
    )
    widths = volume / np.linalg.norm(np.cross(box[[1, 2, 0]], box[[2, 0, 1]]), axis=1)
    narrow = pbc & (widths < 2 * reach)
    if narrow.any():
        repeats = np.where(narrow, np.ceil(2 * reach / widths), 1).astype(int)
        raise ValueError(
            f"it is {widths[narrow].min():.2f} A wide, and a cut-off of {reach:g} A needs "
            f"{2 * reach:g} A along every periodic axis, or an atom meets one neighbour twice. "
            f"Repeat it: atoms.repeat({tuple(repeats.tolist())})"
        )
    bins = np.floor(widths / reach)
    check(
        bins.prod() <= N_BINS or bins.min() >= 2 * (bins.prod() / N_BINS) ** (1 / 3),
        f"it is {widths.max():g} A long and {widths.min():g} A wide: too long for the search for neighbours, "
        "so cut it into pieces",
    )
