"""Fock and overlap matrices of small molecules in many shapes: what made `tutorial_lib/datasets/files/hamiltonians`.

    python scripts/data/make_hamiltonians.py water_rhf_500k            one set, or several, or "all"
    python scripts/data/make_hamiltonians.py all --check               only how well H(Rx) = D H D^T holds

It needs the extra `data` (PySCF). A molecule is relaxed by restricted Hartree-Fock in the basis of the set. Each shape
displaces all its normal modes by independent Gaussians of variance k T / (force constant), the classical distribution
at temperature T if the surface were a parabola, and is turned at random. Shape number n comes from the seed and n
alone; every fifty are kept in --runs, so that an interrupted run goes on. A calculation that does not converge is
counted and left out, and the next shape takes its place.
"""

import argparse
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from tqdm import tqdm

from tutorial_lib.datasets import hamiltonians
from tutorial_lib.models.hamiltonian.basis import change_of_basis, turn
from tutorial_lib.representations import random_rotation
from tutorial_lib.storage import expanded, sign

BOLTZMANN = 3.166811563e-6  # hartree / K
BOHR = 0.529177210903  # A, CODATA 2018
CHUNK = 50  # shapes a file in --runs
CLOSE = {"rhf": 1e-10, "pbe": 1e-5}  # hartree, for H(Rx) = D H D^T; PBE integrates on a grid that does not turn
METHANOL = [
    [-0.05, 0.66, 0],
    [-0.05, -0.76, 0],
    [0.87, -1.05, 0],
    [-1.09, 0.98, 0],
]  # C, O and two H
STARTS = {  # rough shapes, A
    "water": ("OHH", [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]]),
    "ammonia": ("NHHH", [[0, 0, 0.12], [0, 0.94, -0.27], [0.81, -0.47, -0.27], [-0.81, -0.47, -0.27]]),
    "methanol": ("COHHHH", [*METHANOL, [0.44, 1.07, 0.89], [0.44, 1.07, -0.89]]),
}


@dataclass(frozen=True)
class Plan:
    """What a set is made of; temperature in kelvin."""

    molecule: str
    method: str
    basis: str
    temperature: float
    n: int = 1000


PLANS = {
    "water_rhf_500k": Plan("water", "rhf", "sto-3g", 500),
    "ammonia_rhf_500k": Plan("ammonia", "rhf", "sto-3g", 500),
    "water_rhf_300k": Plan("water", "rhf", "sto-3g", 300),
    "methanol_rhf_500k": Plan("methanol", "rhf", "sto-3g", 500),
    "water_rhf_svp_500k": Plan("water", "rhf", "def2-svp", 500, n=200),
    "water_pbe_500k": Plan("water", "pbe", "sto-3g", 500),
    "methanol_pbe_300k": Plan("methanol", "pbe", "sto-3g", 300, n=600),
}


def calculation(symbols: str, positions: np.ndarray, method: str, basis: str):
    """A converged or unconverged calculation of PySCF; positions in angstrom."""
    from pyscf import dft, gto, lib, scf

    lib.num_threads(1)
    molecule = gto.M(atom=list(zip(symbols, positions.tolist(), strict=True)), basis=basis, unit="Angstrom", verbose=0)
    field = scf.RHF(molecule) if method == "rhf" else dft.RKS(molecule, xc="pbe")
    if method == "pbe":
        field.grids.level = 3
    # The energy is second order in the error of the orbitals, the matrix is first order: ask for the gradient.
    field.conv_tol, field.conv_tol_grad, field.max_cycle = 1e-12, 1e-8, 100
    field.kernel()
    return field


def shells_of(molecule) -> hamiltonians.Shells:
    """Atom and l of every shell, in PySCF's order."""
    shells = [(molecule.bas_atom(i), molecule.bas_angular(i), molecule.bas_nctr(i)) for i in range(molecule.nbas)]
    return tuple((atom, degree) for atom, degree, n in shells for _ in range(n))


def minimum_and_modes(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """The relaxed molecule (angstrom), and its vibrations, each as long as one standard deviation at T (angstrom)."""
    symbols, start = STARTS[plan.molecule]

    def energy_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        field = calculation(symbols, flat.reshape(-1, 3) * BOHR, "rhf", plan.basis)
        return field.e_tot, field.nuc_grad_method().kernel().ravel()

    found = minimize(energy_and_slope, np.ravel(start) / BOHR, jac=True, method="BFGS", options={"gtol": 1e-5})
    relaxed = found.x.reshape(-1, 3) * BOHR
    curvature = calculation(symbols, relaxed, "rhf", plan.basis).Hessian().kernel()
    flat = curvature.transpose(0, 2, 1, 3).reshape(2 * [3 * len(symbols)])
    stiffness, modes = np.linalg.eigh((flat + flat.T) / 2)
    if stiffness[6] < 1e-3:  # six directions only shift or turn the molecule
        sys.exit(f"{plan.molecule} is not at a minimum: the softest vibration has {stiffness[6]:.1e} hartree / bohr^2")
    spread = np.sqrt(BOLTZMANN * plan.temperature / stiffness[6:])
    return relaxed, (modes[:, 6:] * spread).T.reshape(-1, len(symbols), 3) * BOHR


def shape(relaxed: np.ndarray, modes: np.ndarray, seed: int, number: int) -> np.ndarray:
    """One displaced and turned molecule, angstrom."""
    generator = np.random.default_rng([seed, number])
    moved = relaxed + np.tensordot(generator.standard_normal(len(modes)), modes, axes=1)
    turned = random_rotation(torch.Generator().manual_seed(int(generator.integers(2**62))), (), torch.float64).numpy()
    return (moved - moved.mean(axis=0)) @ turned.T


def computed(symbols: str, positions: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """The arrays of one shape, in the basis of e3nn; hartree."""
    from pyscf import gto

    numbers = torch.tensor([gto.charge(symbol) for symbol in symbols])
    hamiltonians.check_molecule(numbers, torch.from_numpy(positions))
    field = calculation(symbols, positions, plan.method, plan.basis)
    change = change_of_basis(shells_of(field.mol)).numpy()
    upper = np.triu_indices(len(change))
    return {
        "converged": np.array(field.converged),
        "positions": positions,
        "fock": (change.T @ field.get_fock() @ change)[upper],
        "overlap": (change.T @ field.get_ovlp() @ change)[upper],
        "energy": np.array(field.e_tot),
        "shells": np.array(shells_of(field.mol), np.uint8),
        "numbers": numbers.numpy().astype(np.uint8),
        "n_occupied": np.array(field.mol.nelectron // 2),
    }


def turning_error(plan: Plan, positions: np.ndarray) -> float:
    """The largest entry of H(Qx) - D(Q) H(x) D(Q)^T for a rotation and a rotation with inversion, hartree."""
    symbols, worst = STARTS[plan.molecule][0], 0.0
    here = computed(symbols, positions, plan)
    q = random_rotation(torch.Generator().manual_seed(7), (), torch.float64)
    for act in (q, -q):
        there = computed(symbols, positions @ act.numpy().T, plan)
        d = turn(tuple((int(atom), int(degree)) for atom, degree in here["shells"]), act).numpy()
        meant = d @ hamiltonians.symmetric(here["fock"]) @ d.T
        worst = max(worst, np.abs(hamiltonians.symmetric(there["fock"]) - meant).max())
    return worst


def chunk(plan: Plan, shapes: list[np.ndarray], kept: Path) -> dict[str, np.ndarray]:
    """The arrays of some shapes, from --runs if they are there."""
    if not kept.exists():
        found = [computed(STARTS[plan.molecule][0], positions, plan) for positions in shapes]
        unfinished = kept.with_suffix(".part.npz")
        np.savez(unfinished, **{name: np.stack([one[name] for one in found]) for name in found[0]})
        unfinished.replace(kept)  # an interrupted run leaves no half file behind
    with np.load(kept) as arrays:
        return dict(arrays)


def make(name: str, args: argparse.Namespace) -> None:
    plan = PLANS[name]
    relaxed, modes = minimum_and_modes(plan)
    error = turning_error(plan, shape(relaxed, modes, args.seed, 0))
    print(f"{name}: H(Qx) - D H D^T is at most {error:.1e} hartree")
    if error > CLOSE[plan.method]:
        sys.exit(f"{name}: {CLOSE[plan.method]:g} hartree are allowed")
    if args.check:
        return
    runs = args.runs / f"{name}_seed{args.seed}"
    runs.mkdir(parents=True, exist_ok=True)
    n, parts, skipped, first = args.n or plan.n, [], [], 0
    with tqdm(total=n, desc=name, unit="shape", mininterval=5) as bar:
        while sum(len(part["energy"]) for part in parts) < n:
            shapes = [shape(relaxed, modes, args.seed, number) for number in range(first, first + CHUNK)]
            part = chunk(plan, shapes, runs / f"{first:05d}.npz")
            skipped += (first + np.flatnonzero(~part["converged"])).tolist()
            parts.append({key: array[part["converged"]] for key, array in part.items()})
            bar.update(min(n - bar.n, len(parts[-1]["energy"])))
            first += CHUNK
    arrays = {key: np.concatenate([part[key] for part in parts])[:n] for key in parts[0]}
    for key in ("shells", "numbers", "n_occupied"):
        arrays[key] = arrays[key][0]  # one molecule, so they are the same for all
    del arrays["converged"]
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    sign(path)
    which = f" (shapes {', '.join(map(str, skipped))})" if skipped else ""
    print(f"{name}: {n} shapes, {path.stat().st_size / 1e6:.2f} MB; not converged, left out: {len(skipped)}{which}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", choices=[*PLANS, "all"], help="which sets")
    parser.add_argument("--out", type=expanded, default=hamiltonians.DATA, help="folder of the sets and checksums")
    parser.add_argument("--runs", type=expanded, default="hamiltonian_runs", help="where finished shapes are kept")
    parser.add_argument("--seed", type=int, default=0, help="of displacements and turns")
    parser.add_argument("--n", type=int, help="shapes a set, if not those of the plan")
    parser.add_argument("--check", action="store_true", help="only measure how well matrices turn with the molecule")
    args = parser.parse_args()
    if find_spec("pyscf") is None:
        sys.exit('PySCF is not installed: pip install -e ".[data]"')
    for name in PLANS if "all" in args.sets else args.sets:
        make(name, args)


if __name__ == "__main__":
    main()
