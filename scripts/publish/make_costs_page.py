"""The tables of docs/costs.md, from what `python -m benchmarks cost notebooks` measured.

python scripts/publish/make_costs_page.py     write them into the page
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.harness.notebooks import slowest
from benchmarks.harness.table import stored
from scripts.publish.pages import TOP, fill, table

PAGE = TOP / "docs" / "costs.md"


def costs(series: dict[str, dict]) -> str:
    """A row for everything that grows: from which to which size, in which time, with which power."""
    rows = []
    for name, one in series.items():
        if "sizes" in one:
            ends = [f"{one['sizes'][at]:,}: {milliseconds(one['seconds'][at])} ms" for at in (0, -1)]
            rows.append((name, one["axis"], *ends, f"{one['exponent']:.2f}" if "exponent" in one else "–"))
    return table("what | counted in | smallest | largest | power", rows)


def milliseconds(seconds: float) -> str:
    """Two digits that mean something."""
    return f"{1000 * seconds:.2g}" if seconds < 0.099 else f"{1000 * seconds:,.0f}"


def blocks() -> dict[str, str]:
    """What is generated on the page."""
    cells = [(where, f"{seconds:.0f}") for where, seconds in slowest(stored("notebooks"))]
    return {"costs": costs(stored("cost")), "cells": table("cell | CPU s", cells)}


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    fill(PAGE, blocks())
