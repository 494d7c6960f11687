"""Cells on a disk to learn from, more than memory holds: a folder of extended XYZ comes in, batches of clouds go out.

A folder is gone through once to see where each cell begins; from then on a cell is read when its turn comes, and
forgotten. In memory are the offsets of the cells, and the clouds of a few cells that are mixed. The shuffle is not
perfect: examples of one cell come near each other, in batches with those of the other cells in memory.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from torch import Generator, Tensor

from tutorial_lib.datasets.structures import frames, read_frame
from tutorial_lib.shapes import check, check_counts
from tutorial_lib.storage import expanded
from tutorial_lib.training.batches import Share

SUFFIXES = (".extxyz", ".xyz")
N_MIXED = 8  # cells whose examples are mixed


class CellFolder:
    """The cells in a folder of extended XYZ, many in a file or one; `n_atoms` of each."""

    def __init__(self, folder: str | Path):
        folder = expanded(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is no folder: pass one that holds files such as cells.extxyz")
        self.files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
        if not self.files:
            packed = " Unpack what is compressed first." if any(folder.glob("*xyz.*")) else ""
            raise FileNotFoundError(f"{folder} holds no file that ends in {' or '.join(SUFFIXES)}.{packed}")
        found = ((index, *place) for index, path in enumerate(self.files) for place in _cells(path))
        self._file, self._offset, self.n_atoms = np.fromiter(found, dtype=np.dtype((np.int64, 3))).T.copy()
        check(len(self), f"the files in {folder} are empty: no cell is there")
        self._species = sorted(set(self._read(0).symbols))

    def __len__(self) -> int:
        return len(self.n_atoms)

    def cell(self, index: int) -> Atoms:
        """One cell, read now; it must hold the one element of the first cell."""
        atoms = self._read(index)
        species = sorted(set(atoms.symbols))
        check(
            species == self._species and len(species) == 1,
            f"{self.where(index)} holds {', '.join(species)} and the first cell {', '.join(self._species)}: "
            "neighbourhoods forget their elements, so keep a single one in a folder",
        )
        return atoms

    def where(self, index: int) -> str:
        """The file of a cell and its number in it, from 1, in words."""
        of_file = self._file[index]
        return f"cell {index - int(np.searchsorted(self._file, of_file)) + 1} of {self.files[of_file]}"

    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with the names of the files and with where cells begin."""
        names = "\n".join(path.name for path in self.files).encode()
        return hashlib.sha256(names + self._offset.tobytes() + self.n_atoms.tobytes()).hexdigest()[:16]

    def _read(self, index: int) -> Atoms:
        with self.files[self._file[index]].open("rb") as file:
            file.seek(self._offset[index])
            try:
                return read_frame(list(islice(file, int(self.n_atoms[index]) + 2)))
            except (ValueError, KeyError, IndexError, OSError) as error:
                raise ValueError(f"{self.where(index)} is no extended XYZ: {error}") from None


class Stream:
    """Batches of clouds from a folder, for `training.train`.

    An epoch goes through so many cells of an endless sequence, in which every cell comes once before any comes twice.
    It depends on the seed and on its own number alone, so that nothing has to be remembered for going on.

    A step has so many shares, and share k takes every cell whose place in the epoch is k, k + shares, ... . With it
    goes a generator, for the noise in the loss. So whoever takes a share, and how many processes there are, does not
    matter. Shares have equally many cells and examples. What is left of the last cells is not seen in this epoch; where
    cells differ in size, or atoms lack neighbours, a share that runs short begins again.

    Args:
        cells: the folder.
        clouds: (N, ...) of a cell, such as the positions of `representations.nearest_neighbours`.
        batch_size: examples a step, of all shares together.
        seed: of the order of cells and examples, and of the noise in the loss.
        shares: of a step.
        mine: the shares of this process; all if None.
        cells_per_epoch: all if None; so many that every share has equally many, at most.
        keep: remember what was read, for folders that fit into memory.
        device: where batches are needed.
    """

    def __init__(
        self,
        cells: CellFolder,
        clouds: Callable[[Atoms], Tensor],
        *,
        batch_size: int,
        seed: int,
        shares: int = 1,
        mine: range | None = None,
        cells_per_epoch: int | None = None,
        keep: bool = False,
        device: torch.device | str = "cpu",
    ):
        self.cells, self.clouds, self.seed, self.shares, self.device = cells, clouds, seed, shares, device
        self.mine = range(shares) if mine is None else mine
        if keep:
            self._clouds = cache(self._clouds)
        check(
            shares > 0 and batch_size > 0 and batch_size % shares == 0,
            f"{batch_size} examples cannot be cut into {shares} equal shares: change one of them",
        )
        if (n_cells := cells_per_epoch or len(cells)) < shares:
            raise ValueError(
                f"an epoch has {n_cells} cells and a step {shares} shares, each of cells of its own: "
                "ask for fewer shares, or give more cells"
            )
        if batch_size > (n := cells.n_atoms.sum()):
            raise ValueError(f"{batch_size} examples a step, and all cells together have {n} atoms: take fewer")
        self.size, self.cells_per_epoch = batch_size // shares, n_cells // shares * shares
        self.n_steps = max(1, int(n) * self.cells_per_epoch // len(cells) // batch_size)

    def steps(self, epoch: int) -> Iterator[list[Share]]:
        """The shares of this process, step by step."""
        cells = self._order(epoch)
        streams = [self._share(epoch, share, cells[share :: self.shares]) for share in self.mine]
        for _ in range(self.n_steps):
            yield [next(stream) for stream in streams]

    def state_dict(self) -> dict[str, Any]:
        """Which data this is, and how it is cut."""
        return {
            "cells": self.cells.digest(),
            "seed": self.seed,
            "shares": self.shares,
            "examples a share": self.size,
            "cells an epoch": self.cells_per_epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make sure that a checkpoint is of these data, cut in the same way."""
        if state != self.state_dict():
            raise ValueError(
                f"the checkpoint is of other data, {state}, and {self.state_dict()} arrived: "
                "resume with the same folder and settings, or choose another path"
            )

    def _order(self, epoch: int) -> np.ndarray:
        first, n = epoch * self.cells_per_epoch, len(self.cells)
        rounds = range(first // n, (first + self.cells_per_epoch - 1) // n + 1)
        order = np.concatenate([np.random.default_rng([self.seed, turn]).permutation(n) for turn in rounds])
        return order[first - rounds[0] * n :][: self.cells_per_epoch]

    def _share(self, epoch: int, share: int, cells: np.ndarray) -> Iterator[Share]:
        of_order, of_noise = np.random.SeedSequence([self.seed, epoch, share]).generate_state(2, np.uint64)
        order, noise = Generator().manual_seed(int(of_order)), Generator(self.device).manual_seed(int(of_noise))
        left, mixtures = [], np.array_split(cells, -(-len(cells) // N_MIXED))
        for mixed in cycle(mixtures):
            mixture = torch.cat([*left, *map(self._clouds, mixed.tolist())])
            mixture = mixture[torch.randperm(len(mixture), generator=order)]
            n_whole = len(mixture) // self.size * self.size
            for start in range(0, n_whole, self.size):
                yield mixture[start : start + self.size].to(self.device), noise
            left = [mixture[n_whole:].clone()]

    def _clouds(self, index: int) -> Tensor:
        atoms = self.cells.cell(index)
        try:
            clouds = self.clouds(atoms)
            check_counts(n_clouds=len(clouds))
        except ValueError as error:
            raise ValueError(f"{self.cells.where(index)}: {error}") from None
        return clouds


def _cells(path: Path) -> Iterator[tuple[int, int]]:
    with path.open("rb") as file:
        for offset, lines in frames(file, path):
            yield offset, len(lines) - 2
