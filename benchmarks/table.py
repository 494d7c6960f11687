"""Figures come in, a printed table, a file in `results/` and an exit status go out."""

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("ase", "nglview", "numpy", "scipy", "torch", "vesin")


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


def mean_and_spread(values: list[float]) -> str:
    """The mean and the standard deviation over seeds, cells or repeats, in words."""
    numbers = torch.tensor(values, dtype=torch.float64)
    return f"{numbers.mean():.2f} ± {numbers.std(correction=1):.2f}"


def median_ratio(slow: Callable[[], float], fast: Callable[[], float], repeats: int) -> float:
    """The median over repeats of slow() / fast(), each of them taken in turn in this run."""
    return torch.tensor([slow() / fast() for _ in range(repeats)]).median().item()


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
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return int(bool(short))
