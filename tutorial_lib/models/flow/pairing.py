"""Shorter lines: noise and motifs in any pose and order come in, the motifs laid towards their noise go out.

All poses and orders of a motif are one set of atoms, one example to a velocity that is equivariant. So each line from
noise to a motif may take the pose and the order that make it short. Fewer lines cross then, and paths are straighter:
equivariant optimal transport (Klein, Krämer and Noé, NeurIPS 2023, arXiv:2306.15030), here within each pair and not
across a batch.
"""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from tutorial_lib.representations.alignment.procrustes import turned_onto
from tutorial_lib.shapes import Motifs, check, check_counts, check_finite, check_shapes

N_ROUNDS = 3  # more shorten the lines by less than a hundredth


@torch.no_grad()
def laid_towards(noise: Tensor, motifs: Motifs, n_rounds: int = N_ROUNDS) -> Motifs:
    """The same motifs, atoms renumbered and all turned or mirrored about the centre, each near its row of noise.

    In turns the Hungarian algorithm finds the best order in this pose, and Kabsch's the best pose in this order. No
    turn makes a distance longer, and the end is the best nearby, which need not be the best of all. In any unit.
    """
    check_shapes(motifs=(motifs, "motifs atoms 3"), noise=(noise, " ".join(map(str, motifs.shape))))
    check_finite(noise, motifs)
    check_counts(n_rounds=n_rounds)
    for _ in range(n_rounds):
        costs = torch.cdist(noise, motifs).square().cpu().numpy()
        check(
            np.isfinite(costs).all(),
            "squared distances overflow: bring noise and motifs to about the same, smaller size",
        )
        order = torch.from_numpy(np.stack([linear_sum_assignment(cost)[1] for cost in costs])).to(motifs.device)
        motifs = motifs.gather(1, order[..., None].expand_as(motifs))
        rotation, _ = turned_onto(motifs, noise, allow_mirror=True)
        motifs = motifs @ rotation.mT
    return motifs
