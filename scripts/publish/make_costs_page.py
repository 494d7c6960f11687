"""The tables of docs/costs.md, from what `python -m benchmarks cost notebooks` measured.

python scripts/publish/make_costs_page.py     write them into the page
"""

import argparse
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP))

from benchmarks.harness.notebooks import slowest  # noqa: E402
from benchmarks.harness.table import stored  # noqa: E402
from scripts.publish.make_front_page import with_blocks  # noqa: E402

PAGE = TOP / "docs" / "costs.md"


def costs(series: dict[str, dict]) -> str:
    """A row for everything that grows: from which to which size, in which time, with which power."""
    rows = ["| what | counted in | smallest | largest | power |", "| --- | --- | --- | --- | --- |"]
    for name, one in series.items():
        if "sizes" not in one:
            continue
        ends = [f"{one['sizes'][at]:,}: {milliseconds(one['seconds'][at])} ms" for at in (0, -1)]
        power = f"{one['exponent']:.2f}" if "exponent" in one else "–"
        rows.append(f"| {name} | {one['axis']} | {ends[0]} | {ends[1]} | {power} |")
    return "\n".join(rows)


def milliseconds(seconds: float) -> str:
    """Two digits that mean something."""
    return f"{1000 * seconds:.2g}" if seconds < 0.099 else f"{1000 * seconds:,.0f}"


def cells(series: dict[str, dict]) -> str:
    """A row for each of the slowest cells."""
    rows = ["| cell | CPU s |", "| --- | --- |"]
    return "\n".join(rows + [f"| {where} | {seconds:.0f} |" for where, seconds in slowest(series)])


def blocks() -> dict[str, str]:
    """What is generated on the page."""
    return {"costs": costs(stored("cost")), "cells": cells(stored("notebooks"))}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    PAGE.write_text(with_blocks(PAGE.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


if __name__ == "__main__":
    main()
