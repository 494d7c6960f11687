"""Which atom is which: a part and a whole come in, their best match and its distance go out."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from tutorial_lib.alignment.procrustes import best_rotation, check_choice, check_finite, turned_onto
from tutorial_lib.vocabulary import Order, Orthogonal, Scalars

N_NEAREST = 4  # triplets of the whole are taken among so many atoms nearest the origin, the bonded ones of silicon
N_KEPT = 8  # starts that are refined to the end, the best after one assignment
N_ROUNDS = 8  # of assignment and rotation, at most; most starts settle in two or three
CHUNK = 512  # clouds matched at a time, for the sake of memory


def aligned_rmsd(a: Tensor, b: Tensor, *, allow_mirror: bool | None = None, reorder: bool | None = None) -> Scalars:
    """The root-mean-square distance of atoms after the best rotation about the origin, one value a pair.

    It can be differentiated: the rotation is held fixed, which is exact, because at the best rotation the
    distance does not change to first order when the rotation does. (Through the singular vectors the
    derivative is NaN for an exactly tetrahedral motif, whose singular values are equal.)

    Args:
        a: (..., n, 3), angstrom.
        b: (..., n, 3), angstrom.
        allow_mirror: whether b may be mirrored; there is no default.
        reorder: whether the atoms of b may be renumbered; there is no default.

    Returns:
        (...,), angstrom.

    Raises:
        TypeError: `allow_mirror` or `reorder` was left out.
        ValueError: the shapes differ, something is not finite, or a cloud lies on a line.
    """
    check_choice(allow_mirror)
    if reorder is None:
        raise TypeError("say whether atoms may be renumbered: reorder=True matches them first, False keeps their order")
    if reorder:
        match = match_atoms(*(x.detach().reshape(-1, *x.shape[-2:]) for x in (a, b)), allow_mirror=allow_mirror)
        order = match.order.view(b.shape[:-1])
        b = b.gather(-2, order[..., None].expand_as(b))
    rotation = best_rotation(b.detach(), a.detach(), allow_mirror=allow_mirror)
    apart = torch.linalg.vector_norm(a - b @ rotation.mT, dim=(-2, -1))
    return apart / a.shape[-2] ** 0.5


@dataclass(frozen=True)
class Match:
    """A part laid upon a whole, pair by pair.

    Attributes:
        order: (N, m), which atom of the whole is the partner of each atom of the part.
        rotation: (N, 3, 3), no unit; whole[order] @ rotation.mT is nearest to the part.
        rmsd: (N,), angstrom, over the atoms of the part.
        agreement: (N,), the share of the refined starts that found this distance; trust a lonely one less.
    """

    order: Order
    rotation: Orthogonal
    rmsd: Scalars
    agreement: Scalars


def match_atoms(part: Tensor, whole: Tensor, *, allow_mirror: bool | None = None, n_nearest: int = N_NEAREST) -> Match:
    """Which atom is which, and how the whole must be turned, so that the part lies upon it best.

    Three atoms fix a pose: the three of the part nearest the origin are laid upon every ordered triplet of the
    nearest of the whole, and each start is refined by assignment and rotation in turn. None is proved best.

    Args:
        part: (N, m, 3), angstrom, at least three atoms.
        whole: (N, n, 3), angstrom, n at least m.
        allow_mirror: True for O(3), False for rotations alone; there is no default.
        n_nearest: triplets are taken among so many atoms of the whole, and as many more as the part lacks.

    Returns:
        Order, rotation, distance and agreement.

    Raises:
        TypeError: `allow_mirror` was left out.
        ValueError: the part has more atoms than the whole or fewer than three, the numbers of clouds
            differ, or something is not finite.
    """
    check_choice(allow_mirror)
    if part.ndim != 3 or whole.ndim != 3 or len(part) != len(whole) or part.shape[-1] != 3 or whole.shape[-1] != 3:
        raise ValueError(f"(N, m, 3) and (N, n, 3) are needed: {tuple(part.shape)} and {tuple(whole.shape)} arrived")
    if part.shape[1] > whole.shape[1]:
        sizes = f"the part has {part.shape[1]} atoms and the whole {whole.shape[1]}"
        raise ValueError(f"{sizes}: hand in the smaller one first")
    if part.shape[1] < 3:
        raise ValueError(f"a part of {part.shape[1]} atoms does not fix a pose: at least three are needed")
    check_finite(part, whole)
    chunks = [
        _match(p.double(), w.double(), allow_mirror, n_nearest)
        for p, w in zip(part.detach().split(CHUNK), whole.detach().split(CHUNK), strict=True)
    ]
    order, rotation, rmsd, agreement = (torch.cat(columns) for columns in zip(*chunks, strict=True))
    return Match(order, rotation.to(part), rmsd.to(part), agreement.to(part))


def _match(part: Tensor, whole: Tensor, allow_mirror: bool, n_nearest: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    each = torch.arange(len(part))
    n_nearest = min(max(3, n_nearest) + whole.shape[1] - part.shape[1], whole.shape[1])
    triplets = torch.tensor(list(permutations(range(n_nearest), 3)))
    corners = whole[each[:, None, None], whole.norm(dim=-1).argsort(dim=-1)[:, triplets]]
    first = part[each[:, None], part.norm(dim=-1).argsort(dim=-1)[:, :3]]
    rotation, _ = turned_onto(corners, first[:, None].expand_as(corners), allow_mirror)
    order = _assigned(part, whole, rotation)
    for n_kept in [N_KEPT, *[len(triplets)] * N_ROUNDS]:
        rotation, rmsd = _posed(part, whole, order, allow_mirror)
        best = rmsd.topk(min(n_kept, rmsd.shape[1]), largest=False).indices
        rotation = rotation.gather(1, best[..., None, None].expand(-1, -1, 3, 3))
        before, order = (
            order.gather(1, best[..., None].expand(-1, -1, order.shape[2])),
            _assigned(part, whole, rotation),
        )
        if torch.equal(before, order):
            break
    rotation, rmsd = _posed(part, whole, order, allow_mirror)
    least, winner = rmsd.min(dim=1)
    agreement = (rmsd < least[:, None] + 1e-6 * (1 + least[:, None])).double().mean(1)
    return order[each, winner], rotation[each, winner], least, agreement


def _assigned(part: Tensor, whole: Tensor, rotation: Tensor) -> Tensor:
    apart = torch.cdist(part[:, None].expand(-1, rotation.shape[1], -1, -1), whole[:, None] @ rotation.mT).square()
    partner = np.stack([linear_sum_assignment(table)[1] for table in apart.flatten(0, 1).numpy()])
    return torch.from_numpy(partner).view(apart.shape[:3])


def _posed(part: Tensor, whole: Tensor, order: Tensor, allow_mirror: bool) -> tuple[Tensor, Tensor]:
    chosen = whole[torch.arange(len(whole))[:, None, None], order]
    target = part[:, None].expand_as(chosen)
    rotation, _ = turned_onto(chosen, target, allow_mirror)
    return rotation, (chosen @ rotation.mT - target).square().sum((-2, -1)).div(part.shape[1]).sqrt()
