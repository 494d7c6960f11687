"""How good a glass is: whole cells come in, and one table of numbers goes out, with its floor from held-out cells.

Cells are compared as they were made. Minimising the energy first mends what a generator got wrong: a random gas that is
only minimised looks like a glass by half of these numbers.
"""

from collections.abc import Sequence

import numpy as np
import torch
from ase import Atoms

from tutorial_lib.metrics.energy import energy_above_crystal, minimised
from tutorial_lib.metrics.motif_statistics import Comparison
from tutorial_lib.metrics.network import network_quality, rings_per_atom, structure_factor
from tutorial_lib.metrics.two_sample import memory, two_sample_auc
from tutorial_lib.representations import nearest_neighbours
from tutorial_lib.shapes import check_counts

N_LONG = 3  # bins of the structure factor, the first ones


def compare_cells(made: Sequence[Atoms], held_out: Sequence[Atoms], training: Sequence[Atoms]) -> Comparison:
    """Means over made cells of silicon, and as their floor those over held-out cells, each beside the others.

    Rings are the sum over sizes 3 to 9 of the differences to held-out cells, an atom; S(q) the rms difference from 0.25
    to 4.2 per angstrom. A motif is near training where 95 % of held-out motifs are farther from all training motifs.
    """
    check_counts(n_made=len(made))
    check_counts(2, n_held_out=len(held_out))
    check_counts(n_training=len(training))
    rings, waves = (np.array([curve(atoms) for atoms in held_out]) for curve in (rings_per_atom, _waves))
    score = _means([_of_cell(atoms, rings.mean(axis=0), waves.mean(axis=0)) for atoms in made])
    others = [[np.delete(rows, at, axis=0).mean(axis=0) for rows in (rings, waves)] for at in range(len(held_out))]
    floor = _means([_of_cell(atoms, *beside) for atoms, beside in zip(held_out, others, strict=True)])
    motifs, real, known = (nearest_neighbours(cells).positions.float() for cells in (made, held_out, training))
    for numbers, candidates in ((score, motifs), (floor, known)):
        numbers["AUC of motifs"] = two_sample_auc(candidates, real).auc
    near = memory(motifs[torch.linspace(0, len(motifs) - 1, 1024).long()], known, real[::2])
    score["motifs near training (share)"], floor["motifs near training (share)"] = near.copied, 0.05
    return Comparison(score=score, floor=floor)


def _waves(atoms: Atoms) -> np.ndarray:
    return structure_factor(atoms)[1]


def _of_cell(atoms: Atoms, rings: np.ndarray, waves: np.ndarray) -> dict[str, float]:
    quality, relaxed, own = network_quality(atoms), minimised(atoms), _waves(atoms)
    return {
        "four-fold (share)": quality.four_fold,
        "angle spread (degree)": quality.angle_std,
        "energy (eV)": energy_above_crystal(atoms),
        "energy, minimised (eV)": energy_above_crystal(relaxed),
        "four-fold, minimised (share)": network_quality(relaxed).four_fold,
        "rings, off": float(np.abs(rings_per_atom(atoms) - rings).sum()),
        "S(q), off": float(np.sqrt(np.nanmean((own - waves) ** 2))),
        "S at small q": float(np.nanmean(own[:N_LONG])),
        "crystalline (share)": quality.crystalline,
    }


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
