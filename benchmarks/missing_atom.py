"""Notebook 08's figures: the missing atom of QM9 molecules, beside published figures and beside four networks."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, nn

from benchmarks.harness.budget import Pace
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most, mean_and_spread
from benchmarks.missing_atom_rivals import GateNetwork, InvariantNetwork, PlainNetwork, Turned
from tutorial_lib import representations, training
from tutorial_lib.datasets import qm9
from tutorial_lib.models import missing_atom
from tutorial_lib.models.missing_atom import ELEMENTS, CartesianNetwork, MoleculeSet
from tutorial_lib.training import recipes

OURS = "Cartesian vectors"
NETWORKS = (OURS, "e3nn gates", "invariant features", "no symmetry", "no symmetry, rotated copies")
SIZES = (10, 100, 1000)  # molecules to train on
# By the number of molecules to train on: of three rates each, the best or as good on 150 validation molecules, seed 0.
# With ten, a hundred, and for invariant features a thousand, in the time that is then used; the other rates for a
# thousand after a third of it, and lowered without symmetry, where 0.004 diverged in one seed of three. For invariant
# features 0.008 had been chosen so, and failed in all seeds. For gates 0.02 is the largest that was tried.
LEARNING_RATES = {
    "e3nn gates": {10: 0.02, 100: 0.02, 1000: 0.02},
    "invariant features": {10: 0.002, 100: 0.004, 1000: 0.004},
    "no symmetry": {10: 0.004, 100: 0.004, 1000: 0.002},
    "no symmetry, rotated copies": {10: 0.004, 100: 0.004, 1000: 0.004},
}
THIRD = 3  # of the time, where there are fewer molecules to train on
FOURTH = 4  # of the test molecules, there too
PUBLISHED = {"5-18": (92.6, 0.16), "19": (94.7, 0.15), "23": (96.9, 0.14), "25-29": (97.8, 0.17)}  # arXiv:1802.08219
ASKED = {"5-18": (92.5, 0.15), "19": (95.5, 0.13), "23": (97.5, 0.10), "25-29": (98.5, 0.09)}
AIMS = {"5-18": (95, 0.11), "19": (97, 0.10), "23": (98.5, 0.08), "25-29": (99.3, 0.07)}


def network(name: str, seed: int) -> nn.Module:
    """An untrained network of about 63,000 parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == OURS:
            return CartesianNetwork(seed=seed)
        if name == "e3nn gates":
            return GateNetwork()
        if name == "invariant features":
            return InvariantNetwork()
        return Turned(PlainNetwork(), seed) if "copies" in name else PlainNetwork()


def seconds_an_epoch(name: str, molecules: MoleculeSet, seed: int) -> float:
    """The CPU seconds of an epoch of 1,000 holes, the smallest of three."""
    order, found = torch.arange(1000) % len(molecules), []
    for _ in range(3):
        began, recipe = time.process_time(), replace(recipes.missing_atom(seed), epochs=1)
        loss = missing_atom.masked_atom_loss(molecules)
        training.train(network(name, seed), order, loss, recipe, device="cpu", progress=False)
        found.append(time.process_time() - began)
    return min(found)


def speed(name: str, n: int, seed: int) -> float:
    """How many epochs of a network on `n` molecules take as long as one of ours."""
    molecules = MoleculeSet(qm9.load("train")[:n])
    return seconds_an_epoch(OURS, molecules, seed) / seconds_an_epoch(name, molecules, seed)


def measured(name: str, n: int, seed: int, times: float = 1.0) -> dict:
    """One network, trained on `n` molecules with so many times our epochs, and what it says of unseen ones."""
    molecules = MoleculeSet(qm9.load("train")[:n])
    recipe = recipes.missing_atom(seed)
    if n < max(SIZES):
        recipe = replace(recipe, epochs=recipe.epochs // THIRD)
    if name != OURS:
        epochs = max(1, round(recipe.epochs * times))
        recipe = replace(recipe, learning_rate=LEARNING_RATES[name][n], epochs=epochs)
    model, pace, began = network(name, seed), Pace(), time.thread_time()
    # As many holes an epoch, however many molecules: a small set comes again and again.
    order = torch.arange(max(SIZES)) % n
    training.train(model, order, missing_atom.masked_atom_loss(molecules), recipe, device="cpu", progress=False)
    found: dict = {"seconds": (time.thread_time() - began) / pace.stop(), "epochs": recipe.epochs}
    found["parameters"] = sum(weights.numel() for weights in model.parameters())
    whole = n == max(SIZES)
    tests = list(PUBLISHED) if name == OURS and whole else ["5-18", "25-29"]
    asked = Turned(model.model if isinstance(model, Turned) else model, seed=1) if "symmetry" in name else model
    for split in tests:
        found[split] = in_words_of_chemistry(asked, qm9.load(split)[:: 1 if whole else FOURTH])
    if name == "no symmetry" and whole:
        found["in the poses of the set"] = in_words_of_chemistry(model, qm9.load("5-18"))
    if name == OURS and whole:
        found["train"] = in_words_of_chemistry(model, qm9.load("train"))
        found["equivariance"] = equivariance(model)
    return found


def in_words_of_chemistry(model: nn.Module, molecules: list, pool: Callable = missing_atom.attention_pool) -> dict:
    """Accuracy (%), mean error (angstrom), and both for every element and for hydrogen by what it is bonded to."""
    known = MoleculeSet(molecules)
    results = missing_atom.results(model, known, pool=pool)
    right = (results.error <= missing_atom.NEAR) & results.right
    found: dict = {"accuracy": 100 * results.accuracy, "mae": results.mae, "holes": len(results.error), "by": {}}
    partner = missing_atom.nearest_elements(known)
    for at, element in enumerate(ELEMENTS):
        found["by"][element] = share(right[results.element == at])
    for at, element in enumerate(ELEMENTS[:4]):
        found["by"][f"H on {element}"] = share(right[(results.element == 0) & (partner == at)])
    found["place"] = 100 * (results.error <= missing_atom.NEAR).float().mean().item()
    found["element"] = 100 * results.right.float().mean().item()
    found["median"] = results.error.median().item()
    return found


def share(right: torch.Tensor) -> dict:
    """Per cent, and of how many."""
    return {"accuracy": 100 * right.float().mean().item() if len(right) else None, "holes": len(right)}


def equivariance(model: CartesianNetwork) -> dict[str, float]:
    """Errors of the voted places of turned, mirrored and moved molecules in two precisions."""
    some, generator, found = qm9.load("5-18")[:20], Generator().manual_seed(3), {}
    removed = torch.tensor([len(atoms) // 2 for atoms in some])
    for dtype in (torch.float32, torch.float64):
        worst, other = 0.0, CartesianNetwork().to(dtype)
        other.load_state_dict(model.state_dict())
        before = placed(other, some, removed, dtype)
        for q in representations.random_orthogonal(generator, (100,)):
            moved = [atoms.copy() for atoms in some]
            for atoms in moved:
                atoms.positions = atoms.positions @ q.numpy().T + 1
            after = placed(other, moved, removed, dtype)
            error = (after - (before @ q.to(dtype).mT + 1)).abs().max() / before.square().mean().sqrt()
            worst = max(worst, error.item())
        found[str(dtype)] = worst
    return found


@torch.no_grad()
def placed(model: nn.Module, molecules: list, removed: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Where the vote puts the removed atoms, angstrom."""
    holes = MoleculeSet(molecules, dtype=dtype).without(torch.arange(len(molecules)), removed)
    return missing_atom.attention_pool(holes, model(holes)).position


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Every network on every number of molecules, over seeds, all for as long. Of ours it is asked how long."""
    names = [(name, n, seed) for n in sorted(SIZES, reverse=True) for name in NETWORKS for seed in seeds]
    others = [which for which in names if which[0] != OURS]
    times = runs.by_key({which: Call(speed, *which, alone=True) for which in others}, "speeds", more=True)
    calls = {
        (name, n, seed): Call(measured, name, n, seed, alone=(name, n) == (OURS, max(SIZES))) for name, n, seed in names
    }
    for which, found in times.items():
        calls[which].measured["times"] = found
    done = runs.by_key(calls)
    return {name: {str(n): [done[name, n, seed] for seed in seeds] for n in SIZES} for name in NETWORKS}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    figures, ours = [], series[OURS]["1000"]
    for split, (accuracy, mae) in ASKED.items():
        found = [run[split] for run in ours]
        worst, farthest = min(run["accuracy"] for run in found), max(run["mae"] for run in found)
        asked, aim, published = (f"{x:g} / {y:.2f}" for x, y in ((accuracy, mae), AIMS[split], PUBLISHED[split]))
        asked, found = f"{asked} (aim {aim}; published {published})", f"{worst:.1f} / {farthest:.3f}"
        title = f"{split} atoms, unseen: right (%) / mean error (A), worst seed"
        figures.append(Figure(title, asked, found, worst >= accuracy and farthest <= mae))
    slowest = max(run["seconds"] for run in ours)
    figures.append(at_most("training (CPU s), slowest seed", 180, slowest, ".0f"))
    for what, limit in (("torch.float32", 1e-5), ("torch.float64", 1e-10)):
        error = max(run["equivariance"][what] for run in ours)
        figures.append(at_most(f"equivariance of the voted place, {what}", limit, error, ".1e"))
    for n in SIZES[::-1]:
        for name in NETWORKS:
            for split in ("5-18", "25-29"):
                runs = series[name][str(n)]
                words = (mean_and_spread([run[split][what] for run in runs]) for what in ("accuracy", "mae"))
                cost = f"{runs[0]['parameters']} parameters, {max(run['seconds'] for run in runs):.0f} s"
                title = f"{n} molecules, {name}: {split} (% / A)"
                figures.append(Figure(title, "reported", f"{' / '.join(words)}; {cost}"))
    found = [run["in the poses of the set"] for run in series["no symmetry"]["1000"]]
    words = mean_and_spread([run["accuracy"] for run in found])
    figures.append(Figure("no symmetry, 5-18, in the poses of the set (%)", "reported", words))
    for what in ours[0]["5-18"]["by"]:
        shares = [run["5-18"]["by"][what] for run in ours]
        if not shares[0]["holes"]:
            continue
        words = f"{mean_and_spread([s['accuracy'] for s in shares])} of {shares[0]['holes']}"
        figures.append(Figure(f"5-18 unseen, {what}: right (%)", "reported", words))
    return figures


BENCHMARK = Benchmark("missing_atom", all_runs, all_figures, notebook="08")
