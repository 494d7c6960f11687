"""Re-measures what notebook 03 shows.

`python -m benchmarks synchronisation [--seeds 0 1 2]`: reconstruction of held-out motifs from random order to
aligned clouds, beside memories and linear codes; samples beside their floor and Gaussian baselines; four paths
between motifs; learning curves; a crystal that no network has seen; and the speed of alignment.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.spatial.transform import Rotation
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal
from tqdm import tqdm

from benchmarks.budget import CPU_SECONDS, GIGABYTES
from benchmarks.table import Figure, finish, mean_and_spread
from tutorial_lib import environments, gram, motifs, recipes, silicon, vae
from tutorial_lib.__main__ import notebooks, run_notebook
from tutorial_lib.alignment import Template, aligned_rmsd, best_rotation, match_atoms
from tutorial_lib.reconstruction import PrincipalComponents, nearest_motif_rmsd
from tutorial_lib.training import best_device, train

N_FOR_TEMPLATE = 600
N_PAIRS = 500
STEPS = [0.0, 0.25, 0.5, 0.75, 1.0]
SMALL_BETA = 0.013  # for the larger codes, which a larger price would leave unused
CELLS = [1, 2, 4, 9]


@dataclass(frozen=True)
class Motifs:
    """Motifs in one order, their features, and the cell of each."""

    positions: Tensor
    features: Tensor
    cell: Tensor


@dataclass(frozen=True)
class Data:
    """Training and test motifs in one order, and what standardised them."""

    train: Motifs
    test: Motifs
    standardiser: gram.Standardiser


def fitted_template() -> Template:
    """The notebook's template."""
    positions = environments.nearest_neighbours(silicon.load_amorphous("train")).positions
    return Template.fit(positions[:: len(positions) // N_FOR_TEMPLATE])


def ordered(order: Callable[[Tensor], Tensor]) -> Data:
    """The motifs of all training and test cells, after `order` has numbered the atoms of each."""
    clouds = {name: environments.nearest_neighbours(silicon.load_amorphous(name)) for name in ("train", "test")}
    positions = {name: order(cloud.positions) for name, cloud in clouds.items()}
    standardiser = gram.Standardiser.fit(gram.gram_matrix(positions["train"]))
    parts = {
        name: Motifs(x, standardiser.features(gram.gram_matrix(x)), clouds[name].cell) for name, x in positions.items()
    }
    return Data(parts["train"], parts["test"], standardiser)


def shuffled(positions: Tensor) -> Tensor:
    """The same clouds with their atoms renumbered at random."""
    order = torch.rand(positions.shape[:2], generator=Generator().manual_seed(0)).argsort(1)
    return positions.gather(1, order[..., None].expand_as(positions))


def rmsd(restored: Tensor, truth: Tensor) -> float:
    """The root mean square over motifs of the distance after alignment, angstrom."""
    return aligned_rmsd(truth, restored, allow_mirror=True, reorder=False).square().mean().sqrt().item()


def clouds_of(features: Tensor, standardiser: gram.Standardiser) -> Tensor:
    """The clouds nearest to decoded features of Gram matrices."""
    return gram.positions_from_gram(gram.nearest_rank3(standardiser.gram(features))[0])


def talk(data: Data, seed: int, *, permute: bool) -> vae.VariationalAutoencoder:
    """The talk's network, trained by the recipe of notebook 02."""
    model = vae.VariationalAutoencoder(seed=seed)
    loss = vae.evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=permute)
    train(model, data.train.features, loss, recipes.gram_vae(seed), device=best_device(), progress=False)
    return model.cpu()


def after_alignment(decoded: Tensor, positions: Tensor) -> Tensor:
    """The squared error after the best rotation, angstrom^2."""
    return positions.shape[1] * aligned_rmsd(positions, decoded, allow_mirror=True, reorder=False).square()


def of_gram(decoded: Tensor, positions: Tensor) -> Tensor:
    """The squared error of the Gram matrices, over 16, which brings it near that of the positions, angstrom^2."""
    apart = gram.gram_matrix(decoded) - gram.gram_matrix(positions)
    return apart.square().sum((1, 2)) / 16


def aligned(
    data: Motifs, seed: int, *, n_latent: int = 8, beta: float = recipes.ALIGNED_BETA, repulsion: float = 0.0,
    error: Callable = after_alignment, steps_of: int | None = None,
) -> vae.AlignedAutoencoder:  # fmt: skip
    """The notebook's network, trained by its recipe, with as many steps as `steps_of` examples would give."""
    model = vae.AlignedAutoencoder(n_latent=n_latent, seed=seed)
    closest = motifs.descriptor(data.positions).min().item()
    loss = vae.aligned_loss(beta=beta, error=error, repulsion=repulsion, closest=closest)
    recipe = recipes.aligned(seed)
    recipe = dataclasses.replace(
        recipe, epochs=recipe.epochs * (steps_of or len(data.positions)) // len(data.positions)
    )
    train(model, (data.features, data.positions), loss, recipe, device=best_device(), progress=False)
    return model.cpu()


def scores(drawn: Tensor, data: Data) -> dict[str, float]:
    """What `motifs.compare` says of generated motifs."""
    return motifs.compare(drawn, data.test.positions, data.train.positions).score


def baselines(in_order: dict[str, Data]) -> tuple[dict, dict]:
    """Errors and samples of what needs no gradient."""
    canonical, by_distance = in_order["canonical"], in_order["sorted"]
    train_x, test_x = canonical.train.positions, canonical.test.positions
    linear = PrincipalComponents(train_x.flatten(1), 8)
    by_gram = PrincipalComponents(by_distance.train.features, 8).reconstruct(by_distance.test.features)
    other = test_x[torch.randperm(len(test_x), generator=Generator().manual_seed(0))]
    errors = {
        "random pair of motifs": match_atoms(other, test_x, allow_mirror=True).rmsd.square().mean().sqrt().item(),
        "nearest training motif": nearest_motif_rmsd(test_x, train_x).square().mean().sqrt().item(),
        "PCA-8, sorted Gram": rmsd(clouds_of(by_gram, by_distance.standardiser), by_distance.test.positions),
        "PCA-8, canonical positions": rmsd(linear.reconstruct(test_x.flatten(1)).view_as(test_x), test_x),
    }
    dice = Generator().manual_seed(0)

    def gaussian(codes: Tensor) -> Tensor:
        root = MultivariateNormal(codes.mean(0), codes.T.cov() + 1e-6 * torch.eye(codes.shape[1])).scale_tril
        return codes.mean(0) + torch.randn(motifs.N_COMPARED, codes.shape[1], generator=dice) @ root.T

    few = linear.centre + gaussian(linear.encode(train_x.flatten(1))) @ linear.directions
    samples = {
        "Gaussian, PCA-8": scores(few.view(-1, 8, 3), canonical),
        "Gaussian, all 24 coordinates": scores(gaussian(train_x.flatten(1)).view(-1, 8, 3), canonical),
        "floor": motifs.compare(test_x, test_x, train_x).floor,
    }
    return errors, samples


def network_series(in_order: dict[str, Data], seeds: list[int]) -> tuple[dict, dict, dict]:
    """Errors, samples and paths of the networks, a list over seeds each."""
    canonical = in_order["canonical"]
    errors: dict = {}
    samples: dict = {}
    paths: dict = {}
    kinds = {
        "aligned, 8": {"repulsion": recipes.ALIGNED_REPULSION},
        "aligned, 8, no repulsion": {},
        "own Gram matrix, 8": {"error": of_gram},
        "aligned, 12": {"n_latent": 12, "beta": SMALL_BETA},
        "aligned, 16": {"n_latent": 16, "beta": SMALL_BETA},
    }
    for seed in tqdm(seeds, desc="networks", unit="seed"):
        for order, data in in_order.items():
            name = f"talk's network, {order}"
            model = talk(data, seed, permute=order == "random")
            restored = clouds_of(model.reconstruct(data.test.features), data.standardiser)
            errors.setdefault(name, []).append(rmsd(restored, data.test.positions))
            drawn = clouds_of(model.sample(motifs.N_COMPARED, Generator().manual_seed(seed)), data.standardiser)
            samples.setdefault(name, []).append(scores(drawn, data))
            if order == "sorted":
                decode = lambda z, model=model, data=data: clouds_of(model.decode(z), data.standardiser)  # noqa: E731
                paths.setdefault(name, []).append(latent_path(model, decode, data.test))
        for name, choices in kinds.items():
            model = aligned(canonical.train, seed, **choices)
            errors.setdefault(name, []).append(
                rmsd(model.reconstruct(canonical.test.features), canonical.test.positions)
            )
            samples.setdefault(name, []).append(
                scores(model.sample(motifs.N_COMPARED, Generator().manual_seed(seed)), canonical)
            )
            paths.setdefault(name, []).append(latent_path(model, model.decode, canonical.test))
    return errors, samples, paths


def valid(positions: Tensor) -> float:
    """The share of valid motifs."""
    return motifs.validity(positions).double().mean().item()


@torch.no_grad()
def latent_path(model: vae.VariationalAutoencoder, decode: Callable, test: Motifs) -> list[float]:
    """The share of valid motifs along straight lines between codes of held-out motifs."""
    start, stop = model.encode(test.features[: 2 * N_PAIRS])[0].split(N_PAIRS)
    return [valid(decode(start + t * (stop - start))) for t in STEPS]


def straight_paths(in_order: dict[str, Data]) -> dict[str, list[float]]:
    """The share of valid motifs along straight lines between the clouds themselves."""
    start, stop = in_order["sorted"].test.positions[: 2 * N_PAIRS].split(N_PAIRS)
    match = match_atoms(start, stop, allow_mirror=True)
    matched = stop.gather(1, match.order[..., None].expand_as(stop)) @ match.rotation.mT
    return {
        "straight": [valid(start + t * (stop - start)) for t in STEPS],
        "matched": [valid(start + t * (matched - start)) for t in STEPS],
    }


def learning_curve(data: Data, seeds: list[int]) -> dict:
    """The error on the test cells of networks trained on one, two, four and all nine training cells."""
    series: dict = {"cells": CELLS, "error": []}
    n_all = len(data.train.positions)
    for n_cells in tqdm(CELLS, desc="learning curve", unit="number of cells"):
        some = data.train.cell < n_cells
        part = Motifs(data.train.positions[some], data.train.features[some], data.train.cell[some])
        choices = {"repulsion": recipes.ALIGNED_REPULSION, "steps_of": n_all}
        restored = [aligned(part, seed, **choices).reconstruct(data.test.features) for seed in seeds]
        series["error"].append([rmsd(x, data.test.positions) for x in restored])
    return series


def crystal_series(template: Template, data: Data, seeds: list[int]) -> dict:
    """The error on a rattled crystal, of the notebook's network and of the nearest training motif."""
    rattled = silicon.crystal()
    rattled.rattle(0.2, seed=0)
    x = template.canonical(environments.nearest_neighbours(rattled).positions)
    features = data.standardiser.features(gram.gram_matrix(x))
    models = [aligned(data.train, seed, repulsion=recipes.ALIGNED_REPULSION) for seed in seeds]
    memory = nearest_motif_rmsd(x, data.train.positions).square().mean().sqrt().item()
    return {"network": [rmsd(model.reconstruct(features), x) for model in models], "nearest training motif": memory}


def speeds(template: Template) -> dict[str, float]:
    """Alignment against a loop over SciPy's, and milliseconds for a canonical order, CPU time of one thread."""
    source, target = torch.randn(2, 100_000, 8, 3, generator=Generator().manual_seed(0), dtype=torch.float64)
    start = time.process_time()
    for x, y in zip(source.numpy(), target.numpy(), strict=True):
        Rotation.align_vectors(y, x)
    loop = time.process_time() - start
    times = []
    for _ in range(5):
        start = time.process_time()
        best_rotation(source, target, allow_mirror=False)
        times.append(time.process_time() - start)
    x = environments.nearest_neighbours(silicon.load_amorphous("test")).positions
    start = time.process_time()
    template.canonical(x)
    return {
        "alignment": loop / torch.tensor(times).median().item(),
        "canonical": 1000 * (time.process_time() - start) / len(x),
    }


def exact_error(x: Tensor) -> float:
    """The largest distance, angstrom, between clouds and what comes back from their Gram matrices in float64."""
    recovered = gram.positions_from_gram(gram.gram_matrix(x.double()))
    return aligned_rmsd(x.double(), recovered, allow_mirror=True, reorder=False).max().item()


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of weights, batches and noise")
    parser.add_argument("--skip-notebook", action="store_true", help="do not measure what the notebook takes")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    template = fitted_template()
    in_order = {"random": ordered(shuffled), "sorted": ordered(lambda x: x), "canonical": ordered(template.canonical)}
    canonical = in_order["canonical"]
    speed, exact = speeds(template), exact_error(canonical.test.positions)
    errors, samples = baselines(in_order)
    more_errors, more_samples, paths = network_series(in_order, args.seeds)
    errors |= more_errors
    curve, crystal = learning_curve(canonical, args.seeds), crystal_series(template, canonical, args.seeds)
    series = {
        "errors": errors,
        "samples": samples | more_samples,
        "steps": STEPS,
        "paths": straight_paths(in_order) | paths,
        "learning curve": curve,
        "crystal": crystal,
    }

    def of(kind: str, score: str) -> list[float]:
        return [seed[score] for seed in more_samples[kind]]

    def spread(values: list[float] | float) -> str:
        return mean_and_spread(values) if isinstance(values, list) else f"{values:.2f}"

    linear, eight = errors["PCA-8, canonical positions"], errors["aligned, 8"]
    shares, angles = of("aligned, 8", "valid (share)"), of("aligned, 8", "W_angle (degree)")
    midway = [path[STEPS.index(0.5)] for path in paths["aligned, 8"]]
    figures = [
        Figure("Gram matrix to positions to alignment, float64 (A)", "1e-10", f"{exact:.0e}", exact < 1e-10),
        Figure("held-out RMSD, 8 latents (A)", f"0.50 and below PCA-8, {linear:.2f} (aim 0.40)", spread(eight),
               max(eight) < min(0.5, linear)),
        Figure("held-out RMSD, 12 latents (A)", "0.33 (aim 0.28)", spread(errors["aligned, 12"]),
               max(errors["aligned, 12"]) < 0.33),
        Figure("held-out RMSD, 16 latents (A)", "0.20 (aim 0.16)", spread(errors["aligned, 16"]),
               max(errors["aligned, 16"]) < 0.2),
        Figure("samples of the eight: valid (share)", "0.60 (aim 0.75)", spread(shares), min(shares) > 0.6),
        Figure("samples of the eight: W_angle (degree)", "1.5 (aim 0.7)", spread(angles), max(angles) < 1.5),
        Figure("latent midpoints valid (share)", "0.80 (aim 0.90)", spread(midway), min(midway) > 0.8),
        Figure("alignments a CPU second / loop over align_vectors", "30 (aim 60)", f"{speed['alignment']:.0f}",
               speed["alignment"] > 30),
        Figure("canonical order of one motif (ms)", "5 (aim 1)", f"{speed['canonical']:.2f}", speed["canonical"] < 5),
        Figure("rattled crystal, RMSD (A)", "0.5 (aim 0.4)", spread(crystal["network"]), max(crystal["network"]) < 0.5),
        Figure("rattled crystal, nearest training motif (A)", "reported", spread(crystal["nearest training motif"])),
        *[Figure(f"held-out RMSD, {name} (A)", "reported", spread(values)) for name, values in errors.items()],
        *[
            Figure(f"held-out RMSD, trained on {n} cells (A)", "reported", spread(values))
            for n, values in zip(CELLS, curve["error"], strict=True)
        ],
        *[
            Figure(f"no repulsion: {score}", "reported", spread(of("aligned, 8, no repulsion", score)))
            for score in ("valid (share)", "W_angle (degree)", "covered (share)")
        ],
        Figure("samples of the eight: covered (share)", "reported", spread(of("aligned, 8", "covered (share)"))),
    ]  # fmt: skip
    if not args.skip_notebook:
        meter = run_notebook(notebooks(["03"])[0], store=False)
        seconds, memory, allowed = meter.cpu_seconds, meter.peak_bytes / 1e9, CPU_SECONDS["03"]
        figures += [
            Figure("notebook 03 (CPU seconds)", str(allowed), f"{seconds:.0f}", seconds <= allowed),
            Figure("notebook 03, peak memory (GB)", f"{GIGABYTES:g}", f"{memory:.2f}", memory <= GIGABYTES),
        ]
    return finish("synchronisation", figures, series, args.seeds)


if __name__ == "__main__":
    sys.exit(main())
