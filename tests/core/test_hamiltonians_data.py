import argparse
import importlib.util

import numpy as np
import pytest
import torch
from torch import Generator

from scripts.data import make_hamiltonians as script
from tutorial_lib import metrics
from tutorial_lib.datasets import hamiltonians
from tutorial_lib.models import hamiltonian

HAS_PYSCF = importlib.util.find_spec("pyscf") is not None
NEEDS_PYSCF = pytest.mark.skipif(not HAS_PYSCF, reason="PySCF is not installed (extra `data`)")
WATER = torch.tensor([8, 1, 1])
BENT = torch.tensor([[0.0, 0.1, 0.1], [0.1, 0.8, -0.5], [0.0, -0.7, -0.6]], dtype=torch.float64)


@pytest.fixture(scope="module", params=hamiltonians.NAMES)
def named(request):
    return request.param, hamiltonians.load(request.param, "train"), hamiltonians.load(request.param, "test")


def arguments(**changed):
    return argparse.Namespace(**{"seed": 0, "n": 3, "check": False} | changed)


def test_a_set_has_two_halves_that_share_no_shape_posed_at_random_about_their_centre(named):
    name, train, test = named
    n = script.PLANS[name].n
    assert (len(train), len(test)) == (n // 2, n // 2)
    assert torch.cdist(train.positions.flatten(1), test.positions.flatten(1)).min() > 1e-3
    positions = torch.cat([train.positions, test.positions])
    assert positions.mean(dim=1).abs().max() < 1e-10
    directions = torch.nn.functional.normalize(positions[:, 1] - positions[:, 0], dim=1)
    assert directions.mean(dim=0).norm() < 4 / len(positions) ** 0.5


def test_matrices_are_symmetric_with_a_row_for_each_function_and_a_gap_above_the_occupied_orbitals(named):
    _, train, _ = named
    n = sum(2 * degree + 1 for _, degree in train.shells)
    for matrices in (train.fock, train.overlap):
        assert matrices.shape == (len(train), n, n)
        assert matrices.dtype == torch.float64
        assert torch.equal(matrices, matrices.mT)
        assert torch.isfinite(matrices).all()
    assert torch.allclose(train.overlap.diagonal(dim1=1, dim2=2), torch.ones(n, dtype=torch.float64), atol=1e-6)
    assert torch.linalg.eigvalsh(train.overlap).min() > 1e-3
    assert 2 * train.n_occupied == train.numbers.sum()
    energies, _ = metrics.orbitals(train.fock, train.overlap)
    assert (energies[:, train.n_occupied] - energies[:, train.n_occupied - 1]).min() > 0.1
    assert energies[:, train.n_occupied - 1].max() < 0


def test_a_hotter_set_is_more_displaced():
    spread = {}
    for kelvin in (300, 500):
        some = hamiltonians.load(f"water_rhf_{kelvin}k", "train")
        spread[kelvin] = (some.positions[:, 1] - some.positions[:, 0]).norm(dim=1).std()
    assert spread[500] / spread[300] == pytest.approx((500 / 300) ** 0.5, rel=0.1)


def test_water_at_its_minimum_has_the_published_length_angle_and_energy():
    # RHF/STO-3G: 0.989 A, 100.0 degrees, -74.9659 hartree; Hehre et al., Ab initio molecular orbital theory (1986).
    some = hamiltonians.load("water_rhf_300k", "train")
    arms = some.positions[:, 1:] - some.positions[:, :1]
    cosine = torch.cosine_similarity(arms[:, 0], arms[:, 1])
    assert arms.norm(dim=2).mean() == pytest.approx(0.989, abs=0.005)
    assert torch.rad2deg(cosine.acos()).mean() == pytest.approx(100.0, abs=1.0)
    assert some.energy.min() == pytest.approx(-74.9659, abs=2e-4)
    # A classical vibration holds kT/2 above the minimum: three of them.
    assert (some.energy - -74.9659).mean() == pytest.approx(1.5 * 300 * script.BOLTZMANN, rel=0.15)


def test_every_set_has_a_plan_and_others_are_answered_with_what_there_is(tmp_path):
    assert set(hamiltonians.NAMES) == set(script.PLANS)
    with pytest.raises(ValueError, match="no set 'benzene': choose one of water_rhf_500k, water_rhf_300k"):
        hamiltonians.load("benzene", "train")
    with pytest.raises(ValueError, match="choose one of train, test"):
        hamiltonians.load("water_rhf_500k", "validation")
    with pytest.raises(ValueError, match=r"water_rhf_500k\.npz.* is missing"):
        hamiltonians.load("water_rhf_500k", "train", data=tmp_path)
    with pytest.raises(FileNotFoundError):
        hamiltonians.read(tmp_path / "nowhere.npz")


def test_an_upper_triangle_becomes_the_matrix_and_no_other_length_does():
    matrix = np.random.default_rng(0).standard_normal((2, 4, 4))
    matrix = matrix + matrix.mT
    assert np.array_equal(hamiltonians.symmetric(matrix[:, *np.triu_indices(4)]), matrix)
    with pytest.raises(ValueError, match="5 entries"):
        hamiltonians.symmetric(np.zeros((2, 5)))


@pytest.mark.parametrize(
    ("numbers", "positions", "message"),
    [
        (WATER, torch.stack([BENT, BENT[[0, 1, 1]] + torch.tensor([[0], [0], [0.1]])]), r"1 and 2 overlap: 0\.17 A"),
        (WATER, BENT[[0, 0, 2]], r"atoms 0 and 1 overlap: 0.00 A apart"),
        (WATER, 0.2 * BENT, "Are the positions in angstrom"),
        (torch.tensor([8, 1]), BENT[:2], "9 electrons are an odd number"),
        (WATER, BENT[:2], r"positions must be.* with atoms = 3"),
        (WATER, BENT * torch.nan, "NaN or infinity"),
    ],
)
def test_a_molecule_that_cannot_be_computed_is_refused_without_pyscf(numbers, positions, message):
    with pytest.raises(ValueError, match=message):
        hamiltonians.check_molecule(numbers, positions)
    hamiltonians.check_molecule(WATER, BENT)


def test_a_shape_follows_from_its_seed_and_its_number_alone_and_displacements_from_the_modes():
    relaxed, modes = BENT.numpy(), np.random.default_rng(0).standard_normal((3, 3, 3)) * 0.05
    here, again, *others = (script.shape(relaxed, modes, *key) for key in ((0, 7), (0, 7), (1, 7), (0, 8)))
    assert np.array_equal(here, again)
    assert all(np.abs(here - other).max() > 0.01 for other in others)
    modes = np.zeros((1, 3, 3))
    modes[0, 1, 2] = 0.2
    found = [script.shape(relaxed, modes, 0, number) for number in range(400)]
    apart = relaxed[1] - relaxed[0]
    squares = np.array([np.sum((x[1] - x[0]) ** 2) for x in found]) - apart[0] ** 2 - apart[1] ** 2
    assert np.sqrt(squares).std() == pytest.approx(0.2, rel=0.15)
    assert np.sqrt(squares).mean() == pytest.approx(abs(apart[2]), rel=0.05)


def small(monkeypatch, fails=()):
    """The script without PySCF: matrices that count, and calculations that fail where they are told to."""
    count = iter(range(10_000))

    def computed(symbols, positions, plan):
        number, shells = next(count), np.array([(0, 0), (0, 0), (0, 1), (1, 0), (2, 0)], np.uint8)
        known = {"converged": np.array(number not in fails), "energy": np.array(float(number)), "shells": shells}
        known |= dict.fromkeys(("fock", "overlap"), np.arange(28.0) + number)
        return known | {"positions": positions, "numbers": np.array([8, 1, 1], np.uint8), "n_occupied": np.array(5)}

    monkeypatch.setattr(script, "computed", computed)
    monkeypatch.setattr(script, "minimum_and_modes", lambda plan: (BENT.numpy(), np.zeros((3, 3, 3))))
    monkeypatch.setattr(script, "turning_error", lambda plan, positions: 0.0)
    return count


def test_a_calculation_that_does_not_converge_is_left_out_counted_and_made_up_for(tmp_path, monkeypatch, capsys):
    small(monkeypatch, fails={1, 4})
    script.make("water_rhf_500k", arguments(out=tmp_path, runs=tmp_path / "runs", n=50))
    found = hamiltonians.read(tmp_path / "water_rhf_500k.npz")
    assert found.energy.tolist() == [n for n in range(52) if n not in (1, 4)]
    assert "left out: 2 (shapes 1, 4)" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    count, made = small(monkeypatch), tmp_path / "water_rhf_500k.npz"
    args = arguments(out=tmp_path, runs=tmp_path / "runs", n=70)
    script.make("water_rhf_500k", args)
    assert next(count) == 100
    kept = sorted((tmp_path / "runs" / "water_rhf_500k_seed0").iterdir())
    assert [path.name for path in kept] == ["00000.npz", "00050.npz"]
    before = made.read_bytes()
    kept[1].unlink()
    script.make("water_rhf_500k", args)
    assert next(count) == 151, "the first fifty are taken from the folder"
    script.make("water_rhf_500k", arguments(out=tmp_path, runs=tmp_path / "runs", n=40))
    assert next(count) == 152, "nothing is left to compute"
    assert len(hamiltonians.read(made)) == 40
    assert made.read_bytes() != before


def test_matrices_that_do_not_turn_stop_the_script(tmp_path, monkeypatch):
    small(monkeypatch)
    monkeypatch.setattr(script, "turning_error", lambda plan, positions: 1e-7)
    with pytest.raises(SystemExit, match="1e-10 hartree are allowed"):
        script.make("water_rhf_500k", arguments(out=tmp_path, runs=tmp_path))
    script.make("water_pbe_500k", arguments(out=tmp_path, runs=tmp_path, check=True))


@pytest.mark.skipif(HAS_PYSCF, reason="PySCF is installed here")
def test_without_pyscf_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr("sys.argv", ["script", "all"])
    with pytest.raises(SystemExit, match=r"\.\[data\]"):
        script.main()


@NEEDS_PYSCF
@pytest.mark.filterwarnings("ignore")
def test_pyscf_gives_the_shipped_matrices_again():
    some = hamiltonians.load("water_rhf_500k", "train")[:2]
    for positions, fock, overlap in zip(some.positions, some.fock, some.overlap, strict=True):
        found = script.computed("OHH", positions.numpy(), script.PLANS["water_rhf_500k"])
        assert np.abs(hamiltonians.symmetric(found["fock"]) - fock.numpy()).max() < 1e-9
        assert np.abs(hamiltonians.symmetric(found["overlap"]) - overlap.numpy()).max() < 1e-12


@NEEDS_PYSCF
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["water_rhf_500k", "water_rhf_svp_500k"])
def test_the_matrix_of_a_turned_and_inverted_molecule_is_the_turned_matrix(name):
    positions = hamiltonians.load(name, "train").positions[0].numpy()
    assert script.turning_error(script.PLANS[name], positions) < 1e-10


@NEEDS_PYSCF
@pytest.mark.filterwarnings("ignore")
def test_pyscfs_functions_are_e3nns_after_the_change_of_basis():
    from e3nn import o3
    from pyscf.symm import sph

    directions = torch.randn(50, 3, generator=Generator().manual_seed(0), dtype=torch.float64)
    directions = directions / directions.norm(dim=1, keepdim=True)
    theirs = sph.real_sph_vec(directions.numpy(), 4, reorder_p=True)
    for degree in range(5):
        ours = o3.spherical_harmonics(degree, directions, False, "integral")
        meant = torch.from_numpy(theirs[degree].T)
        assert torch.allclose(meant, ours @ hamiltonian.from_pyscf(degree).mT, atol=1e-12)
        if degree > 1:
            assert not torch.allclose(meant, ours, atol=0.1)
