"""Atoms in other people's files: a path comes in, and everything in the file goes out, or an error.

ASE's parsers read a hundred formats. Some leave out what follows the first molecule or a blank line, take `@` in a
name for an index, and call atoms of LAMMPS's type 1 hydrogen. None of this is silent here.
"""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.io import iread, read
from ase.io.formats import UnknownFileTypeError, filetype, get_compression, open_with_compression

from tutorial_lib.shapes import check
from tutorial_lib.storage import expanded

LAMMPS_DATA = re.compile(rb"^\s*\d+\s+atoms\b.*?\bxlo\s+xhi\b", re.MULTILINE | re.DOTALL)
DUMPED = re.compile(rb"^ITEM: ATOMS(.*)$", re.MULTILINE)


def structures(path: str | Path, element: str | Sequence[str] | None = None) -> Iterator[Atoms]:
    """Everything in a file that ASE can read, one structure of at least one atom after the other, in angstrom.

    `element` is its symbol, or those of types 1, 2, ... in this order, where a file says types and no elements.
    """
    path = expanded(path)
    elements = [element] if isinstance(element, str) else list(element or ())
    if wrong := [symbol for symbol in elements if atomic_numbers.get(symbol, 0) < 1]:
        raise ValueError(f"{wrong[0]!r} is no element: give a symbol such as Si")
    check(
        not path.is_file() or path.stat().st_size, f"{path.name} is empty: write your atoms as extended XYZ once more"
    )
    return _checked(path, elements)


def frames(file: io.BufferedIOBase, name: str | Path) -> Iterator[tuple[int, list[bytes]]]:
    """Where each cell of a file of extended XYZ begins, in bytes, and its lines, unread; blank lines are skipped."""
    offset = 0
    while head := file.readline():
        lines = [head]
        if head.strip():
            check(
                head.strip().isdigit(),
                f"{name} is no extended XYZ: a number of atoms is due and {head[:40]!r} is there",
            )
            lines += islice(file, int(head) + 1)
            check(len(lines) >= int(head) + 2, f"{name} ends in the middle of a cell: is it still being written?")
            yield offset, lines
        offset += sum(map(len, lines))


def read_frame(lines: list[bytes]) -> Atoms:
    """One cell of a file of extended XYZ from its lines; the parser's KeyError, IndexError and OSError pass."""
    return read(io.StringIO(b"".join(lines).decode()), format="extxyz")


def _checked(path: Path, elements: list[str]) -> Iterator[Atoms]:
    number, found = 0, _read(path)
    while True:
        try:
            if (one := next(found, None)) is None:
                break
        except UnknownFileTypeError:
            raise ValueError(f"ASE knows no format for {path.name}: write your atoms as .extxyz, for one") from None
        except Exception as problem:  # a hundred parsers, and each has errors of its own
            ask = "is that the symbol of an element, without a charge?" if type(problem) is KeyError else "is it whole?"
            raise ValueError(
                f"{path.name} cannot be read ({type(problem).__name__}: {problem}): {ask} "
                "Extended XYZ is the safest format"
            ) from None
        number += 1
        check(len(one[0]), f"{path.name} holds no atoms in structure {number}: write them as extended XYZ, for one")
        yield _named(*one, elements, path.name)
    check(number, f"{path.name} holds no atoms that ASE finds: write them as extended XYZ, for one")


def _read(path: Path) -> Iterator[tuple[Atoms, bool]]:
    """Each structure, and whether its numbers are types."""
    name, known = str(path.absolute()), ""
    if not path.is_dir():
        with open_with_compression(name, "rb") as file:
            head = file.read(5000)
        xyz = get_compression(name)[0].endswith(("xyz", "XYZ")) or re.match(rb"\s*\d+\s*\n[^\n]*Properties=", head)
        known = "extxyz" if xyz else "lammps-data" if LAMMPS_DATA.search(head) else ""
    known = known or filetype(name)
    if known == "extxyz":
        with open_with_compression(name, "rb") as file:
            yield from (_frame(lines) for _, lines in frames(file, path.name))
        return
    if known in ("sdf", "mol"):
        with open_with_compression(name, "r") as file:
            parts = re.split(r"^\$\$\$\$.*\n?", file.read(), flags=re.MULTILINE)
        yield from ((read(io.StringIO(part), format=known), False) for part in parts if part.strip())
        return
    if known in ("vasp", "gen", "gromacs", "gromos", "proteindatabank"):  # of several in a file, ASE reads one
        with open_with_compression(name, "r") as file:
            _check_whole(known, file.read().rstrip().splitlines())
    columns = DUMPED.search(head) if known == "lammps-dump-text" else None
    typed = known == "lammps-dump-binary" or bool(columns and not {b"element", b"mass"} & set(columns[1].split()))
    for atoms in iread(name, index=":", format=known, do_not_split_by_at_sign=True):
        yield atoms, typed or (known == "lammps-data" and not atoms.has("masses"))


def _frame(lines: list[bytes]) -> tuple[Atoms, bool]:
    """A cell of extended XYZ, and whether its numbers are types: LAMMPS writes those in place of symbols."""
    try:
        return read_frame(lines), False
    except KeyError:
        columns = [line.split(maxsplit=1) for line in lines[2:]]
        if not all(first.isdigit() for first, *_ in columns):
            raise
    atoms = read_frame(lines[:2] + [b"X " + rest for _, rest in columns])
    atoms.numbers[:] = [int(first) for first, _ in columns]
    return atoms, True


def _check_whole(known: str, rows: list[str]) -> None:
    """Refuse a file of which ASE would leave something out."""
    if known == "proteindatabank":
        ends = [i for i, row in enumerate(rows) if row.startswith("ENDMDL")]
        after = rows[ends[-1] :] if ends else []
        check(not any(row.startswith(("ATOM", "HETATM")) for row in after), "its last model has no end")
    elif any(rows[i : i + 2] == rows[:2] for i in range(2, len(rows))):
        raise ValueError("it holds several structures, and ASE reads only the first one in this format")
    elif known == "gromacs" and len(rows) != int(rows[1]) + 3:
        raise ValueError(f"it says {int(rows[1])} atoms in its second line, and has {len(rows) - 3} lines of them")


def _named(atoms: Atoms, typed: bool, elements: list[str], name: str) -> Atoms:
    """The atoms with the elements of their types; those that have elements stay."""
    if not typed and atoms.numbers.any():
        if elements and (other := set(atoms.symbols) - set(elements)):
            raise ValueError(
                f"{name} says {', '.join(sorted(other))}, and element names {', '.join(elements)}: leave it out"
            )
        return atoms
    types = atoms.numbers if typed else atoms.arrays.get("type", np.ones(len(atoms), int))
    check(
        elements,
        f'{name} says types of its atoms at best, and no elements: pass element="Si", for one, or the symbols of '
        "types 1, 2, ... in a list, or to a script by --elements",
    )
    check(
        types.min() >= 1 and types.max() <= len(elements),
        f"{name} holds atoms of type {types.max()}, and {len(elements)} symbols arrived: "
        "give those of types 1, 2, ... in a list",
    )
    atoms.symbols = np.array(elements)[types - 1]
    return atoms
