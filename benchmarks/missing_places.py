"""Notebook 08's cure for the circle: three places in place of one, by the same loss and for as many epochs."""

import time

import torch

from benchmarks.harness.budget import Pace
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread
from benchmarks.missing_atom import in_words_of_chemistry, share
from tutorial_lib import training
from tutorial_lib.datasets import qm9
from tutorial_lib.models import missing_atom
from tutorial_lib.models.missing_atom import ELEMENTS, ManyPlaces, MoleculeSet
from tutorial_lib.training import recipes

NUMBERS = (1, 3)  # of places
OPEN = 0.1  # the probability from which a second place, out of reach of the first, is an alternative


def measured(n_places: int, seed: int) -> dict:
    """A network with so many places an answer, trained as the notebook trains, and what it says of unseen molecules."""
    molecules, recipe = MoleculeSet(qm9.load("train")), recipes.missing_atom(seed)
    model, pace, began = ManyPlaces(n_places, seed=seed), Pace(), time.thread_time()
    loss = missing_atom.masked_atom_loss(molecules, missing_atom.places_terms)
    training.train(model, torch.arange(len(molecules)), loss, recipe, device="cpu", progress=False)
    found: dict = {"seconds": (time.thread_time() - began) / pace.stop(), "epochs": recipe.epochs}
    found["parameters"] = sum(weights.numel() for weights in model.parameters())
    for split in ("5-18", "25-29"):
        found[split] = in_words_of_chemistry(model, qm9.load(split), missing_atom.likeliest)
    return found | {"places": of_places(model, MoleculeSet(qm9.load("5-18")))}


@torch.no_grad()
def of_places(model: ManyPlaces, molecules: MoleculeSet) -> dict:
    """How sure answers are, and for the hydrogen of each element how often one of the places is right (%).

    An answer is open where another place, more than `NEAR` from the likeliest one, has a probability of `OPEN` or more.
    """
    columns = []
    for molecule, removed in zip(*(part.split(64) for part in molecules.every_hole()), strict=True):
        holes = molecules.without(molecule, removed)
        answer = missing_atom.pool_places(holes, model(holes))
        probability, first = answer.log_probability.exp(), answer.log_probability.argmax(dim=1)
        rows = torch.arange(len(first))
        beside = (answer.position - answer.position[rows, first, None]).norm(dim=2) > missing_atom.NEAR
        other = beside & (probability >= OPEN)
        near = (answer.position - holes.missing_position[:, None]).norm(dim=2) <= missing_atom.NEAR
        right = answer.scores.argmax(dim=1) == holes.missing_element
        sure = (probability * ~beside).sum(dim=1)  # of all that lies within reach of the likeliest place
        offered = near & (other | ~beside)
        columns.append((sure, other.any(dim=1), near[rows, first] & right, offered.any(dim=1) & right))
    sure, other, right, either = map(torch.cat, zip(*columns, strict=True))
    partner, hydrogen = missing_atom.nearest_elements(molecules), molecules.element == 0
    groups = {"all": torch.ones_like(hydrogen)}
    groups |= {f"H on {element}": hydrogen & (partner == at) for at, element in enumerate(ELEMENTS[:4]) if at}
    return {
        name: {
            "sure": 100 * sure[some].mean().item(),
            "open": share(other[some]),
            "right": share(right[some]),
            "one of them right": share(either[some]),
        }
        for name, some in groups.items()
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Both numbers of places, over seeds."""
    calls = {(n, seed): Call(measured, n, seed) for seed in seeds for n in NUMBERS}
    done = runs.by_key(calls)
    return {str(n): [done[n, seed] for seed in seeds] for n in NUMBERS}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    figures = []
    for n, runs in series.items():
        name, cost = f"{n} place{'s' * (n != '1')}", f"{max(run['seconds'] for run in runs):.0f} s"
        for split in ("5-18", "25-29"):
            words = (mean_and_spread([run[split][what] for run in runs]) for what in ("accuracy", "mae"))
            figures.append(Figure(f"{name}: {split} (% / A)", "reported", f"{' / '.join(words)}; {cost}"))
        for group in runs[0]["places"]:
            found = [run["places"][group] for run in runs]
            words = [
                mean_and_spread([one[what]["accuracy"] for one in found]) for what in ("right", "one of them right")
            ]
            sure = mean_and_spread([one["sure"] for one in found])
            open_ = mean_and_spread([one["open"]["accuracy"] for one in found])
            words = f"{' / '.join(words)}; says {sure}; {open_} open"
            figures.append(Figure(f"{name}, {group}: right / one of them right (%)", "reported", words))
    return figures


BENCHMARK = Benchmark("missing_places", all_runs, all_figures)
