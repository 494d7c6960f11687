import dataclasses
import re
from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from tutorial_lib import datasets, metrics
from tutorial_lib.datasets import silicon
from tutorial_lib.metrics import network
from tutorial_lib.representations import neighbour_pairs


@pytest.fixture(scope="session")
def cells():
    return datasets.load_amorphous("all")


def test_the_splits_are_nine_one_and_four_independent_cells(cells):
    splits = {name: datasets.load_amorphous(name) for name in ("train", "validation", "test")}
    assert {name: len(found) for name, found in splits.items()} == {"train": 9, "validation": 1, "test": 4}
    assert len({atoms.info["seed"] for found in splits.values() for atoms in found}) == len(cells) == 14
    assert {len(atoms) for atoms in cells} == {512}
    folded = [np.sort(atoms.get_scaled_positions(), axis=0) for atoms in cells]
    assert min(np.abs(one - other).max() for one, other in combinations(folded, 2)) > 1e-3


def test_every_shipped_cell_passes_every_gate_and_lies_above_the_crystal(cells):
    qualities = [metrics.network_quality(atoms) for atoms in cells]
    assert [quality.failed_gates() for quality in qualities] == [[]] * 14
    for quality in qualities:
        assert quality.three_fold + quality.four_fold + quality.five_fold + quality.n_outside / 512 == pytest.approx(1)
    energies = [atoms.info["chgnet_eV_per_atom_above_crystal"] for atoms in cells]
    assert 0.05 < min(energies) < max(energies) < 0.25


def test_the_crystal_is_perfect_and_fully_crystalline():
    quality = metrics.network_quality(datasets.crystal())
    assert quality.four_fold == quality.crystalline == quality.eight_neighbours == 1
    assert quality.angle_mean == pytest.approx(109.471, abs=1e-3)
    assert quality.angle_std == pytest.approx(0, abs=1e-4)
    assert quality.bond_mean == pytest.approx(2.352, abs=1e-3)
    assert quality.density == pytest.approx(2.329, abs=1e-3)


def test_hexagonal_diamond_is_not_what_the_crystalline_share_counts_nor_all_of_a_warm_crystal():
    wurtzite = bulk("SiSi", "wurtzite", a=3.84, c=6.27).repeat((4, 4, 3))
    quality = metrics.network_quality(wurtzite)
    assert (quality.four_fold, quality.crystalline) == (1, 0)
    warm = datasets.crystal()
    warm.rattle(0.3, seed=0)
    assert metrics.network_quality(warm).crystalline < 0.9


def test_each_gate_can_fail():
    good = metrics.network_quality(datasets.load_amorphous("validation")[0])
    for field, value in [
        ("four_fold", 0.949), ("n_outside", 2), ("angle_mean", 109.6), ("angle_mean", 108.4), ("angle_std", 11.1),
        ("crystalline", 0.051), ("density", 2.22), ("density", 2.31), ("eight_neighbours", 0.98),
    ]:  # fmt: skip
        assert len(dataclasses.replace(good, **{field: value}).failed_gates()) == 1


def test_the_radial_distribution_counts_the_crystals_shells():
    r, g = metrics.radial_distribution([datasets.crystal()], cutoff=5.0, bin_width=0.1)
    density = 8 / 5.431**3
    shells = np.diff(4 / 3 * np.pi * np.arange(0, 5.01, 0.1) ** 3)
    counts = (g * shells * density).round(6)
    assert counts[counts > 0].tolist() == [4, 12, 12]
    np.testing.assert_allclose(r[counts > 0], [2.35, 3.85, 4.55], atol=0.051)


@pytest.mark.parametrize("degrees", [0, 1e-6, 180 - 1e-6, 180])
def test_bond_angles_near_a_straight_line_are_exact(degrees):
    bonds = np.array([[1, 1, 1], [1, 1, 1]]) * np.cos([[0], [np.radians(degrees)]])
    bonds = bonds + np.array([[1, -1, 0]]) * 1.5**0.5 * np.sin([[0], [np.radians(degrees)]])
    assert network.bond_angles(np.array([0, 0]), bonds) == pytest.approx(degrees, abs=1e-12 + 1e-15 * degrees)


def test_a_readers_own_cells_are_read_and_what_is_none_is_named(tmp_path):
    own = bulk("Si", "diamond", a=5.5, cubic=True).repeat(2)
    write(tmp_path / "own.extxyz", [own, own])
    for path in (tmp_path / "own.extxyz", str(tmp_path / "own.extxyz")):
        found = datasets.load_amorphous(path)
        assert len(found) == 2
        np.testing.assert_allclose(found[0].cell.array, own.cell.array)
    with pytest.raises(ValueError, match=r"unknown split 'tset'.*train.*validation.*test.*all.*path"):
        datasets.load_amorphous("tset")
    with pytest.raises(FileNotFoundError, match=r"missing\.extxyz"):
        datasets.load_amorphous(tmp_path / "missing.extxyz")
    (tmp_path / "cells.txt").write_text("not a cell")
    with pytest.raises(ValueError, match=r"no format for cells\.txt.*\.extxyz"):
        datasets.load_amorphous(tmp_path / "cells.txt")


def test_sources_name_every_seed_and_the_judge(cells):
    text = (silicon.DATA / "SOURCES.md").read_text()
    table = re.findall(r"^\| (\d+) \| (train|validation|test) \|", text, flags=re.MULTILINE)
    assert table == [(str(atoms.info["seed"]), atoms.info["split"]) for atoms in [*cells, *datasets.load_silica("all")]]


def test_a_cell_with_vacuum_has_no_radial_distribution_a_cluster_no_quality_and_one_place_no_angle(cell):
    slab = cell.copy()
    slab.center(vacuum=20, axis=2)
    slab.pbc = [True, True, False]
    for cells in (slab, [cell, slab]):
        with pytest.raises(ValueError, match="not periodic in all directions, so it has no density"):
            metrics.radial_distribution(cells)
    with pytest.raises(ValueError, match="pbc = True"):
        metrics.network_quality(Atoms("Si8", np.eye(8, 3)))
    for length in (0, 1e-15, 1e-3):
        with pytest.raises(ValueError, match="two atoms stand at one place"):
            network.bond_angles(np.array([0, 0]), np.array([[2.35, 0, 0], [0, length, 0]]))
    with pytest.raises(ValueError, match="no atom has two bonds"):
        network.bond_angles(np.array([0, 1]), np.eye(3)[:2])


@pytest.mark.parametrize("bin_width", [0.05, 0.07, 0.9, 4.0, 6.0])
def test_bins_end_at_the_cutoff(cell, bin_width):
    r, g = metrics.radial_distribution(cell, cutoff=6.0, bin_width=bin_width)
    width = 2 * r[0]
    assert width <= bin_width * (1 + 1e-9)
    assert r[-1] + width / 2 == pytest.approx(6.0)
    edges = np.append(r - width / 2, 6.0)
    pairs = len(cell) ** 2 / cell.get_volume() * (g * 4 / 3 * np.pi * np.diff(edges**3)).sum()
    assert pairs == pytest.approx(len(neighbour_pairs(cell, 6.0)[0]))
