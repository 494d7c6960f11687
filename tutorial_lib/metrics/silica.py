"""How good a network of silica a cell is: silicon and oxygen come in, coordination, angles and rings go out.

Silicon has four oxygens, each oxygen two silicons: corner-sharing tetrahedra. What is between two near silicons is an
oxygen, but for a few defects, so rings are counted from silicon to silicon.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from scipy.stats import wasserstein_distance

from tutorial_lib.metrics.motif_statistics import Comparison
from tutorial_lib.metrics.network import bond_angles, bulk_pairs, rings_per_atom
from tutorial_lib.metrics.species import compare_glasses
from tutorial_lib.shapes import check

SILICON_OXYGEN = 2.0  # A, in the gap after the first shell of the glass
BRIDGED = 3.6  # A, between the first and the second shell of silicon about silicon


@dataclass(frozen=True)
class SilicaQuality:
    """Shares are fractions of the atoms of one species, angles in degree.

    Attributes:
        silicon_four_fold: silicon atoms with four oxygens within 2.0 A.
        oxygen_two_fold: oxygen atoms with two silicons.
        inside: the angles O-Si-O within the tetrahedra.
        between: the angles Si-O-Si from one tetrahedron to the next.
        density: g/cm3.
    """

    silicon_four_fold: float
    oxygen_two_fold: float
    inside: np.ndarray
    between: np.ndarray
    density: float


def silica_quality(atoms: Atoms) -> SilicaQuality:
    """Coordination and bond angles of a periodic cell of silicon and oxygen."""
    is_silicon = _is_silicon(atoms)
    first, second, _, vector = bulk_pairs(atoms, SILICON_OXYGEN)
    bonded = is_silicon[first] != is_silicon[second]
    first, vector = first[bonded], vector[bonded]
    n_bonds = np.bincount(first, minlength=len(atoms))
    angles = [bond_angles(first[of], vector[of]) for of in (is_silicon[first], ~is_silicon[first])]
    return SilicaQuality(
        silicon_four_fold=float(np.mean(n_bonds[is_silicon] == 4)),
        oxygen_two_fold=float(np.mean(n_bonds[~is_silicon] == 2)),
        inside=angles[0],
        between=angles[1],
        density=float(atoms.get_masses().sum() / units.mol / atoms.get_volume() * 1e24),
    )


def silica_rings(atoms: Atoms, longest: int = 9) -> np.ndarray:
    """Rings of 3, 4, ..., `longest` silicons for each silicon; within 3.6 A they count as bridged by an oxygen."""
    return rings_per_atom(atoms[_is_silicon(atoms)], longest, cutoff=BRIDGED)


def compare_silica(made: Sequence[Atoms], held_out: Sequence[Atoms], training: Sequence[Atoms]) -> Comparison:
    """`compare_glasses`, and before it what is known of silica: bonds, both angle distributions and rings.

    Of angles it is the Wasserstein distance (degree) of a cell to all held-out cells; of rings the sum over sizes 3 to
    9 of the differences to held-out cells, for each silicon.
    """
    every = compare_glasses(made, held_out, training)
    qualities = [silica_quality(atoms) for atoms in held_out]
    inside, between = (np.concatenate([getattr(one, name) for one in qualities]) for name in ("inside", "between"))
    rings = np.mean([silica_rings(atoms) for atoms in held_out], axis=0)

    def scores(cells: Sequence[Atoms]) -> dict[str, float]:
        rows = [
            {
                "silicon four-fold": quality.silicon_four_fold,
                "oxygen two-fold": quality.oxygen_two_fold,
                "W of O-Si-O (degree)": wasserstein_distance(quality.inside, inside),
                "W of Si-O-Si (degree)": wasserstein_distance(quality.between, between),
                "rings, off": np.abs(silica_rings(atoms) - rings).sum(),
            }
            for atoms in cells
            for quality in [silica_quality(atoms)]
        ]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    return Comparison(score=scores(made) | every.score, floor=scores(training) | every.floor)


def _is_silicon(atoms: Atoms) -> np.ndarray:
    found = set(atoms.symbols)
    check(
        found == {"Si", "O"},
        f"silica is silicon and oxygen, and the cell holds {', '.join(sorted(found)) or 'no atoms'}",
    )
    return atoms.symbols == "Si"
