"""How much of notebook 07's gap between sets and canonical motifs closes when noise and motifs are paired.

The flow of sets of `flow_matching`, with the same network, data, recipe and scores: the pose and the order of each
motif are those that lie near its noise. Pairing costs time in each step, so there are fewer steps.
"""

import time
from dataclasses import replace

import torch
from torch import Generator

from benchmarks import flow_matching
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, stored
from tutorial_lib import training
from tutorial_lib.models import flow
from tutorial_lib.models.flow import Flow, Scaled, SetVelocity, laid_towards
from tutorial_lib.training import recipes

EPOCHS = 184  # of 18 steps: the unpaired flow's 210, less what pairing takes, 7 ms of a step's 57
SHOWN = ("valid (share)", "W_dij (A)", "W_angle (degree)", "covered (share)", "AUC")


def measured(seed: int) -> dict:
    """One flow of sets on paired lines, and its scores."""
    found, template = flow_matching.data()
    x, test = (template.canonical(found[split].positions) for split in ("train", "test"))
    chart = Scaled.fit(x)
    motifs = chart.coordinates(x)
    noise = torch.randn(motifs.shape, generator=Generator().manual_seed(seed))
    before, after = ((y * noise).mean().item() for y in (motifs, laid_towards(noise, motifs)))
    model = Flow(chart, SetVelocity(covariance=round(after, 2), seed=seed))
    recipe = replace(recipes.flow(seed), epochs=EPOCHS)
    began = time.process_time()
    history = training.train(model, x, flow.flow_loss(laid_towards), recipe, device="cpu", progress=False)
    seconds = time.process_time() - began
    return {
        "seed": seed,
        "seconds": seconds,
        "covariance": {"unpaired": before, "paired": after},
        "loss": sum(history["loss"][-20:]) / 20,
        "scores": flow_matching.scores(model.sample(2 * flow_matching.N, Generator().manual_seed(seed)), test, x),
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """The flow of sets, paired, over seeds."""
    return {"paired": runs.map([Call(measured, seed) for seed in seeds])}


def all_figures(series: dict) -> list[Figure]:
    """Its scores beside the stored ones of the unpaired flow of sets, of the canonical flow, and of the floor."""
    others, paired, figures = stored("flow_matching"), series["paired"], []
    for name in SHOWN:
        sets, canonical = (
            sum(run["scores"][name] for run in others["runs"][kind]) / len(others["runs"][kind])
            for kind in (flow_matching.SETS, flow_matching.CANONICAL)
        )
        values = [run["scores"][name] for run in paired]
        closed = (sets - sum(values) / len(values)) / (sets - canonical)
        beside = f"unpaired {sets:.3f}, canonical {canonical:.3f}, floor {others['cheats']['floor'][name]:.3f}"
        words = f"{mean_and_spread(values, 3)}, closes {closed:.0%} of the gap"
        figures.append(Figure(f"flow of sets, paired: {name}", f"reported; {beside}", words))
    seconds = [run["seconds"] for run in paired]
    return [*figures, Figure("flow of sets, paired: training (CPU s)", "reported", mean_and_spread(seconds, 0))]


BENCHMARK = Benchmark("flow_pairing", all_runs, all_figures)
