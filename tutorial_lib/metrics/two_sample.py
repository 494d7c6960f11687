"""Is it the same distribution? Generated and real motifs come in; one number for each way of being wrong goes out.

`motif_statistics` compares one statistic at a time, and each can be cheated on its own. Here a classifier looks at all
of them at once, distances to the training set tell a copy machine from a generator, and distances of real motifs to the
nearest generated one tell what is left out. Lost: handedness and order.
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
        error: its standard error over folds, which share training motifs, so it is somewhat too small.
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
    """What the classifier is shown: sorted distances, and the sorted angles between the four nearest atoms."""
    return torch.cat([descriptor(positions), bond_angles(positions).sort(dim=1).values], dim=1)


def two_sample_auc(generated: Motifs, real: Motifs, *, seed: int = 0) -> TwoSample:
    """How well boosted trees tell generated from real motifs that they were not fitted on (Lopez-Paz and Oquab 2017).

    The same number on each side, 1,024 at most; five folds. Compare it with its floor, the score of real training
    motifs in the generator's place: cells differ, so that it need not be 0.5. The seed chooses motifs and folds.
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
    """Whether generated motifs lie nearer to the training motifs than held-out ones, of other cells, do.

    Held-out motifs are as near as an honest draw from the same distribution is. Nearer is a copy; farther is another
    distribution, and no merit. `training` is all that the generator has seen.
    """
    made, real = (nearest_motif_rmsd(x, training, N_CANDIDATES) for x in (generated, held_out))
    near = real.quantile(NEAR)
    return Memory(made.median().item(), real.median().item(), (made < near).double().mean().item())


def mean_miss(generated: Motifs, real: Motifs) -> float:
    """The mean RMSD (angstrom) of real motifs to the nearest generated one: what a generator leaves out makes it large.

    It falls with the number of generated motifs, so compare sets of one size.
    """
    return nearest_motif_rmsd(real, generated, N_CANDIDATES).mean().item()
