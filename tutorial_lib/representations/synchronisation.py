"""Many clouds rotated at once: noisy rotations between pairs come in, one rotation a cloud goes out.

In the talk, *synchronisation* is the Procrustes problem of `alignment`: two clouds, their atoms known. In the
wider literature it is this: all g_i from noisy g_i g_j^-1. Lost on the way: one rotation common to all,
which no relative rotation can tell.
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from torch import Tensor

from tutorial_lib.representations.alignment import best_rotation
from tutorial_lib.shapes import Orthogonal, check_finite, check_shapes, unrounded


def synchronise(relative: Tensor, known: Tensor | None = None) -> Orthogonal:
    """Rotations (n, 3, 3), the first the identity, that fit all known relative ones, by the spectral method.

    Without noise the blocks R_i R_j^T make a matrix R R^T of rank three, whose three largest eigenvectors hold the
    rotations, up to one that all share. With noise they are still its best approximation of that rank, and each block
    is replaced by the nearest rotation (Singer, Appl. Comput. Harmon. Anal. 30, 20 (2011)). Missing pairs are zero
    blocks, and every row is divided by its number of known ones.

    Args:
        relative: (n, n, 3, 3); block ij is R_i R_j^T. Blocks that are not known may hold anything.
        known: (n, n), which blocks are known, or None for all; ij or ji is enough.
    """
    blocks, weights = _blocks(relative, known)
    n_clouds, scale = len(blocks), weights.sum(1).rsqrt()
    normalised = blocks * (scale[:, None] * scale)[..., None, None]
    _, vectors = torch.linalg.eigh(normalised.permute(0, 2, 1, 3).reshape(3 * n_clouds, 3 * n_clouds))
    found = vectors[:, -3:].view(n_clouds, 3, 3) / scale[:, None, None]
    # The eigenvectors may come out as mirror images, all of them alike.
    rotations = _nearest(found * torch.linalg.det(found).sum().sign())
    return (rotations @ rotations[0].mT).to(relative)


def chained(relative: Tensor, known: Tensor | None = None) -> Orthogonal:
    """The baseline: from cloud to cloud along a tree of known pairs (None: the chain 01, 12, 23, ...).

    Every cloud is reached from the first in as few steps as possible. Errors add up along the way, and all pairs
    outside the tree are left unused. Arguments and result are those of `synchronise`.
    """
    if known is None:
        known = torch.ones(relative.shape[:2], dtype=torch.bool).triu(1).tril(1)
    blocks, weights = _blocks(relative, known)
    order, before = breadth_first_order(csr_array(weights.numpy()), 0, directed=False)
    found = torch.eye(3, dtype=torch.float64).repeat(len(blocks), 1, 1)
    for cloud in order[1:]:
        found[cloud] = _nearest(blocks[cloud, before[cloud]]) @ found[before[cloud]]
    return found.to(relative)


@unrounded
def rotation_error(found: Orthogonal, truth: Orthogonal) -> Tensor:
    """The angle between each found rotation and the true one, degree, after the best rotation common to all."""
    check_shapes(found=(found, "clouds 3 3"), truth=(truth, "clouds 3 3"))
    error = found @ _nearest((found.mT @ truth).sum(0)) @ truth.mT
    cosine = (error.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
    sine = torch.linalg.matrix_norm(error - error.mT) / 8**0.5
    return torch.atan2(sine, cosine).rad2deg()  # an arccosine alone loses half of the digits near 0


def _blocks(relative: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """The symmetric matrix of blocks with zeros where nothing is known, and how many sides knew each."""
    check_shapes(relative=(relative, "clouds+ clouds 3 3"))
    n_clouds = len(relative)
    known = torch.ones(n_clouds, n_clouds, dtype=torch.bool) if known is None else known.bool()
    check_shapes(known=(known, f"{n_clouds} {n_clouds}"))
    blocks = torch.where(known[..., None, None], relative, 0).double()
    check_finite(blocks, what="known relative rotations")
    sides = (known | torch.eye(n_clouds, dtype=torch.bool)).double()
    _, island = connected_components(csr_array(sides.numpy()), directed=False)
    if far := np.flatnonzero(island != island[0]).tolist():
        raise ValueError(
            f"clouds {far} cannot be reached from cloud 0 by known pairs: measure one pair that bridges them"
        )
    blocks[range(n_clouds), range(n_clouds)] = torch.eye(3, dtype=torch.float64)
    sides = sides + sides.mT
    blocks = (blocks + blocks.permute(1, 0, 3, 2)) / sides.clamp(min=1)[..., None, None]
    return blocks, (sides > 0).double()


def _nearest(matrices: Tensor) -> Tensor:
    """The rotations nearest to matrices: Procrustes, with the three unit vectors as the atoms."""
    return best_rotation(torch.eye(3, dtype=matrices.dtype).expand_as(matrices), matrices.mT, allow_mirror=False)
