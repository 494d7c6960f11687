"""A folder of cells as batches: everything comes once, nothing depends on who asks, and memory stays bounded."""

import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest
import torch
from ase import Atoms

from tutorial_lib import training
from tutorial_lib.training.batches import OneProcess
from tutorial_lib.training.streaming import N_MIXED, CellFolder, Stream


def marked(number, n_atoms=10):
    """A cell whose every position says which cell and which atom this is."""
    return Atoms(f"Si{n_atoms}", positions=[[number, atom, 0.5] for atom in range(n_atoms)])


@pytest.fixture
def folder(tmp_path):
    """Seven cells of ten atoms in three files."""
    for number, name in enumerate("aaabccc"):
        marked(number).write(tmp_path / f"{name}.extxyz", format="extxyz", append=True)
    return tmp_path


def positions(atoms):
    return torch.tensor(atoms.positions)


def stream(folder, **options):
    return Stream(CellFolder(folder), positions, **{"batch_size": 10, "seed": 0} | options)


def epoch(stream, number=0):
    """The batches of an epoch, one list a share."""
    return [[batch for batch, _ in shares] for shares in zip(*stream.steps(number), strict=True)]


def examples(shares):
    return sorted(map(tuple, torch.cat([torch.cat(share) for share in shares]).tolist()))


def whole(n_cells):
    return sorted((cell, atom, 0.5) for cell in range(n_cells) for atom in range(10))


def test_a_folder_finds_every_cell_of_every_file(folder):
    cells = CellFolder(folder)
    assert len(cells) == 7
    assert [cells.cell(index).positions[0, 0] for index in range(7)] == list(range(7))
    assert cells.where(5) == f"cell 2 of {folder / 'c.extxyz'}"


@pytest.mark.parametrize("batch_size", [10, 60])
def test_every_example_comes_once_an_epoch_in_whole_batches(folder, batch_size):
    shares = epoch(stream(folder, batch_size=batch_size))
    assert [len(batch) for batch in shares[0]] == [batch_size] * (70 // batch_size)
    assert set(examples(shares)) <= set(whole(7))
    assert len(set(examples(shares))) == 70 // batch_size * batch_size


def test_an_epoch_has_an_order_of_its_own_and_the_same_again(folder):
    first, same, next_one = epoch(stream(folder))[0], epoch(stream(folder))[0], epoch(stream(folder), 1)[0]
    assert torch.equal(torch.cat(first), torch.cat(same))
    assert not torch.equal(torch.cat(first), torch.cat(next_one))
    assert not torch.equal(torch.cat(first), torch.cat(epoch(stream(folder, seed=1))[0]))


def test_shares_are_of_different_cells_and_equally_long_and_leave_nothing_out(folder):
    two = stream(folder, shares=2)
    one, other = epoch(two)
    assert [len(batch) for batch in one] == [len(batch) for batch in other] == [5] * 6
    cells = [set(torch.cat(share)[:, 0].tolist()) for share in (one, other)]
    assert not cells[0] & cells[1]
    assert len(cells[0] | cells[1]) == 6, "three each, and the seventh comes in the next epoch"
    seen = Counter(chain.from_iterable(examples(epoch(two, number)) for number in range(7)))
    assert set(seen.values()) == {6}
    assert len(seen) == 70


@pytest.mark.parametrize("n_cells", [N_MIXED - 1, N_MIXED + 1, 2 * N_MIXED + 4])
def test_however_many_cells_there_are_each_comes_once_an_epoch(tmp_path, n_cells):
    for number in range(n_cells):
        marked(number).write(tmp_path / "cells.extxyz", format="extxyz", append=True)
    shares = epoch(stream(tmp_path))
    assert examples(shares) == whole(n_cells)
    assert all(len(batch[:, 0].unique()) > 2 for batch in shares[0][:-1])


def test_a_share_is_the_same_whoever_takes_it_with_a_generator_of_its_own(folder):
    both, second = stream(folder, shares=2), stream(folder, shares=2, mine=range(1, 2))
    for ((_, first), (batch, one)), ((other, two),) in zip(both.steps(3), second.steps(3), strict=True):
        assert torch.equal(batch, other)
        noise = torch.rand(3, generator=one)
        assert torch.equal(noise, torch.rand(3, generator=two))
        assert not torch.equal(noise, torch.rand(3, generator=first))


def test_short_epochs_take_every_cell_once_before_any_comes_twice(folder):
    short = stream(folder, cells_per_epoch=2)
    epochs = [examples(epoch(short, number)) for number in range(7)]
    assert len({cell for seen in epochs[:3] for cell, _, _ in seen}) == 6
    assert set(Counter(chain.from_iterable(epochs)).values()) == {2}


def test_a_share_that_runs_short_begins_again(folder):
    found = Stream(CellFolder(folder), lambda atoms: positions(atoms)[::2], batch_size=10, seed=0, shares=2)
    assert [len(torch.cat(share)) for share in epoch(found)] == [30, 30]
    assert len(set(examples(epoch(found)))) == 30


def test_kept_cells_are_read_once_and_give_the_same(folder, monkeypatch):
    forgetful, keeping, calls = stream(folder), stream(folder, keep=True), []
    fresh = [torch.cat(epoch(forgetful, number)[0]) for number in range(3)]
    read = CellFolder.cell
    monkeypatch.setattr(CellFolder, "cell", lambda self, index: calls.append(index) or read(self, index))
    assert all(torch.equal(torch.cat(epoch(keeping, number)[0]), fresh[number]) for number in range(3))
    assert sorted(calls) == list(range(7))


def train(model, source, epochs=4, **options):
    def loss(model, batch, generator):
        noise = torch.randn(len(batch), 3, generator=generator, dtype=batch.dtype)
        return {"loss": (model(batch + noise) - 1).square().mean()}

    recipe = training.Recipe(epochs, batch_size=10, learning_rate=0.01)
    return training.train(model, source, loss, recipe, device="cpu", progress=False, **options)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(3, 1, dtype=torch.float64)


def test_the_loop_learns_from_a_folder_and_resumes_to_the_last_bit(folder, tmp_path):
    straight, resumed = network(), network()
    history = train(straight, stream(folder, shares=2))
    assert len(history["loss"]) == 4
    assert history["loss"][-1] < history["loss"][0]

    def stopped(number):
        if number == 3:
            raise KeyboardInterrupt
        return Stream.steps(source, number)

    source, path = stream(folder, shares=2), tmp_path / "run.pt"
    source.steps = stopped
    with pytest.raises(KeyboardInterrupt):
        train(network(), source, checkpoint=path, checkpoint_every=2)
    assert training.load_history(path)["loss"] == history["loss"][:2]
    again = train(resumed, stream(folder, shares=2), checkpoint=path, checkpoint_every=2, resume=True)
    assert again == history
    assert torch.equal(straight.weight, resumed.weight)


def test_the_gradient_of_a_step_is_that_of_the_mean_of_its_shares(folder):
    def loss(model, batch, generator):
        return {"loss": model(batch).square().mean()}

    found = []
    for shares in (1, 7):
        model, backend = network(), OneProcess()
        backend.set_up(model, loss, None)
        step = next(stream(folder, batch_size=70, shares=shares).steps(0))
        terms = [terms["loss"].item() for terms in backend.gradients(step)]
        found.append((sum(terms) / shares, model.weight.grad))
    (mean, whole), (mean_of_shares, cut) = found
    assert mean == pytest.approx(mean_of_shares, rel=1e-12)
    torch.testing.assert_close(whole, cut, rtol=1e-12, atol=0)


def test_a_checkpoint_of_other_data_is_refused(folder, tmp_path):
    path = tmp_path / "run.pt"
    train(network(), stream(folder), checkpoint=path)
    for other in ({"shares": 2}, {"seed": 1}, {"batch_size": 20}, {"cells_per_epoch": 3}):
        with pytest.raises(ValueError, match=r"of other data.*same folder and settings"):
            train(network(), stream(folder, **other), checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="of other data"):
        train(network(), torch.zeros(70, 3, dtype=torch.float64), checkpoint=path, resume=True)
    marked(8).write(folder / "d.extxyz", format="extxyz")
    with pytest.raises(ValueError, match="of other data"):
        train(network(), stream(folder), checkpoint=path, resume=True)


def test_folders_without_cells_and_with_bad_files_are_refused_in_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no folder"):
        CellFolder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file that ends in \.extxyz or \.xyz\.$"):
        CellFolder(tmp_path)
    (tmp_path / "folder.xyz").mkdir()
    (tmp_path / "cells.extxyz.gz").touch()
    with pytest.raises(FileNotFoundError, match="Unpack what is compressed"):
        CellFolder(tmp_path)
    for written, message in (
        ("10\nonly a head\n", "ends in the middle of a cell: is it still being written"),
        ("<html>\n", "a number of atoms is due and b'<html>"),
        ("", "are empty"),
        ("1\nfine\nSi 0 zero 0\n", "cell 1 of .* is no extended XYZ"),
    ):
        (tmp_path / "bad.extxyz").write_text(written)
        with pytest.raises(ValueError, match=message):
            CellFolder(tmp_path)


def test_several_elements_are_refused_with_their_place(folder, tmp_path):
    (tmp_path / "other").mkdir()
    Atoms("NaCl", positions=[[0, 0, 0], [0, 0, 2.8]]).write(tmp_path / "other" / "salt.extxyz", format="extxyz")
    with pytest.raises(ValueError, match="forget their elements"):
        CellFolder(tmp_path / "other").cell(0)
    Atoms("Ge", positions=[[0, 0, 0]]).write(folder / "d.extxyz", format="extxyz")
    with pytest.raises(ValueError, match=r"cell 1 of .*d\.extxyz holds Ge and the first cell Si"):
        epoch(stream(folder))


def test_a_cell_without_clouds_is_refused_with_its_place(folder):
    def lonely(atoms):
        raise ValueError("none of the atoms has 8 neighbours")

    for clouds, message in (
        (lonely, "none of the atoms has 8 neighbours"),
        (lambda atoms: positions(atoms)[:0], "n_clouds must be a whole number"),
    ):
        source = Stream(CellFolder(folder), clouds, batch_size=10, seed=0)
        with pytest.raises(ValueError, match=rf"cell \d of .*\.extxyz: {message}"):
            next(source.steps(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shares": 3}, "10 examples cannot be cut into 3 equal shares"),
        ({"shares": 2, "cells_per_epoch": 1}, "an epoch has 1 cells and a step 2 shares"),
        ({"batch_size": 0}, "0 examples cannot be cut"),
    ],
)
def test_impossible_shares_are_refused(folder, options, message):
    with pytest.raises(ValueError, match=message):
        stream(folder, **options)


UNDER_A_CAP = """
import resource, sys
import torch
from pathlib import Path
from tutorial_lib import training
from tutorial_lib.training import streaming

def clouds(atoms):  # each cell is a megabyte in memory
    return torch.tensor(atoms.positions[:, :1]).repeat(1, 4096)

def loss(model, batch, generator):
    return {"loss": model(batch).square().mean()}

def run(folder, keep):
    source = streaming.Stream(streaming.CellFolder(folder), clouds, batch_size=32, seed=0, keep=keep)
    model = torch.nn.Linear(4096, 1, dtype=torch.float64)
    training.train(model, source, loss, training.Recipe(1, 32), device="cpu", progress=False)

folder = Path(sys.argv[1])
run(folder / "small", keep=False)  # whatever is allocated once
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (taken + 60_000_000,) * 2)
run(folder / "large", keep=False)
print("streamed", len(streaming.CellFolder(folder / "large")), "megabytes")
try:
    run(folder / "large", keep=True)
except (MemoryError, RuntimeError) as error:
    print("not kept:", "alloc" in str(error))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces this limit")
def test_a_folder_larger_than_memory_is_streamed_and_cannot_be_kept(tmp_path):
    for name, n_files in (("small", 2), ("large", 20)):
        (tmp_path / name).mkdir()
        first = tmp_path / name / "00.extxyz"
        for number in range(8):
            marked(number, 32).write(first, format="extxyz", append=True)
        for number in range(1, n_files):
            (tmp_path / name / f"{number:02d}.extxyz").hardlink_to(first)
    done = subprocess.run([sys.executable, "-c", UNDER_A_CAP, tmp_path], capture_output=True, text=True)
    assert done.stdout == "streamed 160 megabytes\nnot kept: True\n", done.stderr
