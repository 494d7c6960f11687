"""Cells made by a Dask cluster of two workers, one of which is killed half-way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from scripts.data import make_amorphous_silicon as script

SEEDS = range(1, 13)
pytestmark = pytest.mark.slow


def stand_in():
    """A job like `quench`, without LAMMPS, which kills its worker at seed 6; workers need to import nothing for it."""

    def job(rate, seed, runs):
        target = runs / f"rate{rate:.0e}_seed{seed:03d}.extxyz"
        if target.exists():
            return target
        with (runs / "log").open("a") as log:
            log.write(f"{seed} {os.getpid()}\n")
        unfinished = target.with_suffix(f".{os.getpid()}.part")
        unfinished.write_text("half a cell")
        time.sleep(0.1)
        if seed == 6 and not (runs / "killed").exists():
            (runs / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        unfinished.write_text("a cell")
        unfinished.replace(target)
        return target

    return job


@pytest.fixture
def quench(monkeypatch, tmp_path):
    """The step `quench` with a stand-in for the melt-quench, on Dask; one cell has been made before."""

    def run(address):
        monkeypatch.setattr(script, "find_spec", lambda name: True)
        monkeypatch.setattr(script, "quench", stand_in())
        options = ["--rate", "1e13", "--seeds", f"{SEEDS[0]}-{SEEDS[-1]}", "--jobs", "2", "--dask", address]
        monkeypatch.setattr(sys, "argv", ["script", "--runs", str(tmp_path), "quench", *options])
        (tmp_path / "rate1e+13_seed003.extxyz").write_text("made yesterday")
        script.main()
        begun = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
        cells = {int(path.stem[-3:]): path.read_text() for path in tmp_path.glob("*.extxyz")}
        return cells, Counter(int(seed) for seed, _ in begun), {pid for _, pid in begun}

    return run


def test_a_cluster_that_loses_a_worker_makes_every_cell_whole_and_none_twice(quench, tmp_path):
    cells, begun, workers = quench("local")
    assert (tmp_path / "killed").exists()
    assert cells == {seed: "made yesterday" if seed == 3 else "a cell" for seed in SEEDS}
    assert begun == {seed: 1 + (seed == 6) for seed in SEEDS if seed != 3}
    assert len(workers) >= 2


def test_workers_that_were_started_elsewhere_take_the_jobs(quench, tmp_path):
    where, quiet = tmp_path / "scheduler.json", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    serve = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", where]
    work = [*dask, "worker", "--scheduler-file", where, "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
    work += ["--local-directory", tmp_path / "scratch"]
    both = [subprocess.Popen(words, start_new_session=True, **quiet) for words in (serve, work)]
    try:
        while not (where.exists() and where.read_text()):
            assert both[0].poll() is None
            time.sleep(0.1)
        cells, begun, _ = quench(json.loads(where.read_text())["address"])
    finally:
        for process in both:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert set(cells) == set(SEEDS)
    assert begun[6] == 2


@pytest.mark.parametrize(
    ("asked", "has_dask", "message"),
    [
        (("nonsense://nowhere", 2), True, "no Dask scheduler answers at nonsense://nowhere"),
        (("local", 1, 1), True, "fewer than two workers came within 1 s"),  # joblib would not use one
        (("local", 2), False, r"\.\[scale\]"),
    ],
)
def test_workers_that_cannot_come_are_refused_in_words(monkeypatch, asked, has_dask, message):
    monkeypatch.setattr(script, "find_spec", lambda name: has_dask or None)
    with pytest.raises(SystemExit, match=message), script.workers(*asked):
        pass


def test_without_dask_this_machine_takes_the_jobs():
    with script.workers(None, 1):
        assert sorted(script.spread(divmod, [(7, 2), (9, 4)], 1)) == [(2, 1), (3, 1)]
