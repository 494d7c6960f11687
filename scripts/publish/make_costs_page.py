"""The tables of docs/costs.md and docs/scale.md, from what `python -m benchmarks cost notebooks scale` measured.

python scripts/publish/make_costs_page.py     write them into the pages
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.harness.notebooks import slowest
from benchmarks.harness.table import stored
from scripts.publish.pages import TOP, fill, table

PAGE, SCALE_PAGE = TOP / "docs" / "costs.md", TOP / "docs" / "scale.md"


def costs(series: dict[str, dict]) -> str:
    """A row for everything that grows: from which to which size, in which time, with which power."""
    rows = []
    for name, one in series.items():
        if "sizes" in one:
            ends = [f"{one['sizes'][at]:,}: {milliseconds(one['seconds'][at])} ms" for at in (0, -1)]
            rows.append((name, one["axis"], *ends, f"{one['exponent']:.2f}" if "exponent" in one else "–"))
    return table("what | counted in | smallest | largest | power", rows)


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g}" if seconds < 0.099 else f"{1000 * seconds:,.0f}"


def middle(runs: list, size: int, name: str) -> float:
    """The median over repeats of one number at one size."""
    return float(np.median([run[size][name] for run in runs]))


def processes(runs: dict) -> str:
    """A row for each size: examples a second, median with the slowest and the fastest, by who computes."""
    rows = []
    for size, (width, batch_size) in enumerate(runs["sizes"]):
        speeds = [[run[size]["examples a second"] for run in runs[name]] for name in ("one", "two threads", "two")]
        shown = [f"{np.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})" for values in speeds]
        dearer = middle(runs["two"], size, "cpu") / middle(runs["one"], size, "cpu")
        rows.append((f"{width}", f"{batch_size:,}", *shown, f"{dearer:.2f}"))
    header = "numbers an atom | examples a step | one process | two threads | two processes | CPU time, two / one"
    return table(header, rows)


def blocks() -> dict[Path, dict[str, str]]:
    cells = [(where, f"{seconds:.0f}") for where, seconds in slowest(stored("notebooks"))]
    made = {"costs": costs(stored("cost")), "cells": table("cell | CPU s", cells)}
    return {PAGE: made, SCALE_PAGE: {"processes": processes(stored("scale")["processes"])}}


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for page, made in blocks().items():
        fill(page, made)
