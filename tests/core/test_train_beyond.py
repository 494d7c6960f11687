"""Training beyond one process: the same curve in two, and nothing lost but an interval after kill -9."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ase.io import read

from scripts.train import train_beyond
from tutorial_lib import training

SCRIPT = Path(train_beyond.__file__)
TOP = SCRIPT.parents[2]
SMALL = ["--width", "4", "--layers", "1", "--batch-size", "128", "--shares", "2", "--cells-per-epoch", "2"]
EVERY_SECOND = ("--checkpoint-every", "2")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Three shipped cells."""
    folder = tmp_path_factory.mktemp("cells")
    for number, atoms in enumerate(train_beyond.datasets.load_amorphous("train")[:3]):
        atoms.write(folder / f"{number}.extxyz", format="extxyz", columns=["symbols", "positions"], write_results=False)
    return folder


def command(folder, checkpoint, *options, epochs=4, start=(sys.executable,)):
    paths = [str(SCRIPT), "train", str(folder), "--checkpoint", str(checkpoint)]
    return [*start, *paths, "--epochs", str(epochs), "--accelerator", "cpu", *SMALL, *options]


@pytest.fixture(scope="module")
def fork():
    """Starts processes that have imported everything already, which takes most of their time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scripts.train.train_beyond", "lightning_fabric", "torch._dynamo", "pytest"])
    return context.Process


def _take_part(arguments, env):
    """One of several processes, as `torchrun` starts them."""
    os.environ |= env
    sys.argv = arguments
    torch.set_num_threads(1)
    train_beyond.main()


def in_two_processes(fork, arguments):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "GROUP_RANK": 0}
    env = {name: str(value) for name, value in env.items()} | {"TORCHELASTIC_RUN_ID": "test"}
    of_rank = [env | {"RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]
    ranks = [fork(target=_take_part, args=(arguments[1:], env)) for env in of_rank]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(300)
    assert [process.exitcode for process in ranks] == [0, 0]


def asked(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["script", *map(str, words)])
    train_beyond.main()


def alone(monkeypatch, folder, checkpoint, *options, **named):
    """The history of a run in this process."""
    asked(monkeypatch, *command(folder, checkpoint, *options, **named)[2:])
    return training.load_history(checkpoint)


@pytest.fixture(scope="module")
def straight(folder, tmp_path_factory):
    """The checkpoint of five epochs without an interruption, and its history."""
    path = tmp_path_factory.mktemp("straight") / "run.pt"
    with pytest.MonkeyPatch.context() as patch:
        return path, alone(patch, folder, path, *EVERY_SECOND, epochs=5)


def weights(checkpoint):
    return torch.load(checkpoint, weights_only=True)["model"]


def assert_same_run(one, other, rel):
    assert training.load_history(one)["loss"] == pytest.approx(training.load_history(other)["loss"], rel=rel)
    for name, value in weights(one).items():
        torch.testing.assert_close(value, weights(other)[name], rtol=10 * rel, atol=10 * rel)


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(monkeypatch, folder, tmp_path, fork):
    double = ("--precision", "64-true")
    history = alone(monkeypatch, folder, tmp_path / "one.pt", *double)
    in_two_processes(fork, command(folder, tmp_path / "two.pt", *double))
    assert_same_run(tmp_path / "one.pt", tmp_path / "two.pt", rel=1e-9)
    assert history["loss"][-1] < history["loss"][0] - 0.01, "a curve that does not move says nothing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "options"),
    [
        ((sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"), ()),
        (
            (str(Path(sys.executable).parent / "fabric"), "run", "--devices", "2", "--accelerator", "cpu"),
            ("--accelerator", "auto"),
        ),
        ((sys.executable,), ("--devices", "2", "--shares", "4", "--cells-per-epoch", "4")),
    ],
    ids=["torchrun", "fabric run", "two shares each"],
)
def test_every_way_to_start_two_processes_gives_the_same_curve(monkeypatch, folder, tmp_path, start, options):
    alone(monkeypatch, folder, tmp_path / "one.pt", *options[2:])
    words, env = command(folder, tmp_path / "two.pt", *options, start=start), os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=TOP, env=env, capture_output=True, text=True, timeout=300)
    assert "2 processes" in done.stdout, done.stderr
    assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "one.pt", tmp_path / "two.pt", rel=1e-5)


def _die(arguments, where, number):
    """A run that is killed at its so-and-so-manieth loss, or half-way through writing so many epochs."""
    calls = []

    def loss(*args, velocity_loss=train_beyond.velocity_loss):
        calls.append(args)
        if where == "in a step" and len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return velocity_loss(*args)

    def save(state, path, save=torch.save):
        if where == "while writing" and len(state["history"]["loss"]) == number:
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        save(state, path)

    train_beyond.velocity_loss, torch.save = loss, save
    _take_part(arguments, {})


# Two shares a step, eight steps an epoch: both deaths are in epoch 4, and the last checkpoint is of epoch 2.
@pytest.mark.slow
@pytest.mark.parametrize(("where", "number"), [("in a step", 2 * 8 * 3 + 3), ("while writing", 4)])
def test_kill_9_loses_one_interval_at_most_and_the_curve_goes_on(
    monkeypatch, folder, tmp_path, fork, straight, where, number
):
    path = tmp_path / "run.pt"
    process = fork(target=_die, args=(command(folder, path, *EVERY_SECOND, epochs=5)[1:], where, number))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    assert training.load_history(path)["loss"] == straight[1]["loss"][:2]
    assert alone(monkeypatch, folder, path, *EVERY_SECOND, "--resume", epochs=5) == straight[1]
    ends = weights(straight[0]), weights(path)
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.slow
def test_killed_in_two_processes_it_goes_on_in_one(monkeypatch, folder, tmp_path):
    alone(monkeypatch, folder, tmp_path / "straight.pt", epochs=30)
    path = tmp_path / "run.pt"
    arguments = command(folder, path, "--devices", "2", epochs=30)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(arguments, cwd=TOP, env=env, start_new_session=True, **quiet) as process:
        while process.poll() is None and not (path.exists() and len(training.load_history(path)["loss"]) >= 5):
            pass
        os.killpg(process.pid, signal.SIGKILL)
    reached = len(training.load_history(path)["loss"])
    assert 5 <= reached < 30
    alone(monkeypatch, folder, path, "--resume", epochs=30)
    assert_same_run(tmp_path / "straight.pt", path, rel=1e-5)


def test_the_weights_at_the_end_draw_motifs_and_are_averaged_once_a_step(monkeypatch, folder, tmp_path):
    out = tmp_path / "new" / "weights.pt"
    alone(monkeypatch, folder, tmp_path / "run.pt", "--out", str(out), epochs=1)
    model = train_beyond.new_flow(train_beyond.CellFolder(folder), 4, 1, seed=1)
    found = torch.load(out, weights_only=True)
    assert (found["width"], found["layers"]) == (4, 1)
    model.load_state_dict(found["weights"])
    assert model.average.n_averaged == 8
    average, last = (part.along_pair.weight.abs().max() for part in (model.average.module, model.velocity))
    assert 0 < average != last
    asked(monkeypatch, "draw", out, tmp_path / "drawn.extxyz", "--n", "5")
    clouds = read(tmp_path / "drawn.extxyz", index=":")
    assert [len(cloud) for cloud in clouds] == [9] * 5
    ours = model.eval().sample(5, torch.Generator().manual_seed(0))
    assert torch.allclose(torch.from_numpy(clouds[3].positions[1:]).float(), ours[3], atol=1e-5)


def test_a_run_is_neither_overwritten_unasked_nor_drawn_from_without_its_weights(monkeypatch, folder, tmp_path, capsys):
    alone(monkeypatch, folder, tmp_path / "run.pt", epochs=1)
    with pytest.raises(SystemExit, match="holds an earlier run"):
        alone(monkeypatch, folder, tmp_path / "run.pt", epochs=1)
    with pytest.raises(SystemExit, match="train once more with --out"):
        asked(monkeypatch, "draw", tmp_path / "run.pt", tmp_path / "drawn.extxyz")
    with pytest.raises(SystemExit):
        asked(monkeypatch, "draw", tmp_path / "flow.pt", "x.extxyz", "--element", "Xy")
    assert "Xy is no element" in capsys.readouterr().err


def test_the_shipped_cells_can_be_written_to_begin_with(monkeypatch, tmp_path, capsys):
    asked(monkeypatch, "write", tmp_path / "cells")
    assert "9 cells are in" in capsys.readouterr().out
    assert len(train_beyond.CellFolder(tmp_path / "cells")) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--devices", "2", "--shares", "3", "--batch-size", "129"),
            "3 shares cannot be dealt out evenly to 2 processes",
        ),
        (("--shares", "3"), "128 examples cannot be cut into 3 equal shares"),
        (("--cells-per-epoch", "1"), "an epoch has 1 cells and a step 2 shares"),
        (("--batch-size", "2048"), "2048 examples a step, and all cells together have 1536 atoms"),
        (("--width", "0"), "2"),
        (("--epochs", "-1"), "2"),
        (("--out", "."), "is a folder: name a file in it"),
    ],
)
def test_what_does_not_go_is_refused_in_words(monkeypatch, folder, tmp_path, options, message):
    with pytest.raises(SystemExit, match=message):
        alone(monkeypatch, folder, tmp_path / "run.pt", *options)
    assert not (tmp_path / "run.pt").exists()


def test_apples_gpu_is_not_taken_unasked(monkeypatch, folder, tmp_path):
    from lightning_fabric.accelerators import MPSAccelerator

    monkeypatch.setattr(MPSAccelerator, "is_available", staticmethod(lambda: True))
    monkeypatch.setattr(train_beyond.training, "best_device", lambda: torch.device("cpu"))
    history = alone(monkeypatch, folder, tmp_path / "run.pt", "--accelerator", "auto", epochs=1)
    assert len(history["loss"]) == 1


def test_what_only_the_surroundings_forbid_is_refused_in_words(monkeypatch, folder, tmp_path):
    with pytest.raises(SystemExit, match="is no folder"):
        alone(monkeypatch, tmp_path / "nowhere", tmp_path / "run.pt")
    monkeypatch.setenv("LT_CLI_USED", "1")
    with pytest.raises(SystemExit, match="put --accelerator before the name of this script"):
        alone(monkeypatch, folder, tmp_path / "run.pt")
    monkeypatch.setattr(train_beyond, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"\.\[scale\]"):
        alone(monkeypatch, folder, tmp_path / "run.pt")
