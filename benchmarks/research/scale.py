"""At what size another process, a disk or a cluster is worth it: the figures of docs/scale.md.

Examples a second of the flow of `scripts/train/train_beyond.py` in one process, with two threads and in two processes,
whose losses must agree; a folder that is streamed, beside one that is kept; the cost of a checkpoint, of shares, and of
a job on a Dask cluster. It needs the extra `scale`; `scripts/publish/make_costs_page.py` writes its table.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import Benchmark, Figure
from scripts.data import make_amorphous_silicon
from scripts.publish.make_costs_page import middle
from scripts.train import train_beyond
from tutorial_lib import datasets, training
from tutorial_lib.training import loop
from tutorial_lib.training.batches import Share
from tutorial_lib.training.streaming import CellFolder, Stream

SIZES = [(16, 64), (48, 256), (96, 512)]  # numbers an atom, examples a step
N_CELLS = 6  # of 512 atoms, once; the first step is not timed
N_LINKS = 50  # of each of nine files: the folder that is streamed
N_TASKS = 200
REPEATS = 3  # of the runs in one process and in two


class Timed(Stream):
    """A stream that notes when its steps begin."""

    def steps(self, epoch: int) -> Iterator[list[Share]]:
        """The steps of an epoch."""
        self.begun = []
        for shares in super().steps(epoch):
            self.begun.append((time.perf_counter(), time.process_time()))
            yield shares
        self.begun.append((time.perf_counter(), time.process_time()))


def write_cells(folder: Path, n_cells: int, n_links: int = 1) -> CellFolder:
    """A folder of shipped cells, each of them so many times."""
    for number, atoms in enumerate(datasets.load_amorphous("train")[:n_cells]):
        first = folder / f"{number}_0.extxyz"
        atoms.write(first, format="extxyz", columns=["symbols", "positions"], write_results=False)
        for link in range(1, n_links):
            (folder / f"{number}_{link}.extxyz").hardlink_to(first)
    return CellFolder(folder)


def one_training(
    fabric, cells: CellFolder, width: int, batch_size: int, *, threads: int = 1, shares: int = 2
) -> dict[str, float]:
    """Examples a second, CPU seconds of all processes for an example, and the loss."""
    n_mine = shares // fabric.world_size
    mine = range(fabric.global_rank * n_mine, (fabric.global_rank + 1) * n_mine)
    options = {"batch_size": batch_size, "seed": 0, "shares": shares, "mine": mine, "keep": True}
    stream = Timed(cells, train_beyond.clouds_of, **options)
    model = train_beyond.new_flow(cells, width, 3, 0)
    backend = train_beyond.SpreadOut(fabric, threads)
    recipe = training.Recipe(1, batch_size, 4e-3, 0)
    loss = train_beyond.velocity_loss
    history = training.train(model, stream, loss, recipe, device="cpu", progress=False, backend=backend)
    first, last = stream.begun[1], stream.begun[-1]
    n_examples = (stream.n_steps - 1) * batch_size
    cpu = backend.total(last[1] - first[1])
    return {"examples a second": n_examples / (last[0] - first[0]), "cpu": cpu / n_examples, "loss": history["loss"][0]}


def inside(n_processes: int, folder: Path) -> None:
    """Print what one of the processes of `processes` measures, as JSON."""
    from lightning_fabric import Fabric

    strategy = "ddp" if n_processes > 1 else "auto"
    fabric = Fabric(accelerator="cpu", devices=n_processes, strategy=strategy)
    fabric.launch()
    cells = CellFolder(folder)
    found = {"plain": [one_training(fabric, cells, *size) for size in SIZES]}
    if n_processes == 1:
        found["threads"] = [one_training(fabric, cells, *size, threads=2) for size in SIZES]
        found["shares"] = [one_training(fabric, cells, *SIZES[1], shares=shares) for shares in (1, 4)]
        found["shares"] = [run["examples a second"] for run in found["shares"]]
    if fabric.is_global_zero:
        print(json.dumps(found))


def processes(repeat: int) -> dict[str, dict]:
    """What `inside` measures in one process and in two."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_cells(Path(folder), N_CELLS)
        for name, number in (("one", 1), ("two", 2)):
            command = [sys.executable, "-m", "benchmarks.research.scale", "--inside", str(number), folder]
            env = os.environ | {"OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)  # noqa: S603 - our own words
            found[name] = json.loads(done.stdout.splitlines()[-1])
    return found


def stream_series() -> dict:
    """Seconds and growth of memory for one round through a folder, forgetting and keeping its cells."""
    process, series = psutil.Process(), {}
    with tempfile.TemporaryDirectory() as folder:
        write_cells(Path(folder), 9, N_LINKS)
        start = time.perf_counter()
        cells = CellFolder(folder)
        series |= {"cells": len(cells), "index seconds": time.perf_counter() - start}
        series["megabytes on disk"] = sum(path.stat().st_size for path in cells.files) / 1e6
        for how in ("warm up", "streamed", "kept"):
            stream = Stream(cells, train_beyond.clouds_of, batch_size=256, seed=0, keep=how == "kept")
            before, start, most, n = process.memory_info().rss, time.perf_counter(), 0, 0
            for ((batch, _),) in stream.steps(0):
                n += len(batch)
                most = max(most, process.memory_info().rss)
            if how != "warm up":
                seconds = time.perf_counter() - start
                series[how] = {"examples a second": n / seconds, "megabytes": (most - before) / 1e6}
        kept = [train_beyond.clouds_of(cells.cell(index)) for index in range(len(cells))]
        series |= {"examples": n, "megabytes kept": sum(x.numel() * x.itemsize for x in kept) / 1e6}
    return series


def checkpoint_series() -> dict:
    """Milliseconds and megabytes of a checkpoint, by width."""
    series: dict = {"width": [48, 192], "milliseconds": [], "megabytes": []}
    with tempfile.TemporaryDirectory() as folder:
        cells, path = write_cells(Path(folder), 1), Path(folder) / "run.pt"
        for width in series["width"]:
            model = train_beyond.new_flow(cells, width, 3, 0)
            optimiser = torch.optim.Adam(model.velocity.parameters())
            model.velocity(torch.randn(4, 8, 3), torch.rand(4)).sum().backward()
            optimiser.step()
            taken = []
            for _ in range(9):
                start = time.perf_counter()
                loop.save(path, {}, {"loss": [0.0] * 100}, {"model": model, "optimiser": optimiser})
                taken.append(1e3 * (time.perf_counter() - start))
            series["milliseconds"].append(torch.tensor(taken).median().item())
            series["megabytes"].append(path.stat().st_size / 1e6)
    return series


def dask_series() -> dict:
    """Milliseconds for a job that does nothing, and seconds until the workers are there, with Dask and without."""
    series = {}
    for name, address in (("processes", None), ("Dask", "local")):
        start = time.perf_counter()
        with make_amorphous_silicon.workers(address, 2):
            list(make_amorphous_silicon.spread(abs, [(number,) for number in range(8)], 2))
            ready = time.perf_counter()
            list(make_amorphous_silicon.spread(abs, [(number,) for number in range(N_TASKS)], 2))
            series[name] = {"start": ready - start, "milliseconds": 1e3 * (time.perf_counter() - ready) / N_TASKS}
    return series


def difference(series: dict) -> float:
    """The largest relative difference between the losses of one process and of two."""
    pairs = zip(series["one"][0], series["two"][0], strict=True)
    return max(abs(one["loss"] / two["loss"] - 1) for one, two in pairs)


def all_runs(runs: Runs, seeds: list[int]) -> dict:
    """Everything, alone; one process and two in turn, so that whatever else the machine does meets both."""
    calls = [Call(one, alone=True) for one in (stream_series, checkpoint_series, dask_series)]
    calls += [Call(processes, repeat, alone=True) for repeat in range(REPEATS)]
    stream, checkpoint, jobs, *found = runs.map(calls)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "repeats": REPEATS,
        "fabric": version("lightning-fabric"),
        "dask": version("dask"),
        "stream": stream,
        "checkpoint": checkpoint,
        "jobs": jobs,
        "processes": {
            "sizes": SIZES,
            "one": [run["one"]["plain"] for run in found],
            "two threads": [run["one"]["threads"] for run in found],
            "two": [run["two"]["plain"] for run in found],
            "shares": [run["one"]["shares"] for run in found],
        },
    }


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    apart, stream = difference(series["processes"]), series["stream"]
    leaner = stream["streamed"]["megabytes"] < stream["kept"]["megabytes"]
    figures = [Figure("losses of one and of two processes (relative)", "1e-5", f"{apart:.0e}", apart < 1e-5)]
    names = {"one": "one process", "two threads": "one process, two threads", "two": "two processes"}
    for index, (width, batch_size) in enumerate(SIZES):
        for name, words in names.items():
            speed = middle(series["processes"][name], index, "examples a second")
            title = f"width {width}, batch {batch_size}, {words} (examples/s)"
            figures.append(Figure(title, "reported", f"{speed:.0f}"))
    figures += [
        Figure("a round, streamed: memory (MB)", "below kept", f"{stream['streamed']['megabytes']:.0f}", leaner),
        Figure("a round, kept: memory (MB)", "reported", f"{stream['kept']['megabytes']:.0f}"),
        Figure("a round, streamed (examples/s)", "reported", f"{stream['streamed']['examples a second']:.0f}"),
        Figure("a checkpoint, width 48 (ms)", "reported", f"{series['checkpoint']['milliseconds'][0]:.0f}"),
        Figure("a job on Dask that does nothing (ms)", "reported", f"{series['jobs']['Dask']['milliseconds']:.1f}"),
    ]
    return figures


BENCHMARK = Benchmark("scale", all_runs, all_figures, seeds=(0,))

if __name__ == "__main__":  # one of the processes that `processes` starts
    inside(int(sys.argv[2]), Path(sys.argv[3]))
