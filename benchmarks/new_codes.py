"""How many pieces of cubes are new that a flow draws as codes, of whole pieces and of motifs.

The split and the census are those of `new_pieces`. Three ways: a flow on the codes of an autoencoder of whole pieces;
the same, after some more steps of the autoencoder with noise on its codes, their norm being fixed; and a flow that
completes the code of one motif, the neighbours of a cube, given the code of what that cube sees already.
"""

import itertools
import time
from collections import Counter
from dataclasses import replace

import torch
from torch import Generator, Tensor

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, shares_in_words
from benchmarks.led_pieces import decoded
from benchmarks.new_pieces import SIZES, SPLITS, census, class_of, split
from tutorial_lib import training
from tutorial_lib.datasets import polycubes
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical, pieces
from tutorial_lib.models.spherical import normalised
from tutorial_lib.training import recipes

DRAWS = 1000
NOISES = {"whole pieces": 0.0, "whole pieces, noise": 0.5}  # of numbers whose mean square is 1
WAYS = (*NOISES, "motifs")
TIMES = 30  # so many random orders in which each known shape is made
NOISY_STEPS, WHOLE_FLOW_STEPS, MOTIF_STEPS, FLOW_STEPS = 500, 1500, 300, 2000
NEARLY = 0.3  # edges: a cloud that is a polycube within it was only drawn badly


class Noisy(hierarchical.HierarchicalAutoencoder):
    """An autoencoder whose codes are disturbed in training, and then brought to size 1 again."""

    noise = 0.0

    def ascend(self, gatherings):
        """The signals of every level, the last of them disturbed."""
        *below, codes = super().ascend(gatherings)
        if self.training and self.noise:
            codes = normalised(codes + self.noise * torch.randn_like(codes))
        return [*below, codes]


def trained(model: torch.nn.Module, data: tuple[Tensor, ...], loss, steps: int, seed: int, batch_size: int = 128):
    """The last loss, after about so many steps."""
    epochs = max(1, steps * batch_size // len(data[0]))
    recipe = training.Recipe(epochs=epochs, batch_size=batch_size, learning_rate=5e-3, seed=seed)
    return training.train(model, data, loss, recipe, device="cpu", progress=False)["loss"][-1]


def of_whole_pieces(known: list[Tensor], noise: float, seed: int):
    """What draws clouds of n points by the code of the whole, given n; and how well the autoencoder does."""
    clouds = polycubes.with_trees(known, Generator().manual_seed(seed))
    model = Noisy(latent_channels=4, seed=seed)
    data, recipe = hierarchical.padded(clouds), recipes.polycubes(len(clouds), seed)
    training.train(model, data, hierarchical.reconstruction_loss, recipe, device="cpu", progress=False)
    if noise:
        model.noise = noise
        torch.manual_seed(seed)
        epochs = max(1, NOISY_STEPS * 16 // len(clouds))
        recipe = replace(recipe, epochs=epochs, learning_rate=1e-3)
        training.train(model, data, hierarchical.reconstruction_loss, recipe, device="cpu", progress=False)
    with torch.no_grad():
        codes = model.encode(known).repeat(TIMES, 1)
    sizes = torch.tensor([len(shape) for shape in known]).repeat(TIMES)
    flow = pieces.CodeFlow(codes, n_numbers=5, channels=16, seed=seed)
    trained(flow, (codes, one_hot(sizes)), pieces.drawing_loss, WHOLE_FLOW_STEPS, seed)

    def draw(n: int, n_draws: int, generator: Generator) -> list[Tensor]:
        drawn = flow.draw(n_draws, generator, numbers=one_hot(torch.full((n_draws,), n)))
        return decoded(model, drawn)

    return draw, model


def one_hot(sizes: Tensor) -> Tensor:
    """How many cubes there are, 2 to 6, as five numbers of which one is 1."""
    return torch.eye(5)[sizes - 2]


def of_motifs(known: list[Tensor], seed: int):
    """What draws clouds of n points motif by motif."""
    generator = Generator().manual_seed(seed)
    steps = [step for _ in range(TIMES) for shape in known for step in pieces.completions(shape, generator)]
    before, after = map(list, zip(*steps, strict=True))
    model = pieces.Surroundings(seed=seed)
    data = hierarchical.padded([*after, *before])
    trained(model, data, pieces.surroundings_loss, MOTIF_STEPS, seed, batch_size=256)
    with torch.no_grad():
        shaken = [some + 0.03 * torch.randn(some.shape, generator=generator) for some in before]
        given, codes = model.encode(shaken), model.encode(after)
    flow = pieces.CodeFlow(codes, given_channels=2, channels=16, seed=seed)
    trained(flow, (codes, given), pieces.drawing_loss, FLOW_STEPS, seed)
    return lambda n, n_draws, generator: pieces.completed(flow, model, n, n_draws, generator)


def faults(clouds: list[Tensor], n: int) -> dict:
    """What is wrong with those that are invalid, as shares of them: too few points, too many, or badly placed."""
    bad = [cloud for cloud in clouds if class_of(cloud) is None]
    counts = Counter("fewer" if len(cloud) < n else "more" if len(cloud) > n else "as many" for cloud in bad)
    nearly = sum(polycube_of(cloud, mirrors_equal=True, within=NEARLY) is not None for cloud in bad)
    shares = {kind: counts[kind] / max(1, len(bad)) for kind in ("fewer", "as many", "more")}
    return shares | {"nearly valid": nearly / max(1, len(bad))}


def measured(way: str, seed: int, split_seed: int, n_draws: int = DRAWS) -> dict:
    """One training, and what is drawn."""
    known, left_out = split(split_seed)
    classes = {class_of(shape) for shape in known}
    began, found = time.process_time(), {}
    if way == "motifs":
        draw = of_motifs(known, seed)
    else:
        draw, model = of_whole_pieces(known, NOISES[way], seed)
        held_out = [s for n in SIZES for s in polycubes.polycubes(n, mirrors_equal=True) if class_of(s) in left_out[n]]
        found = {
            name: hierarchical.exact(model, shapes).double().mean().item()
            for name, shapes in {"known": known, "held out": held_out}.items()
        }
    seconds, born = time.process_time() - began, {}
    for n in SIZES:
        clouds = draw(n, n_draws, Generator().manual_seed(n))
        born[str(n)] = census(clouds, n, classes, left_out[n]) | {"faults": faults(clouds, n)}
    drawing = time.process_time() - began - seconds
    settings = {"way": way, "seed": seed, "split": split_seed, "draws": n_draws}
    return settings | {"seconds": seconds, "drawing": drawing, "restored": found, "born": born}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Every way and every seed on every split."""
    return {"runs": runs.map([Call(measured, *which) for which in itertools.product(WAYS, SPLITS, seeds)])}


def all_figures(series: dict) -> list[Figure]:
    """What was asked, beside what was measured: means and spreads over seeds and splits."""
    figures = []
    for way in WAYS:
        runs = [run for run in series["runs"] if run["way"] == way]
        if not runs:
            continue
        words = [f"split {run['split']} seed {run['seed']}, {run['draws']} draws" for run in runs]
        figures.append(Figure(f"{way}: runs", "reported", "; ".join(words)))
        for n in SIZES:
            born = [run["born"][str(n)] for run in runs]
            new = [100 * one["new"] for one in born]
            kinds = ("in training", "smaller", "larger", "invalid")
            words = shares_in_words(born, kinds)
            aim = way == "motifs" and n == 6
            found = f"{mean_and_spread(new, 1)}, worst {min(new):.1f}"
            asked, passes = "20" if aim else "reported", not aim or min(new) >= 20
            figures += [
                Figure(f"{way}: new of {n} cubes (% of draws)", asked, found, passes),
                Figure(f"{way}: others of {n} (%)", "reported", words),
                Figure(f"{way}: classes of {n} reached", "reported", _reached(born)),
                Figure(f"{way}: the invalid of {n} (%)", "reported", _faults(born)),
            ]
        for name, what in {"training": "seconds", "drawing": "drawing"}.items():
            seconds = mean_and_spread([run[what] for run in runs], 0)
            figures.append(Figure(f"{way}: {name} (CPU seconds)", "reported", seconds))
    return figures


def _reached(born: list[dict]) -> str:
    return f"{mean_and_spread([one['reached'] for one in born], 1)} of {born[0]['of']} held out"


def _faults(born: list[dict]) -> str:
    return ", ".join(
        f"{kind} {mean_and_spread([100 * one['faults'][kind] for one in born], 0)}" for kind in born[0]["faults"]
    )


BENCHMARK = Benchmark("new_codes", all_runs, all_figures)
