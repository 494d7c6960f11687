"""Notebook 01's figures: classifiers of five molecules on coordinates, Gram matrices and sorted distances.

Also the ledger of their symmetries, and the autoencoder of digits beside PCA.
"""

import time

import torch
from torch import Generator, Tensor, nn

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread
from tutorial_lib import metrics, representations
from tutorial_lib.datasets import digits, isomers
from tutorial_lib.metrics import PrincipalComponents, symmetry
from tutorial_lib.models import mlp
from tutorial_lib.representations import gram
from tutorial_lib.training import recipes, train

POSES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
N_IN_ONE_POSE = 50  # shaken copies of each molecule, as in the notebook
N_HELD_OUT = 200
WAYS = {
    "coordinates": (lambda x: x, 30),
    "Gram": (gram.gram_matrix, 100),
    "sorted distances": (metrics.pair_distances, 45),
}


def shaken(n_copies: int, generator: Generator, *, turned: bool) -> tuple[Tensor, Tensor]:
    """Shaken copies of the five molecules, each in the pose of its file or in one of its own."""
    x, label = isomers.rattled(list(isomers.molecules().values()), n_copies, recipes.ISOMER_NOISE, generator)
    return (x @ representations.random_rotation(generator, (len(x),), x.dtype).mT if turned else x), label


def trained(way: str, data: tuple[Tensor, Tensor], seed: int) -> tuple[nn.Module, float]:
    """The notebook's classifier, trained by its recipe, and the CPU seconds of that."""
    describe, n_numbers = WAYS[way]
    layers = mlp.Apply(describe), nn.Flatten(), mlp.perceptron([n_numbers, *recipes.ISOMER_WIDTHS, 5], seed=seed)
    model, start = nn.Sequential(*layers), time.process_time()
    train(model, data, mlp.cross_entropy_loss, recipes.isomers(len(data[0]), seed), device="cpu", progress=False)
    return model, time.process_time() - start


def by_poses(way: str, seed: int) -> dict:
    """Accuracy on turned, unseen molecules, by number of training poses; with the most of them, also renumbered."""
    held_out = shaken(N_HELD_OUT, Generator().manual_seed(10_000), turned=True)
    order = torch.rand(held_out[0].shape[:2], generator=Generator().manual_seed(0)).argsort(1)
    renumbered = held_out[0].gather(1, order[..., None].expand(-1, -1, 3))
    found: dict = {"accuracy": [], "seconds": []}
    for n_poses in POSES:
        model, seconds = trained(way, shaken(n_poses, Generator().manual_seed(seed), turned=True), seed)
        found["accuracy"].append(mlp.accuracy(model, *held_out))
        found["seconds"].append(seconds)
    return found | {"renumbered": mlp.accuracy(model, renumbered, held_out[1])}


def one_pose(seed: int) -> tuple[float, float]:
    """Accuracy of the network that was shown one pose, in that pose and in any other."""
    model, _ = trained("coordinates", shaken(N_IN_ONE_POSE, Generator().manual_seed(seed), turned=False), seed)
    generator = Generator().manual_seed(10_000 + seed)
    same = mlp.accuracy(model, *shaken(N_HELD_OUT, generator, turned=False))
    return same, mlp.accuracy(model, *shaken(N_HELD_OUT, generator, turned=True))


def ledger_extremes() -> dict[str, float]:
    """The largest error of a symmetry that is built in, by precision, and the smallest of one that is absent."""
    clouds, _ = shaken(4, Generator().manual_seed(0), turned=False)
    models = {way: trained(way, shaken(4, Generator().manual_seed(0), turned=True), 0)[0] for way in WAYS}
    errors = metrics.symmetry_ledger(models, clouds).errors
    built_in = [("Gram", "rotation"), ("Gram", "mirror")]
    built_in += [("sorted distances", column) for column in symmetry.COLUMNS]
    absent = [(row, column) for row in ("coordinates", symmetry.CONTROL) for column in symmetry.COLUMNS]
    return {
        "float32": max(errors[row][column][torch.float32] for row, column in built_in),
        "float64": max(errors[row][column][torch.float64] for row, column in built_in),
        "broken": min(min(errors[row][column].values()) for row, column in absent),
    }


def error_of_digits(restored: Tensor) -> float:
    """The root-mean-square error of held-out digits, ink."""
    return (restored - digits.load("test")[0].flatten(1)).square().mean().sqrt().item()


def digits_by_network(seed: int) -> float:
    """The error of digits from two numbers, by network."""
    x, x_test = (digits.load(split)[0].flatten(1) for split in ("train", "test"))
    model = mlp.Autoencoder(64, recipes.DIGIT_WIDTHS, 2, seed=seed)
    train(model, x, mlp.reconstruction_loss, recipes.digits(seed), device="cpu", progress=False)
    return error_of_digits(model(x_test).detach())


def digits_without_network() -> dict[str, float]:
    """The errors by PCA, and of the mean picture."""
    x, x_test = (digits.load(split)[0].flatten(1) for split in ("train", "test"))
    found = {f"PCA-{n}": error_of_digits(PrincipalComponents(x, n).reconstruct(x_test)) for n in (2, 5)}
    return found | {"mean": error_of_digits(x.mean(0))}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Everything; what a training takes is compared."""
    calls = {("pose", seed): Call(one_pose, seed) for seed in seeds}
    calls |= {("digits", seed): Call(digits_by_network, seed) for seed in seeds}
    calls |= {"ledger": Call(ledger_extremes), "digits": Call(digits_without_network)}
    found = runs.by_key(calls | {(way, s): Call(by_poses, way, s, alone=True) for way in WAYS for s in seeds})
    same, other = zip(*(found["pose", seed] for seed in seeds), strict=True)
    networks, by_way = [found["digits", s] for s in seeds], {way: [found[way, s] for s in seeds] for way in WAYS}
    series: dict = {"one pose": {"same pose": same, "any pose": other}, "poses": POSES}
    series["accuracy by poses"] = {
        way: [list(values) for values in zip(*(run["accuracy"] for run in some), strict=True)]
        for way, some in by_way.items()
    }
    series["renumbered"] = {way: [run["renumbered"] for run in some] for way, some in by_way.items()}
    series["seconds"] = {
        way: [seconds for values in zip(*(run["seconds"] for run in some), strict=True) for seconds in values]
        for way, some in by_way.items()
    }
    return series | {"ledger": found["ledger"], "digits": {"network": networks, **found["digits"]}}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    one_pose, extremes, digits = series["one pose"], series["ledger"], series["digits"]
    shares = series["accuracy by poses"]
    last = one_pose | {"sorted distances": shares["sorted distances"][-1]}
    words = {name: mean_and_spread(values) for name, values in last.items()}

    def enough(way: str) -> str:
        reached = [n for n, runs in zip(POSES, shares[way], strict=True) if min(runs) > 0.98]
        return str(reached[0]) if reached else f"not with {POSES[-1]}"

    seconds = torch.tensor(series["seconds"]["Gram"]).median() / torch.tensor(series["seconds"]["coordinates"]).median()
    good = extremes["float32"] < 1e-5 and extremes["float64"] < 1e-10
    perfect, lost = min(one_pose["same pose"]) > 0.99, max(one_pose["any pose"]) < 0.35
    return [
        Figure("coordinates, one pose: right in that pose (share)", "1", words["same pose"], perfect),
        Figure("the same network: right in any pose (share)", "chance, 0.2", words["any pose"], lost),
        Figure("poses until every seed is above 98 %: coordinates", "reported", enough("coordinates")),
        Figure("poses until every seed is above 98 %: Gram matrix", "reported", enough("Gram")),
        Figure("poses until every seed is above 98 %: sorted distances", "reported", enough("sorted distances")),
        Figure("sorted distances, 256 poses: right (share)", "reported", words["sorted distances"]),
        *(
            Figure(f"{way}, 256 poses, atoms renumbered: right (share)", "reported", mean_and_spread(values))
            for way, values in series["renumbered"].items()
        ),
        Figure("CPU seconds of training, Gram / coordinates", "reported", f"{seconds:.1f}"),
        Figure("ledger, built-in symmetries, float32", "1e-5", f"{extremes['float32']:.0e}", good),
        Figure("ledger, built-in symmetries, float64", "1e-10", f"{extremes['float64']:.0e}", good),
        Figure("ledger, absent symmetries", "above 1e-2", f"{extremes['broken']:.2f}", extremes["broken"] > 1e-2),
        Figure("digits from two numbers, network (ink)", "reported", mean_and_spread(digits["network"])),
        Figure("digits from two numbers, PCA (ink)", "reported", f"{digits['PCA-2']:.2f}"),
        Figure("digits from five numbers, PCA (ink)", "reported", f"{digits['PCA-5']:.2f}"),
        Figure("digits, mean picture (ink)", "reported", f"{digits['mean']:.2f}"),
    ]


BENCHMARK = Benchmark("invariance", all_runs, all_figures, notebook="01")
