"""What things cost, and how that grows with their size.

Importing the library; neighbours, matching and the equivariant network against atoms, clouds, l and neighbours, with
the exponent of each. Seconds are CPU seconds on one thread, divided by the machine's pace (`budget.Pace`).
"""

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from ase.build import bulk
from tqdm import tqdm

from benchmarks.harness import budget
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most
from tutorial_lib import datasets, representations
from tutorial_lib.models import equivariant
from tutorial_lib.models.equivariant.graph import Graph, neighbour_graph, pair_graph
from tutorial_lib.models.vae import AlignedAutoencoder
from tutorial_lib.representations import gram
from tutorial_lib.representations.alignment import Template

SIDES = (2, 4, 8, 16, 23)  # cubic cells of eight atoms: 64 to 97,336 atoms
BONDS, N_BONDS = 2.85, 4  # A: the four neighbours of silicon
HEAVY = ("torch", "e3nn", "ase", "matplotlib", "numpy")
REPEATS = 3
IMPORT = "import tutorial_lib"


def crystal(side: int):
    """A crystal of silicon of 8 side^3 atoms, shaken by a twentieth of an angstrom."""
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(side)
    atoms.rattle(0.05, seed=0)
    return atoms


def seconds(work: Callable[[], object]) -> float:
    """The CPU seconds of a piece of work: the best of a few, after one that warms up."""
    taken = []
    for _ in range(1 + REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
        if sum(taken) > 60:
            break
    return min(taken[1:] or taken)


def exponent(sizes: list[float], costs: list[float]) -> float:
    """The power with which a cost grows, of the larger sizes, three at least, where it is not all overhead."""
    half = max(0, min(len(sizes) // 2, len(sizes) - 3))
    return float(np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)[0])


def graph_of(atoms, cutoff: float, lmax: int) -> Graph:
    """The graph of one periodic cell, made from a list of neighbours, which the network takes instead of clouds."""
    target, source, _, vectors = representations.neighbour_pairs(atoms, cutoff)
    target, source, vectors = map(torch.from_numpy, (target, source, vectors))
    options = {"cutoff": cutoff, "lmax": lmax, "n_radial": 2, "shape": (1, len(atoms))}
    return pair_graph(target, source, vectors.float(), **options)


def network(lmax: int) -> equivariant.EquivariantNetwork:
    """A network of two convolutions and four channels of every l."""
    hidden = " + ".join(f"4x{l}{'eo'[l % 2]}" for l in range(lmax + 1))  # noqa: E741
    return equivariant.EquivariantNetwork("1x0e", irreps_hidden=(hidden,), lmax=lmax, n_radial=2)


@torch.no_grad()
def growing() -> dict[str, dict]:
    """Sizes, undisturbed CPU seconds and exponent of everything whose cost grows with something."""
    found: dict[str, dict] = {}
    pace = budget.Pace()

    def grow(name: str, axis: str, sizes: list, work_of: Callable[[object], Callable[[], object]]) -> None:
        costs = [seconds(work_of(size)) for size in tqdm(sizes, desc=name, unit="size")]
        counts = [8 * size**3 for size in sizes] if axis == "atoms" else list(sizes)
        found[name] = {"axis": axis, "sizes": counts, "seconds": costs}
        if min(counts) > 0 and len(counts) > 2:
            found[name]["exponent"] = exponent(counts, costs)

    cells = {side: crystal(side) for side in SIDES}
    small = network(1)
    graphs = {side: graph_of(cells[side], BONDS, 1) for side in SIDES}
    grow("neighbours of every atom", "atoms", list(SIDES), lambda side: lambda: representations.nearest_neighbours(
        cells[side], N_BONDS, BONDS))  # fmt: skip
    grow("list of bonds and harmonics", "atoms", list(SIDES), lambda side: lambda: graph_of(cells[side], BONDS, 1))
    grow("equivariant network, l up to 1", "atoms", list(SIDES), lambda side: lambda: small(graphs[side]))
    clouds = {side: torch.from_numpy(cells[side].positions)[None].float() for side in SIDES[:3]}
    grow("graph of one cloud, all pairs looked at", "atoms", list(SIDES[:3]), lambda side: lambda: neighbour_graph(
        clouds[side], cutoff=BONDS, lmax=1, n_radial=2))  # fmt: skip

    of_l = {lmax: (network(lmax), graph_of(cells[4], BONDS, lmax)) for lmax in range(5)}
    grow("equivariant network, 512 atoms", "l_max", list(of_l), lambda lmax: lambda: of_l[lmax][0](of_l[lmax][1]))
    seen = {cutoff: graph_of(cells[8], cutoff, 1) for cutoff in (2.85, 4.2, 4.9, 5.7)}
    mean_number = {round(len(graph.source) / graph.shape[1]): graph for graph in seen.values()}
    grow("equivariant network, 4,096 atoms", "neighbours", list(mean_number), lambda n: lambda: small(mean_number[n]))

    motifs = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    template = Template(motifs[0])
    autoencoder = AlignedAutoencoder(seed=0)
    numbers = gram.upper_triangle(gram.gram_matrix(motifs))
    grow("canonical order of motifs", "motifs", [64, 256, 1024, 4096], lambda n: lambda: template.canonical(motifs[:n]))
    grow("autoencoder, there and back", "motifs", [64, 512, 4096], lambda n: lambda: autoencoder.decode(
        autoencoder.encode(numbers[:n])[0]))  # fmt: skip
    slowness = pace.stop()
    for one in found.values():
        one["seconds"] = [cost / slowness for cost in one["seconds"]]
    return found


def imported() -> tuple[float, list[str]]:
    """The seconds that `import tutorial_lib` takes by the clock, and which heavy packages come with it."""
    code = (
        "import sys, time; start = time.perf_counter(); import tutorial_lib; "
        f"print(time.perf_counter() - start, *(name for name in {HEAVY} if name in sys.modules))"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(5)]  # noqa: S603  our own words
    words = [run.stdout.split() for run in runs]
    return sorted(float(found[0]) for found in words)[2], words[0][1:]


def in_words(series: dict) -> str:
    """What the smallest and the largest size take."""
    ends = [f"{series['seconds'][at]:.2g} s at {series['sizes'][at]:,}" for at in (0, -1)]
    power = f"; power {series['exponent']:.2f}" if "exponent" in series else ""
    return f"{ends[0]}, {ends[1]}{power}"


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Everything, alone."""
    series, (wait, heavy) = runs.map([Call(growing, alone=True), Call(imported, alone=True)])
    return series | {IMPORT: {"seconds": wait, "heavy": heavy}}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    wait, heavy = series[IMPORT]["seconds"], series[IMPORT]["heavy"]
    series = {name: one for name, one in series.items() if name != IMPORT}
    linear = [one["exponent"] for name, one in series.items() if one["axis"] == "atoms" and "all pairs" not in name]
    return [
        at_most("import tutorial_lib (s)", 0.3, wait, ".3f"),
        Figure("heavy packages that come with it", "none", ", ".join(heavy) or "none", not heavy),
        at_most("largest power of the number of atoms, given a list of bonds", 1.2, max(linear), ".2f"),
        *[Figure(f"{name}, by {one['axis']}", "reported", in_words(one)) for name, one in series.items()],
    ]


BENCHMARK = Benchmark("cost", all_runs, all_figures, seeds=(0,))
