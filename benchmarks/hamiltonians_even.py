"""Two controls of notebook 09's ranking: gates with the gradient's rate and steps, and two more seeds on methanol.

In `hamiltonians` all variants train for equal time, each with a rate of its own: on water and ammonia the gradient has
half of the gate's, and makes fewer steps. Here the gate has what the gradient had there, seed by seed. Methanol has one
seed there; two more have the same rates and times here, by the same rule about seeds that diverge.
"""

from dataclasses import astuple

from benchmarks.hamiltonians import AMMONIA, GATE, GRADIENT, METHANOL, WATER, Task, measured, of
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread, stored
from tutorial_lib.models.hamiltonian import NONLINEARITIES
from tutorial_lib.training import recipes

SHARES = {WATER: 0.5, AMMONIA: 0.5, METHANOL: 0.2}  # of the steps, in the comparison at equal time


def controls(series: dict, seeds: list[int]) -> list[Task]:
    """The gate with the rate and the number of steps of each run of the gradient on water and ammonia."""
    recipe = recipes.hamiltonian(500)
    whole = recipe.epochs * -(-500 // recipe.batch_size)
    runs = [run for data in (WATER, AMMONIA) for run in of(series, data, GRADIENT, SHARES[data])]
    return [
        Task(run["data"], GATE, run["steps"] / whole, run["seed"], rate=run["rate"])
        for run in runs
        if run["seed"] in seeds
    ]


def on_methanol(runs: Runs, series: dict, seeds: list[int]) -> list[dict]:
    """All seeds of all variants, each variant with the highest rate that none of its seeds had to halve."""
    found = {name: of(series, METHANOL, name, SHARES[METHANOL]) for name in NONLINEARITIES}
    rates = {name: some[0]["rate"] for name, some in found.items()}

    def more(tasks: list[Task], words: str) -> list[dict]:
        calls = [Call(measured, *astuple(task), slower=found[task.variant][0]["slower"]) for task in tasks]
        return runs.map(calls, words, more=True)

    def task(name: str, seed: int) -> Task:
        return Task(METHANOL, name, SHARES[METHANOL], seed, rate=rates[name])

    others = [(name, seed) for name, some in found.items() for seed in seeds if seed != some[0]["seed"]]
    for run in more([task(*one) for one in others], "methanol"):
        found[run["variant"]].append(run)
    rates = {name: min(run["rate"] for run in some) for name, some in found.items()}
    again = [(name, run["seed"]) for name, some in found.items() for run in some if run["rate"] > rates[name]]
    settled = [run for name, some in found.items() for run in some if run["rate"] == rates[name]]
    return settled + more([task(*one) for one in again], "other seeds of what diverged")


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Both, beside what `hamiltonians` has stored."""
    series = stored("hamiltonians")
    even = runs.map([Call(measured, *astuple(task)) for task in controls(series, seeds)], "controls")
    return {"even": even, "methanol": on_methanol(runs, series, seeds)}


def all_figures(series: dict) -> list[Figure]:
    """Errors on unseen shapes, over seeds."""

    def figure(name: str, runs: list[dict]) -> Figure:
        entries, occupied = (mean_and_spread([run["test"][what] for run in runs]) for what in ("entries", "occupied"))
        cost = f"rate {runs[0]['rate']:g}, {runs[0]['steps']} steps, {len(runs)} seeds"
        title = f"{name}, unseen: H / occupied (microhartree)"
        return Figure(title, "reported", f"{entries} / {occupied}; {cost}")

    even = {data: [run for run in series["even"] if run["data"] == data] for data in (WATER, AMMONIA)}
    figures = [figure(f"{data}, gate with the gradient's rate and steps", runs) for data, runs in even.items()]
    by_variant = {name: [run for run in series["methanol"] if run["variant"] == name] for name in NONLINEARITIES}
    return figures + [figure(f"{METHANOL}, {name}, equal time", runs) for name, runs in by_variant.items()]


BENCHMARK = Benchmark("hamiltonians_even", all_runs, all_figures)
