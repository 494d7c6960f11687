"""How good a glass of any species is: whole cells come in, and one table of numbers goes out, with its floor.

It asks nothing that only one material has: no bonds are counted, and no potential is needed. What is known of a
material in particular, such as that each silicon of silica has four oxygens, says more where it is known.
"""

import warnings
from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from ase import Atoms
from torch import Tensor

from tutorial_lib.metrics.motif_statistics import N_COMPARED, Comparison
from tutorial_lib.metrics.network import bin_edges, bulk_pairs, strongest_wave, structure_factor
from tutorial_lib.metrics.two_sample import memory, two_sample_auc
from tutorial_lib.representations import nearest_neighbours
from tutorial_lib.shapes import check, check_counts

CUTOFF = 5.0  # A, as far as the network sees by default


def partial_distributions(cells: Sequence[Atoms], cutoff: float = CUTOFF, bin_width: float = 0.05) -> tuple:
    """The centres of bins (angstrom), and the radial distribution function of each pair of species, such as "O-Si".

    It is 1 far away, in each pair, and an average over cells, which all hold the same species, two atoms of each.
    """
    species = _species(cells)
    edges = bin_edges(cutoff, bin_width)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    curves = {f"{one}-{other}": [] for one, other in combinations_with_replacement(species, 2)}
    for atoms in cells:
        first, second, distance, _ = bulk_pairs(atoms, cutoff)
        is_one = {name: atoms.symbols == name for name in species}
        rare = min(species, key=lambda name: is_one[name].sum())
        check(is_one[rare].sum() > 1, f"one {rare} alone has no g(r) with its like: take cells with two at least")
        for pair, found in curves.items():
            one, other = (is_one[name] for name in pair.split("-"))
            counts, _ = np.histogram(distance[one[first] & other[second]], bins=edges)
            n_pairs = one.sum() * (other.sum() - (one is other))
            found.append(counts * atoms.get_volume() / (n_pairs * shells))
    return (edges[1:] + edges[:-1]) / 2, {pair: np.mean(found, axis=0) for pair, found in curves.items()}


def compare_glasses(made: Sequence[Atoms], held_out: Sequence[Atoms], training: Sequence[Atoms]) -> Comparison:
    """How made cells compare with held-out ones; the floor puts the training cells in their place.

    Of g(r) and S(q) it is the rms difference of a cell to the mean of held-out cells; of motifs, the eight nearest of
    an atom of one species, how well a classifier tells them from real ones (0.5: not at all). A motif is near training
    where 95 % of held-out motifs are farther from all training motifs: 0.05 says that nothing is copied. Of the
    strongest wave and the nearest atoms it is the extreme of all cells.
    """
    check_counts(n_made=len(made), n_held_out=len(held_out), n_training=len(training))
    species, curves = _species([*held_out, *made, *training]), partial_distributions(held_out)[1]
    waves = np.mean([structure_factor(atoms)[1] for atoms in held_out], axis=0)
    real, known = ({name: motifs(cells, name) for name in species} for cells in (held_out, training))

    def scores(cells: Sequence[Atoms], candidates: dict[str, Tensor]) -> dict[str, float]:
        found = [partial_distributions([atoms])[1] for atoms in cells]
        off = {f"g(r) of {pair}, off": [_rms(one[pair] - curve) for one in found] for pair, curve in curves.items()}
        off["S(q), off"] = [_rms(structure_factor(atoms)[1] - waves) for atoms in cells]
        return {
            **{name: float(np.mean(values)) for name, values in off.items()},
            **{f"AUC of motifs, {name}": two_sample_auc(candidates[name], real[name]).auc for name in species},
            "strongest wave": max(strongest_wave(atoms) for atoms in cells),
            "nearest atoms (A)": float(min(bulk_pairs(atoms, CUTOFF)[2].min() for atoms in cells)),
        }

    own = {name: motifs(made, name) for name in species}
    score, floor = scores(made, own), scores(training, known)
    for name in species:
        every = own[name][torch.linspace(0, len(own[name]) - 1, min(len(own[name]), N_COMPARED)).long()]
        score[f"near training, {name}"] = memory(every, known[name], real[name]).copied
        floor[f"near training, {name}"] = 0.05
    _doubt_density(species, made, [*held_out, *training])
    return Comparison(score=score, floor=floor)


def motifs(cells: Sequence[Atoms], centre: str) -> Tensor:
    """The eight nearest atoms of each atom of one species, (n, 8, 3), angstrom, whatever they are.

    Atoms that have fewer within 5 A are left out, with a warning.
    """
    found = nearest_neighbours(cells, cutoff=CUTOFF)
    if found.dropped:
        warnings.warn(
            f"{found.dropped} of {sum(map(len, cells))} atoms have fewer than eight others within {CUTOFF:g} A and are "
            "left out: are there holes?",
            stacklevel=2,
        )
    symbols = [np.array(atoms.symbols) for atoms in cells]
    centred = [symbols[cell][atom] == centre for cell, atom in zip(found.cell, found.atom, strict=True)]
    return found.positions[np.flatnonzero(centred)].float()


def _doubt_density(species: Sequence[str], made: Sequence[Atoms], real: Sequence[Atoms]) -> None:
    """Warn where cells are so much denser or thinner than real ones, or so much richer, that no row can be good."""
    for name in species:
        found, known = (
            np.array([(atoms.symbols == name).sum() / atoms.get_volume() for atoms in cells]) for cells in (made, real)
        )
        outside = (found < 0.98 * known.min()) | (found > 1.02 * known.max())
        if outside.any():
            warnings.warn(
                f"a made cell holds {found[outside][0]:.4f} {name} per cubic angstrom, and real ones "
                f"{known.min():.4f} to {known.max():.4f}: the rows compare another material",
                stacklevel=3,
            )
            return


def _species(cells: Sequence[Atoms]) -> list[str]:
    """The species that all cells hold."""
    check_counts(n_cells=len(cells))
    species = sorted(set(cells[0].symbols))
    for atoms in cells:
        check(
            sorted(set(atoms.symbols)) == species,
            f"a cell holds {atoms.get_chemical_formula()}, and another one {cells[0].get_chemical_formula()}: compare "
            "cells of the same species",
        )
    return species


def _rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(difference**2)))
