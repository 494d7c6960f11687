"""Notebook 09's figures: predicted Hamiltonians, and four ways of bending features at equal size and equal time.

Each variant has the learning rate with which it does best on matrices that are set aside from the training half; that
is settled first. Then all trainings run side by side, the longest first. A training that ends worse than the mean of
the matrices begins anew with half the rate, and then all seeds of its kind have that rate.
"""

import time
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace

import torch
from torch import Generator

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, at_most, mean_and_spread
from tutorial_lib import metrics, representations, training
from tutorial_lib.datasets import hamiltonians
from tutorial_lib.datasets.hamiltonians import Hamiltonians
from tutorial_lib.models import hamiltonian
from tutorial_lib.models.hamiltonian import NONLINEARITIES, Blocks, Standard
from tutorial_lib.training import recipes

WATER, AMMONIA, METHANOL = "water_rhf_500k", "ammonia_rhf_500k", "methanol_rhf_500k"
GATE, GRADIENT = "gate", "gradient"
RATES = dict.fromkeys(NONLINEARITIES, (0.01, 0.02, 0.04))  # those that are tried
# Products have no bound: at 0.02 they do best in a short trial, and one of them diverged in 7,744 steps.
RATES["tensor products"] = (0.0025, 0.005, 0.01)
FULL = 4.0  # times the steps of the quick profile: as many as the full one takes
N_ASIDE = 100  # matrices of the training half, to choose the learning rate by
N_CURVE = 20  # points on the curve of the loss that is kept
DEGREES = {WATER: 4, AMMONIA: 4, METHANOL: 3}  # the highest that is tried; one more has more terms than matrices
ASKED = {"entries": (40, 10), "occupied": (60, 15)}  # microhartree: pass, aim


@dataclass(frozen=True)
class Task:
    """One training."""

    data: str
    variant: str
    share: float  # of the steps of the recipe, which the network with gates takes; others train for as long
    seed: int
    n: int = 500  # matrices to train on
    rate: float = 0.0  # of learning; 0 is the one that is chosen for the variant
    aside: bool = False  # errors are those of matrices of the training half


def tasks(seeds: list[int]) -> list[Task]:
    """All trainings after the choice of rates, the longest first."""
    found = [Task("methanol_pbe_300k", GATE, FULL, seeds[0])]
    ours = recipes.hamiltonian(500).learning_rate
    found += [Task(WATER, GATE, 1.0, seed, rate=ours) for seed in seeds]  # as the notebook does it
    found += [Task(METHANOL, variant, 0.2, seeds[0]) for variant in NONLINEARITIES]
    found += [Task(AMMONIA, variant, 0.5, seed) for variant in NONLINEARITIES for seed in seeds]
    found.append(Task("water_rhf_svp_500k", GATE, 0.2, seeds[0]))
    found += [Task(WATER, variant, 0.5, seed) for variant in NONLINEARITIES for seed in seeds]
    found += [Task("water_rhf_300k", GATE, 0.5, seed) for seed in seeds]
    found += [Task(WATER, variant, 0.25, seed, n) for n in (200, 50) for variant in (GATE, GRADIENT) for seed in seeds]
    return found + [Task("water_pbe_500k", GATE, 0.25, seed) for seed in seeds]


def trials(seed: int) -> list[Task]:
    """The trainings by which learning rates are chosen."""
    return [
        Task(WATER, variant, 0.15, seed, n=400, rate=rate, aside=True)
        for variant in list(NONLINEARITIES)[::-1]
        for rate in RATES[variant]
    ]


def halves(task: Task) -> tuple[Hamiltonians, Hamiltonians]:
    """Matrices to learn from, and those on which errors are measured."""
    train = hamiltonians.load(task.data, "train")
    return train[: task.n], (train[-N_ASIDE:] if task.aside else hamiltonians.load(task.data, "test"))


def slowness(data: str, variant: str) -> float:
    """CPU time of a step over that of the network with gates, the smallest of five goes each, in turns."""
    train = hamiltonians.load(data, "train")
    blocks = Blocks(train.numbers, train.shells)
    standard = Standard.fit(blocks, train.fock)
    shapes = hamiltonian.shapes(train.numbers, train.positions)
    loss, order = hamiltonian.matrix_loss(standard, shapes, train.fock), torch.arange(32 * 8) % len(train)
    models = {name: hamiltonian.network(name, blocks) for name in (variant, GATE)}
    found = {name: [] for name in models}
    for _ in range(5):
        for name, model in models.items():
            began = time.process_time()
            training.train(model, order, loss, training.Recipe(1, 32, 1e-4), device="cpu", progress=False)
            found[name].append(time.process_time() - began)
    return min(found[variant]) / min(found[GATE])


def measured(*settings, slower: float = 1.0) -> dict:
    """One training, of fewer steps if they are slower, and what became of it."""
    task = Task(*settings)
    train, test = halves(task)
    blocks = Blocks(train.numbers, train.shells)
    standard = Standard.fit(blocks, train.fock)
    shapes, unseen = (hamiltonian.shapes(part.numbers, part.positions) for part in (train, test))
    recipe = recipes.hamiltonian(len(train), task.seed)
    epochs = max(1, round(recipe.epochs * task.share / slower))
    loss = hamiltonian.matrix_loss(standard, shapes, train.fock)
    mean, began, rate = standard.matrices(torch.zeros(1, len(blocks))), time.process_time(), task.rate
    while True:
        model = hamiltonian.network(task.variant, blocks, seed=task.seed)
        now, order = replace(recipe, epochs=epochs, learning_rate=rate), torch.arange(len(train))
        with suppress(training.Diverged, torch.linalg.LinAlgError):
            history = training.train(model, order, loss, now, device="cpu", progress=False)
            learnt = metrics.matrix_errors(hamiltonian.predicted(model, standard, shapes), train)
            if learnt.entries < metrics.matrix_errors(mean.expand_as(train.fock), train).entries:
                break
        rate /= 2  # as anybody would, and the time counts
    seconds = time.process_time() - began
    curve = [at * epochs // N_CURVE for at in range(N_CURVE)] + [epochs - 1]
    return asdict(task) | {
        "rate": rate,
        "steps": epochs * -(-len(train) // recipe.batch_size),
        "seconds": seconds,
        "slower": slower,
        "parameters": hamiltonian.size(model),
        "test": asdict(metrics.matrix_errors(hamiltonian.predicted(model, standard, unseen), test)),
        "train": asdict(learnt),
        "mean": asdict(metrics.matrix_errors(mean.expand_as(test.fock), test)),
        "equivariance": equivariance(model, task.variant, standard, test),
        "curve": {name: [values[epoch] for epoch in curve] for name, values in history.items()},
    }


def equivariance(model, variant: str, standard: Standard, test: Hamiltonians) -> dict[str, float]:
    """The largest error of turned and inverted matrices over the rms of what is predicted beside the mean."""
    found = {}
    mean = standard.matrices(torch.zeros(1, len(standard.blocks)))
    for dtype in (torch.float32, torch.float64):
        other = hamiltonian.network(variant, standard.blocks).to(dtype).eval()
        other.load_state_dict(model.state_dict())

        def predicted(positions, model=other, dtype=dtype):
            return hamiltonian.predicted(model, standard, hamiltonian.shapes(test.numbers, positions, dtype=dtype))

        before, worst = predicted(test.positions[:10]), 0.0
        for q in representations.random_orthogonal(Generator().manual_seed(3), (20,), torch.float64):
            d = hamiltonian.turn(test.shells, q)
            worst = max(worst, (predicted(test.positions[:10] @ q.mT + 1.0) - d @ before @ d.mT).abs().max().item())
        found[str(dtype)] = worst / (before - mean).square().mean().sqrt().item()
    return found


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """The choice of learning rates, then all trainings with them."""
    pairs = list(dict.fromkeys((one.data, one.variant) for one in tasks(seeds) if one.variant != GATE))
    speeds = runs.by_key({pair: Call(slowness, *pair, alone=True) for pair in pairs}, "speeds", more=True)
    slower = {pair: {"slower": found} for pair, found in speeds.items()}

    def call(task: Task) -> Call:  # of those with all steps it is asked how long they take
        return Call(measured, *astuple(task), alone=task.share == 1, **slower.get((task.data, task.variant), {}))

    def done(wanted: list[Task], words: str) -> list[dict]:
        return runs.map(list(map(call, wanted)), words, more=True)

    tried = done(trials(seeds[0]), "learning rates")
    rates = {
        variant: min((run for run in tried if run["variant"] == variant), key=lambda run: run["test"]["entries"])[
            "rate"
        ]
        for variant in NONLINEARITIES
    }
    wanted = [replace(one, rate=one.rate or rates[one.variant]) for one in tasks(seeds)]
    found = done(wanted, "runs")
    lowest = {}  # where one seed diverged, all have the rate that it needed
    for run in found:
        lowest[kind(run)] = min(run["rate"], lowest.get(kind(run), run["rate"]))
    again = [at for at, run in enumerate(found) if run["rate"] > lowest[kind(run)]]
    once_more = [replace(wanted[at], rate=lowest[kind(found[at])]) for at in again]
    replaced = [found[at] for at in again]
    for at, run in zip(again, done(once_more, "other seeds of what diverged"), strict=True):
        found[at] = run
    by_degree = runs.by_key({data: Call(polynomials, data) for data in DEGREES}, "polynomials")
    return {"rates": rates, "tried": tried, "runs": found, "replaced": replaced, "polynomials": by_degree}


def kind(run: dict) -> tuple:
    """What runs have in common that differ in their seeds."""
    return tuple(run[key] for key in ("data", "variant", "share", "n"))


def polynomials(data: str) -> dict[str, dict]:
    """What no network costs: polynomials in the molecule's own pose, by degree."""
    train, test = (hamiltonians.load(data, half) for half in ("train", "test"))
    answers = {degree: hamiltonian.polynomial(train, test, degree)[0] for degree in range(1, DEGREES[data] + 1)}
    return {str(degree): asdict(metrics.matrix_errors(answer, test)) for degree, answer in answers.items()}


def of(series: dict, data: str, variant: str, share: float, n: int = 500) -> list[dict]:
    """The runs of one kind, over seeds."""
    wanted = {"data": data, "variant": variant, "share": share, "n": n}
    return [run for run in series["runs"] if all(run[key] == value for key, value in wanted.items())]


def words(runs: list[dict]) -> str:
    """Errors on unseen shapes, beside what it took."""
    entries, occupied = (mean_and_spread([run["test"][what] for run in runs]) for what in ("entries", "occupied"))
    cosine = max(1 - run["test"]["overlap"] for run in runs)
    milli_ev = metrics.MILLI_EV * 1e-6 * sum(run["test"]["occupied"] for run in runs) / len(runs)
    cost = f"{runs[0]['steps']} steps, {max(run['seconds'] for run in runs):.0f} s, {runs[0]['parameters']} parameters"
    return f"{entries} / {occupied} ({milli_ev:.2f} meV), 1 - cosine {cosine:.0e}; {cost}"


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    figures, ours = [], of(series, WATER, GATE, 1.0)
    for what, name in (("entries", "H"), ("occupied", "occupied orbital energies")):
        limit, aim = ASKED[what]
        worst = max(run["test"][what] for run in ours)
        title = f"water RHF/STO-3G 500 K, unseen: {name}, MAE (microhartree), worst seed"
        figures.append(at_most(title, limit, worst, ".1f", asked=f"{limit} (aim {aim})"))
    slowest = max(run["seconds"] for run in ours)
    steps = ours[0]["steps"]
    figures.append(at_most(f"training, {steps} steps (CPU s), slowest seed", 240, slowest, ".0f"))
    for what, limit in (("torch.float32", 1e-3), ("torch.float64", 1e-10)):
        error = max(run["equivariance"][what] for run in series["runs"])
        figures.append(at_most(f"equivariance of H beside its mean, all runs, {what}", limit, error, ".1e"))
    largest, smallest = (f([run["parameters"] for run in series["runs"] if run["data"] == WATER]) for f in (max, min))
    spread = 100 * (largest / smallest - 1)
    figures.append(at_most("sizes of the four variants differ by (%)", 3, spread, ".2f"))
    for variant, rate in series["rates"].items():
        figures.append(Figure(f"learning rate, {variant}, of {RATES[variant]}", "reported", f"{rate:g}"))
    unit = "unseen: H / occupied (microhartree)"
    for run in (of(series, data, GATE, share)[0] for data, share in ((WATER, 1.0), (AMMONIA, 0.5), (METHANOL, 0.2))):
        found = f"{run['mean']['entries']:.0f} / {run['mean']['occupied']:.0f}"
        figures.append(Figure(f"{run['data']}, the mean of each irrep, {unit}", "reported", found))
    for data, by_degree in series["polynomials"].items():
        degree = min(by_degree, key=lambda one: by_degree[one]["entries"])
        found = f"{by_degree[degree]['entries']:.2f} / {by_degree[degree]['occupied']:.2f}"
        title = f"{data}, polynomial of degree {degree} in the molecule's own pose, {unit}"
        figures.append(Figure(title, "reported", found))
    figures.append(Figure(f"{WATER}, {GATE}, all steps, {unit}", "reported", words(ours)))
    for data, share in ((WATER, 0.5), (AMMONIA, 0.5), (METHANOL, 0.2)):
        for variant in NONLINEARITIES:
            found = words(of(series, data, variant, share))
            figures.append(Figure(f"{data}, {variant}, equal time, {unit}", "reported", found))
    for data in (WATER, AMMONIA):
        for what in ("entries", "occupied"):
            title = f"{data}, {what}: gradient over gate, by seed"
            figures.append(Figure(title, "reported", ratios(series, data, what)))
    for run in series["replaced"]:
        name = f"{run['data']}, {run['variant']}, seed {run['seed']}, which survived rate {run['rate']}, {unit}"
        figures.append(Figure(name, "reported", words([run])))
    for n in (200, 50):
        for variant in (GATE, GRADIENT):
            found = words(of(series, WATER, variant, 0.25, n))
            figures.append(Figure(f"{WATER}, {n} matrices, {variant}, equal time, {unit}", "reported", found))
    others = {"water_rhf_300k": 0.5, "water_pbe_500k": 0.25, "methanol_pbe_300k": FULL, "water_rhf_svp_500k": 0.2}
    for data, share in others.items():
        found = words([run for run in series["runs"] if (run["data"], run["share"]) == (data, share)])
        figures.append(Figure(f"{data}, {GATE}, {unit}", "reported", found))
    return figures


def ratios(series: dict, data: str, what: str) -> str:
    """How the gradient does beside the gate, seed by seed: below 1 it wins."""
    pairs = zip(of(series, data, GRADIENT, 0.5), of(series, data, GATE, 0.5), strict=True)
    return ", ".join(f"{gradient['test'][what] / gate['test'][what]:.2f}" for gradient, gate in pairs)


BENCHMARK = Benchmark("hamiltonians", all_runs, all_figures, notebook="09")
