"""The best rotation: two clouds with their atoms in one order come in, an orthogonal matrix goes out."""

import torch
from torch import Tensor

from tutorial_lib.shapes import Orthogonal, check_finite, check_shapes, unrounded

CHUNK = 4096  # pairs at a time: what is computed on the way then stays in the processor's cache


def best_rotation(source: Tensor, target: Tensor, *, allow_mirror: bool | None = None) -> Orthogonal:
    """The orthogonal Q for which source @ Q.mT is nearest to target (the orthogonal Procrustes problem).

    |S Q^T - T|^2 = |S|^2 + |T|^2 - 2 tr(Q S^T T), so Q has to make tr(Q S^T T) large. With the singular value
    decomposition T^T S = U D V^T that trace is at most the sum of D, and Q = U V^T reaches it. If that is a mirror and
    mirrors are not allowed, the sign of the direction of the smallest singular value is flipped (Schönemann 1966;
    Kabsch 1976). Atoms are partners row by row; the result has no gradient.
    """
    check_choice(allow_mirror)
    check_shapes(source=(source, "*batch atoms+ 3"), target=(target, "*batch atoms+ 3"))
    check_finite(source, target)
    with torch.no_grad():
        pairs = zip(*(x.reshape(-1, *x.shape[-2:]).split(CHUNK) for x in (source, target)), strict=True)
        rotations, values = zip(*(turned_onto(x, y, allow_mirror) for x, y in pairs), strict=True)
        values = torch.cat(values).view(*source.shape[:-2], 3)
        rounding = max(torch.finfo(x.dtype).eps for x in (source, target))
        flat = values[..., 1] <= 100 * rounding * values[..., 2]
        if flat.any():
            where = [int(i) for i in flat.nonzero()[0]]
            raise ValueError(f"cloud {where or ''} lies on a line or a point, so no rotation is best: leave it out")
        return torch.cat(rotations).view(*source.shape[:-2], 3, 3)


@unrounded
def turned_onto(source: Tensor, target: Tensor, allow_mirror: bool) -> tuple[Orthogonal, Tensor]:
    """The best rotations, unchecked, and the singular values: the best is unique where the second is not 0.

    The values, angstrom^2, are in double precision, smallest first. The direction of the largest comes from the
    eigenvectors of a symmetric matrix, for many small matrices twice as fast as a singular value decomposition; those
    of the others would lose digits with the squares. So the angle about the first is found in the plane across it,
    where the best of all rotations (and of all mirrors) has a formula. On a line any angle will do.
    """
    check_shapes(source=(source, "*batch atoms 3"), target=(target, "*batch atoms 3"))
    product = target.double().mT @ source.double()
    square = product.mT @ product
    check_finite(square, what="products of positions")
    _, v = torch.linalg.eigh(square)
    v_large, v_middle = v[..., 2], v[..., 1]
    v_small = torch.linalg.cross(v_middle, v_large)
    image = product @ torch.stack([v_small, v_middle, v_large], dim=-1)
    large = torch.linalg.vector_norm(image[..., 2], dim=-1, keepdim=True)
    u_large = torch.where(large > 0, image[..., 2] / large, v_large)
    u_first, u_second = _across(u_large)
    (a, b), (c, d) = ((u[..., None, :] @ image[..., :2])[..., 0, :].unbind(-1) for u in (u_first, u_second))
    turn, mirror = torch.stack([a + d, c - b], dim=-1), torch.stack([a - d, c + b], dim=-1)
    by_turn, by_mirror = (torch.linalg.vector_norm(x, dim=-1, keepdim=True) for x in (turn, mirror))
    values = torch.cat([(by_turn - by_mirror).abs() / 2, (by_turn + by_mirror) / 2, large], dim=-1)
    mirrored = (by_mirror > by_turn) & allow_mirror
    turn, size = torch.where(mirrored, mirror, turn), torch.where(mirrored, by_mirror, by_turn)
    cosine, sine = torch.where(size > 0, turn / size, turn.new_tensor([1.0, 0.0])).split(1, dim=-1)
    u_small, u_middle = cosine * u_first + sine * u_second, cosine * u_second - sine * u_first
    u = torch.stack([u_small, torch.where(mirrored, -u_middle, u_middle), u_large], dim=-1)
    return (u @ torch.stack([v_small, v_middle, v_large], dim=-1).mT).to(source), values


def _across(axis: Tensor) -> tuple[Tensor, Tensor]:
    """Two directions at right angles to one and to each other, so that the three are right-handed."""
    far = torch.nn.functional.one_hot(axis.abs().argmin(dim=-1), 3).to(axis)
    second = torch.nn.functional.normalize(torch.linalg.cross(axis, far), dim=-1)
    return torch.linalg.cross(second, axis), second


def check_choice(allow_mirror: bool | None) -> None:
    """Refuse `allow_mirror=None`: a choice that changes the physics has no default."""
    if allow_mirror is None:
        raise TypeError(
            "say whether mirrors are allowed: allow_mirror=True for clouds from Gram matrices, which cannot tell left "
            "from right; allow_mirror=False for molecules, whose mirror image is another molecule"
        )
