"""Notebook 07's figures: flows on canonical motifs and on sets of atoms, beside the autoencoder of notebook 03.

All generators are scored on 1,024 motifs against 1,024 of the test cells, and real training motifs in their place are
the floor. The flow of sets has as much CPU time as the other one. Choices were made on validation cells.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

import torch
from torch import Generator, Tensor

from benchmarks import inpainting as holes
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most, mean_and_spread, stored
from tutorial_lib import datasets, metrics, representations, training
from tutorial_lib.inpainting import flow_completion
from tutorial_lib.metrics import motif_statistics
from tutorial_lib.models import flow
from tutorial_lib.models.flow import Flow, MotifVelocity, Principal, Scaled, SetVelocity
from tutorial_lib.representations.alignment import Template, aligned_rmsd
from tutorial_lib.training import recipes

N = motif_statistics.N_COMPARED
N_CHOICES = 5  # choices of 1,024 motifs of each side, over which statistics are averaged
CANONICAL, SETS, PROPERTY, VAE = "canonical flow", "flow of sets", "flow with a property", "aligned autoencoder"
GENERATORS = (CANONICAL, SETS, PROPERTY, VAE)
CHEATS = ("copies", "rattled copies", "one good motif", "normal distribution")
RATTLE = 0.05  # A, every coordinate
CPU_SECONDS = 180
OVER_FLOOR = {"W_r (A)": (3, 1.5), "W_dij (A)": (3, 1.5), "W_angle (degree)": (3, 1.5)}  # pass, aim
PHYSICS: dict[str, Callable[[Tensor], Tensor]] = {
    "W_energy (eV)": metrics.central_energy,
    "W_dihedral (degree)": metrics.dihedral_angles,
}
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
in_words = partial(mean_and_spread, digits=3)


def data() -> tuple[dict[str, representations.Environments], Template]:
    """Motifs of all splits, and the template of the training motifs."""
    found = {name: representations.nearest_neighbours(datasets.load_amorphous(name)) for name in ("train", "test")}
    return found, holes.template_of(found["train"].positions)


def spread_of_angles(positions: Tensor) -> Tensor:
    """The property that is asked for: the standard deviation of the six bond angles of each motif, degree."""
    return metrics.bond_angles(positions).std(dim=1, keepdim=True)


def seconds_a_step(model: Flow, x: Tensor) -> float:
    """CPU seconds, the smallest of three goes."""
    found, recipe = [], replace(recipes.flow(), epochs=1, learning_rate=1e-6)
    for _ in range(3):
        began = time.process_time()
        training.train(model, x[: 8 * recipe.batch_size], flow.flow_loss(), recipe, device="cpu", progress=False)
        found.append((time.process_time() - began) / 8)
    return min(found)


def untrained(name: str, x: Tensor, seed: int) -> Flow:
    """A flow of that name on canonical training motifs."""
    if name == SETS:
        return Flow(Scaled.fit(x), SetVelocity(seed=seed))
    chart = Principal.fit(x)
    return Flow(chart, MotifVelocity(chart, n_properties=int(name == PROPERTY), seed=seed))


def slowness(seed: int) -> float:
    """CPU time of a step of the flow of sets over that of the canonical one."""
    found, template = data()
    x = template.canonical(found["train"].positions)
    return seconds_a_step(untrained(SETS, x, seed), x) / seconds_a_step(untrained(CANONICAL, x, seed), x)


def trained(name: str, x: Tensor, seed: int, slower: float) -> tuple[Flow, float, list[float]]:
    """A flow, its CPU seconds and the course of its loss."""
    model, recipe = untrained(name, x, seed), recipes.flow(seed)
    seen: Tensor | tuple[Tensor, ...] = x
    recipe = replace(recipe, epochs=max(1, round(recipe.epochs / slower)))
    if name == PROPERTY:
        seen = (x, standardised(spread_of_angles(x), spread_of_angles(x)))
    began = time.process_time()
    history = training.train(model, seen, flow.flow_loss(), recipe, device="cpu", progress=False)
    return model, time.process_time() - began, history["loss"]


def standardised(values: Tensor, training_values: Tensor) -> Tensor:
    """Values in units of the spread of the training values, about their mean."""
    return (values - training_values.mean()) / training_values.std()


def scores(made: Tensor, real: Tensor, known: Tensor, *, floor: bool = False) -> dict[str, float]:
    """Everything we ask of generated motifs; or of training motifs in their place."""
    found: dict[str, list[float]] = {}
    for choice in range(N_CHOICES):
        comparison = metrics.compare(made, real, known, seed=choice)
        generator = Generator().manual_seed(choice)
        some, others = (x[torch.randperm(len(x), generator=generator)[:N]] for x in (made, real))
        numbers = comparison.floor if floor else comparison.score
        numbers |= {name: metrics.wasserstein(of(some), of(others)) for name, of in PHYSICS.items()}
        for name, value in numbers.items():
            found.setdefault(name, []).append(value)
    result = {name: sum(values) / len(values) for name, values in found.items()}
    by_classifier = metrics.two_sample_auc(made, real)
    result |= {
        "AUC": by_classifier.auc,
        "AUC error": by_classifier.error,
        "miss (A)": metrics.mean_miss(made[:N], real[:N]),
    }
    if not floor:
        result |= {
            f"memory, {name}": value for name, value in asdict(metrics.memory(made[:N], known, real[:N])).items()
        }
    return result


def uses(model: Flow, test: Tensor, cells: representations.Environments, seed: int) -> dict:
    """What the canonical flow is good for: paths, likelihoods, and missing atoms."""
    half = len(test) // 2
    path = model.interpolate(test[:200], test[half : half + 200], torch.tensor(SHARES))
    again = model.decode(model.encode(test[:200]))
    widths = model.chart.widths
    entropy = len(widths) * 0.5 * (1 + math.log(2 * math.pi)) + widths.log().sum().item()
    likelihood = model.log_likelihood(test[:200])
    asked = holes.every(cells, holes.EVERY)
    completer = flow_completion.FlowCompletion(model, Generator().manual_seed(seed))
    missing = {shell: holes.answers(completer, asked, shell, 1, seed) for shell in ("first", "second", "any")}
    return {
        "valid on the way": [metrics.validity(path[:, at]).double().mean().item() for at in range(len(SHARES))],
        "there and back (A)": aligned_rmsd(test[:200], again, allow_mirror=True, reorder=False).mean().item(),
        "log-likelihood (nats)": likelihood.mean().item(),
        "of a normal distribution (nats)": -entropy,
        "missing": missing | {"seconds": holes.seconds_a_query(completer, asked)},
    }


def speed(model: Flow) -> float:
    """Samples a CPU second, the largest of three goes."""
    found = []
    for seed in range(3):
        began = time.process_time()
        model.sample(N, Generator().manual_seed(seed))
        found.append(N / (time.process_time() - began))
    return max(found)


def obedience(model: Flow, x: Tensor, test: Tensor, seed: int) -> dict[str, float]:
    """Motifs with an angle spread that is asked for: that of held-out motifs, one each."""
    asked = spread_of_angles(test[torch.randperm(len(test), generator=Generator().manual_seed(seed))[:N]])
    made = model.sample(len(asked), Generator().manual_seed(seed), standardised(asked, spread_of_angles(x)))
    got = spread_of_angles(made)
    return {
        "error (degree)": (got - asked).abs().mean().item(),
        "error of any motif (degree)": (asked - asked.flip(0)).abs().mean().item(),
        "valid": metrics.validity(made).double().mean().item(),
        "AUC": metrics.two_sample_auc(made, test).auc,
    }


def turning_error(model: Flow, x: Tensor) -> dict[str, float]:
    """The largest error of the velocity of turned, mirrored and renumbered clouds over its rms."""
    found, generator = {}, Generator().manual_seed(3)
    for dtype in (torch.float32, torch.float64):
        velocity = SetVelocity().to(dtype)
        velocity.load_state_dict(model.average.module.state_dict())
        point, time_ = model.chart.coordinates(x[:32]).to(dtype), torch.linspace(0, 1, 32, dtype=dtype)
        with torch.no_grad():
            before, worst = velocity(point, time_), 0.0
            for q in representations.random_orthogonal(generator, (20,), dtype):
                order = torch.randperm(x.shape[1], generator=generator)
                error = velocity((point @ q.mT)[:, order], time_) - (before @ q.mT)[:, order]
                worst = max(worst, error.abs().max().item())
        found[str(dtype)] = worst / before.square().mean().sqrt().item()
    return found


def measured(name: str, seed: int, slower: float = 1.0) -> dict:
    """One generator trained with one seed, for fewer steps if they are slower, and what became of it."""
    found, template = data()
    x, test = (template.canonical(found[split].positions) for split in ("train", "test"))
    model, result = None, {"seed": seed}
    if name == VAE:
        began = time.process_time()
        model = holes.aligned_decoder(x, 8, seed, recipes.aligned(seed))  # as notebook 03 trains it
        result["seconds"] = time.process_time() - began
    else:
        model, result["seconds"], losses = trained(name, x, seed, slower)
        result["loss"] = [sum(losses[at : at + 20]) / len(losses[at : at + 20]) for at in range(0, len(losses), 20)]
        result["samples a second"] = speed(model)
    result["parameters"] = sum(w.numel() for w in (model if name == VAE else model.velocity).parameters())
    result["scores"] = scores(model.sample(2 * N, Generator().manual_seed(seed)), test, x)
    if name == CANONICAL:
        result["uses"] = uses(model, test, found["test"], seed)
    if name == PROPERTY:
        result["obedience"] = obedience(model, x, test, seed)
    if name == SETS:
        result["turning error"] = turning_error(model, x)
    return result


def cheats() -> dict[str, dict[str, float]]:
    """The floor, and what dishonest generators score."""
    found, template = data()
    x, test = (template.canonical(found[split].positions) for split in ("train", "test"))
    generator, chart = Generator().manual_seed(0), Principal.fit(x)
    some = x[torch.randperm(len(x), generator=generator)[: 2 * N]]
    made = {
        "copies": some,
        "rattled copies": some + RATTLE * torch.randn(some.shape, generator=generator),
        "one good motif": template.positions + RATTLE * torch.randn(some.shape, generator=generator),
        "normal distribution": chart.positions(chart.widths * torch.randn(2 * N, *chart.shape, generator=generator)),
    }
    return {"floor": scores(some, test, x, floor=True)} | {name: scores(y, test, x) for name, y in made.items()}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """All generators over seeds, and the floor. Of the canonical flow it is asked what it takes."""
    slower = runs.by_key({seed: Call(slowness, seed, alone=True) for seed in seeds}, "speeds", more=True)
    calls = {
        (name, s): Call(measured, name, s, alone=name == CANONICAL, **({"slower": slower[s]} if name == SETS else {}))
        for name in GENERATORS
        for s in seeds
    }
    done = runs.by_key(calls | {"cheats": Call(cheats)})
    return {"runs": {name: [done[name, s] for s in seeds] for name in GENERATORS}, "cheats": done["cheats"]}


def seen(runs: list[dict], name: str) -> list[float]:
    """One score, a list over seeds."""
    return [run["scores"][name] for run in runs]


def asked_figures(ours: list[dict], floor: dict[str, float], best_of_20: float) -> list[Figure]:
    """The rows of which something is asked; the worst seed counts."""

    def row(name: str, asked: str, values: list[float], limit: float, *, more: bool = False, digits: int = 3) -> Figure:
        passes = min(values) >= limit if more else max(values) <= limit
        return Figure(f"{CANONICAL}: {name}", asked, in_words(values, digits=digits), passes)

    valid = [100 * value for value in seen(ours, "valid (share)")]
    figures = [row("valid samples (%)", "85 (aim 95)", valid, 85, more=True, digits=1)]
    for name, (limit, aim) in OVER_FLOOR.items():
        values = [value / floor[name] for value in seen(ours, name)]
        figures.append(row(f"{name} / floor, {floor[name]:.4f}", f"{limit} (aim {aim})", values, limit, digits=2))
    figures.append(row(f"AUC (floor {floor['AUC']:.2f})", "0.90 (aim 0.75)", seen(ours, "AUC"), 0.90))
    miss = floor["miss (A)"]
    figures.append(
        row("mean miss (A)", f"{miss + 0.05:.3f} (aim {miss:.3f}, the floor)", seen(ours, "miss (A)"), miss + 0.05)
    )
    rates = [run["samples a second"] for run in ours]
    figures.append(row("samples a CPU second", "1,500 (aim 5,000)", rates, 1500, more=True, digits=0))
    seconds = [run["seconds"] for run in ours]
    figures.append(row("training (CPU s)", f"{CPU_SECONDS}", seconds, CPU_SECONDS, digits=0))
    first = [run["uses"]["missing"]["first"]["20"]["mean"] for run in ours]
    asked = f"below notebook 06's, {best_of_20:.3f}"
    return [*figures, row("first shell, one missing, best of 20 (A)", asked, first, best_of_20)]


def notebook_06() -> float:
    """What notebook 06's own model reached: first shell, one missing, best of 20, mean over seeds, angstrom."""
    series = stored("inpainting")
    values = holes.of(series["eight"][holes.PLACES], "first, 1", 20)
    return sum(values) / len(values)


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    runs, floor = series["runs"], series["cheats"]["floor"]
    figures = asked_figures(runs[CANONICAL], floor, notebook_06())
    for dtype, limit in (("torch.float32", 1e-4), ("torch.float64", 1e-10)):
        error = max(run["turning error"][dtype] for run in runs[SETS])
        figures.append(at_most(f"{SETS}: turning error, {dtype}", limit, error, ".1e"))
    for name, beside in floor.items():
        for generator, found in runs.items():
            figures.append(Figure(f"{generator}: {name}", f"reported; floor {beside:.3f}", in_words(seen(found, name))))
        for cheat in CHEATS:
            value = series["cheats"][cheat][name]
            figures.append(Figure(f"{cheat}: {name}", f"reported; floor {beside:.3f}", f"{value:.3f}"))
    for generator, found in runs.items():
        for name in ("generated", "held_out", "copied"):
            words = in_words(seen(found, f"memory, {name}"))
            figures.append(Figure(f"{generator}: memory, {name}", "reported", words))
        words = in_words([run["seconds"] for run in found], digits=0)
        figures.append(Figure(f"{generator}: training (CPU s)", "reported", words))
    for cheat in CHEATS:
        words = f"{series['cheats'][cheat]['memory, copied']:.3f}"
        figures.append(Figure(f"{cheat}: memory, copied", "reported; 0.05 is honest", words))
    return figures + figures_of_use(runs)


def figures_of_use(runs: dict[str, list[dict]]) -> list[Figure]:
    """The rows of what flows are used for."""
    used, figures = [run["uses"] for run in runs[CANONICAL]], []
    for at, share in enumerate(SHARES):
        words = in_words([use["valid on the way"][at] for use in used])
        figures.append(Figure(f"{CANONICAL}: valid at {share:g} of the way", "reported", words))
    for name in ("there and back (A)", "log-likelihood (nats)"):
        beside = f"; normal distribution {used[0]['of a normal distribution (nats)']:.2f}" if "nats" in name else ""
        figures.append(Figure(f"{CANONICAL}: {name}", f"reported{beside}", in_words([use[name] for use in used])))
    for shell in ("first", "second", "any"):
        for k in holes.KS:
            words = in_words([use["missing"][shell][str(k)]["mean"] for use in used])
            figures.append(Figure(f"{CANONICAL}: {shell}, one missing, best of {k} (A)", "reported", words))
    for name in runs[PROPERTY][0]["obedience"]:
        words = in_words([run["obedience"][name] for run in runs[PROPERTY]])
        figures.append(Figure(f"{PROPERTY}, asked for an angle spread: {name}", "reported", words))
    return figures


BENCHMARK = Benchmark("flow_matching", all_runs, all_figures, notebook="07")
