"""How many networks of octahedra are new that two local heads grow, beside growth by the true rule and by chance.

Tilted octahedra that share corners. Two of the six topologies of four octahedra are held out, other two for each seed;
training sees clusters of one to four. Each draw grows from one octahedron, and an independent census says
what has been born. Two mirror images are one topology.
"""

import time
from collections import Counter

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, shares_in_words
from benchmarks.research import octahedra_networks
from benchmarks.research.octahedra_networks import more_octahedra, topology
from tutorial_lib import training
from tutorial_lib.datasets import octahedra
from tutorial_lib.datasets.octahedra import Octahedra
from tutorial_lib.datasets.polycubes import Cells, polycubes
from tutorial_lib.models import hierarchical
from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.representations import random_orthogonal

SIZE, LARGER = 4, 5
DRAWS, DRAWS_LARGER, DRAWS_FAR = 300, 60, 100
CLUSTERS = {1: 20, 2: 80, 3: 150, 4: 150}  # to train on, by the number of octahedra
REPEATS = 2  # of each, with other bends and other gaps
EPOCHS = (8, 20)  # of the head that attaches, and of that which completes
FAR_CUTOFF = 3.2  # as far as the head for polycubes sees: 1.6 distances of neighbouring middles
N_KEPT = 6  # networks whose coordinates are stored
HEADS, FAR, RULE, CHANCE = "the heads", "an attaching head that sees farther", "the true rule", "random joints"
KINDS = ("new", "in training", "unfinished", "invalid")


def split(seed: int) -> set[Cells]:
    """The two topologies of four octahedra that are left out; rings are left aside, since the true rule makes none."""
    shapes = [topology(octahedra_networks.straight(shape)) for shape in polycubes(SIZE, mirrors_equal=True)]
    cells = {shape: torch.tensor(sorted(shape), dtype=torch.float64) for shape in shapes if shape}
    trees = sorted((shape for shape in cells if (torch.pdist(cells[shape]) < 1.1).sum() == SIZE - 1), key=sorted)
    order = torch.randperm(len(trees), generator=Generator().manual_seed(0)).tolist()
    third = len(trees) // 3
    return {trees[i] for i in order[(seed % 3) * third : (seed % 3 + 1) * third]}


def to_train_on(left_out: set[Cells], generator: Generator) -> list[Octahedra]:
    """Clusters of one to four octahedra of every topology that is not left out."""
    found = []
    for n, many in CLUSTERS.items():
        clusters: list[Octahedra] = []
        while len(clusters) < many:
            cluster = octahedra.cluster(n, generator)
            if topology(cluster) not in {None, *left_out}:
                clusters.append(cluster)
        found += clusters
    return found


def by_chance(n: int, generator: Generator) -> Octahedra:
    """Octahedra joined at corners that are drawn, each turned at random about the shared corner, outwards."""
    frames = random_orthogonal(generator, (n,), torch.get_default_dtype())
    middles, corners = torch.zeros(1, 3), torch.cat([frames[0], -frames[0]])
    owner = [0] * 6
    for k in range(1, n):
        at = int(torch.randint(len(corners), (), generator=generator))
        out = corners[at] - middles[owner[at]]
        direction = normalize(torch.randn(3, generator=generator), dim=0)
        direction = direction * (direction @ out).sign()
        middle = corners[at] + direction
        axes = torch.linalg.qr(torch.stack([direction, *torch.randn(2, 3, generator=generator)]).mT)[0].mT
        others = torch.cat([axes, -axes])
        others = others[others @ direction > -0.99]
        middles, corners = torch.cat([middles, middle[None]]), torch.cat([corners, middle + others])
        owner += [k] * 5
    return Octahedra(middles, corners)


def census(networks: list[Octahedra], n: int, known: set[Cells], left_out: set[Cells]) -> dict:
    """What has been born: shares of all draws, which topologies that were left out are among it, and the bends."""
    counts, reached, bends = Counter(), set(), []
    for network in networks:
        shape = topology(network)
        if len(network.middles) < n or len(network.corners) < 5 * n + 1:
            counts["unfinished"] += 1
        elif shape is None:
            counts["invalid"] += 1
        else:
            counts["in training" if shape in known else "new"] += 1
            reached.add(shape)
            bends.append(octahedra_networks.bends(network))
    found = {kind: counts[kind] / len(networks) for kind in KINDS}
    found |= {"classes": len(reached), "reached": len(reached & left_out), "of": len(left_out)}
    return found | {"bend (degree)": torch.cat(bends).mean().item() if bends else 0.0}


def trained(head: GrowthHead, data: tuple[Tensor, ...], epochs: int, seed: int) -> float:
    """The CPU seconds that the training took."""
    began = time.process_time()
    recipe = training.Recipe(epochs=epochs, batch_size=16, learning_rate=5e-3, seed=seed)
    training.train(head, data, hierarchical.growth_loss, recipe, device="cpu", progress=False)
    return time.process_time() - began


def measured(seed: int) -> dict:
    """One training of both heads, and what they grow beside the others."""
    generator, left_out = Generator().manual_seed(100 + seed), split(seed)
    clusters = to_train_on(left_out, generator)
    known = {topology(cluster) for cluster in clusters}
    attached = octahedra_networks.attachments(clusters * REPEATS, known, generator)
    lacking = octahedra_networks.gaps(clusters * REPEATS, generator)
    heads = octahedra_networks.network_heads(seed)
    far, _ = octahedra_networks.network_heads(seed, cutoff=FAR_CUTOFF)
    seconds = [trained(head, data, n, seed) for head, data, n in zip(heads, (attached, lacking), EPOCHS, strict=True)]
    trained(far, attached, EPOCHS[0], seed)
    one = [octahedra.cluster(1, generator)]
    grown = more_octahedra(heads, one * DRAWS, SIZE, generator)
    born = {
        HEADS: grown,
        FAR: more_octahedra((far, heads[1]), one * DRAWS_FAR, SIZE, generator),
        RULE: [octahedra.cluster(SIZE, generator) for _ in range(DRAWS)],
        CHANCE: [by_chance(SIZE, generator) for _ in range(DRAWS)],
    }
    larger = more_octahedra(heads, one * DRAWS_LARGER, LARGER, generator)
    new = [network for network in grown if topology(network) in left_out]
    return {
        "seed": seed,
        "left out": sorted(sorted(shape) for shape in left_out),
        "seconds": sum(seconds),
        "born": {name: census(networks, SIZE, known, left_out) for name, networks in born.items()},
        "larger": census(larger, LARGER, known, set()),
        "some": [
            {name: getattr(network, name).mul(1000).round().div(1000).tolist() for name in ("middles", "corners")}
            for network in new[: N_KEPT // 3]
        ],
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Every seed, with two other topologies left out."""
    return {"runs": runs.map([Call(measured, seed) for seed in seeds])}


def all_figures(series: dict) -> list[Figure]:
    """What was asked, beside what was measured: means and spreads over seeds, and the worst run."""
    runs = series["runs"]
    valid = [100 * (run["born"][HEADS]["new"] + run["born"][HEADS]["in training"]) for run in runs]
    larger = [100 * (run["larger"]["new"] + run["larger"]["in training"]) for run in runs]
    reached = [run["born"][HEADS]["reached"] for run in runs]
    figures = [
        Figure(f"valid networks of {SIZE} octahedra (%)", "reported (60)", _worst(valid)),
        Figure("held-out topologies reached (of 2)", "reported", mean_and_spread(reached, 1)),
        Figure(f"{LARGER} octahedra, larger than in training, valid (%)", "reported", _worst(larger)),
    ]
    for name in (HEADS, FAR, RULE, CHANCE):
        words = shares_in_words([run["born"][name] for run in runs], KINDS)
        figures.append(Figure(f"{name}, {SIZE} octahedra (%)", "reported", words))
    for name in (HEADS, RULE):
        bends = [run["born"][name]["bend (degree)"] for run in runs]
        figures.append(Figure(f"{name}, mean bend of joints (degree)", "reported", mean_and_spread(bends, 1)))
    figures.append(Figure("training (CPU seconds)", "reported", mean_and_spread([run["seconds"] for run in runs], 0)))
    return figures


def _worst(values: list[float]) -> str:
    return f"{mean_and_spread(values, 1)}, worst {min(values):.1f}"


BENCHMARK = Benchmark("new_networks", all_runs, all_figures)
