"""Which atom is which: a part and a whole come in, their best match and its distance go out.

And a template, which is fitted on training motifs and gives all others one order and one pose.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from tutorial_lib.representations.alignment.procrustes import best_rotation, check_choice, turned_onto
from tutorial_lib.shapes import (
    Motifs,
    Order,
    Orthogonal,
    Positions,
    Scalars,
    check,
    check_counts,
    check_finite,
    check_shapes,
)

N_NEAREST = 4  # triplets of the whole are taken among so many atoms nearest the origin, the bonded ones of silicon
N_KEPT = 8  # starts that are refined to the end, the best after one assignment
N_ROUNDS = 8  # of assignment and rotation, at most; most starts settle in two or three
CHUNK = 512  # clouds matched at a time, for the sake of memory


def aligned_rmsd(a: Tensor, b: Tensor, *, allow_mirror: bool | None = None, reorder: bool | None = None) -> Scalars:
    """The root-mean-square distance of atoms after the best rotation of b about the origin, angstrom, one a pair.

    It can be differentiated: the rotation is held fixed, which is exact, because at the best rotation the distance does
    not change to first order when the rotation does. (Through the singular vectors the derivative is NaN for an exactly
    tetrahedral motif, whose singular values are equal.) `reorder` says whether the atoms of b may be renumbered.
    """
    check_choice(allow_mirror)
    if reorder is None:
        raise TypeError("say whether atoms may be renumbered: reorder=True matches them first, False keeps their order")
    check_shapes(a=(a, "*batch atoms+ 3"), b=(b, "*batch atoms+ 3"))
    if reorder:
        match = match_atoms(*(x.detach().reshape(-1, *x.shape[-2:]) for x in (a, b)), allow_mirror=allow_mirror)
        b = b.gather(-2, match.order.view(b.shape[:-1])[..., None].expand_as(b))
    rotation = best_rotation(b.detach(), a.detach(), allow_mirror=allow_mirror)
    return torch.linalg.vector_norm(a - b @ rotation.mT, dim=(-2, -1)) / a.shape[-2] ** 0.5


@dataclass(frozen=True)
class Match:
    """A part laid upon a whole, pair by pair."""

    order: Order  # which atom of the whole is the partner of each atom of the part
    rotation: Orthogonal  # whole[order] @ rotation.mT is nearest to the part
    rmsd: Scalars  # angstrom, over the atoms of the part
    agreement: Scalars  # the share of the refined starts that found this distance; trust a lonely one less


def match_atoms(part: Tensor, whole: Tensor, *, allow_mirror: bool | None = None, n_nearest: int = N_NEAREST) -> Match:
    """Which atom is which, and how the whole must be rotated, so that the part (N, m, 3) lies upon it (N, n, 3) best.

    Three atoms fix a pose: the three of the part nearest the origin are laid upon every ordered triplet of the
    `n_nearest` of the whole (and as many more as the part lacks), and each start is refined by assignment and rotation
    in turn. None is proved best.
    """
    check_choice(allow_mirror)
    check_shapes(part=(part, "clouds m 3"), whole=(whole, "clouds n 3"))
    check(
        3 <= part.shape[1] <= whole.shape[1],
        f"the part has {part.shape[1]} atoms and the whole {whole.shape[1]}: hand in the smaller one first, of "
        "three atoms at least, which fix a pose",
    )
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
    first = _three_off_a_line(part)
    rotation, _ = turned_onto(corners, first[:, None].expand_as(corners), allow_mirror)
    cloud = each.repeat_interleave(len(triplets))
    order = _assigned(part[cloud], whole[cloud], rotation.flatten(0, 1))
    _, rmsd = _posed(part[cloud], whole[cloud], order, allow_mirror)
    kept = rmsd.view(len(part), -1).topk(min(N_KEPT, len(triplets)), largest=False).indices
    order = order[(kept + len(triplets) * each[:, None]).flatten()]
    cloud = each.repeat_interleave(kept.shape[1])
    rotation, rmsd = _refined(part[cloud], whole[cloud], order, allow_mirror)
    least, winner = rmsd.view(kept.shape).min(dim=1)
    agreement = (rmsd.view(kept.shape) < least[:, None] + 1e-6 * (1 + least[:, None])).double().mean(1)
    winner = winner + kept.shape[1] * each
    return order[winner], rotation[winner], least, agreement


def _three_off_a_line(part: Tensor) -> Tensor:
    """The three atoms nearest the origin; the third is the next where they would lie on a line."""
    near = part.gather(1, part.norm(dim=-1).argsort(dim=-1)[..., None].expand_as(part))
    i, j, rest = near[:, :1], near[:, 1:2], near[:, 2:]
    sides = [(i, j), (i, rest), (j, rest)]
    areas = sum(torch.linalg.cross(a.expand_as(rest), b.expand_as(rest)).norm(dim=-1) for a, b in sides)
    off = areas > 1e-3 * (i.norm(dim=-1) + j.norm(dim=-1) + rest.norm(dim=-1)).square()
    third = torch.where(off, torch.arange(off.shape[1]), off.shape[1]).amin(dim=1) % off.shape[1]
    return torch.cat([i, j, rest[torch.arange(len(part)), third][:, None]], dim=1)


def _refined(part: Tensor, whole: Tensor, order: Tensor, allow_mirror: bool) -> tuple[Tensor, Tensor]:
    """Rotations and distances after assignment and rotation in turn; the orders are changed in place."""
    rotation, rmsd = _posed(part, whole, order, allow_mirror)
    moving = torch.arange(len(part))  # those whose last assignment changed anything; the others have settled
    for _ in range(1 + N_ROUNDS):
        fresh = _assigned(part[moving], whole[moving], rotation[moving])
        changed = (fresh != order[moving]).any(dim=1)
        moving = moving[changed]
        if len(moving) == 0:
            break
        order[moving] = fresh[changed]
        rotation[moving], rmsd[moving] = _posed(part[moving], whole[moving], order[moving], allow_mirror)
    return rotation, rmsd


def _assigned(part: Tensor, whole: Tensor, rotation: Tensor) -> Tensor:
    squares = torch.cdist(part, whole @ rotation.mT).square().numpy()
    return torch.from_numpy(np.array([linear_sum_assignment(table)[1] for table in squares]))


def _posed(part: Tensor, whole: Tensor, order: Tensor, allow_mirror: bool) -> tuple[Tensor, Tensor]:
    chosen = whole.gather(1, order[..., None].expand_as(part))
    rotation, _ = turned_onto(chosen, part, allow_mirror)
    return rotation, (chosen @ rotation.mT - part).square().sum((-2, -1)).div(part.shape[1]).sqrt()


@dataclass(frozen=True)
class Template:
    """A mean motif that gives every other motif an order and a pose."""

    positions: Positions

    @classmethod
    def fit(cls, positions: Motifs, n_starts: int = 8, n_rounds: int = 6, seed: int = 0) -> "Template":
        """The template of a set of training motifs, some hundred: match all to one of them, take the mean, repeat.

        Where that ends depends on where it starts. So it starts from several motifs, and keeps the template whose
        canonical motifs differ least beyond the eight directions in which they differ most, which is the error of the
        best linear autoencoder with eight numbers. Fit it on training cells only.
        """
        check_counts(n_starts=n_starts)
        check_shapes(positions=(positions, "motifs+ atoms 3"))
        chosen = torch.randperm(len(positions), generator=Generator().manual_seed(seed))[:n_starts]
        found = [cls(positions[start])._settled(positions, n_rounds) for start in chosen]
        return min(found, key=lambda template: _left_over(template.canonical(positions)))

    def _settled(self, positions: Motifs, n_rounds: int) -> "Template":
        template = self
        for _ in range(n_rounds):
            template = Template(template.canonical(positions).mean(0))
        return template

    def canonical(self, positions: Motifs) -> Motifs:
        """Motifs in the order and pose in which they are nearest to the template, mirrored where that is nearer."""
        check_shapes(positions=(positions, f"motifs+ {len(self.positions)} 3"))
        template = self.positions.to(positions).expand_as(positions)
        order = match_atoms(template, positions, allow_mirror=True).order
        ordered = positions.gather(1, order[..., None].expand_as(positions))
        return ordered @ best_rotation(ordered, template, allow_mirror=True).mT


def _left_over(canonical: Motifs, n_directions: int = 8) -> float:
    flat = canonical.flatten(1)
    return torch.linalg.svdvals(flat - flat.mean(0))[n_directions:].square().sum().item()
