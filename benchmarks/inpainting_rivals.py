"""Beside the methods of benchmarks/inpainting.py: rules and an energy without training, and the energy score of all.

They are asked the same questions of the same motifs, and pass the same rules.
"""

import torch
from torch import Generator, Tensor

from benchmarks import inpainting as methods
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure
from tutorial_lib import datasets, inpainting, metrics, representations
from tutorial_lib.inpainting import Completer, Draws
from tutorial_lib.representations import Environments
from tutorial_lib.training import recipes

CENTRE, BOND, ENERGY = "the centre", "fourth bond", "energy minima"
KT = 1.0  # eV; of 0.1, 1, 2 and 4 that with the best energy score on the validation cell, one of eight missing


class Centre:
    """The answer of whoever knows nothing and looks at nothing: at the centre."""

    def __init__(self, n_atoms: int):
        self.n_atoms = n_atoms

    def complete(self, known: Tensor, n_missing: int, n: int, generator: Generator) -> Draws:
        """One draw a query."""
        return Draws(known.new_zeros(len(known), 1, n_missing, 3), known.new_zeros(len(known), 1))


def rival(name: str, n_atoms: int = 8) -> Completer:
    """One of those that need no training; the length of a bond is the median of the training cells."""
    if name == CENTRE:
        return Centre(n_atoms)
    if name == ENERGY:
        return inpainting.EnergyMinima(metrics.cluster_energy, n_atoms, kT=KT)
    bonds = representations.nearest_neighbours(datasets.load_amorphous("train")).positions[:, :4].norm(dim=2)
    return inpainting.FourthBond(bonds.median().item(), n_atoms)


def score(model: Completer, test: Environments, seed: int) -> dict[str, float]:
    """The energy score of twenty candidates and their shares, one of eight missing, and its spread by cell."""
    known, missing = inpainting.taken_out(test.positions, 1, "any", Generator().manual_seed(0))
    made = inpainting.inpaint(known, 1, model, max(methods.KS), Generator().manual_seed(seed))
    mean, spread = inpainting.by_cell(inpainting.energy_score(made, missing), test.cell)
    return {"mean": mean, "by cell": spread}


def untrained(name: str) -> dict:
    """Answers of one rival on motifs of eight, and its score."""
    _, test = methods.with_neighbours(8)
    model = rival(name)
    cases = [(shell, m) for shell, m in methods.IN_WORDS if m == 1 or name != ENERGY]  # which would take minutes more
    found = {f"{shell}, {m}": methods.answers(model, test, shell, m, 0) for shell, m in cases}
    return found | {"score": score(model, test, 0)}


def sighted(name: str, n_atoms: int) -> dict:
    """Answers of one rival with more neighbours known, about the same atoms as with eight."""
    _, test = methods.with_neighbours(n_atoms)
    return {shell: methods.answers(rival(name, n_atoms), test, shell, 1, 0) for shell in ("first", "second")}


def scores(seed: int, baselines: bool) -> dict[str, dict]:
    """The scores of the methods of benchmarks/inpainting.py, trained as there."""
    known, test = methods.with_neighbours(8)
    x = methods.template_of(known.positions).canonical(known.positions)
    models: dict[str, Completer] = {methods.FREE: inpainting.RandomPlaces()}
    if baselines:
        models |= {"copy": inpainting.Retrieval(x, methods.COPY), "memory": inpainting.Retrieval(x)}
    models[methods.TALK] = methods.talk(known.positions, seed)
    models[methods.LATENT] = methods.latent(x, recipes.INPAINTING_LATENT, seed)
    models[methods.PLACES] = methods.scorer(known.positions, seed)
    return {name: score(model, test, seed) for name, model in models.items()}


def all_runs(runs: Runs, seeds: list[int]) -> dict[str, dict]:
    """Answers of the rivals, with eight neighbours and with more, and the scores of all methods, over seeds."""
    calls = {name: Call(untrained, name) for name in (CENTRE, BOND, ENERGY)}
    calls |= {(name, n): Call(sighted, name, n) for name in (BOND, ENERGY) for n in methods.CUTOFFS if n > 8}
    calls |= {("scores", seed): Call(scores, seed, seed == seeds[0]) for seed in seeds}
    found = runs.by_key(calls)
    of_methods = methods.over_seeds([found["scores", seed] for seed in seeds])
    for name in (BOND, ENERGY):
        found[name, 8] = {shell: found[name][f"{shell}, 1"] for shell in ("first", "second")}
    return {
        "eight": {name: [found[name]] for name in (CENTRE, BOND, ENERGY)},
        "sightedness": {str(n): {name: [found[name, n]] for name in (BOND, ENERGY)} for n in methods.CUTOFFS},
        "scores": of_methods | {name: [found[name]["score"]] for name in (CENTRE, BOND, ENERGY)},
    }


def all_figures(series: dict) -> list[Figure]:
    """The rows of the table: all are reported, since nothing is asked of rivals."""
    figures = [
        Figure(f"{name}: {case}, best of {k} (A)", "reported", methods.in_words(found, case, k))
        for name, found in series["eight"].items()
        for case in (f"{shell}, {m}" for shell, m in methods.IN_WORDS)
        if case in found[0]
        for k in (1, 20)
    ]
    figures += [
        Figure(f"{n} neighbours, {name}: {shell} shell, best of 1 (A)", "reported", methods.in_words(found, shell, 1))
        for n, some in series["sightedness"].items()
        for name, found in some.items()
        for shell in ("first", "second")
    ]
    for name, found in series["scores"].items():
        means, spread = (torch.tensor([run[key] for run in found]).mean() for key in ("mean", "by cell"))
        figures.append(Figure(f"{name}: energy score (A)", "reported", f"{means:.2f} ± {spread:.2f} (cells)"))
    return figures


BENCHMARK = Benchmark("inpainting_rivals", all_runs, all_figures)
