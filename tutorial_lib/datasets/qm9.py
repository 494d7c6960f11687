"""Real molecules: the name of a split or a path of a reader's own comes in, `ase.Atoms` go out.

QM9 enumerates molecules of up to nine atoms of carbon, nitrogen, oxygen and fluorine, with their hydrogen, relaxed by
density-functional theory (B3LYP/6-31G(2df,p)); 130,831 of 133,885 passed a check of consistency, and are here: R.
Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, Sci. Data 1, 140022 (2014). `scripts/data/make_qm9_subset.py`
drew the shipped 5,500 from its author's package. Its computed properties are left behind.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from tutorial_lib.datasets.structures import structures
from tutorial_lib.shapes import check, check_one_of
from tutorial_lib.storage import expanded, verified

DATA = Path(__file__).parent / "files" / "qm9"
SUBSET = "qm9_subset.npz"
SPLITS = ("train", "validation", "5-18", "19", "23", "25-29")
WHEEL = "qm9pack-1.0.3-py3-none-any.whl"
SHA256 = "1d88c2988007c6778e717ee3224cf511bd60e10732ebe3b7ed500ea5af05c9f0"
N_MOLECULES = 130_831
TABLES = tuple(f"qm9pack/data/qm9_part{part}.csv" for part in (1, 2, 3))


def load(split: str, *, data: Path = DATA) -> list[Atoms]:
    """One part of the shipped molecules, in angstrom; `info` holds "index", QM9's number, and "smiles".

    "train" (1,000 molecules of 5 to 18 atoms), "validation" (500 others), or one of the four tests, 1,000 each, named
    by the numbers of atoms: "5-18", "19", "23", "25-29". No molecule is in two parts.
    """
    check_one_of(SPLITS, split=split)
    with np.load(verified(data / SUBSET, otherwise="make it again with scripts/data/make_qm9_subset.py")) as arrays:
        counts, numbers, places, index, smiles = (
            arrays[f"{split}_{what}"] for what in ("counts", "numbers", "positions", "index", "smiles")
        )
    parts = np.cumsum(counts)[:-1]
    return [
        Atoms(z, x.astype(float), info={"index": int(i), "smiles": str(s)})
        for z, x, i, s in zip(np.split(numbers, parts), np.split(places, parts), index, smiles, strict=True)
    ]


def read(path: str | Path, *, element: str | Sequence[str] | None = None) -> Iterator[Atoms]:
    """Molecules of a file of your own, one after the other: the whole of QM9, or anything that ASE can read.

    Args:
        path: the wheel of qm9pack (`pip download qm9pack==1.0.3 --no-deps`), or a file such as extended XYZ.
        element: its symbol, or those of types 1, 2, ... in this order, where a file says no elements.
    """
    path = expanded(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; all of QM9: pip download qm9pack==1.0.3 --no-deps")
    return (_atoms(row) for row in rows(path)) if path.suffix == ".whl" else structures(path, element)


def rows(wheel: Path) -> Iterator[dict[str, str]]:
    """The rows of QM9's tables, read from the wheel of qm9pack 1.0.3 without installing it."""
    again = f"fetch it again: pip download {WHEEL.split('-py3')[0].replace('-', '==')} --no-deps"
    row = None
    try:
        with zipfile.ZipFile(wheel) as archive:
            for table in TABLES:
                with archive.open(table) as raw:
                    for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
                        yield row
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as problem:
        raise ValueError(f"{wheel.name} is cut off or another file ({problem}): {again}") from None
    check(row is not None, f"{wheel.name} holds no molecules: {again}")


def _atoms(row: dict[str, str]) -> Atoms:
    symbols = row["Elements"].strip("[]").replace("'", "").split(",")
    # Numbers such as "0." are no JSON.
    flat = [float(number) for number in row["XYZ_Ang"].replace("[", "").replace("]", "").split(",")]
    return Atoms(symbols, np.reshape(flat, (-1, 3)), info={"index": int(row["Index"]), "smiles": row["SMILES"]})
