"""Figures come in, a printed table, a file in `results/` and an exit status go out."""

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.budget import CPU_SECONDS, GIGABYTES
from tutorial_lib.__main__ import notebooks, run_notebook

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("ase", "e3nn", "nglview", "numpy", "scipy", "torch", "vesin")


@dataclass(frozen=True)
class Figure:
    """One measured number and what was asked of it.

    Attributes:
        name: what was measured, with its unit.
        asked: in words.
        measured: in words.
        passes: whether it is good enough; True where it is only reported.
    """

    name: str
    asked: str
    measured: str
    passes: bool = True


def mean_and_spread(values: list[float], digits: int = 2) -> str:
    """The mean and the standard deviation over seeds, cells or repeats, in words; one value has no spread."""
    numbers = torch.tensor(values, dtype=torch.float64)
    spread = f" ± {numbers.std(correction=1):.{digits}f}" if len(values) > 1 else ""
    return f"{numbers.mean():.{digits}f}{spread}"


def median_ratio(slow: Callable[[], float], fast: Callable[[], float], repeats: int) -> float:
    """The median over repeats of slow() / fast(), each of them taken in turn in this run."""
    return torch.tensor([slow() / fast() for _ in range(repeats)]).median().item()


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of weights, batches and noise")
    parser.add_argument("--skip-notebook", action="store_true", help="do not measure what the notebook takes")
    return parser


def long_benchmark(
    name: str,
    description: str,
    all_runs: Callable[[list[int], int, str | None], dict],
    all_figures: Callable[[dict], list[Figure]],
    *,
    notebook: str | None,
    arguments: list[str] | None,
) -> int:
    """The exit status of a benchmark that trains for more than half an hour; `notebook` is its number, if it has one.

    What was trained, or was stored by an earlier run, goes from `all_runs(seeds, jobs, keep)` to `all_figures(series)`.
    """
    parser = command_line(description)
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, each on one thread")
    parser.add_argument("--keep", help="a folder for finished runs, from which an interrupted benchmark goes on")
    parser.add_argument("--stored", action="store_true", help="train nothing, take the stored runs")
    args = parser.parse_args(arguments)
    series = stored(name) if args.stored else all_runs(args.seeds, args.jobs, args.keep)
    figures = all_figures(series)
    if notebook and not args.skip_notebook:
        figures += notebook_figures(notebook)
    return finish(name, figures, series, args.seeds)


def stored(name: str) -> dict:
    """The series that a benchmark has written."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["series"]


def notebook_figures(number: str, aim: str = "") -> list[Figure]:
    """What a notebook takes, beside its budget; the aim, if any, in words."""
    done = run_notebook(notebooks([number])[0], store=False, one_thread=True)
    seconds, memory, allowed = done.cpu_seconds, done.peak_bytes / 1e9, CPU_SECONDS[number]
    return [
        Figure(f"notebook {number} (CPU seconds)", f"{allowed}{aim}", f"{seconds:.0f}", seconds <= allowed),
        Figure(f"notebook {number}, peak memory (GB)", f"{GIGABYTES:g}", f"{memory:.2f}", memory <= GIGABYTES),
    ]


def finish(name: str, figures: list[Figure], series: dict, seeds: list[int]) -> int:
    """The exit status, after the table is printed and the results are written."""
    width = max(len(figure.name) for figure in figures)
    asked = max(len(figure.asked) for figure in figures)
    for figure in figures:
        print(f"{figure.name:{width}}  {figure.asked:{asked}}  {figure.measured}")
    short = [figure for figure in figures if not figure.passes]
    for figure in short:
        print(f"short: {figure.name}: asked {figure.asked}, measured {figure.measured}")
    RESULTS.mkdir(exist_ok=True)
    results = {
        "figures": [asdict(figure) for figure in figures],
        "series": series,
        "seeds": seeds,
        "versions": {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(bool(short))
