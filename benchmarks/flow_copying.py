"""When notebook 07's flow begins to copy: against training time, and against the number of training motifs.

One seed and one training for each number of motifs, with as many steps, and as many lines in a step, for all of them;
shorter lists are repeated. On the way the average of the weights is looked at, as it is after so many steps: the
learning rate falls to zero at the last of them only. Chart and template are those of all training motifs for all.
"""

import time
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure
from tutorial_lib import datasets, metrics, representations, training
from tutorial_lib.models import flow
from tutorial_lib.models.flow import Flow, MotifVelocity, Principal
from tutorial_lib.representations.alignment import Template
from tutorial_lib.training import recipes

SIZES = (48, 256, 1024, 4600)
STEPS = (300, 1000, 3000, 9000)
EPOCHS = 500  # of 18 steps: half of the notebook's training
N = 1024  # motifs that are drawn, and held-out ones beside them
N_LINES = 8192  # of which a loss is the mean
ROWS = {
    "copied": "copies (share; 0.05 is honest)",
    "training": "loss on its motifs (normal = 1)",
    "held out": "loss on held-out motifs (normal = 1)",
    "AUC": "AUC (0.5 is best)",
    "valid": "valid (share)",
}


def error(velocity: nn.Module, chart: Principal, motifs: Tensor) -> float:
    """The loss on motifs, the same lines at each call."""
    generator = Generator().manual_seed(1)
    some = motifs[torch.randint(len(motifs), (N_LINES,), generator=generator)]
    with torch.no_grad():
        return flow.matching_error(velocity, chart.coordinates(some), chart.widths, generator).item()


def looked_at(model: Flow, few: Tensor, real: Tensor) -> dict[str, float]:
    """What a flow that was trained on a few motifs does."""
    made = model.sample(2 * N, Generator().manual_seed(0))
    return {
        "copied": metrics.memory(made[:N], few, real[:N]).copied,
        "training": error(model.average, model.chart, few),
        "held out": error(model.average, model.chart, real),
        "AUC": metrics.two_sample_auc(made, real).auc,
        "valid": metrics.validity(made).double().mean().item(),
    }


def course(n: int, seed: int) -> dict:
    """One training on n motifs, drawn from all training cells, looked at after so many steps."""
    found = {name: representations.nearest_neighbours(datasets.load_amorphous(name)) for name in ("train", "test")}
    template = Template.fit(found["train"].positions[::8])
    known, real = (template.canonical(found[split].positions) for split in ("train", "test"))
    chart = Principal.fit(known)
    few = known[torch.randperm(len(known), generator=Generator().manual_seed(seed))[:n]]
    model = Flow(chart, MotifVelocity(chart, seed=seed))
    recipe, inner, kept = replace(recipes.flow(seed), epochs=EPOCHS), flow.flow_loss(), {}

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        if (done := int(model.average.n_averaged)) in STEPS:
            kept[done] = deepcopy(model.average.state_dict())
        return inner(model, batch, generator)

    began = time.process_time()
    training.train(model, few[torch.arange(len(known)) % n], loss, recipe, device="cpu", progress=False)
    seconds = time.process_time() - began
    kept[int(model.average.n_averaged)] = deepcopy(model.average.state_dict())
    rows = {}
    for steps, weights in kept.items():
        model.average.load_state_dict(weights)
        rows[str(steps)] = looked_at(model, few, real)
    return {"motifs": n, "seed": seed, "seconds": seconds, "steps": rows}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """A training for each number of motifs."""
    return {"runs": runs.map([Call(course, n, seed) for seed in seeds for n in SIZES])}


def all_figures(series: dict) -> list[Figure]:
    """Rows that are only reported."""
    return [
        Figure(
            f"{run['motifs']} motifs: {words}",
            "reported",
            "; ".join(f"{steps} {row[name]:.3f}" for steps, row in run["steps"].items()),
        )
        for run in series["runs"]
        for name, words in ROWS.items()
    ]


BENCHMARK = Benchmark("flow_copying", all_runs, all_figures, seeds=(0,))
