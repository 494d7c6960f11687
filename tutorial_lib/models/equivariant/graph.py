"""Who sees whom in a cloud, in which direction and how far: clouds come in, a graph goes out.

It holds all that an equivariant network needs of positions, so a network that trains on the same clouds again and
again needs it once. Where the clouds are is lost.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from torch import Tensor

from tutorial_lib.shapes import check_apart


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """The dtype in which e3nn makes its constants, inside the `with`.

    Args:
        dtype: float32 or float64.

    Raises:
        TypeError: the dtype is no floating point.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@dataclass(frozen=True)
class Graph:
    """Who sees whom, and how: what a network needs of N clouds of n points, computed once.

    Attributes:
        target: (edges,), the point that looks.
        source: (edges,), the point that it sees.
        harmonics: (edges, (lmax + 1)^2), spherical harmonics of the directions, no unit.
        radial: (edges, n_radial), bumps on the axis of distances, divided by the root of the number of neighbours of
            the target, no unit.
        shape: N and n.
    """

    target: Tensor
    source: Tensor
    harmonics: Tensor
    radial: Tensor
    shape: tuple[int, int]

    def gather(self, sent: Tensor) -> Tensor:
        """What each point is sent along its edges, added up.

        Args:
            sent: (edges, features), no unit.

        Returns:
            (N n, features), no unit.

        Raises:
            RuntimeError: there are not as many rows as edges.
        """
        points = math.prod(self.shape)
        return sent.new_zeros(points, sent.shape[1]).index_add(0, self.target, sent)


def spherical_harmonics(irreps: str, vectors: Tensor) -> Tensor:
    """Spherical harmonics of directions, mean square 1 a component, in e3nn's order: l = 1 is (x, y, z).

    A vector changes sign when it is reversed, so Y_l changes by (-1)^l and no other parity can be had. Asked for
    "1e", e3nn concludes without a word that the vectors are pseudovectors.

    Args:
        irreps: such as "0e + 1o + 2e".
        vectors: (..., 3), any unit; only their directions count.

    Returns:
        (..., sum of 2 l + 1), no unit.

    Raises:
        ValueError: a parity is wrong, or a vector is zero and has no direction.
    """
    for _, ir in o3.Irreps(irreps):
        if ir.p != (-1) ** ir.l:
            right = o3.Irrep(ir.l, (-1) ** ir.l)
            raise ValueError(f"spherical harmonics of l = {ir.l} are {right}, not {ir}: ask for {right}")
    if (vectors == 0).all(dim=-1).any():
        raise ValueError("a vector is zero and has no direction: two points coincide, or a point looks at itself")
    return o3.spherical_harmonics(irreps, vectors, normalize=True, normalization="component").to(vectors.dtype)


def representation(irreps: str, orthogonal: Tensor) -> Tensor:
    """The matrix D by which a rotation or a mirror acts on irreps, as features @ D.mT, in the dtype of the rotation.

    For "1o" it is the rotation itself: e3nn's vectors are (x, y, z).

    Args:
        irreps: such as "0e + 1o".
        orthogonal: (..., 3, 3), no unit.

    Returns:
        (..., dim, dim), no unit.

    Raises:
        ValueError: the irreps cannot be read, or the matrix is not orthogonal.
    """
    off = (orthogonal.double() @ orthogonal.double().mT - torch.eye(3, device=orthogonal.device)).abs().amax()
    if not off < 5e-6:
        raise ValueError(
            f"Q Q^T differs by {off:.1e} from one: only orthogonal matrices, float32 or finer, act on irreps"
        )
    with default_dtype(torch.float64):  # by angles, which lose half of the digits where a rotation is about the axis
        return o3.Irreps(irreps).D_from_matrix(orthogonal.double()).to(orthogonal.dtype)


def neighbour_graph(positions: Tensor, *, cutoff: float, lmax: int, n_radial: int) -> Graph:
    """The pairs of points within a cut-off, the harmonics of their directions and the bumps of their distances.

    Args:
        positions: (N, n, 3), in the unit of the cut-off.
        cutoff: farther points are not seen.
        lmax: the highest l of the harmonics.
        n_radial: how many bumps between zero and the cut-off.

    Returns:
        The graph.

    Raises:
        ValueError: positions have another shape or are not finite, a cloud has one point, two of its points
            coincide, or a point has no neighbour.
    """
    if positions.ndim != 3 or positions.shape[-1] != 3:
        raise ValueError(f"positions have shape {tuple(positions.shape)}: (N, n, 3) is needed, also for one cloud")
    if not torch.isfinite(positions).all():
        raise ValueError("positions hold NaN or infinity")
    n_clouds, n_points, _ = positions.shape
    if n_points < 2:
        raise ValueError("a cloud of one point has no directions: at least two points are needed")
    apart = positions[:, None] - positions[:, :, None]
    distance = apart.norm(dim=3)
    seen = (distance < cutoff) & ~torch.eye(n_points, dtype=torch.bool, device=positions.device)
    if not seen.any(dim=2).all():
        nearest = distance.masked_fill(distance == 0, math.inf).amin(dim=2).max()
        raise ValueError(
            f"a point has no neighbour within {cutoff:g}: its nearest is {nearest:.2f} away, take a cut-off above"
        )
    cloud, target, source = seen.nonzero(as_tuple=True)
    return pair_graph(
        cloud * n_points + target,
        cloud * n_points + source,
        apart[seen],
        cutoff=cutoff,
        lmax=lmax,
        n_radial=n_radial,
        shape=(n_clouds, n_points),
    )


def pair_graph(
    target: Tensor,
    source: Tensor,
    vectors: Tensor,
    *,
    cutoff: float,
    lmax: int,
    n_radial: int,
    shape: tuple[int, int],
) -> Graph:
    """The graph of pairs that somebody else has found, such as those of `representations.neighbour_pairs` in a cell.

    Args:
        target: (edges,), the points that look, numbered through all clouds.
        source: (edges,), the points that they see.
        vectors: (edges, 3), from the one to the other, in the unit of the cut-off.
        cutoff: pairs that are farther apart are left out.
        lmax: the highest l of the harmonics.
        n_radial: how many bumps between zero and the cut-off.
        shape: N clouds of n points; a periodic cell is one cloud.

    Returns:
        The graph.

    Raises:
        ValueError: the pairs are not as many as the vectors, name points that there are not, a vector is zero or not
            finite, or a point has no neighbour.
    """
    n_points = math.prod(shape)
    if not target.shape == source.shape == vectors.shape[:1] or vectors.shape[1:] != (3,):
        shapes = ", ".join(str(tuple(part.shape)) for part in (target, source, vectors))
        raise ValueError(f"targets, sources and vectors are {shapes}: (edges,), (edges,), (edges, 3) are needed")
    named = torch.cat([target, source])
    if not ((named >= 0) & (named < n_points)).all():
        raise ValueError(f"a pair names a point that there is not: {n_points} points are numbered from 0")
    if not torch.isfinite(vectors).all():
        raise ValueError("vectors hold NaN or infinity")
    distance = vectors.norm(dim=1)
    check_apart(distance, cutoff)
    near = distance < cutoff
    target, source, vectors = target[near], source[near], vectors[near]
    bumps = soft_one_hot_linspace(distance[near], 0.0, cutoff, n_radial, basis="smooth_finite", cutoff=True)
    n_seen = torch.bincount(target, minlength=n_points)
    if (n_seen == 0).any():
        raise ValueError(f"point {int(n_seen.argmin())} has no neighbour within {cutoff:g}: take a cut-off above")
    return Graph(
        target=target,
        source=source,
        harmonics=spherical_harmonics(str(o3.Irreps.spherical_harmonics(lmax)), vectors),
        radial=(bumps * (n_radial / n_seen[target, None]).sqrt()).to(vectors.dtype),
        shape=shape,
    )
