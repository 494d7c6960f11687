import math
import re

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.io import write
from scipy.special import eval_legendre
from torch import Generator

from scripts.train import denoiser as script
from tutorial_lib import metrics, representations, training
from tutorial_lib.datasets.structures import structures
from tutorial_lib.models import denoiser
from tutorial_lib.models.denoiser import sampling
from tutorial_lib.models.denoiser.network import Denoiser, Graph
from tutorial_lib.training import recipes

SKEWED = np.array([[11.0, 0, 0], [2.0, 12, 0], [-1.5, 1, 10.9]])


def seeded(seed=0):
    return Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def gas():
    """Sixty atoms in general position in a skewed cell, some outside of it."""
    places = np.random.default_rng(0).uniform(-0.3, 1.2, (60, 3)) @ SKEWED
    return Atoms("Si60", places, cell=SKEWED, pbc=True)


@pytest.fixture(scope="module")
def network(gas):
    return denoiser.denoiser_for([gas], seed=1, width=8).double()


class Exact(denoiser.Denoiser):
    """What a perfect network would say of atoms that stand in a lattice with a Gaussian spread."""

    def __init__(self, atoms, spread):
        torch.nn.Module.__init__(self)
        self.middle, self.spread, self.weakest = torch.from_numpy(atoms.positions), spread, 0.03

    def tensors(self, atoms):
        return (
            torch.from_numpy(atoms.positions),
            torch.from_numpy(atoms.cell.array),
            torch.zeros(len(atoms), dtype=torch.long),
        )

    def forward(self, positions, cell, noise, species):
        return noise * (positions - self.middle) / (noise**2 + self.spread**2)


def test_neighbours_are_the_pairs_within_the_cut_off_and_know_who_looks_back(gas):
    found = denoiser.neighbours(torch.from_numpy(gas.positions), torch.from_numpy(SKEWED), 5.0)
    first, second, _, vector = representations.neighbour_pairs(gas, 5.0)
    real = found.distance < 5.0 - 1e-9
    rows = torch.arange(60)[:, None].expand_as(found.index)[real]
    ours = np.column_stack([rows, found.index[real], found.vectors[real]])
    theirs = np.column_stack([first, second, vector])
    assert np.allclose(*(pairs[np.lexsort(pairs.T[1::-1])] for pairs in (ours, theirs)))
    assert torch.allclose(found.reversed(found.direction)[real], -found.direction[real])
    assert torch.equal(found.reversed(found.index)[real], rows)
    assert torch.equal(found.seen(torch.arange(60)), found.index)


def test_the_noise_turns_with_the_cell_and_follows_the_order_of_its_atoms(gas, network):
    positions, cell, species = network.tensors(gas)
    before = network(positions, cell, 0.3, species)
    for q in (representations.random_orthogonal(seeded(n), (), torch.float64) for n in range(2)):
        assert torch.allclose(network(positions @ q.mT, cell @ q.mT, 0.3, species), before @ q.mT, atol=1e-12)
        assert not torch.allclose(network(positions @ q.mT, cell, 0.3, species), before @ q.mT, atol=1e-4)
    order = torch.randperm(60, generator=seeded())
    assert torch.allclose(network(positions[order], cell, 0.3, species), before[order], atol=1e-12)
    moved = positions + torch.tensor([1.0, -20, 3]) + cell[1] * torch.arange(60)[:, None]
    assert torch.allclose(network(moved, cell, 0.3, species), before, atol=1e-12)
    assert not torch.allclose(network(positions, cell, 0.6, species), before, atol=1e-4)


def test_nothing_jumps_where_an_atom_crosses_the_cut_off(gas, network):
    positions, cell, species = network.tensors(gas)
    _, _, distance, _ = representations.neighbour_pairs(gas, 5.2)
    factor = 5.0 / distance[np.abs(distance - 5.0).argmin()]
    near, far = (network(positions * f, cell * f, 0.3, species) for f in (factor * (1 - 1e-7), factor * (1 + 1e-7)))
    assert (near - far).abs().max() < 1e-5


def test_values_along_an_edge_are_sums_over_the_angles_of_the_other_neighbours(gas, network):
    """The addition theorem: of every l, sum_k P_l(cos angle_kij) R_l(d_ik) s_k, with what is mixed of channels."""
    positions, cell, _ = network.tensors(gas)
    graph, layer = Graph(positions, cell, **network.reads), network.layers[0]
    features = torch.randn(60, 8, generator=seeded(), dtype=torch.float64)
    with torch.no_grad():
        _, values = layer(features, 0.0, graph)
        cosines = (graph.neighbours.direction @ graph.neighbours.direction.mT).numpy()
        sent = layer.sent(features)[graph.neighbours.index]
        for degree, value in enumerate(values.split(8, dim=2)):
            profiles = layer.profiles(graph.radial).split(3, dim=2)[degree]
            weighted = (profiles[..., None] * sent[:, :, None]).flatten(2)
            summed = torch.from_numpy(eval_legendre(degree, cosines)) @ weighted / 4
            assert torch.allclose(value, layer.mixed[degree](summed)[..., -8:], atol=1e-10)


def test_training_lowers_the_error_on_a_cell_that_was_not_shown():
    cells = [bulk("Si", "diamond", a=5.43, cubic=True).repeat(2) for _ in range(2)]
    for seed, atoms in enumerate(cells):
        atoms.rattle(0.05, seed=seed)
    network = denoiser.denoiser_for(cells[:1], width=16)
    before = denoiser.noise_error(network, cells[1:], 0.3)
    loss = denoiser.denoising_loss(network, cells[:1])
    recipe = recipes.denoiser(1, steps=120)
    training.train(network, torch.arange(1), loss, recipe, device="cpu", progress=False)
    assert before == pytest.approx(1, abs=0.1)
    assert denoiser.noise_error(network, cells[1:], 0.3) < 0.6


def test_the_loss_draws_its_noise_from_the_range_that_is_asked_for():
    seen = []

    class Listener(Denoiser):
        def forward(self, positions, cell, noise, species):
            seen.append(noise)
            return positions

    crystal = bulk("Si", "diamond", a=5.43, cubic=True).repeat(2)
    model = Listener({"Si": 1.0}, (0.05, 0.05), width=4, weakest=0.01)
    loss = denoiser.denoising_loss(model, [crystal], share=0.6)
    loss(model, torch.zeros(2000, dtype=int), seeded())
    decisive = [0.15 < noise < 0.9 for noise in seen]
    assert sum(decisive) / 2000 == pytest.approx(0.6 + 0.4 * math.log(6) / math.log(150), abs=0.03)
    assert 0.01 < min(seen) < 0.011
    with pytest.raises(ValueError, match=r"weakest noise lies between 0 and 1 A, and 2.0 arrived"):
        Denoiser({"Si": 1.0}, (0.05, 0.05), weakest=2.0)
    with pytest.raises(ValueError, match=r"a share of the steps lies between 0 and 1, and 80.0 arrived"):
        denoiser.denoising_loss(model, [crystal], share=80.0)


@pytest.mark.parametrize(("temperature", "spread"), [(1.0, 0.3), (0.0, 0.0)])
def test_a_quench_with_the_exact_noise_draws_from_the_distribution_and_a_cold_one_from_its_middle(temperature, spread):
    middle = Atoms("Si500", np.zeros((500, 3)), cell=np.eye(3) * 20, pbc=True)
    start = middle.copy()
    start.positions += 1.3 * np.random.default_rng(0).standard_normal((500, 3))
    exact = Exact(middle, 0.3)
    steps = denoiser.quench(exact, start, denoiser.noise_levels(600), generator=seeded(), temperature=temperature)
    noises, cells = zip(*steps, strict=True)
    assert noises[-1] == 0
    assert list(noises) == sorted(noises, reverse=True)
    assert cells[-1].positions.std() == pytest.approx(spread, rel=0.06, abs=0.1 * (1 - temperature))


@pytest.mark.parametrize("n_atoms", [1, 50, 131])
def test_a_lattice_fits_into_any_cell_with_any_number_of_atoms(n_atoms):
    places = sampling.lattice(n_atoms, SKEWED)
    atoms = Atoms(f"Si{n_atoms}", places, cell=SKEWED, pbc=True)
    assert len(atoms) == n_atoms
    if n_atoms > 1:
        distances = atoms.get_all_distances(mic=True)
        nearest = np.where(np.eye(n_atoms), np.inf, distances).min(axis=1)
        assert np.ptp(nearest) < 1e-9
        assert nearest[0] > 0.7 * (atoms.get_volume() / n_atoms) ** (1 / 3)


def test_a_shaken_lattice_has_neither_bragg_peaks_nor_the_long_waves_of_a_gas(network):
    lattice = denoiser.shaken_lattice(network, 512, generator=seeded(), cell=np.eye(3))
    gas = lattice.copy()
    gas.positions = np.random.default_rng(0).uniform(0, 1, (512, 3)) @ gas.cell.array
    _, ours = metrics.structure_factor(lattice)
    _, random = metrics.structure_factor(gas)
    assert ours[0] < 0.25 < 0.4 < random[0]
    assert np.nanmax(ours) < 3


def test_a_network_comes_back_from_a_file_with_what_it_is_for(gas, network, tmp_path):
    denoiser.keep_denoiser(network.float(), tmp_path / "mine.pt")
    again = denoiser.trained_denoiser(tmp_path / "mine.pt")
    network.double()
    assert again.composition == {"Si": 1.0}
    assert again.density == pytest.approx([60 / gas.get_volume()] * 2)
    x, cell, species = again.tensors(gas)
    assert torch.allclose(
        again(x, cell, 0.2, species).double(), network(x.double(), cell.double(), 0.2, species), atol=1e-4
    )


def test_species_are_drawn_in_the_proportions_that_were_learnt():
    silica = Atoms("SiO2" * 20, np.random.default_rng(0).uniform(0, 11, (60, 3)), cell=np.eye(3) * 11, pbc=True)
    network = denoiser.denoiser_for([silica], width=8)
    made = denoiser.generate_cell(network, 61, generator=seeded(), levels=2, progress=False)
    assert [list(made.symbols).count(s) for s in ("O", "Si")] == [41, 20]


def test_the_same_generator_makes_the_same_cell_and_another_one_another():
    network = denoiser.trained_denoiser()
    make = lambda seed: denoiser.generate_cell(network, 60, generator=seeded(seed), levels=40, progress=False)  # noqa: E731
    one, again, other = make(0), make(0), make(1)
    assert np.array_equal(one.positions, again.positions)
    assert not np.allclose(one.positions, other.positions, atol=0.1)
    assert one.info == {"noise": 0.0, "levels": 40, "temperature": sampling.TEMPERATURE}
    assert len(one) / one.get_volume() == pytest.approx(0.0482, abs=2e-4)


def test_the_network_that_ships_makes_bonds_and_a_random_gas_has_none():
    network = denoiser.trained_denoiser()
    made = denoiser.generate_cell(network, 64, generator=seeded(), levels=150, progress=False)
    start = denoiser.shaken_lattice(network, 64, generator=seeded())
    assert metrics.network_quality(made).four_fold > 0.7
    assert metrics.network_quality(start).four_fold < 0.3


def test_ctrl_c_keeps_the_cell_as_it_stands(network, monkeypatch):
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return torch.zeros_like(arguments[0])

    monkeypatch.setattr(network, "forward", interrupted)
    with pytest.warns(UserWarning, match="stopped at a noise of"):
        made = denoiser.generate_cell(network, 60, generator=seeded(), levels=20, progress=False)
    assert 0.7 < made.info["noise"] < 1.3
    assert len(made) == 60


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"n_atoms": 0}, "n_atoms must be a whole number, 1 at least"),
        ({"n_atoms": 20}, "wide, and a cut-off of 5 A needs 10 A"),
        ({"levels": 0}, "levels must be a whole number, 1 at least"),
        ({"temperature": -0.1}, "temperature is -0.1, and must not be negative"),
        ({"density": 0.0}, "must be above 0"),
        ({"cell": np.ones((3, 3))}, "the cell has no volume"),
    ],
)
def test_a_cell_that_cannot_be_made_is_refused_with_the_way_out(network, how, words):
    with pytest.raises(ValueError, match=words):
        denoiser.generate_cell(network, **{"n_atoms": 60, "generator": seeded(), "progress": False, "levels": 2} | how)


def test_a_density_that_was_not_learnt_is_made_with_a_warning(network):
    with pytest.warns(UserWarning, match=r"has learnt from 0\.04\d+ to 0\.04\d+ atoms per cubic angstrom, and 0\.0500"):
        made = denoiser.generate_cell(network, 60, generator=seeded(), density=0.05, levels=2, progress=False)
    assert 60 / made.get_volume() == pytest.approx(0.05)


def test_other_species_and_cells_that_are_not_periodic_are_refused(gas, network):
    other, free = gas.copy(), gas.copy()
    other.symbols[:3], free.pbc = "Ge", (True, True, False)
    with pytest.raises(ValueError, match="has learnt Si, and the cell holds Ge3Si57"):
        network.tensors(other)
    with pytest.raises(ValueError, match="not periodic in all directions"):
        network.tensors(free)
    with pytest.raises(ValueError, match="no cell arrived"):
        denoiser.denoiser_for([])
    with pytest.raises(ValueError, match=r"has learnt O and Si, and the cell holds Si60.*scripts/train/denoiser\.py"):
        denoiser.Denoiser({"O": 2 / 3, "Si": 1 / 3}, (0.06, 0.07)).tensors(gas)
    with pytest.raises(ValueError, match=r"germanium.*scripts/train/denoiser\.py"):
        denoiser.trained_denoiser("germanium")


@pytest.mark.parametrize(("factor", "words"), [(1.89, "stand 2.0 times the sum"), (0.5, "stand 0.5 times the sum")])
def test_cells_in_another_unit_are_learnt_with_a_warning(factor, words):
    crystal = bulk("Si", "diamond", a=5.43, cubic=True).repeat(4)
    crystal.set_cell(factor * crystal.cell, scale_atoms=True)
    with pytest.warns(UserWarning, match=words):
        denoiser.denoiser_for([crystal], width=8)
    crystal.set_cell(0.1 * crystal.cell, scale_atoms=True)
    with pytest.raises(ValueError, match="are positions and cell in angstrom"):
        denoiser.denoiser_for([crystal], width=8)


def test_the_script_trains_on_a_folder_of_cells_and_says_what_it_knows_of_the_one_held_out(
    tmp_path, monkeypatch, capsys
):
    def call(*words):
        monkeypatch.setattr("sys.argv", ["denoiser.py", *map(str, words)])
        script.main()
        return capsys.readouterr().out

    (tmp_path / "cells").mkdir()
    for seed in range(3):
        atoms = bulk("Ge", "diamond", a=5.66, cubic=True).repeat(2)
        atoms.rattle(0.05, seed=seed)
        atoms.write(tmp_path / "cells" / f"{seed}.extxyz")
    with pytest.raises(SystemExit, match="2"):
        call(tmp_path / "cells")
    assert "your own cells need a file of their own: --out" in capsys.readouterr().err
    said = call(tmp_path / "cells", "--out", tmp_path / "ge.pt", "--steps", 4)
    assert "2 cells of Ge64, 1 held out" in said
    assert len(re.findall(r"Ge64 .* is there a crystal in it\? A glass stays below 30", said)) == 3
    two = [*structures(tmp_path / "cells" / "1.extxyz"), *structures(tmp_path / "cells" / "2.extxyz")]
    write(tmp_path / "cells" / "2.extxyz", two)
    said = call(tmp_path / "cells", "--out", tmp_path / "ge.pt", "--steps", 4)
    assert "2.extxyz holds 2 cells: frames of one run share their bonds, and count as one cell." in said
    assert "2 cells of Ge64, 2 held out" in said
    monkeypatch.chdir(tmp_path)
    (tmp_path / "silica").mkdir()
    with pytest.raises(SystemExit, match="2"):
        call("silica")
    assert "write ./silica for yours" in capsys.readouterr().err
    other = atoms.copy()
    other.symbols[:] = "Si"
    other.write(tmp_path / "cells" / "3.extxyz")
    with pytest.raises(SystemExit, match=r"different species \(Ge64, Ge64, Ge64, Ge64, Si64\)"):
        call(tmp_path / "cells", "--out", tmp_path / "ge.pt", "--steps", 4)
    (tmp_path / "cells" / "3.extxyz").unlink()
    assert "learnt from / held out: " in said
    assert [p.name for p in tmp_path.glob("ge*")] == ["ge.pt"]
    assert denoiser.trained_denoiser(tmp_path / "ge.pt").composition == {"Ge": 1.0}
    said = call(tmp_path / "cells" / "0.extxyz", "--out", tmp_path / "one.pt", "--steps", 2)
    assert "One cell: it is learnt from, and none is left to show whether it is learnt by heart. Bring two." in said
    with pytest.raises(SystemExit, match=r"there is no .*nowhere: give a folder of files that ASE can read"):
        call(tmp_path / "nowhere", "--out", tmp_path / "no.pt")
    (tmp_path / "cells" / ".hidden").write_text("of a desktop")
    (tmp_path / "cells" / "README.md").write_text("of a colleague")
    with pytest.raises(
        SystemExit, match=r"README\.md .* What holds no cell does not belong into the folder: take it out"
    ):
        call(tmp_path / "cells", "--out", tmp_path / "no.pt")
    narrow = bulk("Ge", "diamond", a=0.566, cubic=True).repeat(2)
    narrow.write(tmp_path / "nanometres.extxyz")
    with pytest.raises(ValueError, match="are positions and cell in angstrom"):
        call(tmp_path / "nanometres.extxyz", "--out", tmp_path / "no.pt")
    charged = (tmp_path / "cells" / "0.extxyz").read_text().replace("Ge  ", "Ge4+")
    (tmp_path / "charged.extxyz").write_text(charged)
    with pytest.raises(SystemExit, match=r"Ge4\+.*is that the symbol of an element, without a charge\?"):
        call(tmp_path / "charged.extxyz", "--out", tmp_path / "no.pt")
    atoms.write(tmp_path / "types.data", format="lammps-data", masses=False)
    with pytest.raises(SystemExit, match="no elements"):
        call(tmp_path / "types.data", "--out", tmp_path / "no.pt")
    assert "Ge64" in call(tmp_path / "types.data", "--elements", "Ge", "--out", tmp_path / "ge.pt", "--steps", 2)
