"""Glasses to learn from: cells of amorphous silicon and of silica, and the crystal of silicon.

The name of a split comes in, or the path of a reader's own cells; `ase.Atoms` go out, positions in angstrom. The
shipped cells were melted and quenched with classical potentials: files/SOURCES.md says how, and which runs were
rejected.
"""

from collections.abc import Sequence
from pathlib import Path

from ase import Atoms
from ase.io import read

from tutorial_lib.datasets.structures import structures
from tutorial_lib.shapes import check
from tutorial_lib.storage import expanded, verified

DATA = Path(__file__).parent / "files"
OTHERWISE = "pass the path of your own cells"
SPLITS = ("train", "validation", "test", "all")


def load_amorphous(split: str | Path, *, data: Path = DATA, element: str | Sequence[str] | None = None) -> list[Atoms]:
    """Cells of amorphous silicon, 512 atoms each; `info` holds how each was made.

    The splits are by cell: atoms of one cell see one another, so that no split by atom is fair.

    Args:
        split: "train" (9 cells), "validation" (1), "test" (4), "all" (14), or the path of a file of your own that ASE
            can read; then all its cells are returned.
        data: the folder of the shipped cells.
        element: its symbol, or those of types 1, 2, ... in this order, where a file of your own says no elements.
    """
    if split in SPLITS:
        return _shipped(data / "amorphous_silicon.extxyz.gz", split)
    path = expanded(split)
    if path.exists():
        return list(structures(path, element))
    if path.suffix or path.parent != Path():
        raise FileNotFoundError(f"there is no file {path}: pass one of {SPLITS}, or a file that ASE can read")
    raise ValueError(f"unknown split {str(path)!r}: pass one of {SPLITS}, or the path of your own cells")


def load_silica(split: str, *, data: Path = DATA) -> list[Atoms]:
    """Cells of silica glass, 648 atoms each: "train" (4 cells), "validation" (1), "test" (3), "all" (8)."""
    check(split in SPLITS, f"unknown split {split!r}: pass one of {SPLITS}")
    return _shipped(data / "silica.extxyz.gz", split)


def _shipped(path: Path, split: str) -> list[Atoms]:
    cells = read(verified(path, otherwise=OTHERWISE), index=":", format="extxyz")
    return [atoms for atoms in cells if split in (atoms.info["split"], "all")]


def crystal() -> Atoms:
    """The diamond crystal at the experimental lattice constant, a periodic cell of 512 atoms."""
    return read(verified(DATA / "crystal.extxyz.gz", otherwise=OTHERWISE), format="extxyz")
