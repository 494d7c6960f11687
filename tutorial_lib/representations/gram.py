"""Gram matrices: from point clouds to numbers that do not change under rotation, and back.

A Gram matrix does not know the pose of its cloud, nor its handedness. A matrix that belongs to no cloud, such as a
network's output, loses all but three eigenvalues on the way back; `nearest_rank3` returns how much that is.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from tutorial_lib.shapes import Features, Gram, Positions, Scalars, UpperTriangle, check, check_shapes

RANK_TOLERANCE = 1e-4  # of the largest eigenvalue; float32 keeps about 1e-6 of it


def gram_matrix(positions: Tensor) -> Gram:
    """Inner products of all pairs of position vectors (..., n, 3), angstrom^2.

    Unchanged by any orthogonal Q, because (X Q^T)(X Q^T)^T = X X^T. It does change with
    the origin and, row for row, with the order of the atoms.
    """
    check(
        positions.ndim >= 2 and positions.shape[-1] == 3 and positions.numel(),
        f"positions must be (..., n, 3), one atom a row: shape {tuple(positions.shape)} arrived",
    )
    check(
        torch.isfinite(positions.square().sum(-1)).all(),
        "positions hold NaN or infinity, or are too large to square: look at the file they came from",
    )
    return positions @ positions.mT


def upper_triangle(gram: Tensor) -> UpperTriangle:
    """The entries i <= j of a symmetric matrix, row by row."""
    _check_symmetric(gram)
    row, column = torch.triu_indices(*gram.shape[-2:], device=gram.device)
    return gram[..., row, column]


def from_upper_triangle(entries: Tensor) -> Gram:
    """The symmetric matrix whose entries i <= j are given: the inverse of `upper_triangle`."""
    n_atoms = _matrix_size(entries.shape[-1])
    row, column = torch.triu_indices(n_atoms, n_atoms, device=entries.device)
    gram = entries.new_empty(*entries.shape[:-1], n_atoms, n_atoms)
    gram[..., row, column] = gram[..., column, row] = entries
    return gram


def permuted(entries: Tensor, generator: Generator) -> UpperTriangle:
    """Gram matrices (as entries i <= j) of the same clouds with their atoms renumbered at random, one permutation each.

    Entry ij of the new matrix is entry p(i) p(j) of the old one. That also holds for standardised entries, because all
    of the diagonal shares one mean and spread. The generator is on the device of the entries.
    """
    check_shapes(entries=(entries, "clouds entries"))
    n_atoms = _matrix_size(entries.shape[-1])
    row, column = torch.triu_indices(n_atoms, n_atoms, device=entries.device)
    where = torch.empty(n_atoms, n_atoms, dtype=torch.long, device=entries.device)
    where[row, column] = where[column, row] = torch.arange(len(row), device=entries.device)
    order = torch.rand(len(entries), n_atoms, generator=generator, device=entries.device).argsort(1)
    return entries.gather(1, where[order[:, row], order[:, column]])


@dataclass(frozen=True)
class Standardiser:
    """From Gram matrices to features of mean 0 and standard deviation 1, and back.

    The diagonal (squared distances to the centre) shares one mean and one standard deviation, and so does the rest
    (inner products of two atoms): with one pair for each entry, the features would depend on the order of the atoms.
    """

    mean: Tensor  # (n (n + 1) / 2,), angstrom^2
    std: Tensor

    @classmethod
    def fit(cls, gram: Gram) -> "Standardiser":
        """The standardiser of a set of training matrices."""
        check_shapes(gram=(gram, "clouds atoms atoms"))
        entries = upper_triangle(gram)
        row, column = torch.triu_indices(*gram.shape[-2:], device=gram.device)
        mean, std = torch.empty_like(entries[0]), torch.empty_like(entries[0])
        for group in (row == column, row != column):
            if group.any():
                mean[group], std[group] = entries[:, group].mean(), entries[:, group].std(correction=0)
        # What varies by rounding only, such as the diagonal of unit vectors, is divided by 1.
        constant = std <= 100 * torch.finfo(entries.dtype).eps * entries.abs().max()
        check(
            not constant.all(), "all matrices are equal, so there is no spread to divide by: fit on more than one cloud"
        )
        return cls(mean, std.masked_fill(constant, 1.0))

    def features(self, gram: Gram) -> Features:
        """The standardised entries i <= j of Gram matrices."""
        entries = upper_triangle(gram)
        check(
            entries.shape[-1] == len(self.mean),
            f"matrices of {gram.shape[-1]} atoms, and the standardiser was fitted on "
            f"{_matrix_size(len(self.mean))} atoms",
        )
        return (entries - self.mean.to(entries)) / self.std.to(entries)

    def gram(self, features: Features) -> Gram:
        """The symmetric matrices of standardised entries; they may have any rank and negative eigenvalues."""
        check(
            features.shape[-1] == len(self.mean),
            f"{features.shape[-1]} entries arrived, this standardiser has {len(self.mean)}",
        )
        return from_upper_triangle(features * self.std.to(features) + self.mean.to(features))


def nearest_rank3(gram: Tensor) -> tuple[Gram, Scalars]:
    """The nearest matrix that is a cloud's Gram matrix, and the fraction of the norm that was thrown away.

    A cloud's matrix has at most three eigenvalues that are not zero, and none negative. Keeping the
    three largest, clipped at zero, is nearest in the Frobenius norm (Eckart and Young 1936; Higham 1988).
    """
    _check_symmetric(gram)
    values, vectors = torch.linalg.eigh(gram)
    kept = torch.zeros_like(values)
    kept[..., -3:] = values[..., -3:].clamp(min=0)
    nearest = (vectors * kept.unsqueeze(-2)) @ vectors.mT
    norm = values.square().sum(-1).sqrt().clamp(min=torch.finfo(gram.dtype).tiny)
    return nearest, (values - kept).square().sum(-1).sqrt() / norm


def positions_from_gram(gram: Tensor) -> Positions:
    """A cloud that has the given Gram matrix, of rank 3 at most: the widest direction last.

    G = V L V^T gives X = V L^(1/2). Any X Q^T would do as well, so the pose is arbitrary, and so is
    the handedness: a cloud and its mirror image have one Gram matrix.
    """
    _check_symmetric(gram)
    values, vectors = torch.linalg.eigh(gram)
    largest = values[..., -1:].clamp(min=torch.finfo(gram.dtype).tiny)
    spoilt = torch.cat([values[..., :-3].abs(), -values[..., -3:]], dim=-1).div(largest).max().item()
    check(
        spoilt <= RANK_TOLERANCE,
        f"this is no cloud's Gram matrix: beyond three positive eigenvalues there is one of {spoilt:.2g} "
        f"of the largest, and at most {RANK_TOLERANCE:g} is allowed. Project it first with nearest_rank3.",
    )
    positions = vectors[..., -3:] * values[..., -3:].clamp(min=0).sqrt().unsqueeze(-2)
    return torch.nn.functional.pad(positions, (max(0, 3 - gram.shape[-1]), 0))


def _matrix_size(n_entries: int) -> int:
    n_atoms = (math.isqrt(8 * n_entries + 1) - 1) // 2
    below, above = (n * (n + 1) // 2 for n in (n_atoms, n_atoms + 1))
    check(
        below == n_entries >= 1,
        f"{n_entries} entries make no symmetric matrix: {n_atoms} atoms need {below}, {n_atoms + 1} atoms {above}",
    )
    return n_atoms


def _check_symmetric(gram: Tensor) -> None:
    check(
        gram.ndim >= 2 and gram.shape[-1] == gram.shape[-2] and gram.numel(),
        f"a Gram matrix is square, (..., n, n), and not empty: shape {tuple(gram.shape)} arrived",
    )
    check(
        torch.isfinite(gram.square().sum((-1, -2))).all(),
        "the Gram matrix holds NaN or infinity, or is too large: look at the positions it came from",
    )
    gap = (gram - gram.mT).abs().amax().item()
    allowed = 100 * (torch.finfo(gram.dtype).eps if gram.is_floating_point() else 0) * gram.abs().amax().item()
    check(
        gap <= allowed,
        f"the Gram matrix is not symmetric: entries ij and ji differ by {gap:.3g}, at most {allowed:.3g} "
        "is allowed. Take (gram + gram.mT) / 2 if that is rounding.",
    )
