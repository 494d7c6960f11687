"""Notebook 12's figures: whole cells of amorphous silicon from noise, beside held-out cells and beside what is cheaper.

Every training makes eight cells of 512 atoms, all with one setting, which was named before on the validation cell.
Cells are judged as they were made, against the four test cells, whose own scores beside each other are the floor. The
training of seed 0 is the shipped one, which scripts/train/denoiser.py repeats to the last bit.

The melt-quenches and the price of an expensive potential need the extra `data` in the same environment.
"""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from ase import Atoms, units
from ase.io import read
from ase.md.verlet import VelocityVerlet
from torch import Generator

from benchmarks.harness.store import TOP, Call, Runs
from benchmarks.harness.table import Benchmark, Figure, mean_and_spread
from tutorial_lib import datasets, metrics, representations, training
from tutorial_lib.models import denoiser
from tutorial_lib.models.denoiser import Denoiser, sampling
from tutorial_lib.training import recipes

N_ATOMS, N_CELLS = 512, 8
LEVELS, TEMPERATURES = (500, 1000, 2000), (0.4, 0.6, 1.0)
SIZES = (64, 216, 1000, 4096)
TRICLINIC = np.array([[1.0, 0, 0], [0.25, 1.1, 0], [-0.2, 0.15, 0.9]])
NOISES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.9)  # A
SHORT = 900  # steps
NETWORKS = ("the whole network", "no angles along edges", "one round")  # trained so shortly
WITHOUT = ("a lattice to start from", "cold steps", "a slow window")  # what the sampler lacks
CONTROLS = ("shaken lattice", "shaken lattice, minimised", "shaken crystal")
SHAKEN_CRYSTAL = 0.2  # A
RATES = ("1e13", "3e12")  # K/s
N_TIMED = 5  # steps of dynamics with an expensive potential
FOUR_FOLD, SPREAD, ENERGY, MINIMISED = (
    "four-fold (share)",
    "angle spread (degree)",
    "energy (eV)",
    "energy, minimised (eV)",
)


def cells() -> tuple[list[Atoms], ...]:
    """Test, training and validation cells."""
    return tuple(datasets.load_amorphous(split) for split in ("test", "train", "validation"))


def trained(seed: int, steps: int = recipes.DENOISER_STEPS, kind: str = NETWORKS[0]) -> tuple[Denoiser, float]:
    """A network as `scripts/train/denoiser.py` trains it, or one that lacks something, and its CPU seconds."""
    known = datasets.load_amorphous("train")
    network = denoiser.denoiser_for(known, seed=seed, **({"n_rounds": 1} if kind == NETWORKS[2] else {}))
    if kind == NETWORKS[1]:
        for layer in (network.angles, *network.messages):
            torch.nn.init.zeros_(layer.weight.requires_grad_(False))
    began, recipe = time.process_time(), recipes.denoiser(len(known), seed, steps=steps)
    loss = denoiser.denoising_loss(network, known)
    training.train(network, torch.arange(len(known)), loss, recipe, device="cpu", progress=False)
    return network, time.process_time() - began


def errors(network: Denoiser) -> dict[str, float]:
    """The mean square error at each noise on the validation cell, which stands for three draws of it."""
    validation = datasets.load_amorphous("validation") * 3
    return {str(noise): denoiser.noise_error(network, validation, noise) for noise in NOISES}


def made(
    network: Denoiser, seed: int, *, n_cells: int = N_CELLS, without: str = "", **how
) -> tuple[list[Atoms], float]:
    """Cells, and the CPU seconds of one."""
    found, began = [], time.process_time()
    levels, temperature = how.pop("levels", sampling.N_LEVELS), how.pop("temperature", sampling.TEMPERATURE)
    for number in range(n_cells):
        generator = Generator().manual_seed(1000 * seed + number)
        atoms = denoiser.shaken_lattice(network, how.get("n_atoms", N_ATOMS), generator=generator, cell=how.get("cell"))
        if without == WITHOUT[0]:
            shares = torch.rand(len(atoms), 3, generator=generator, dtype=torch.float64).numpy()
            atoms.positions = shares @ atoms.cell.array
        slow = denoiser.noise_levels(levels)
        if without == WITHOUT[2]:
            slow = np.linspace(sampling.SHAKEN, sampling.SLOW[1], levels).tolist()
        tau = 1.0 if without == WITHOUT[1] else temperature
        *_, (_, atoms) = denoiser.quench(network, atoms, slow, generator=generator, temperature=tau)
        found.append(atoms)
    return found, (time.process_time() - began) / n_cells


def scores(found: list[Atoms], beside: str = "test") -> dict:
    """All metrics of cells, and of each the ones that a reader asks for first."""
    test, train, validation = cells()
    if beside != "test":  # one more cell is needed, which then is none of training
        test, train = [*validation, train[0]], train[1:]
    compared = metrics.compare_cells(found, test, train)
    qualities = [metrics.network_quality(atoms) for atoms in found]
    return {
        "score": compared.score,
        "floor": compared.floor,
        "four-fold": [quality.four_fold for quality in qualities],
        "rings": np.mean([metrics.rings_per_atom(atoms) for atoms in found], axis=0).tolist(),
        "S(q)": np.nanmean([metrics.structure_factor(atoms)[1] for atoms in found], axis=0).tolist(),
        "variety (A)": variety(found[:4]),
        "variety of held-out cells (A)": variety(test),
    }


def variety(found: list[Atoms]) -> float:
    """The mean distance of motifs of one cell to the nearest ones of another: small where all cells are alike."""
    motifs = [representations.nearest_neighbours(atoms).positions.float() for atoms in found]
    return float(np.mean([metrics.mean_miss(one, other) for one, other in pairwise(motifs)]))


def measured(seed: int) -> dict:
    """One training, its cells, and what they are worth."""
    network, seconds = trained(seed) if seed else (denoiser.trained_denoiser(), None)
    found, a_cell = made(network, seed)
    return scores(found) | {"training (s)": seconds, "a cell (s)": a_cell, "error of the noise": errors(network)}


def lacking(without: str) -> dict:
    """Two cells of the shipped network, made without something."""
    found, a_cell = made(denoiser.trained_denoiser(), 0, n_cells=2, without=without)
    return scores(found) | {"a cell (s)": a_cell}


def shortly(kind: str) -> dict:
    """A short training of a network, or of one that lacks something."""
    network, seconds = trained(0, SHORT, kind)
    return {"training (s)": seconds, "error of the noise": errors(network)}


def scanned(levels: int, temperature: float) -> dict:
    """Two cells of the shipped network, judged beside cells that are not the test cells."""
    found, a_cell = made(denoiser.trained_denoiser(), 7, n_cells=2, levels=levels, temperature=temperature)
    return scores(found, "validation") | {"a cell (s)": a_cell}


def sized(n_atoms: int, triclinic: bool = False) -> dict:
    """One cell of the shipped network of another size or shape, beside what 512 atoms give."""
    cell = TRICLINIC if triclinic else None
    found, a_cell = made(denoiser.trained_denoiser(), 8, n_cells=1, n_atoms=n_atoms, cell=cell)
    quality = metrics.network_quality(found[0])
    figures = {"four-fold": quality.four_fold, "crystalline": quality.crystalline, "a cell (s)": a_cell}
    if n_atoms == max(SIZES):  # for a picture
        figures |= {
            "positions (A)": found[0].get_positions(wrap=True).round(2).tolist(),
            "cell (A)": found[0].cell.tolist(),
        }
    return figures


def controlled(name: str) -> dict:
    """What no generator has made, judged by the same rule."""
    network, found = denoiser.trained_denoiser(), []
    for number in range(2):
        generator = Generator().manual_seed(number)
        atoms = denoiser.shaken_lattice(network, N_ATOMS, generator=generator)
        if name == CONTROLS[2]:
            atoms = datasets.crystal()
            atoms.rattle(SHAKEN_CRYSTAL, seed=number)
        found.append(metrics.minimised(atoms) if name == CONTROLS[1] else atoms)
    return scores(found)


def quenched(rate: str) -> dict:
    """Two melt-quenches with the potential and the script that made the data, and the CPU seconds of one."""
    with TemporaryDirectory() as folder:
        script = [sys.executable, "scripts/data/make_amorphous_silicon.py", "--runs", folder, "quench"]
        began = sum(os.times()[2:4])
        subprocess.run([*script, "--rate", rate, "--seeds", "101-102", "--jobs", "1"], cwd=TOP, check=True)  # noqa: S603 - our own words
        seconds = sum(os.times()[2:4]) - began
        found = [read(path) for path in sorted(Path(folder).glob("*.extxyz"))]
    return scores(found) | {"a cell (s)": seconds / len(found)}


def priced() -> dict:
    """Energies under CHGNet (eV an atom above the crystal) as cells stand, and the CPU seconds of a step with it."""
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import CHGNet

    calculator = CHGNetCalculator(CHGNet.load(verbose=False), use_device="cpu")
    network, test = denoiser.trained_denoiser(), cells()[0]
    start = denoiser.shaken_lattice(network, N_ATOMS, generator=Generator().manual_seed(0))
    some = {"made": made(network, 0, n_cells=2)[0], "held-out": test[:2], CONTROLS[1]: [metrics.minimised(start)]}
    crystal = calculator.get_potential_energy(datasets.crystal()) / N_ATOMS
    energies = {
        name: [calculator.get_potential_energy(atoms) / len(atoms) - crystal for atoms in found]
        for name, found in some.items()
    }
    moving = test[0].copy()
    moving.calc = calculator
    began = time.process_time()
    VelocityVerlet(moving, 2 * units.fs).run(N_TIMED)
    return {"energy (eV)": energies, "a step (s)": (time.process_time() - began) / (N_TIMED + 1)}


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Trainings, the scan, sizes, ablations and controls."""
    calls = {f"seed {seed}": Call(measured, seed) for seed in seeds}
    calls |= {f"{levels}, {tau}": Call(scanned, levels, tau) for levels in LEVELS for tau in TEMPERATURES}
    calls |= {f"{n} atoms": Call(sized, n) for n in (*SIZES, N_ATOMS)} | {"triclinic": Call(sized, 700, True)}
    calls |= {f"without {what}": Call(lacking, what) for what in WITHOUT}
    calls |= {f"{kind}, {SHORT} steps": Call(shortly, kind) for kind in NETWORKS}
    calls |= {name: Call(controlled, name) for name in CONTROLS}
    calls |= {f"melt-quench at {rate} K/s": Call(quenched, rate) for rate in RATES} | {"CHGNet": Call(priced)}
    return runs.by_key(calls) | {"seeds": seeds}


def all_figures(series: dict) -> list[Figure]:
    """The table; the mean over trainings passes or not."""
    runs = [series[f"seed {seed}"] for seed in series["seeds"]]
    floor = runs[0]["floor"]

    def row(name: str, limit: float, aim: float, *, more: bool = False, over: bool = False, digits: int = 3) -> Figure:
        values = [run["score"][name] / (floor[name] if over else 1) for run in runs]
        mean = sum(values) / len(values)
        beside = f"{limit:g} (aim {aim:g}); held-out {1 if over else floor[name]:.{digits}f}"
        passes = mean >= limit if more else mean <= limit
        return Figure(f"{name}{' / floor' if over else ''}", beside, mean_and_spread(values, digits), passes)

    figures = [
        row(FOUR_FOLD, 0.955, 0.97, more=True),
        row(SPREAD, 11.2, 10.2, digits=1),
        row(ENERGY, 0.295, 0.24),
        row(MINIMISED, 0.285, 0.235),
        row("rings, off", 1.5, 1, over=True, digits=2),
        row("S(q), off", 2.2, 1.3, over=True, digits=2),
        row("AUC of motifs", 0.68, 0.58),
        row("motifs near training (share)", 0.05, 0.05),
        row("crystalline (share)", 0.05, 0.05),
    ]
    small = [run["score"]["S at small q"] / floor["S at small q"] for run in runs]
    figures.append(
        Figure("S at small q / floor", "0.5 to 2", mean_and_spread(small), all(0.5 <= x <= 2 for x in small))
    )
    various = [run["variety (A)"] / run["variety of held-out cells (A)"] for run in runs]
    figures.append(Figure("variety between cells / held-out", "reported", mean_and_spread(various)))
    for name, limit, aim in (("training (s)", 5400, 1800), ("a cell (s)", 120, 30)):
        values = [run[name] for run in runs]
        values = [value for value in values if value is not None]  # seed 0 comes from its file
        if values:
            figures.append(Figure(name, f"{limit} (aim {aim})", mean_and_spread(values, 0), max(values) <= limit))
    usual = series["512 atoms"]
    for name in ("4096 atoms", "triclinic"):
        off = abs(series[name]["four-fold"] - usual["four-fold"])
        words = f"{series[name]['four-fold']:.3f} beside {usual['four-fold']:.3f}"
        figures.append(Figure(f"{name}: four-fold", "within 0.02 of 512 atoms", words, off <= 0.02))
    cost = series["4096 atoms"]["a cell (s)"] / usual["a cell (s)"] / (4096 / N_ATOMS)
    figures.append(Figure("cost an atom, 4,096 over 512", "1.3 (aim 1.1)", f"{cost:.2f}", cost <= 1.3))
    for name, run in series.items():
        if "score" in run and not name.startswith("seed"):
            words = ", ".join(f"{run['score'][what]:.3f}" for what in (FOUR_FOLD, ENERGY, MINIMISED))
            figures.append(Figure(f"{name}: four-fold, energy, minimised", "reported", words))
            more = [run["variety (A)"] / run["variety of held-out cells (A)"], run.get("a cell (s)", 0)]
            figures.append(Figure(f"{name}: variety / held-out, CPU s", "reported", f"{more[0]:.2f}, {more[1]:.0f}"))
        elif name.endswith("steps"):
            words = ", ".join(f"{run['error of the noise'][noise]:.3f}" for noise in ("0.3", "0.45"))
            figures.append(Figure(f"{name}: error at 0.3 and 0.45 A", "reported", words))
    price = series["CHGNet"]
    for name, energies in price["energy (eV)"].items():
        figures.append(Figure(f"CHGNet: {name}, energy (eV)", "reported", mean_and_spread(energies, 3)))
    figures.append(Figure("CHGNet: CPU s a step of 512 atoms", "reported", f"{price['a step (s)']:.1f}"))
    return figures


BENCHMARK = Benchmark("whole_glass", all_runs, all_figures, notebook="12")
