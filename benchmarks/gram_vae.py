"""The figures of notebook 02: speed, reconstruction on held-out cells, beta, and what the notebook takes.

python -m benchmarks.gram_vae           all of it, about five minutes on one thread
python -m benchmarks.gram_vae --help    the options
"""

import dataclasses
import sys
import time
from dataclasses import dataclass

import torch
from ase.neighborlist import neighbor_list
from torch import Generator, Tensor
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from benchmarks.table import Figure, command_line, finish, mean_and_spread, median_ratio, notebook_figures
from tutorial_lib import environments, gram, motifs, recipes, silicon
from tutorial_lib.reconstruction import PrincipalComponents, gram_error, nearest_training
from tutorial_lib.training import best_device, train
from tutorial_lib.vae import VariationalAutoencoder, active_units, evidence_loss

BETAS = [0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 36.0]
REPEATS = 7


@dataclass(frozen=True)
class Split:
    """The motifs of one split, as clouds, matrices and features."""

    positions: Tensor
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
        surroundings = environments.nearest_neighbours(silicon.load_amorphous(name))
        matrices = gram.gram_matrix(surroundings.positions)
        standardiser = standardiser or gram.Standardiser.fit(matrices)
        found[name] = Split(surroundings.positions, matrices, standardiser.features(matrices), surroundings.cell)
    return standardiser, found


def cpu_seconds(work) -> float:
    """The CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def environment_speed() -> float:
    """How many times faster our neighbourhoods are than ASE's neighbour list alone."""
    cells = silicon.load_amorphous("test")
    return median_ratio(
        lambda: cpu_seconds(lambda: [neighbor_list("ijdD", atoms, 4.0) for atoms in cells]),
        lambda: cpu_seconds(lambda: environments.nearest_neighbours(cells)),
        REPEATS,
    )


def training_speed(features: Tensor) -> float:
    """How many times more samples a second our loop trains on than a DataLoader loop with Adam."""
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
    return median_ratio(lambda: cpu_seconds(loader_loop), lambda: cpu_seconds(our_loop), REPEATS)


def trained(features: Tensor, seed: int, **choices) -> VariationalAutoencoder:
    """The notebook's network, trained by the notebook's recipe."""
    options = {"beta": recipes.GRAM_VAE_BETA, "reduction": "sum", "permute": False} | choices
    model = VariationalAutoencoder(seed=seed)
    train(model, features, evidence_loss(**options), recipes.gram_vae(seed), device=best_device(), progress=False)
    return model.cpu()


def reconstruction_series(standardiser: gram.Standardiser, data: dict[str, Split], seeds: list[int]) -> dict:
    """Errors on the test cells of the network, in both orders, and of the baselines."""
    train_x, test = data["train"].features, data["test"]
    dice = Generator().manual_seed(0)
    shuffled = gram.permuted(test.features, dice)
    shuffled_train = torch.cat([gram.permuted(train_x, dice) for _ in range(4)])
    in_shuffled = dataclasses.replace(test, gram=standardiser.gram(shuffled))

    def error(features: Tensor, split: Split = test) -> float:
        return split.rms_error(standardiser.gram(features))

    linear = PrincipalComponents(train_x, 8).reconstruct(test.features)
    series = {
        "mean matrix": [error(train_x.mean(0).expand_as(test.features))],
        "PCA-8": [error(linear)],
        "PCA-8 by cell": per_cell(standardiser.gram(linear), test),
        "nearest training motif": [error(nearest_training(test.features, train_x))],
        "PCA-8, random order": [error(PrincipalComponents(shuffled_train, 8).reconstruct(shuffled), in_shuffled)],
        "network": [],
        "network, random order": [],
        "network, split by atom": [],
        "network by cell": [],
        "discarded by rank 3, samples": [],
        "valid samples": [],
    }
    for seed in tqdm(seeds, desc="seeds", unit="seed"):
        model = trained(train_x, seed)
        output = model.reconstruct(test.features)
        series["network"].append(error(output))
        series["network by cell"].append(per_cell(standardiser.gram(output), test))
        model_permuted = trained(train_x, seed, permute=True)
        series["network, random order"].append(error(model_permuted.reconstruct(shuffled), in_shuffled))
        series["network, split by atom"].append(split_by_atom_error(standardiser, data, seed))
        discarded, valid = sample_quality(standardiser, model, seed)
        series["discarded by rank 3, samples"].append(discarded)
        series["valid samples"].append(valid)
    return series


def split_by_atom_error(standardiser: gram.Standardiser, data: dict[str, Split], seed: int) -> float:
    """The network's error where training and test atoms come from the same cells, as many of each."""
    features = torch.cat([data["train"].features, data["test"].features])
    order = torch.randperm(len(features), generator=Generator().manual_seed(seed))
    known, unknown = features[order].split([len(data["train"].features), len(data["test"].features)])
    mixed = dataclasses.replace(data["test"], gram=standardiser.gram(unknown))
    return mixed.rms_error(standardiser.gram(trained(known, seed).reconstruct(unknown)))


def sample_quality(standardiser: gram.Standardiser, model: VariationalAutoencoder, seed: int) -> tuple[float, float]:
    """Of samples from the prior: the share of the norm beyond rank 3, and the share valid after projection."""
    drawn = standardiser.gram(model.sample(motifs.N_COMPARED, Generator().manual_seed(seed)))
    nearest, discarded = gram.nearest_rank3(drawn)
    valid = motifs.validity(gram.positions_from_gram(nearest))
    return discarded.mean().item(), valid.float().mean().item()


def per_cell(reconstructed: Tensor, split: Split) -> list[float]:
    """The root-mean-square error of each cell on its own, angstrom^2."""
    error = gram_error(reconstructed, split.gram).square()
    return [error[split.cell == cell].mean().sqrt().item() for cell in split.cell.unique()]


def beta_series(standardiser: gram.Standardiser, data: dict[str, Split], seeds: list[int]) -> dict:
    """Error on the validation cell, active units and quality of samples, beta by beta, a list over seeds each."""
    series = {"beta": BETAS, "error": [], "active units": [], "discarded": [], "valid": []}
    validation = data["validation"]
    for beta in tqdm(BETAS, desc="beta", unit="beta"):
        models = [trained(data["train"].features, seed, beta=beta) for seed in seeds]
        outputs = [standardiser.gram(model.reconstruct(validation.features)) for model in models]
        series["error"].append([validation.rms_error(output) for output in outputs])
        series["active units"].append([active_units(model, validation.features) for model in models])
        quality = [sample_quality(standardiser, model, seed) for seed, model in zip(seeds, models, strict=True)]
        series["discarded"].append([discarded for discarded, _ in quality])
        series["valid"].append([valid for _, valid in quality])
    return series


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    args = command_line(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    standardiser, data = splits()
    failed = [f for atoms in silicon.load_amorphous("all") for f in silicon.network_quality(atoms).failed_gates()]
    faster, quicker = environment_speed(), training_speed(data["train"].features)
    series = reconstruction_series(standardiser, data, args.seeds)
    linear, linear_random = (f"{series[name][0]:.2f}" for name in ("PCA-8", "PCA-8, random order"))

    def reported(what: str, name: str, beside: str = "reported") -> Figure:
        return Figure(what, beside, mean_and_spread(series[name]))

    figures = [
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
            for seed, by_cell in zip(args.seeds, series["network by cell"], strict=True)
        ],
        reported("samples: share of the norm beyond rank 3", "discarded by rank 3, samples"),
        reported("samples: share valid after projection", "valid samples"),
        Figure("gates that shipped cells fail", "0", str(len(failed)), not failed),
    ]
    if not args.skip_notebook:
        figures += notebook_figures("02", aim=" (aim 60)")
    series |= {"by beta": beta_series(standardiser, data, args.seeds)}
    return finish("gram_vae", figures, series, args.seeds)


if __name__ == "__main__":
    sys.exit(main())
