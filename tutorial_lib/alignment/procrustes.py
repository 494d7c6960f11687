"""The best rotation: two clouds with their atoms in one order come in, an orthogonal matrix goes out."""

import torch
from torch import Tensor

from tutorial_lib.vocabulary import Orthogonal


def best_rotation(source: Tensor, target: Tensor, *, allow_mirror: bool | None = None) -> Orthogonal:
    """The orthogonal Q for which source @ Q.mT is nearest to target (the orthogonal Procrustes problem).

    |S Q^T - T|^2 = |S|^2 + |T|^2 - 2 tr(Q S^T T), so Q has to make tr(Q S^T T) large. With the singular value
    decomposition T^T S = U D V^T that trace is at most the sum of D, and Q = U V^T reaches it. If that is a
    mirror and mirrors are not allowed, the direction of the smallest singular value is given up: its
    sign is flipped (Schönemann 1966; Kabsch 1976).

    Args:
        source: (..., n, 3), angstrom, what is turned; atom by atom the partner of `target`.
        target: (..., n, 3), angstrom.
        allow_mirror: True for O(3), False for rotations alone; there is no default.

    Returns:
        (..., 3, 3), no unit; without a gradient.

    Raises:
        TypeError: `allow_mirror` was left out.
        ValueError: the shapes differ, there are no atoms, something is not finite, or all atoms lie on a
            line through the origin, so that no best rotation is singled out.
    """
    check_choice(allow_mirror)
    if source.shape != target.shape or source.ndim < 2 or source.shape[-1] != 3 or source.shape[-2] == 0:
        shapes = f"{tuple(source.shape)} and {tuple(target.shape)}"
        raise ValueError(f"two clouds of one shape (..., n, 3) are needed, {shapes} arrived: match_atoms takes parts")
    check_finite(source, target)
    with torch.no_grad():
        rotation, values = turned_onto(source, target, allow_mirror)
        flat = values[..., 1] <= 100 * torch.finfo(values.dtype).eps * values[..., 0]
        if flat.any():
            where = [int(i) for i in flat.nonzero()[0]]
            raise ValueError(f"cloud {where or ''} lies on a line or a point, so no rotation is best: leave it out")
        return rotation


def turned_onto(source: Tensor, target: Tensor, allow_mirror: bool) -> tuple[Orthogonal, Tensor]:
    """The best rotations, unchecked, and the singular values that say whether they are the only best ones.

    Args:
        source: (..., n, 3), angstrom.
        target: (..., n, 3), angstrom.
        allow_mirror: True for O(3), False for rotations alone.

    Returns:
        (..., 3, 3), no unit, and (..., 3), angstrom^2; the best rotation is unique where the second is not 0.

    Raises:
        RuntimeError: something is not finite.
    """
    u, values, vh = torch.linalg.svd(target.mT @ source)
    if not allow_mirror:
        hand = torch.linalg.det(u) * torch.linalg.det(vh)
        u = torch.cat([u[..., :2], u[..., 2:] * hand[..., None, None]], dim=-1)
    return u @ vh, values


def check_choice(allow_mirror: bool | None) -> None:
    """Ask for a choice that changes the physics.

    Args:
        allow_mirror: what the caller said; None where nothing was said.

    Raises:
        TypeError: nothing was said.
    """
    if allow_mirror is None:
        raise TypeError(
            "say whether mirrors are allowed: allow_mirror=True for clouds from Gram matrices, which cannot tell left "
            "from right; allow_mirror=False for molecules, whose mirror image is another molecule"
        )


def check_finite(*clouds: Tensor) -> None:
    """Refuse clouds that hold NaN or infinity.

    Args:
        clouds: of any shape, angstrom.

    Raises:
        ValueError: one of them is not finite.
    """
    if not all(torch.isfinite(cloud).all() for cloud in clouds):
        raise ValueError("positions hold NaN or infinity: look at where they came from")
