"""Clouds that are made motif by motif: a flow of codes comes in, and clouds that are new arrangements go out.

One point and its neighbours are a motif. The flow draws the code of a motif that is complete, given the code of what
its point sees already; the code is decoded, what is there already has to be found in it, and the rest is added. The
next point follows, until there are as many points as are wanted. Nothing knows the whole cloud, so what is learnt are
motifs and how they overlap, and no list of shapes; and nothing knows a lattice.
"""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from tutorial_lib.models.pieces.drawing import CodeFlow
from tutorial_lib.models.pieces.surroundings import FAR, SIGHT, Surroundings

BOND = 1.2  # edges; those nearer than this to a point are its motif
AGREED = 0.15  # so far what is drawn may be from what is there
SAME = 0.3  # points nearer than this are one
APART = 0.75  # and others are farther than this from each other


def completions(cloud: Tensor, generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """How a cloud, in edges of a cube, is made motif by motif, from a random point on.

    Yields:
        For each step what a point sees before, and its motif after, (m, 3) each.
    """
    distance = torch.cdist(cloud, cloud).fill_diagonal_(FAR)
    start = int(torch.randint(len(cloud), (), generator=generator))
    present, done = torch.arange(len(cloud)) == start, torch.zeros(len(cloud), dtype=torch.bool)
    while not present.all():
        inside = present.nonzero()[:, 0]
        at = _centre(cloud[inside], done[inside], generator)
        if at is None:
            return
        at = int(inside[at])
        before, after = present & (distance[at] < SIGHT), distance[at] < BOND
        yield cloud[before] - cloud[at], cloud[after] - cloud[at]
        present, done[at] = present | after, True


def _centre(cloud: Tensor, done: Tensor, generator: Generator) -> int | None:
    """A point whose motif comes next: one that sees as many dimensions as there are, two at most.

    Where all that a point sees is on one line, it cannot know how the rest of the cloud is turned about that line.
    """
    near = torch.cdist(cloud, cloud) < SIGHT
    dimensions = min(2, _dimensions(cloud - cloud[0]))
    able = [k for k in range(len(cloud)) if not done[k] and _dimensions(cloud[near[k]] - cloud[k]) >= dimensions]
    return able[int(torch.randint(len(able), (), generator=generator))] if able else None


def _dimensions(vectors: Tensor) -> int:
    return int(torch.linalg.matrix_rank(vectors, atol=0.3))


@torch.no_grad()
def completed(
    flow: CodeFlow, model: Surroundings, n_points: int, n_clouds: int, generator: Generator, *, rounds: int = 30
) -> list[Tensor]:
    """Clouds made motif by motif from one point each: what a code shows is added, if it agrees with the rest.

    The flow draws codes of motifs, given those of what a point sees already, which the model encodes: for each cloud
    `rounds` at most. There are fewer points where nothing more agreed.
    """
    clouds = [torch.zeros(1, 3)] * n_clouds
    done = [torch.zeros(1, dtype=torch.bool)] * n_clouds
    for _ in range(rounds):
        left = [i for i, cloud in enumerate(clouds) if len(cloud) < n_points]
        if not left:
            break
        at, around = [], []
        for i in left:
            k = _centre(clouds[i], done[i], generator)
            if k is None:  # all motifs are complete, and the cloud is too small: begin anew
                clouds[i], done[i], k = torch.zeros(1, 3), torch.zeros(1, dtype=torch.bool), 0
            vectors = clouds[i] - clouds[i][k]
            distance = vectors.norm(dim=1)
            around.append(vectors[(distance < SIGHT) & (distance > SAME)])
            at.append(k)
        drawn = model.decode(flow.draw(len(left), generator, model.encode(around)))
        for i, k, before, after in zip(left, at, around, drawn, strict=True):
            new = _agreed(clouds[i], clouds[i][k], before[before.norm(dim=1) < BOND], after)
            if new is not None and len(clouds[i]) + len(new) <= n_points:
                clouds[i] = torch.cat([clouds[i], new])
                finished = done[i] | (torch.arange(len(done[i])) == k)
                done[i] = torch.cat([finished, torch.zeros(len(new), dtype=torch.bool)])
    return clouds


def _agreed(cloud: Tensor, centre: Tensor, before: Tensor, after: Tensor) -> Tensor | None:
    """What a drawn motif adds to a cloud; None, if it lacks what is there or stands too near to it."""
    if len(before) and (len(after) == 0 or torch.cdist(before, after).amin(dim=1).max() > AGREED):
        return None
    places = after + centre
    new = places[torch.cdist(places, cloud).amin(dim=1) > SAME]
    if (torch.cdist(new, cloud) < APART).any() or (len(new) > 1 and torch.pdist(new).min() < APART):
        return None
    return new
