"""What codes do for new pieces: they lead the growth, they are changed without being decoded, and they remember.

Called by `benchmarks.new_pieces`, for an autoencoder and a head that were trained on the same shapes.
"""

import time
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from benchmarks.research import operators
from tutorial_lib import representations, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import equivariant, hierarchical
from tutorial_lib.models.hierarchical import GrowthHead, HierarchicalAutoencoder
from tutorial_lib.training import recipes

STRENGTH = 3.0  # of the code, against the generator
EPOCHS = 40  # of an operator on codes
ROUNDS = 8  # in which pieces that are known to the autoencoder are made again
N_POSES = 3
SAME_PLACE = 0.35  # edges
SIX = 6


def autoencoder_of(known: Sequence[Tensor], seed: int) -> tuple[HierarchicalAutoencoder, float]:
    """An autoencoder of known shapes and as many random trees, and the CPU seconds of its training."""
    clouds = polycubes.with_trees(known, Generator().manual_seed(seed))
    model, began = hierarchical.polycube_autoencoder(seed), time.process_time()
    recipe = recipes.polycubes(len(clouds), seed)
    training.train(
        model, hierarchical.padded(clouds), hierarchical.reconstruction_loss, recipe, device="cpu", progress=False
    )
    return model.eval(), time.process_time() - began


def operators_of(
    model: HierarchicalAutoencoder, known: Sequence[Tensor], seed: int
) -> tuple[operators.CodeOperator, operators.CodeOperator]:
    """One that adds a point and one that takes a point away."""
    generator = Generator().manual_seed(seed)
    clouds = [cloud for cloud in polycubes.with_trees(known, generator) if len(cloud) > 2]
    shaken = [cloud + 0.02 * torch.randn(cloud.shape, generator=generator) for cloud in clouds]
    without, place, whole, own = operators.pairs_of_codes(model, shaken, generator)
    recipe = training.Recipe(epochs=EPOCHS, batch_size=128, learning_rate=5e-3, seed=seed)
    adds, removes = operators.CodeOperator(model, seed=seed), operators.CodeOperator(model, seed=seed)
    for operator, pairs in ((adds, (without, place, whole)), (removes, (whole, own, without))):
        training.train(operator, pairs, operators.operator_loss, recipe, device="cpu", progress=False)
    return adds, removes


def half_way(model: HierarchicalAutoencoder, shapes: Sequence[Tensor], n: int, generator: Generator):
    """Two parents for each of n codes, in some poses, and the codes half-way between them, as long as codes are."""
    chosen = torch.randint(len(shapes), (2, n), generator=generator)
    turns = representations.random_orthogonal(generator, (2, n), torch.float32)
    one, other = (
        [(shapes[i] - shapes[i].mean(dim=0)) @ turn.mT for i, turn in zip(*some, strict=True)]
        for some in zip(chosen, turns, strict=True)
    )
    a, b = (in_parts(model.encode, clouds) for clouds in (one, other))
    return one, other, of_length((a + b) / 2, a)


@torch.no_grad()
def in_parts(made_by: Callable, clouds: Sequence[Tensor], at_once: int = 100) -> Tensor:
    """One tensor of what is made of clouds, which do not all fit into memory at a time."""
    return torch.cat([made_by(clouds[at : at + at_once]) for at in range(0, len(clouds), at_once)])


def of_length(codes: Tensor, others: Tensor) -> Tensor:
    """Codes with the norms of others."""
    return codes * (others.norm(dim=1) / codes.norm(dim=1))[:, None]


def decoded(model: HierarchicalAutoencoder, codes: Tensor) -> list[Tensor]:
    """What codes decode to, nothing included."""
    found = []
    for some in codes.split(100):
        points = model.unfold(some)[-1].points
        found += [points.positions[points.cloud == number] for number in range(len(some))]
    return found


def guided(
    head: GrowthHead, model: HierarchicalAutoencoder, codes: Tensor, generator: Generator, strength: float
) -> list[Tensor]:
    """What codes lead to."""
    parts = (
        hierarchical.guided_decode(head, model, some, SIX, generator, strength=strength) for some in codes.split(100)
    )
    return [cloud for part in parts for cloud in part]


def overlap(clouds: Sequence[Tensor], parents: Sequence[Tensor]) -> float:
    """The share of the cubes of parents that stand in the clouds, where they are."""
    shares = [
        (torch.cdist(parent, cloud).amin(dim=1) < SAME_PLACE).double().mean().item() if len(cloud) else 0.0
        for cloud, parent in zip(clouds, parents, strict=True)
    ]
    return sum(shares) / len(shares)


def between(head, model, shapes, census: Callable[[list[Tensor]], dict], n: int, seed: int) -> dict:
    """What is half-way between two pieces, by the decoder, by codes that lead, and if only the start is given."""
    generator = Generator().manual_seed(seed)
    one, other, codes = half_way(model, shapes, n, generator)
    strangers = [*one[1:], *one[:1]]
    pieces = in_parts(model.encode, one)
    noise = of_length(pieces.std(dim=0) * torch.randn(codes.shape, generator=generator), codes)
    made = {
        "half-way, decoded": decoded(model, codes),
        "half-way, led": guided(head, model, codes, generator, STRENGTH),
        "half-way, not led": guided(head, model, codes, generator, 0.0),
        "noise, decoded": decoded(model, noise),
        "noise, led": guided(head, model, noise, generator, STRENGTH),
        "a piece, led": guided(head, model, pieces, generator, STRENGTH),
    }
    result = {}
    for name, clouds in made.items():
        couples = [(a,) if name == "a piece, led" else (a, b) for a, b in zip(one, other, strict=True)]
        result[name] = census(clouds) | {
            "a parent": polycubes.census(clouds, couples, shapes)["a parent"] / n,
            "of the first": overlap(clouds, one),
            "of a stranger": overlap(clouds, strangers),
        }
    return result


def changed(model, head, adds, removes, shapes, held_out, census, n: int, seed: int) -> dict:
    """What operators on codes do to codes of unseen pieces, and what grows if nothing is ever encoded again."""
    generator = Generator().manual_seed(seed)
    poses = representations.random_orthogonal(generator, (N_POSES, len(held_out)), torch.float32)
    clouds = [shape @ q.mT for row in poses for shape, q in zip(held_out, row, strict=True)]
    without, place, whole, own = operators.pairs_of_codes(model, clouds, generator)
    less, more = decoded(model, without), [cloud - cloud.mean(dim=0) for cloud in clouds]
    with torch.no_grad():
        added, removed = decoded(model, adds(without, place)), decoded(model, removes(whole, own))
    result = {}
    for name, made, wanted in (("a cube added", added, more), ("a cube removed", removed, less)):
        worst = [hierarchical.worst_distance(a, b) for a, b in zip(made, wanted, strict=True)]
        result[name] = sum(distance < 0.1 for distance in worst) / len(worst)
    domino = torch.tensor([[0.0, 0, -0.5], [0, 0, 0.5]])
    codes = model.encode([domino]).detach().expand(n, -1)
    for _ in range(SIX - 2):
        seen = [cloud if len(cloud) else torch.zeros(1, 3) for cloud in decoded(model, codes)]
        grown = hierarchical.grow(head, seen, [len(cloud) + 1 for cloud in seen], generator)
        with torch.no_grad():
            codes = adds(codes, torch.stack([cloud[-1] for cloud in grown]))
    result["never encoded again"] = census(decoded(model, codes))
    return result


def turning_error(model: HierarchicalAutoencoder, shapes: Sequence[Tensor], seed: int) -> dict[str, float]:
    """How far a piece is from the turned one when its code is turned, in edges; of those with one cube a cube."""
    generator = Generator().manual_seed(seed)
    codes, worst = in_parts(model.encode, list(shapes)), []
    here = decoded(model, codes)
    for turn in representations.random_orthogonal(generator, (N_POSES,), torch.float32):
        matrix = equivariant.representation(str(model.latent_irreps), turn).to(codes)
        there = decoded(model, codes @ matrix.mT)
        worst += [hierarchical.worst_distance(b, a @ turn.mT) for a, b in zip(here, there, strict=True)]
    kept = [error for error in worst if error < 1]
    return {"worst": max(kept), "lost": 1 - len(kept) / len(worst)}


def remembered(head, model, known: Sequence[Tensor], census, n: int, seed: int) -> dict:
    """Pieces that are made again until their code is none of the known ones: what a code is good for as a memory."""
    generator = Generator().manual_seed(seed)
    six = [shape for shape in known if len(shape) == SIX]

    def marks(clouds):
        return hierarchical.invariants(model.encode(clouds), model.latent_irreps)

    seen = in_parts(marks, six)
    apart = torch.cdist(seen, seen).fill_diagonal_(torch.inf).amin(dim=1).median() / 2
    made = hierarchical.grow(head, [torch.zeros(1, 3)] * n, SIX, generator)
    for _ in range(ROUNDS):
        whole = [i for i, cloud in enumerate(made) if len(cloud) == SIX]
        near = torch.cdist(in_parts(marks, [made[i] for i in whole]), seen).amin(dim=1) < apart
        again = [i for i, is_near in zip(whole, near.tolist(), strict=True) if is_near]
        for i, cloud in zip(
            again, hierarchical.grow(head, [torch.zeros(1, 3)] * len(again), SIX, generator), strict=True
        ):
            made[i] = cloud
    return census(made)
