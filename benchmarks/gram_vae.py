"""The figures of notebook 02: speed, reconstruction on held-out cells, beta, and what the notebook takes."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from ase.neighborlist import neighbor_list
from torch import Generator, Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread
from tutorial_lib import datasets, metrics, representations
from tutorial_lib.metrics import PrincipalComponents, gram_error, motif_statistics, nearest_training
from tutorial_lib.models.vae import VariationalAutoencoder, active_units, evidence_loss
from tutorial_lib.representations import gram
from tutorial_lib.training import best_device, recipes, train

BETAS = [0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 36.0]
REPEATS = 7


@dataclass(frozen=True)
class Split:
    """The motifs of one split, as matrices and features."""

    gram: Tensor
    features: Tensor
    cell: Tensor

    def rms_error(self, reconstructed: Tensor) -> float:
        """The root-mean-square error of the entries, angstrom^2, over all motifs."""
        return gram_error(reconstructed, self.gram).square().mean().sqrt().item()


def splits() -> tuple[gram.Standardiser, dict[str, Split]]:
    """Training, validation and test motifs, standardised by the training motifs."""
    standardiser, found = None, {}
    for name in ("train", "validation", "test"):
        surroundings = representations.nearest_neighbours(datasets.load_amorphous(name))
        matrices = gram.gram_matrix(surroundings.positions)
        standardiser = standardiser or gram.Standardiser.fit(matrices)
        found[name] = Split(matrices, standardiser.features(matrices), surroundings.cell)
    return standardiser, found


def cpu_seconds(work) -> float:
    """The CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def median_ratio(slow: Callable[[], object], fast: Callable[[], object]) -> float:
    """The median of the CPU seconds of one over those of the other, measured in turn."""
    return torch.tensor([cpu_seconds(slow) / cpu_seconds(fast) for _ in range(REPEATS)]).median().item()


def environment_speed() -> float:
    """How many times faster our neighbourhoods are than ASE's neighbour list alone."""
    cells = datasets.load_amorphous("test")
    return median_ratio(
        lambda: [neighbor_list("ijdD", atoms, 4.0) for atoms in cells],
        lambda: representations.nearest_neighbours(cells),
    )


def training_speed() -> float:
    """How many times more samples a second our loop trains on than a DataLoader loop with Adam."""
    features = splits()[1]["train"].features
    recipe = dataclasses.replace(recipes.gram_vae(), epochs=10)
    loss = evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=False)

    def loader_loop() -> None:
        model = VariationalAutoencoder()
        loader = DataLoader(TensorDataset(features), batch_size=recipe.batch_size, shuffle=True)
        optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        generator = Generator().manual_seed(0)
        for _ in range(recipe.epochs):
            for (batch,) in loader:
                optimiser.zero_grad()
                loss(model, batch, generator)["loss"].backward()
                optimiser.step()

    def our_loop() -> None:
        train(VariationalAutoencoder(), features, loss, recipe, device="cpu", progress=False)

    our_loop()
    return median_ratio(loader_loop, our_loop)


def trained(features: Tensor, seed: int, **choices) -> VariationalAutoencoder:
    """The notebook's network, trained by the notebook's recipe."""
    options = {"beta": recipes.GRAM_VAE_BETA, "reduction": "sum", "permute": False} | choices
    model = VariationalAutoencoder(seed=seed)
    train(model, features, evidence_loss(**options), recipes.gram_vae(seed), device=best_device(), progress=False)
    return model.cpu()


def in_random_order(standardiser: gram.Standardiser, data: dict[str, Split]) -> tuple[Split, Tensor]:
    """The test motifs with their atoms renumbered, and training features, four times renumbered."""
    train_x, test, generator = data["train"].features, data["test"], Generator().manual_seed(0)
    features = gram.permuted(test.features, generator)
    shuffled_train = torch.cat([gram.permuted(train_x, generator) for _ in range(4)])
    return dataclasses.replace(test, features=features, gram=standardiser.gram(features)), shuffled_train


def baselines() -> dict[str, list[float]]:
    """Errors on the test cells of what needs no network."""
    standardiser, data = splits()
    train_x, test = data["train"].features, data["test"]
    shuffled, shuffled_train = in_random_order(standardiser, data)

    def error(features: Tensor, split: Split = test) -> float:
        return split.rms_error(standardiser.gram(features))

    linear = PrincipalComponents(train_x, 8).reconstruct(test.features)
    return {
        "mean matrix": [error(train_x.mean(0).expand_as(test.features))],
        "PCA-8": [error(linear)],
        "PCA-8 by cell": per_cell(standardiser.gram(linear), test),
        "nearest training motif": [error(nearest_training(test.features, train_x))],
        "PCA-8, random order": [error(PrincipalComponents(shuffled_train, 8).reconstruct(shuffled.features), shuffled)],
    }


def network(seed: int) -> dict:
    """Errors on the test cells of the network, in both orders and split by atom, and the quality of its samples."""
    standardiser, data = splits()
    test, (shuffled, _) = data["test"], in_random_order(standardiser, data)
    model = trained(data["train"].features, seed)
    output = standardiser.gram(model.reconstruct(test.features))
    found = {"network": test.rms_error(output), "network by cell": per_cell(output, test)}
    permuted = trained(data["train"].features, seed, permute=True)
    found["network, random order"] = shuffled.rms_error(standardiser.gram(permuted.reconstruct(shuffled.features)))
    found["network, split by atom"] = split_by_atom_error(standardiser, data, seed)
    discarded, valid = sample_quality(standardiser, model, seed)
    return found | {"discarded by rank 3, samples": discarded, "valid samples": valid}


def split_by_atom_error(standardiser: gram.Standardiser, data: dict[str, Split], seed: int) -> float:
    """The network's error where training and test atoms come from the same cells, as many of each."""
    features = torch.cat([data["train"].features, data["test"].features])
    order = torch.randperm(len(features), generator=Generator().manual_seed(seed))
    known, unknown = features[order].split([len(data["train"].features), len(data["test"].features)])
    mixed = dataclasses.replace(data["test"], gram=standardiser.gram(unknown))
    return mixed.rms_error(standardiser.gram(trained(known, seed).reconstruct(unknown)))


def sample_quality(standardiser: gram.Standardiser, model: VariationalAutoencoder, seed: int) -> tuple[float, float]:
    """Of samples from the prior: the share of the norm beyond rank 3, and the share valid after projection."""
    drawn = standardiser.gram(model.sample(motif_statistics.N_COMPARED, Generator().manual_seed(seed)))
    nearest, discarded = gram.nearest_rank3(drawn)
    valid = metrics.validity(gram.positions_from_gram(nearest))
    return discarded.mean().item(), valid.float().mean().item()


def per_cell(reconstructed: Tensor, split: Split) -> list[float]:
    """The root-mean-square error of each cell on its own, angstrom^2."""
    error = gram_error(reconstructed, split.gram).square()
    return [error[split.cell == cell].mean().sqrt().item() for cell in split.cell.unique()]


def with_beta(beta: float, seed: int) -> dict[str, float]:
    """Error on the validation cell, active units and quality of samples."""
    standardiser, data = splits()
    validation, model = data["validation"], trained(data["train"].features, seed, beta=beta)
    error = validation.rms_error(standardiser.gram(model.reconstruct(validation.features)))
    discarded, valid = sample_quality(standardiser, model, seed)
    units = active_units(model, validation.features)
    return {"error": error, "active units": units, "discarded": discarded, "valid": valid}


def failed_gates() -> list[str]:
    """What shipped cells fail."""
    cells = datasets.load_amorphous("all")
    return [str(gate) for atoms in cells for gate in metrics.network_quality(atoms).failed_gates()]


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Everything, over seeds; speeds are compared."""
    grid = [Call(with_beta, beta, seed) for beta in BETAS for seed in seeds]
    calls = [Call(baselines), *(Call(network, seed) for seed in seeds), *grid, Call(failed_gates)]
    found = iter(runs.map([*calls, Call(environment_speed, alone=True), Call(training_speed, alone=True)]))
    linear, networks = next(found), [next(found) for _ in seeds]
    rows = [[next(found) for _ in seeds] for _ in BETAS]
    series = linear | {name: [run[name] for run in networks] for name in networks[0]}
    series["by beta"] = {"beta": BETAS} | {name: [[run[name] for run in row] for row in rows] for name in rows[0][0]}
    failed, environments_faster, training_faster = found
    faster = {"environments": environments_faster, "training": training_faster}
    return series | {"seeds": seeds, "failed gates": failed, "faster": faster}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    faster, quicker = series["faster"]["environments"], series["faster"]["training"]
    failed = series["failed gates"]
    linear, linear_random = (f"{series[name][0]:.2f}" for name in ("PCA-8", "PCA-8, random order"))

    def reported(what: str, name: str, beside: str = "reported") -> Figure:
        return Figure(what, beside, mean_and_spread(series[name]))

    return [
        Figure("environments a CPU second / ase.neighborlist", "4 (aim 10)", f"{faster:.1f}", faster >= 4),
        Figure("samples trained a CPU second / DataLoader loop", "1.4 (aim 2)", f"{quicker:.1f}", quicker >= 1.4),
        reported("error of held-out G, network (A^2)", "network", f"reported (aim below PCA-8, {linear})"),
        reported("error, network, random order (A^2)", "network, random order", f"reported (PCA-8 {linear_random})"),
        reported("error, network, split by atom instead (A^2)", "network, split by atom"),
        reported("error, nearest training motif (A^2)", "nearest training motif"),
        reported("error, mean matrix (A^2)", "mean matrix"),
        reported("error cell by cell, PCA-8 (A^2)", "PCA-8 by cell"),
        *[
            Figure(f"error cell by cell, network, seed {seed} (A^2)", "reported", mean_and_spread(by_cell))
            for seed, by_cell in zip(series["seeds"], series["network by cell"], strict=True)
        ],
        reported("samples: share of the norm beyond rank 3", "discarded by rank 3, samples"),
        reported("samples: share valid after projection", "valid samples"),
        Figure("gates that shipped cells fail", "0", str(len(failed)), not failed),
    ]


BENCHMARK = Benchmark("gram_vae", all_runs, all_figures, notebook="02", aim=" (aim 60)")
