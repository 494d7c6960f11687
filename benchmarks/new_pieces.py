"""Notebook 11's figures: how many pieces of cubes are new that a local head grows, beside the true rule and chance.

A third of the free pentacubes and hexacubes is held out, in two splits. Each draw grows from one cube, point by point;
an independent census says what it has become. Two classes of mirror images are one.
"""

import time
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from benchmarks import led_pieces
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, shares_in_words
from tutorial_lib import training
from tutorial_lib.datasets import polycubes
from tutorial_lib.datasets.polycubes import Cells, polycube_of
from tutorial_lib.models import hierarchical
from tutorial_lib.training import recipes

SPLITS = (2, 3)
SIZES = (5, 6)
LARGER = (7, 8)  # than anything in training
DRAWS = 1000
CODES = 300  # draws of each kind, where codes are decoded
EDITS = (1, 3)
GROWERS = ("the head", "the true rule", "unit bonds")


def split(seed: int) -> tuple[list[Tensor], dict[int, set[Cells]]]:
    """All free polycubes up to six cubes but a third of those of five and of six, and the classes that are left out."""
    known, left_out = [], {}
    generator = Generator().manual_seed(seed)
    for n in range(2, 7):
        shapes = polycubes.polycubes(n, mirrors_equal=True)
        order = torch.randperm(len(shapes), generator=generator).tolist()
        n_out = len(shapes) // 3 if n in SIZES else 0
        known += [shapes[i] for i in order[n_out:]]
        left_out[n] = {class_of(shapes[i]) for i in order[:n_out]}
    return known, left_out


def class_of(cloud: Tensor) -> Cells | None:
    """The polycube that it is, mirror images being one."""
    return polycube_of(cloud, mirrors_equal=True)


def by_true_rule(n: int, generator: Generator) -> Tensor:
    """A polycube that was grown cube by cube, each face that is free being as likely as the others."""
    cells = torch.zeros(1, 3)
    while len(cells) < n:
        free = hierarchical.free_places(cells)
        cells = torch.cat([cells, free[torch.randint(len(free), (1,), generator=generator)]])
    return cells


def drawn(grower: str, head: hierarchical.GrowthHead, n: int, n_draws: int) -> list[Tensor]:
    """Clouds of n points, made by one of `GROWERS`."""
    generator = Generator().manual_seed(n)
    if grower == "the head":
        return hierarchical.grow(head, [torch.zeros(1, 3)] * n_draws, n, generator)
    if grower == "the true rule":
        return [by_true_rule(n, generator) for _ in range(n_draws)]
    trees = polycubes.random_trees(n_draws * (n - 1), generator, most=n)
    return [tree for tree in trees if len(tree) == n]


def census(clouds: list[Tensor], n: int, known: set[Cells], left_out: set[Cells]) -> dict:
    """What has been born: shares of all draws, and how many of the classes that were left out are among it."""
    counts, reached = Counter(), set()
    for cloud in clouds:
        shape = class_of(cloud)
        if shape is None:
            kind = "invalid"
        elif len(shape) != n:
            kind = "smaller" if len(shape) < n else "larger"
        else:
            kind = "in training" if shape in known else "new"
            reached |= {shape} & left_out
        counts[kind] += 1
    kinds = ("new", "in training", "smaller", "larger", "invalid")
    return {kind: counts[kind] / len(clouds) for kind in kinds} | {"reached": len(reached), "of": len(left_out)}


def measured(seed: int, split_seed: int, n_draws: int = DRAWS) -> dict:
    """One training of the head, and what it grows beside the others."""
    known, left_out = split(split_seed)
    classes = {class_of(shape) for shape in known}
    head, seconds = head_of(known, seed)
    born = {
        grower: {
            str(n): census(drawn(grower, head, n, n_draws), n, classes, left_out.get(n, set()))
            for n in (SIZES + LARGER if grower == "the head" else SIZES)
        }
        for grower in GROWERS
    }
    six = [shape for shape in known if len(shape) == 6]
    parents = (six * CODES)[:CODES]
    for n_edits in EDITS:
        made = hierarchical.edited(head, parents, n_edits, Generator().manual_seed(seed))
        same = polycubes.census(made, [[parent] for parent in parents], known)["a parent"] / CODES
        born[f"edits: {n_edits}"] = {"6": census(made, 6, classes, left_out[6]) | {"a parent": same}}
    return {"seed": seed, "split": split_seed, "seconds": seconds, "examples": len(known), "born": born}


def head_of(known: Sequence[Tensor], seed: int) -> tuple[hierarchical.GrowthHead, float]:
    """A head that was trained on known shapes, and the CPU seconds of its training."""
    data, head, began = hierarchical.additions(known), hierarchical.GrowthHead(seed=seed), time.process_time()
    recipe = recipes.growth(len(data[1]), seed)
    training.train(head, data, hierarchical.growth_loss, recipe, device="cpu", progress=False)
    return head, time.process_time() - began


def measured_codes(seed: int, split_seed: int, n_draws: int = CODES) -> dict:
    """One training of a head and of an autoencoder, and what codes do for new pieces."""
    known, left_out = split(split_seed)
    classes = {class_of(shape) for shape in known}

    def of_six(clouds: list[Tensor]) -> dict:
        return census(clouds, 6, classes, left_out[6])

    head, _ = head_of(known, seed)
    model, seconds = led_pieces.autoencoder_of(known, seed)
    adds, removes = led_pieces.operators_of(model, known, seed)
    six = [shape for shape in known if len(shape) == 6]
    dtype = torch.get_default_dtype()
    held_out = [torch.tensor(sorted(shape), dtype=dtype) for shape in sorted(left_out[6], key=sorted)]
    grown = hierarchical.grow(head, [torch.zeros(1, 3)] * n_draws, 6, Generator().manual_seed(seed))
    through = led_pieces.decoded(model, led_pieces.in_parts(model.encode, [c for c in grown if len(c) == 6]))
    return {
        "seed": seed,
        "split": split_seed,
        "seconds": seconds,
        "between": led_pieces.between(head, model, six, of_six, n_draws, seed),
        "changed": led_pieces.changed(model, head, adds, removes, six, held_out, of_six, n_draws, seed),
        "turning": led_pieces.turning_error(model, held_out, seed),
        "remembered": led_pieces.remembered(head, model, known, of_six, n_draws, seed),
        "grown, encoded, decoded": of_six(through),
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Every seed on every split, and those with an autoencoder, which take half an hour each, on the first split."""
    heads = [Call(measured, seed, split_seed) for split_seed in SPLITS for seed in seeds]
    done = runs.map([*heads, *(Call(measured_codes, seed, SPLITS[0]) for seed in seeds)])
    return {"runs": done[: len(heads)], "codes": done[len(heads) :]}


def all_figures(series: dict) -> list[Figure]:
    """What was asked, beside what was measured: means and spreads over seeds and splits, and the worst run."""
    runs = series["runs"]

    def of(what: str, n: int = 6) -> list[float]:
        return [100 * run["born"]["the head"][str(n)][what] for run in runs]

    new, invalid = of("new"), of("invalid")
    reached = [run["born"]["the head"]["6"] for run in runs]
    shares = [100 * one["reached"] / one["of"] for one in reached]
    figures = [
        Figure("new valid hexacubes (% of draws)", "20 (40)", _words(new, min), min(new) >= 20),
        Figure("invalid hexacubes (%)", "5", _words(invalid, max), max(invalid) <= 5),
        Figure("held-out hexacube classes reached (%)", "65 (90)", _words(shares, min), min(shares) >= 65),
    ]
    figures += [
        Figure(f"{n} cubes, larger than in training, valid (%)", "reported (80)", _words(of("new", n=n), min))
        for n in LARGER
    ]
    for grower in (*GROWERS, *(f"edits: {n}" for n in EDITS)):
        for n in SIZES[-1:] if grower.startswith("edits") else SIZES:
            born = [run["born"][grower][str(n)] for run in runs]
            title, kinds = f"{grower}, {n} cubes (%)", ("new", "in training", "invalid")
            figures.append(Figure(title, "reported", _with_classes(born, kinds)))
    figures.append(Figure("training (CPU seconds)", "reported", mean_and_spread([run["seconds"] for run in runs], 0)))
    return figures + figures_of_codes(series["codes"])


def figures_of_codes(runs: list[dict]) -> list[Figure]:
    """What codes do."""
    figures = []
    for name in runs[0]["between"]:
        kinds = ("new", "a parent", "invalid", "smaller", "of the first", "of a stranger")
        words = shares_in_words([run["between"][name] for run in runs], kinds)
        figures.append(Figure(f"{name} (%)", "reported", words))
    for name in ("a cube added", "a cube removed"):
        values = [100 * run["changed"][name] for run in runs]
        figures.append(Figure(f"code of an unseen piece, {name}: right (%)", "reported", _words(values, min)))
    for name, of_run in {
        "grown in codes, never encoded again": lambda run: run["changed"]["never encoded again"],
        "grown, encoded and decoded": lambda run: run["grown, encoded, decoded"],
        "made again while the code is known": lambda run: run["remembered"],
    }.items():
        words = _with_classes([of_run(run) for run in runs], ("new", "in training", "smaller", "invalid"))
        figures.append(Figure(f"{name} (%)", "reported", words))
    worst = [run["turning"]["worst"] for run in runs]
    lost = mean_and_spread([100 * run["turning"]["lost"] for run in runs], 1)
    words = f"{max(worst):.4f}; another number of cubes in {lost} %"
    figures.append(Figure("a piece turns with its code, worst (edges)", "0.005", words, max(worst) <= 5e-3))
    seconds = mean_and_spread([run["seconds"] for run in runs], 0)
    return [*figures, Figure("training of the autoencoder (CPU seconds)", "reported", seconds)]


def _with_classes(born: list[dict], kinds: Sequence[str]) -> str:
    return f"{shares_in_words(born, kinds)}; {mean_and_spread([one['reached'] for one in born], 1)} classes"


def _words(values: list[float], worst) -> str:
    return f"{mean_and_spread(values, 1)}, worst {worst(values):.1f}"


BENCHMARK = Benchmark("new_pieces", all_runs, all_figures, notebook="11")
