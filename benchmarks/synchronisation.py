"""Notebook 03's figures: held-out motifs, from random order to aligned clouds, beside memories and linear codes.

Every row of errors is judged by two rules: with the atoms in the order that they have, and in the order that fits best.

Also samples beside their floor and Gaussian baselines, paths between motifs, learning curves, a crystal that no network
has seen, and the speed of alignment.
"""

import dataclasses
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from scipy.spatial.transform import Rotation
from torch import Generator, Tensor, nn
from torch.distributions import MultivariateNormal

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread
from tutorial_lib import datasets, metrics, representations
from tutorial_lib.metrics import PrincipalComponents, motif_statistics, nearest_training
from tutorial_lib.models import vae
from tutorial_lib.representations import gram
from tutorial_lib.representations.alignment import Template, aligned_rmsd, best_rotation, match_atoms
from tutorial_lib.training import best_device, recipes, train

N_FOR_TEMPLATE = 600
N_PAIRS = 500
STEPS = [0.0, 0.25, 0.5, 0.75, 1.0]
CELLS = [1, 2, 4, 9]
RULES = ("fixed", "matched")  # the order of atoms in an error


class Motifs(NamedTuple):
    """Motifs in one order, their features, and the cell of each."""

    positions: Tensor
    features: Tensor
    cell: Tensor


class Data(NamedTuple):
    """Training and test motifs in one order, and what standardised them."""

    train: Motifs
    test: Motifs
    standardiser: gram.Standardiser


@cache
def fitted_template() -> Template:
    """The notebook's template."""
    positions = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    return Template.fit(positions[:: len(positions) // N_FOR_TEMPLATE])


@cache
def in_order(name: str) -> Data:
    """The motifs of all training and test cells, after one of `ORDERS` has numbered the atoms of each."""
    order = ORDERS[name]
    clouds = {name: representations.nearest_neighbours(datasets.load_amorphous(name)) for name in ("train", "test")}
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


ORDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "random": shuffled,
    "sorted": lambda x: x,
    "canonical": lambda x: fitted_template().canonical(x),
}


def errors_of(restored: Tensor, truth: Tensor) -> dict[str, float]:
    """The root mean square over motifs of the distance in the best pose, atoms in one order or matched, angstrom."""
    fixed = aligned_rmsd(truth, restored, allow_mirror=True, reorder=False)
    matched = match_atoms(truth, restored, allow_mirror=True).rmsd.minimum(fixed)  # the search may miss the best
    return {name: apart.square().mean().sqrt().item() for name, apart in (("fixed", fixed), ("matched", matched))}


def clouds_of(features: Tensor, standardiser: gram.Standardiser) -> Tensor:
    """The clouds nearest to decoded features of Gram matrices."""
    return gram.positions_from_gram(gram.nearest_rank3(standardiser.gram(features))[0])


def talk(data: Data, seed: int, *, permute: bool) -> vae.VariationalAutoencoder:
    """The talk's network, trained by the recipe of notebook 02."""
    model = vae.VariationalAutoencoder(seed=seed)
    loss = vae.evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=permute)
    train(model, data.train.features, loss, recipes.gram_vae(seed), device=best_device(), progress=False)
    return model.cpu()


def large(data: Data, seed: int) -> vae.LatentVariableModel:
    """A control: a Gram matrix out, as in the talk; size, activation, rattle and training of the notebook's network."""
    model = vae.LatentVariableModel(36, (384, 384), 8, 36, activation=nn.SiLU, seed=seed)
    of_features = vae.evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=False)

    def loss(model: nn.Module, batch: Tensor, generator: Generator) -> dict[str, Tensor]:
        draw = {"generator": generator, "device": batch.device, "dtype": batch.dtype}
        size = recipes.ALIGNED_RATTLE * torch.rand(len(batch), 1, 1, **draw)
        batch = batch + size * torch.randn(batch.shape, **draw)
        return of_features(model, data.standardiser.features(gram.gram_matrix(batch)), generator)

    train(model, data.train.positions, loss, recipes.aligned(seed), device=best_device(), progress=False)
    return model.cpu()


def after_alignment(decoded: Tensor, positions: Tensor) -> Tensor:
    """The squared error after the best rotation, angstrom^2."""
    return positions.shape[1] * aligned_rmsd(positions, decoded, allow_mirror=True, reorder=False).square()


def of_gram(decoded: Tensor, positions: Tensor) -> Tensor:
    """The squared error of the Gram matrices, over 16, which brings it near that of the positions, angstrom^2."""
    apart = gram.gram_matrix(decoded) - gram.gram_matrix(positions)
    return apart.square().sum((1, 2)) / 16


def aligned(
    data: Data, seed: int, *, cells: int = max(CELLS), n_latent: int = 8,
    repulsion: float = recipes.ALIGNED_REPULSION, error: Callable = after_alignment,
) -> vae.AlignedAutoencoder:  # fmt: skip
    """The notebook's network, trained by its recipe, with as many steps whatever the number of cells."""
    model = vae.AlignedAutoencoder(n_latent=n_latent, seed=seed)
    x = data.train.positions[data.train.cell < cells]
    loss = vae.aligned_loss(
        beta=recipes.ALIGNED_BETA,
        describe=lambda clouds: data.standardiser.features(gram.gram_matrix(clouds)),
        error=error,
        rattle=recipes.ALIGNED_RATTLE,
        repulsion=repulsion,
        closest=metrics.descriptor(x).min().item(),
    )
    recipe = recipes.aligned(seed)
    recipe = dataclasses.replace(recipe, epochs=recipe.epochs * len(data.train.positions) // len(x))
    train(model, x, loss, recipe, device=best_device(), progress=False)
    return model.cpu()


def scores(drawn: Tensor, data: Data) -> dict[str, float]:
    """What `metrics.compare` says of generated motifs."""
    return metrics.compare(drawn, data.test.positions, data.train.positions).score


def remembered(motifs: Tensor, training: Tensor) -> Tensor:
    """The training motifs with the nearest canonical forms: a memory instead of a network."""
    return nearest_training(motifs.flatten(1), training.flatten(1)).view_as(motifs)


def baselines() -> dict:
    """Errors, samples and paths of what needs no gradient."""
    canonical, by_distance = in_order("canonical"), in_order("sorted")
    train_x, test_x = canonical.train.positions, canonical.test.positions
    linear = PrincipalComponents(train_x.flatten(1), 8)
    by_gram = PrincipalComponents(by_distance.train.features, 8).reconstruct(by_distance.test.features)
    other = torch.randperm(len(test_x), generator=Generator().manual_seed(0))
    tests = {name: in_order(name).test.positions for name in ORDERS}
    errors = {f"random pair, {name}": errors_of(x[other], x) for name, x in tests.items()} | {
        "nearest training motif": errors_of(remembered(test_x, train_x), test_x),
        "PCA-8, sorted Gram": errors_of(clouds_of(by_gram, by_distance.standardiser), by_distance.test.positions),
        "PCA-8, canonical positions": errors_of(linear.reconstruct(test_x.flatten(1)).view_as(test_x), test_x),
    }
    generator = Generator().manual_seed(0)

    def gaussian(codes: Tensor) -> Tensor:
        root = MultivariateNormal(codes.mean(0), codes.T.cov() + 1e-6 * torch.eye(codes.shape[1])).scale_tril
        return codes.mean(0) + torch.randn(motif_statistics.N_COMPARED, codes.shape[1], generator=generator) @ root.T

    few = linear.centre + gaussian(linear.encode(train_x.flatten(1))) @ linear.directions
    samples = {
        "Gaussian, PCA-8": scores(few.view(-1, 8, 3), canonical),
        "Gaussian, all 24 coordinates": scores(gaussian(train_x.flatten(1)).view(-1, 8, 3), canonical),
        "floor": metrics.compare(test_x, test_x, train_x).floor,
    }
    memory = errors_of(remembered(rattled_crystal(), train_x), rattled_crystal())["fixed"]
    recovered = gram.positions_from_gram(gram.gram_matrix(test_x.double()))
    exact = aligned_rmsd(test_x.double(), recovered, allow_mirror=True, reorder=False).max().item()
    return {"errors": errors, "samples": samples, "paths": straight_paths(), "crystal": memory, "exact": exact}


TALK, BY_CELLS, LARGE = "talk's network, ", "cells: ", "Gram matrix out, equal size"
KINDS = {
    "aligned, 8": {},
    "aligned, 8, no repulsion": {"repulsion": 0.0},
    "own Gram matrix, 8": {"error": of_gram},
    "aligned, 12": {"n_latent": 12},
    "aligned, 16": {"n_latent": 16},
    **{f"{BY_CELLS}{n_cells}": {"cells": n_cells} for n_cells in CELLS[:-1]},
}


@torch.no_grad()
def one_run(kind: str, seed: int) -> dict:
    """Error, samples, path and error on the crystal of one network, trained from one seed."""
    data, crystal = in_order(kind.removeprefix(TALK) if kind.startswith(TALK) else "canonical"), rattled_crystal()
    with torch.enable_grad():
        if kind.startswith(TALK):
            model = talk(data, seed, permute=kind.endswith("random"))
        elif kind == LARGE:
            model = large(data, seed)
        else:
            model = aligned(data, seed, **KINDS[kind])

    def decode(codes: Tensor) -> Tensor:
        drawn = model.decode(codes)
        return drawn if kind in KINDS else clouds_of(drawn, data.standardiser)

    codes = torch.randn(motif_statistics.N_COMPARED, model.n_latent, generator=Generator().manual_seed(seed))
    start, stop = model.encode(data.test.features[: 2 * N_PAIRS])[0].split(N_PAIRS)
    features = data.standardiser.features(gram.gram_matrix(crystal))
    return {
        "error": errors_of(decode(model.encode(data.test.features)[0]), data.test.positions),
        "samples": scores(decode(codes), data),
        "path": [valid(decode(start + t * (stop - start))) for t in STEPS],
        "crystal": errors_of(decode(model.encode(features)[0]), crystal)["fixed"],
    }


def valid(positions: Tensor) -> float:
    """The share of valid motifs."""
    return metrics.validity(positions).double().mean().item()


def straight_paths() -> dict[str, list[float]]:
    """The share of valid motifs along straight lines between the clouds themselves."""
    start, stop = in_order("sorted").test.positions[: 2 * N_PAIRS].split(N_PAIRS)
    match = match_atoms(start, stop, allow_mirror=True)
    matched = stop.gather(1, match.order[..., None].expand_as(stop)) @ match.rotation.mT
    return {
        "straight": [valid(start + t * (stop - start)) for t in STEPS],
        "matched": [valid(start + t * (matched - start)) for t in STEPS],
    }


def rattled_crystal() -> Tensor:
    """Canonical motifs of the crystal with 0.2 angstrom of noise on every coordinate."""
    rattled = datasets.crystal()
    rattled.rattle(0.2, seed=0)
    return fitted_template().canonical(representations.nearest_neighbours(rattled).positions)


def speeds() -> dict[str, float]:
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
    x = representations.nearest_neighbours(datasets.load_amorphous("test")).positions
    template, start = fitted_template(), time.process_time()
    template.canonical(x)
    return {
        "alignment": loop / torch.tensor(times).median().item(),
        "canonical": 1000 * (time.process_time() - start) / len(x),
    }


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """What `one_run` says of every kind of network, over seeds, and what needs none; speeds are measured."""
    kinds = [*KINDS, LARGE, *(TALK + order for order in ORDERS)]
    calls = {"none": Call(baselines)} | {(kind, seed): Call(one_run, kind, seed) for kind in kinds for seed in seeds}
    done = runs.by_key(calls | {"speed": Call(speeds, alone=True)})
    of, without = {kind: [done[kind, seed] for seed in seeds] for kind in kinds}, done["none"]
    shown = {kind: found for kind, found in of.items() if not kind.startswith(BY_CELLS)}
    eight, by_cells = of["aligned, 8"], [of[f"{BY_CELLS}{n_cells}"] for n_cells in CELLS[:-1]]
    curve = [[run["error"]["fixed"] for run in found] for found in [*by_cells, eight]]
    rules = {kind: {rule: [run["error"][rule] for run in found] for rule in RULES} for kind, found in shown.items()}
    return {
        "errors": without["errors"] | rules,
        "samples": without["samples"] | {kind: [run["samples"] for run in found] for kind, found in shown.items()},
        "steps": STEPS,
        "paths": without["paths"] | {kind: [run["path"] for run in found] for kind, found in shown.items()},
        "learning curve": {"cells": CELLS, "error": curve},
        "crystal": {"network": [run["crystal"] for run in eight], "nearest training motif": without["crystal"]},
        "exact": without["exact"],
        "speed": done["speed"],
    }


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    errors, speed, exact, curve = (series[name] for name in ("errors", "speed", "exact", "learning curve"))
    memory = series["crystal"]["nearest training motif"]

    def of(kind: str, score: str) -> list[float]:
        return [run[score] for run in series["samples"][kind]]

    def spread(values: list[float] | float) -> str:
        return mean_and_spread(values if isinstance(values, list) else [values])

    linear, hot = errors["PCA-8, canonical positions"]["fixed"], series["crystal"]["network"]
    eight, twelve, sixteen = (errors[f"aligned, {n}"]["fixed"] for n in (8, 12, 16))
    shares, angles = of("aligned, 8", "valid (share)"), of("aligned, 8", "W_angle (degree)")
    midway = [path[STEPS.index(0.5)] for path in series["paths"]["aligned, 8"]]
    return [
        Figure("Gram matrix to positions to alignment, float64 (A)", "1e-10", f"{exact:.0e}", exact < 1e-10),
        Figure("held-out RMSD, 8 latents (A)", f"0.50 and below PCA-8, {linear:.2f} (aim 0.40)",
               spread(eight), max(eight) < min(0.5, linear)),
        Figure("held-out RMSD, 12 latents (A)", "0.33 (aim 0.28)", spread(twelve), max(twelve) < 0.33),
        Figure("held-out RMSD, 16 latents (A)", "0.20 (aim 0.16)", spread(sixteen), max(sixteen) < 0.2),
        Figure("samples of the eight: valid (share)", "0.60 (aim 0.75)", spread(shares), min(shares) > 0.6),
        Figure("samples of the eight: W_angle (degree)", "1.5 (aim 0.7)", spread(angles), max(angles) < 1.5),
        Figure("latent midpoints valid (share)", "0.80 (aim 0.90)", spread(midway), min(midway) >= 0.8),
        Figure("alignments a CPU second / loop over align_vectors", "30 (aim 60)", f"{speed['alignment']:.0f}",
               speed["alignment"] > 30),
        Figure("canonical order of one motif (ms)", "5 (aim 1)", f"{speed['canonical']:.2f}", speed["canonical"] < 5),
        Figure("rattled crystal, RMSD (A)", "0.5 (aim 0.4)", spread(hot), max(hot) < 0.5),
        Figure("rattled crystal, nearest training motif (A)", "reported", spread(memory)),
        *[
            Figure(f"held-out RMSD, {rule} order, {name} (A)", "reported", spread(values[rule]))
            for name, values in errors.items() for rule in RULES
        ],
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


BENCHMARK = Benchmark("synchronisation", all_runs, all_figures, notebook="03")
