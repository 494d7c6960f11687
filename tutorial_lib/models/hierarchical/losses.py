"""What a hierarchical autoencoder is trained on, and how it is measured: clouds come in, numbers go out."""

import warnings
from dataclasses import replace

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from tutorial_lib.models.hierarchical.autoencoder import SAME_POINT, HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.levels import pooled
from tutorial_lib.models.hierarchical.points import Points, noise_like, points_of
from tutorial_lib.models.spherical import places_about
from tutorial_lib.shapes import check_finite, check_shapes

RATTLE = 0.03  # of true centres, in edges of a cube: found ones are not exact either
N_AT_ONCE = 50  # clouds, to save memory
N_PLACES = {True: 192, False: 48}  # a field is asked about so many: at the top, and about each point below


def reconstruction_loss(
    model: HierarchicalAutoencoder, batch: tuple[Tensor, ...], generator: Generator, *, rattle: float = 0.0
) -> dict:
    """How far the fields of every level are from blobs about the true points, as cross-entropy.

    On the way down the true points take the place of those that would be found, slightly rattled; otherwise nothing
    below could be learned before all above is. The batch is padded clouds (N, most, 3), their counts (N,), and species
    (N, most) if the model has any; `rattle` moves all their coordinates at random, so that there are more examples.

    Returns:
        The "loss" in nats a place, the sum of one term a level, which is zero for perfect fields; of one more for each
        level at which found points are judged, and one for species.
    """
    positions, *others = batch
    if rattle:
        positions = positions + rattle * noise_like(positions.to(model.start), generator)
    poolings = pooled(points_of(positions, *others), model.levels)
    in_field = model.ascend(poolings)[-1]
    signals = model.from_latent(in_field)
    shift = torch.zeros_like(poolings[-1].centres.positions)
    terms = {}
    for k in reversed(range(len(poolings))):
        level, pooling, top = model.levels[k], poolings[k], k == len(poolings) - 1
        children, counts = pooling.children(shift)
        places = places_about(children, counts, generator, width=level.width, radius=level.radius, n=N_PLACES[top])
        terms[f"level {k + 1}"] = model.fields[k].loss(in_field, places, children, level.width)
        above = pooling.centres.positions + shift
        points = pooling.points
        if k:
            shift = RATTLE * level.unit * noise_like(points.positions, generator)
            below = (above, replace(points, positions=points.positions + shift), pooling.cluster, pooling.member)
            if model.judges:
                terms[f"judge {k + 1}"] = _misjudged(model, k, signals, *below, generator)
            signals, in_field = model.descend(k, signals, *below)
        elif points.species is not None:
            about = points.positions[pooling.member] - above[pooling.cluster]
            about = about + RATTLE * level.unit * noise_like(about, generator)
            names = model.fields[0].kinds(in_field, about, pooling.cluster)
            terms["species"] = cross_entropy(names, points.species[pooling.member])
    return {"loss": sum(terms.values()), **terms}


def _misjudged(model, k, signals, above, points, parent, child, generator):
    """How badly true points learn from false ones that stand among them."""
    n, unit = len(points.positions), model.levels[k].unit
    beside = torch.randint(len(child), (points.n_clouds,), generator=generator, device=generator.device)
    kind = {"generator": generator, "device": generator.device, "dtype": points.positions.dtype}
    away = torch.randn(len(beside), 3, **kind)
    stretch = SAME_POINT + torch.rand(len(beside), 1, **kind)
    false = points.positions[child[beside]] + unit * stretch * away / away.norm(dim=1, keepdim=True)
    cloud = points.cloud[child[beside]]
    distance = torch.cdist(false, points.positions) + 1e3 * (cloud[:, None] != points.cloud)
    kept = distance.amin(dim=1) > SAME_POINT * unit
    false, cloud, parent_of = false[kept], cloud[kept], parent[beside[kept]]
    everyone = Points(torch.cat([points.positions, false]), torch.cat([points.cloud, cloud]), points.n_clouds)
    numbers = torch.arange(n, n + len(false), device=child.device)
    signals, _ = model.descend(k, signals, above, everyone, torch.cat([parent, parent_of]), torch.cat([child, numbers]))
    is_true = (torch.arange(len(everyone.cloud), device=child.device) < n).to(signals)
    return binary_cross_entropy_with_logits(model.judgement(k, signals), is_true)


def worst_distance(found: Tensor, true: Tensor) -> float:
    """The largest distance between partners, paired at best; infinite if there are not as many points on both sides."""
    check_shapes(found=(found, "_ 3"), true=(true, "_ 3"))
    check_finite(found, true)
    if len(found) != len(true):
        return float("inf")
    distance = torch.cdist(found.double(), true.double()).cpu()
    pairs = linear_sum_assignment(distance.square().numpy())
    return distance[pairs].max().item() if len(found) else 0.0


@torch.no_grad()
def reconstruction_errors(model: HierarchicalAutoencoder, clouds: list[Tensor]) -> Tensor:
    """For each cloud the worst distance of a point to the one that comes back, about their centroids.

    Infinite where another number of points comes back.
    """
    parts = [clouds[start : start + N_AT_ONCE] for start in range(0, len(clouds), N_AT_ONCE)]
    with warnings.catch_warnings(action="ignore"):  # a code that decodes to nothing is counted here
        found = [cloud for part in parts for cloud in model.decode(model.encode(part))]
    return torch.tensor([worst_distance(a, b - b.mean(dim=0)) for a, b in zip(found, clouds, strict=True)])


def exact(model: HierarchicalAutoencoder, clouds: list[Tensor], *, within: float = 0.1) -> Tensor:
    """Which clouds come back with all their points and no other, each nearer than `within` to its own."""
    return reconstruction_errors(model, clouds) < within
