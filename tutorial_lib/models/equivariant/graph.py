"""The neighbour graph of point clouds: edges within a cut-off, with their directions and lengths.

It holds spherical harmonics of the directions and radial basis functions of the lengths, all that an equivariant
network needs of positions, so a network that trains on the same clouds again and again needs it once. Absolute
positions are not kept.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from jaxtyping import Float, Int
from torch import Tensor

from tutorial_lib.shapes import check, check_apart, check_counts, check_finite, check_indices, check_shapes


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """The dtype in which e3nn makes its constants, inside the `with`."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@dataclass(frozen=True)
class Graph:
    """Who sees whom, and how: what a network needs of N clouds of n points, computed once.

    The radial basis functions are divided by the root of the number of neighbours of the target.
    """

    target: Int[Tensor, " edges"]  # the point that looks
    source: Int[Tensor, " edges"]  # the point that it sees
    harmonics: Float[Tensor, "edges components"]  # of the directions, (lmax + 1)^2
    radial: Float[Tensor, "edges n_radial"]  # radial basis functions of the distances
    shape: tuple[int, int]  # N and n

    def gather(self, sent: Tensor) -> Tensor:
        """What each of the N n points is sent along its edges (edges, features), added up."""
        return sent.new_zeros(math.prod(self.shape), sent.shape[1]).index_add(0, self.target, sent)


def spherical_harmonics(irreps: str, vectors: Tensor) -> Tensor:
    """Spherical harmonics of directions (..., 3), mean square 1 a component, in e3nn's order: l = 1 is (x, y, z).

    A vector changes sign when it is reversed, so Y_l changes by (-1)^l and no other parity can be had. Asked for
    "1e", e3nn concludes without a word that the vectors are pseudovectors.

    Raises:
        ValueError: a parity is wrong, or a vector is zero and has no direction.
    """
    check_shapes(vectors=(vectors, "*batch 3"))
    for _, ir in o3.Irreps(irreps):
        right = o3.Irrep(ir.l, (-1) ** ir.l)
        check(ir == right, f"spherical harmonics of l = {ir.l} are {right}, not {ir}: ask for {right}")
    check(
        not (vectors == 0).all(dim=-1).any(),
        "a vector is zero and has no direction: two points coincide, or a point looks at itself",
    )
    return o3.spherical_harmonics(irreps, vectors, normalize=True, normalization="component").to(vectors.dtype)


def representation(irreps: str, orthogonal: Tensor) -> Tensor:
    """The matrix D by which a rotation or a mirror acts on irreps, as features @ D.mT, in the dtype of the rotation.

    For "1o" it is the rotation itself: e3nn's vectors are (x, y, z).

    Raises:
        ValueError: the matrix is not orthogonal.
    """
    off = (orthogonal.double() @ orthogonal.double().mT - torch.eye(3, device=orthogonal.device)).abs().amax()
    if not off < 5e-6:
        raise ValueError(
            f"Q Q^T differs by {off:.1e} from one: only orthogonal matrices, float32 or finer, act on irreps"
        )
    with default_dtype(torch.float64):  # by angles, which lose half of the digits where a rotation is about the axis
        return o3.Irreps(irreps).D_from_matrix(orthogonal.double()).to(orthogonal.dtype)


def neighbour_graph(positions: Tensor, *, cutoff: float, lmax: int, n_radial: int) -> Graph:
    """The graph of the pairs of points within a cut-off, of clouds (N, n, 3) in the unit of the cut-off.

    Raises:
        ValueError: a point has no neighbour.
    """
    check_shapes(positions=(positions, "clouds points 3"))
    check_finite(positions)
    n_clouds, n_points, _ = positions.shape
    check_counts(2, **{"points of a cloud (one alone has no directions)": n_points})
    vectors = positions[:, None] - positions[:, :, None]
    distance = vectors.norm(dim=3)
    near = (distance < cutoff) & ~torch.eye(n_points, dtype=torch.bool, device=positions.device)
    if not near.any(dim=2).all():
        nearest = distance.masked_fill(distance == 0, math.inf).amin(dim=2).max()
        raise ValueError(
            f"a point has no neighbour within {cutoff:g}: its nearest is {nearest:.2f} away, take a cut-off above"
        )
    cloud, target, source = near.nonzero(as_tuple=True)
    return pair_graph(
        cloud * n_points + target,
        cloud * n_points + source,
        vectors[near],
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
        cutoff: longer vectors are left out.
        lmax: the highest l of the harmonics.
        n_radial: how many radial basis functions there are between zero and the cut-off.
        shape: N clouds of n points; a periodic cell is one cloud.

    Raises:
        ValueError: a point has no neighbour.
    """
    n_points = math.prod(shape)
    check_counts(0, lmax=lmax)
    check_counts(n_radial=n_radial)
    check_shapes(target=(target, "edges"), source=(source, "edges"), vectors=(vectors, "edges 3"))
    check_indices(n_points, target=target, source=source)
    check_finite(vectors, what="vectors")
    distance = vectors.norm(dim=1)
    check_apart(distance, cutoff)
    near = distance < cutoff
    target, source, vectors = target[near], source[near], vectors[near]
    basis = soft_one_hot_linspace(distance[near], 0.0, cutoff, n_radial, basis="smooth_finite", cutoff=True)
    n_neighbours = torch.bincount(target, minlength=n_points)
    if (n_neighbours == 0).any():
        raise ValueError(f"point {int(n_neighbours.argmin())} has no neighbour within {cutoff:g}: take a cut-off above")
    harmonics = spherical_harmonics(str(o3.Irreps.spherical_harmonics(lmax)), vectors)
    radial = (basis * (n_radial / n_neighbours[target, None]).sqrt()).to(vectors.dtype)
    return Graph(target, source, harmonics, radial, shape)
