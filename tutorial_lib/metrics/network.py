"""The network of bonds in a periodic cell: cells come in, coordination, angles and distances go out.

They say whether a cell is a glass, a crystal or neither, whoever made it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from matscipy.rings import ring_statistics
from scipy.special import sph_harm_y

from tutorial_lib.representations.neighbours import ONE_PLACE, neighbour_pairs
from tutorial_lib.shapes import check, check_counts

BOND_CUTOFF = 2.85  # A, between the first and the second shell of the amorphous solid
SHELL_CUTOFF = 4.0  # A, the neighbourhoods of notebook 02
N_WAVES = 3e6  # that are looked at, or memory ends
STAGGERED = -0.8  # CHILL: the correlation of two atoms below which their bond is staggered


@dataclass(frozen=True)
class NetworkQuality:
    """How good a four-fold network a cell is; shares are fractions of its atoms.

    Attributes:
        three_fold: atoms with three bonds (pairs within 2.85 A).
        four_fold: atoms with four bonds.
        five_fold: atoms with five bonds.
        n_outside: the number of atoms with fewer than three bonds or more than five.
        angle_mean: mean angle between two bonds of an atom, degree.
        angle_std: its standard deviation, degree.
        bond_mean: mean bond length, angstrom.
        density: g/cm3.
        crystalline: four-fold atoms all of whose bonds are staggered, as in diamond (CHILL).
        eight_neighbours: atoms with at least eight neighbours within 4 A.
    """

    three_fold: float
    four_fold: float
    five_fold: float
    n_outside: int
    angle_mean: float
    angle_std: float
    bond_mean: float
    density: float
    crystalline: float
    eight_neighbours: float

    def failed_gates(self) -> list[str]:
        """The criteria for the cells of this course that this one fails, as sentences; empty if it passes."""
        gates = {
            f"{self.four_fold:.1%} four-fold, at least 95 % asked": self.four_fold >= 0.95,
            f"{self.n_outside} atoms outside three- to five-fold, at most 1 allowed": self.n_outside <= 1,
            f"mean angle {self.angle_mean:.2f} degrees, 108.5 to 109.5 asked": abs(self.angle_mean - 109) <= 0.5,
            f"angle spread {self.angle_std:.2f} degrees, at most 11 allowed": self.angle_std <= 11,
            f"{self.crystalline:.1%} crystalline, at most 5 % allowed": self.crystalline <= 0.05,
            f"density {self.density:.3f} g/cm3, 2.23 to 2.30 asked": 2.23 <= self.density <= 2.30,
            f"{self.eight_neighbours:.1%} with eight neighbours, at least 99 % asked": self.eight_neighbours >= 0.99,
        }
        return [sentence for sentence, holds in gates.items() if not holds]


def network_quality(atoms: Atoms) -> NetworkQuality:
    """Coordination, bond angles, density and crystalline share of a periodic cell of silicon.

    Crystalline atoms are found as CHILL finds cubic ice (Moore et al., Phys. Chem. Chem. Phys. 12,
    4124 (2010)): each atom gets the l = 3 Steinhardt vector of its bonds, and a bond is staggered
    where the normalised product of its two vectors is below -0.8. Diamond has four such bonds an
    atom. It does not see hexagonal diamond, one of whose bonds is eclipsed.

    Example:
        >>> from tutorial_lib.datasets import crystal
        >>> quality = network_quality(crystal())
        >>> quality.four_fold, quality.crystalline
        (1.0, 1.0)
    """
    pairs = bulk_pairs(atoms, SHELL_CUTOFF)
    n_within_shell = np.bincount(pairs[0], minlength=len(atoms))
    first, second, bond, vector = (column[pairs[2] < BOND_CUTOFF] for column in pairs)
    n_bonds = np.bincount(first, minlength=len(atoms))
    in_diamond = (_n_staggered(len(atoms), first, second, vector) == 4) & (n_bonds == 4)
    angles = bond_angles(first, vector)
    return NetworkQuality(
        three_fold=float(np.mean(n_bonds == 3)),
        four_fold=float(np.mean(n_bonds == 4)),
        five_fold=float(np.mean(n_bonds == 5)),
        n_outside=int(np.sum((n_bonds < 3) | (n_bonds > 5))),
        angle_mean=float(angles.mean()),
        angle_std=float(angles.std()),
        bond_mean=float(bond.mean()),
        density=float(atoms.get_masses().sum() / units.mol / atoms.get_volume() * 1e24),
        crystalline=float(np.mean(in_diamond)),
        eight_neighbours=float(np.mean(n_within_shell >= 8)),
    )


def bond_angles(first: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The angles (degree) between all pairs of bonds that leave the same atom, whose indices `first` ascend."""
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    check(
        (length >= ONE_PLACE).all(), "a bond has no length, so it has no angle to another: two atoms stand at one place"
    )
    unit = vector / length
    shifts = range(1, int(np.bincount(first).max(initial=0)))
    check(shifts, "no atom has two bonds, so there are no angles: look at the cut-off and the unit of the cell")
    same = [np.flatnonzero(first[shift:] == first[:-shift]) for shift in shifts]
    one = unit[np.concatenate(same)]
    other = unit[np.concatenate([left + shift for left, shift in zip(same, shifts, strict=True)])]
    # An arccosine would lose half of the digits near 0 and 180 degrees.
    return np.degrees(2 * np.arctan2(np.linalg.norm(one - other, axis=1), np.linalg.norm(one + other, axis=1)))


def radial_distribution(cells: Atoms | Sequence[Atoms], cutoff: float = 6.0, bin_width: float = 0.05) -> tuple:
    """The centres of bins (angstrom) and the radial distribution function g(r), averaged over cells.

    g = 1 is the mean density. The height of a peak depends on the bin width and on the temperature
    of the cells, its position hardly.

    Args:
        cells: one periodic cell or many.
        cutoff: angstrom, where the last bin ends.
        bin_width: angstrom, or less, so that a whole number of bins reaches the cut-off.
    """
    cells = [cells] if isinstance(cells, Atoms) else cells
    check_counts(n_cells=len(cells))
    edges = bin_edges(cutoff, bin_width)
    shell = 4 / 3 * np.pi * np.diff(edges**3)
    counts = (np.histogram(bulk_pairs(atoms, cutoff)[2], bins=edges)[0] for atoms in cells)
    curves = [n * atoms.get_volume() / (len(atoms) ** 2 * shell) for n, atoms in zip(counts, cells, strict=True)]
    return (edges[1:] + edges[:-1]) / 2, np.mean(curves, axis=0)


def bin_edges(cutoff: float, bin_width: float) -> np.ndarray:
    """From 0 to a cut-off (angstrom), so far apart or less that a whole number of bins reaches it."""
    check(0 < bin_width <= cutoff, f"bins of {bin_width} A do not fit into a cut-off of {cutoff} A: take 0.05, for one")
    check(cutoff < np.inf, f"the cut-off is {cutoff} A: it must be above 0, and finite")
    return np.linspace(0, cutoff, int(np.ceil(cutoff / bin_width - 1e-9)) + 1)


def rings_per_atom(atoms: Atoms, longest: int = 9, *, cutoff: float = BOND_CUTOFF) -> np.ndarray:
    """How many shortest-path rings of 3, 4, ..., `longest` bonds there are, divided by the number of atoms.

    A ring counts where no two of its atoms are nearer to each other by way of others (Franzblau, Phys. Rev. B 44, 4925
    (1991)). Diamond has two rings of six an atom and no others; a glass has fives and sevens.
    """
    check_counts(3, longest=longest)
    bulk_pairs(atoms, cutoff)  # speaks up where the cell is none
    found = ring_statistics(atoms, cutoff, maxlength=longest + 1)[3 : longest + 1]
    return np.pad(found, (0, longest - 2 - len(found))) / len(atoms)


def structure_factor(atoms: Atoms, q_min: float = 0.25, q_max: float = 4.2, bin_width: float = 0.15) -> tuple:
    """The centres of bins of q (1/angstrom) and the structure factor there, from the positions of a periodic cell.

    S(q) = |sum_k exp(i q . x_k)|^2 / n, averaged over the wave vectors of a bin that fit into the cell. A gas of points
    has 1 everywhere. At small q it is the variance of the number of atoms in a large volume, divided by its mean. A bin
    without any wave vector of the cell is NaN.
    """
    sensible = 0 < q_min < q_max < np.inf and bin_width > (q_max - q_min) / 1000
    check(sensible, f"from {q_min} to {q_max} per A there are no bins of {bin_width}: leave them as they are")
    edges = np.arange(q_min, q_max + bin_width / 2, bin_width)
    length, power = _waves(atoms, edges[0], edges[-1])
    place, n_bins = np.digitize(length, edges) - 1, len(edges) - 1
    n_waves = np.bincount(place, minlength=n_bins)
    sums = np.bincount(place, weights=power, minlength=n_bins)
    return (edges[1:] + edges[:-1]) / 2, np.where(n_waves > 0, sums / np.maximum(n_waves, 1), np.nan)


def strongest_wave(atoms: Atoms, q_max: float = 4.2) -> float:
    """The largest |sum_k exp(i q . x_k)|^2 / n of any single wave vector up to `q_max` (1/angstrom) that fits the cell.

    Single waves of a glass are scattered exponentially about S(q), so that the largest of some thousand is five to
    ten times its maximum. In a crystal one wave has up to n, which the average over directions in `structure_factor`
    may hide.
    """
    check(0 < q_max < np.inf, f"there are no waves up to {q_max} per A: leave q_max as it is")
    power = _waves(atoms, 0.0, q_max)[1]
    check(len(power), f"no wave up to {q_max:g} per A fits into the cell: raise q_max, or take a larger cell")
    return float(power.max())


def _waves(atoms: Atoms, q_min: float, q_max: float) -> tuple[np.ndarray, np.ndarray]:
    """|q|, and |sum_k exp(i q . x_k)|^2 / n, of the waves of a cell from q_min up to q_max, one of each q and -q."""
    bulk_pairs(atoms, BOND_CUTOFF)  # speaks up where the cell is none
    basis = 2 * np.pi * atoms.cell.reciprocal().array
    most = np.floor(q_max * atoms.cell.lengths() / (2 * np.pi)).astype(int)
    n_waves = np.prod(2.0 * most + 1)
    check(n_waves <= N_WAVES, f"the cell has {n_waves:.0e} waves up to {q_max:g} per A: lower q_max")
    counts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), axis=-1).reshape(-1, 3)
    waves = counts[len(counts) // 2 + 1 :] @ basis
    length = np.linalg.norm(waves, axis=1)
    waves, length = (x[(length >= q_min) & (length < q_max)] for x in (waves, length))
    power = [np.abs(np.exp(1j * part @ atoms.positions.T).sum(axis=1)) ** 2 for part in np.array_split(waves, 64)]
    return length, np.concatenate(power) / len(atoms)


def bulk_pairs(atoms: Atoms, cutoff: float) -> tuple[np.ndarray, ...]:
    """`neighbour_pairs` of a cell that is periodic in all directions; others are refused."""
    check(atoms.pbc.all(), "the cell is not periodic in all directions, so it has no density: set atoms.pbc = True")
    return neighbour_pairs(atoms, cutoff)


def _n_staggered(n_atoms: int, first: np.ndarray, second: np.ndarray, vector: np.ndarray) -> np.ndarray:
    polar = np.arccos((vector[:, 2] / np.linalg.norm(vector, axis=1)).clip(-1, 1))
    azimuth = np.arctan2(vector[:, 1], vector[:, 0])
    harmonics = sph_harm_y(3, np.arange(-3, 4), polar[:, None], azimuth[:, None])
    bond_order = np.zeros((n_atoms, 7), dtype=complex)
    np.add.at(bond_order, first, harmonics)
    bond_order /= np.linalg.norm(bond_order, axis=1, keepdims=True).clip(min=1e-12)
    correlation = np.sum(bond_order[first] * bond_order[second].conj(), axis=1).real
    return np.bincount(first[correlation < STAGGERED], minlength=n_atoms)
