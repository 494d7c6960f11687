import numpy as np
import pytest
from ase import Atoms

from scripts.data import make_silica as script
from tutorial_lib import metrics
from tutorial_lib.metrics import species


@pytest.fixture(scope="module")
def cristobalite():
    return script.crystal(n_repeat=2)


def test_ideal_cristobalite_is_a_whole_network_of_tetrahedra_with_straight_bridges(cristobalite):
    quality = metrics.silica_quality(cristobalite)
    assert (quality.silicon_four_fold, quality.oxygen_two_fold) == (1, 1)
    assert quality.inside == pytest.approx(109.471, abs=1e-3)
    assert quality.between == pytest.approx(180)
    assert quality.density == pytest.approx(2.20, abs=0.01)
    assert metrics.silica_rings(cristobalite, longest=7).tolist() == [0, 0, 0, 2, 0]
    assert script.failed_gates(quality) == []


def test_a_missing_oxygen_breaks_a_bridge_and_a_moved_one_bends_it(cristobalite):
    oxygen = next(atom.index for atom in cristobalite if atom.symbol == "O")
    moved = cristobalite.copy()
    moved.positions[oxygen] += (0.1, 0.2, 0)
    assert metrics.silica_quality(moved).between.min() < 175
    del moved[oxygen]
    quality = metrics.silica_quality(moved)
    assert quality.silicon_four_fold == pytest.approx(62 / 64)
    assert quality.oxygen_two_fold == 1
    assert script.failed_gates(quality) == []
    del moved[[atom.index for atom in moved if atom.symbol == "O"][:3]]
    assert "of silicon four-fold, at least 95 % asked" in script.failed_gates(metrics.silica_quality(moved))[0]


def test_partial_distributions_have_the_first_shells_and_are_one_far_away_in_a_gas(cristobalite, gas):
    r, found = metrics.partial_distributions([cristobalite])
    bond = 7.13 * 3**0.5 / 8
    for pair, distance in (("O-Si", bond), ("O-O", bond * (8 / 3) ** 0.5), ("Si-Si", 2 * bond)):
        assert r[found[pair] > 0][0] == pytest.approx(distance, abs=0.03), pair
    r, found = metrics.partial_distributions([gas])
    assert all(curve[r > 2].mean() == pytest.approx(1, abs=0.03) for curve in found.values())
    elements = metrics.partial_distributions([gas[gas.symbols == "O"]], 6.0)[1]["O-O"]
    assert elements == pytest.approx(metrics.radial_distribution(gas[gas.symbols == "O"])[1] * 800 / 799)
    with pytest.raises(ValueError, match="one Si alone has no g"):
        metrics.partial_distributions([gas[1:5]])


@pytest.fixture(scope="module")
def gas():
    places = np.random.default_rng(0).uniform(0, 24, (1200, 3))
    return Atoms("SiO2" * 400, places, cell=24 * np.eye(3), pbc=True)


def rattled(atoms, amount, seed):
    moved = atoms.copy()
    moved.rattle(amount, seed=seed)
    return moved


def test_cells_like_those_held_out_reach_the_floor_and_others_stay_above_it_in_every_row(cristobalite):
    real = [rattled(cristobalite, 0.08, seed) for seed in range(6)]
    alike = metrics.compare_silica(real[:2], real[2:4], real[4:])
    other = metrics.compare_silica([rattled(cristobalite, 0.2, 9)], real[2:4], real[4:])
    for name, floor in alike.floor.items():
        if name.startswith(("near", "strongest")):
            continue
        if "fold" in name:
            assert other.score[name] < floor == alike.score[name] == 1
        elif name.startswith("AUC"):
            assert alike.score[name] == pytest.approx(0.5, abs=0.1)
            assert other.score[name] > 0.8
        else:
            assert alike.score[name] == pytest.approx(floor, rel=0.5, abs=0.02)
            assert other.score[name] > 1.5 * floor
    assert other.score["strongest wave"] < 75 < alike.score["strongest wave"]
    assert other.score["nearest atoms (A)"] < alike.score["nearest atoms (A)"]
    copies = metrics.compare_glasses(real[4:], real[2:4], real[4:]).score
    assert copies["near training, Si"] == copies["near training, O"] == 1


def test_another_density_and_holes_are_warned_of(cristobalite):
    wide = cristobalite.copy()
    wide.set_cell(1.01 * wide.cell, scale_atoms=True)
    with pytest.warns(UserWarning, match=r"holds 0.0428 O .* real ones 0.0441 to 0.0441: .* another material"):
        metrics.compare_glasses([wide], [cristobalite], [cristobalite])
    far = cristobalite[np.random.default_rng(0).random(len(cristobalite)) < 0.4]
    with pytest.warns(UserWarning, match=r"atoms have fewer than eight others within 5 A and are left out"):
        assert len(species.motifs([far], "Si")) < sum(far.symbols == "Si")


def test_other_cells_are_refused(cristobalite, gas):
    silicon = cristobalite[cristobalite.symbols == "Si"]
    for what in (metrics.silica_quality, metrics.silica_rings):
        with pytest.raises(ValueError, match="the cell holds Si"):
            what(silicon)
    with pytest.raises(ValueError, match=r"holds Si64, and another one O128Si64: compare cells of the same species"):
        metrics.compare_glasses([silicon], [cristobalite], [cristobalite])
    with pytest.raises(ValueError, match="n_made must be"):
        metrics.compare_glasses([], [gas], [gas])


def test_the_quench_takes_as_long_as_its_rate_says_in_a_box_of_the_stated_density():
    commands = script.lammps_commands(1e14, 5, "potential")
    assert "temp 3500 300 0.1\ntimestep 0.002\nrun 16000\n" in commands
    assert "velocity all create 9000.0 5 " in commands
