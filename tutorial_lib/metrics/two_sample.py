"""Whether generated and real motifs follow one distribution: three numbers for three ways of failing.

`motif_statistics` compares one statistic at a time, and a generator may match each of them and still be wrong. Here a
classifier looks at all of them at once; distances to the training set show whether motifs are copied; distances of real
motifs to the nearest generated one show what is missing. None of them depends on handedness or the order of atoms.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from torch import Generator

from tutorial_lib.metrics.baselines import nearest_motif_rmsd
from tutorial_lib.metrics.motif_statistics import N_COMPARED, bond_angles, descriptor, sampled
from tutorial_lib.shapes import Features, Motifs, check_counts

N_FOLDS = 5
NEAR = 0.05  # the share of held-out motifs that counts as suspiciously near to a training motif
N_CANDIDATES = 5  # training motifs that are laid upon each motif


@dataclass(frozen=True)
class TwoSample:
    """How well a classifier tells generated motifs from real ones.

    Attributes:
        auc: the mean over folds of the area under the ROC curve; 0.5 where they cannot be told apart.
        error: the standard error of the mean over folds; folds share training motifs, so it is somewhat too small.
    """

    auc: float
    error: float


@dataclass(frozen=True)
class Memory:
    """Whether a generator repeats its training motifs.

    Attributes:
        generated: the median distance of generated motifs to the nearest training motif, angstrom.
        held_out: the same of held-out motifs, angstrom.
        copied: the share of generated motifs that are nearer to a training motif than all but one in twenty of the
            held-out motifs are: 0.05 for a generator that does not copy.
    """

    generated: float
    held_out: float
    copied: float


def statistics(positions: Motifs) -> Features:
    """The classifier's features: sorted distances, and the sorted angles between the four nearest atoms."""
    return torch.cat([descriptor(positions), bond_angles(positions).sort(dim=1).values], dim=1)


def two_sample_auc(generated: Motifs, real: Motifs, *, seed: int = 0) -> TwoSample:
    """How well boosted trees tell generated from real motifs that they were not fitted on (Lopez-Paz and Oquab 2017).

    Both sets are cut to one size, 1,024 motifs at most; there are five folds. Compare the result with its floor, the
    score of real training motifs: cells differ, so the floor need not be 0.5. The seed chooses motifs and folds.
    """
    n = min(len(generated), len(real), N_COMPARED)
    check_counts(2 * N_FOLDS, n_motifs=n)
    generator = Generator().manual_seed(seed)
    sides = [statistics(sampled(x, n, generator)).double().cpu().numpy() for x in (generated, real)]
    x, label = np.concatenate(sides), np.repeat([1, 0], n)
    trees = HistGradientBoostingClassifier(max_leaf_nodes=15, early_stopping=False, random_state=seed)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    areas = cross_val_score(trees, x, label, scoring="roc_auc", cv=folds, error_score="raise")
    return TwoSample(float(np.mean(areas)), float(np.std(areas, ddof=1) / N_FOLDS**0.5))


def memory(generated: Motifs, training: Motifs, held_out: Motifs) -> Memory:
    """Whether generated motifs lie nearer to the training motifs than held-out motifs of other cells do.

    Held-out motifs show how near a fresh draw from the same distribution lies. Motifs that are nearer are copies;
    motifs that are farther follow another distribution, which is no merit. Pass all motifs that the generator was
    trained on.
    """
    made, real = (nearest_motif_rmsd(x, training, N_CANDIDATES) for x in (generated, held_out))
    near = real.quantile(NEAR)
    return Memory(made.median().item(), real.median().item(), (made < near).double().mean().item())


def mean_miss(generated: Motifs, real: Motifs) -> float:
    """The mean RMSD (angstrom) of real motifs to the nearest generated one; it grows with what a generator leaves out.

    It falls with the number of generated motifs, so compare sets of one size.
    """
    return nearest_motif_rmsd(real, generated, N_CANDIDATES).mean().item()
