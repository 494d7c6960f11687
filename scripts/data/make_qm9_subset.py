"""Draw the QM9 molecules of notebook 08 and write them into the library, in a minute.

pip download qm9pack==1.0.3 --no-deps
python scripts/data/make_qm9_subset.py qm9pack-1.0.3-py3-none-any.whl

The wheel is QM9's first author's, under the MIT licence, and is read without installing it. Its checksum, its licence
and the number of molecules are checked. A seeded draw gives the same molecules everywhere.
"""

import argparse
import hashlib
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from ase import Atoms
from tqdm import tqdm

from tutorial_lib.datasets import qm9
from tutorial_lib.storage import expanded, sign

LICENCE = "qm9pack-1.0.3.dist-info/LICENSE"
SIZES = {"5-18": (5, 18), "19": (19, 19), "23": (23, 23), "25-29": (25, 29)}
N_TRAIN, N_VALIDATION, N_TEST = 1000, 500, 1000


def checked(wheel: Path) -> Path:
    """The path of the wheel, if it is the one that is meant and its licence allows what we do."""
    if not wheel.exists():
        sys.exit(f"{wheel} is not there: pip download qm9pack==1.0.3 --no-deps")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != qm9.SHA256:
        sys.exit(f"{wheel.name} has SHA-256 {found}, and {qm9.SHA256} is meant: fetch {qm9.WHEEL} again")
    with zipfile.ZipFile(wheel) as archive:
        licence = archive.read(LICENCE).decode()
    if not licence.startswith("MIT License"):
        sys.exit(f"{wheel.name} is not under the MIT licence any more: read {LICENCE} in it")
    return wheel


def draw(sizes: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Which molecules are in which split: places in the list of all, by the numbers of atoms."""
    generator = np.random.default_rng(seed)
    small, *large = (generator.permutation(np.flatnonzero((sizes >= a) & (sizes <= b))) for a, b in SIZES.values())
    cuts = np.cumsum([N_TRAIN, N_VALIDATION, N_TEST])
    train, validation, test = np.split(small[: cuts[-1]], cuts[:-1])
    return {"train": train, "validation": validation, "5-18": test} | {
        name: places[:N_TEST] for name, places in zip(list(SIZES)[1:], large, strict=True)
    }


def packed(molecules: list[Atoms]) -> dict[str, np.ndarray]:
    """Molecules as flat arrays: counts, numbers, positions (angstrom), QM9's indices and SMILES."""
    return {
        "counts": np.array([len(atoms) for atoms in molecules], np.uint8),
        "numbers": np.concatenate([atoms.numbers for atoms in molecules]).astype(np.uint8),
        "positions": np.concatenate([atoms.positions for atoms in molecules]).astype(np.float32),
        "index": np.array([atoms.info["index"] for atoms in molecules], np.int32),
        "smiles": np.array([atoms.info["smiles"] for atoms in molecules]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=expanded, help=qm9.WHEEL)
    parser.add_argument("--out", type=expanded, default=qm9.DATA, help="folder of the molecules and their checksum")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    args = parser.parse_args()
    wheel = checked(args.wheel)
    everyone = list(tqdm(qm9.read(wheel), total=qm9.N_MOLECULES, desc="reading", unit="molecule"))
    if len(everyone) != qm9.N_MOLECULES:
        sys.exit(f"{len(everyone)} molecules arrived, {qm9.N_MOLECULES} were expected")
    chosen = draw(np.array([len(atoms) for atoms in everyone]), args.seed)
    arrays = {}
    for split, places in chosen.items():
        molecules = [everyone[i] for i in places]
        arrays |= {f"{split}_{name}": array for name, array in packed(molecules).items()}
        counts = Counter(symbol for atoms in molecules for symbol in atoms.symbols)
        print(f"{split}: {len(molecules)} molecules, {counts.total()} atoms {dict(counts)}")
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / qm9.SUBSET, **arrays)
    sign(args.out / qm9.SUBSET)
    print(f"{(args.out / qm9.SUBSET).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
