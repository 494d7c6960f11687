"""Re-measures what every cell of the notebooks takes, and whether two runs print the same.

`python -m benchmarks.harness.notebooks [NN ...] [--resume]`: each notebook is run twice from top to bottom, on one
thread. Its cells' CPU seconds, divided by the machine's pace (`budget.Pace`), go into `results/notebooks.json`, from
which `scripts/publish/make_plans.py` plans lessons; the five slowest cells are the figures, beside what the course
takes.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import nbformat

from benchmarks.harness.budget import Pace
from benchmarks.harness.store import Call, Runs
from benchmarks.harness.table import RESULTS, Benchmark, Figure, announce, roots_of_notebook, stored, with_options
from tutorial_lib.course.runs import notebooks, run_notebook

NAME = "notebooks"
N_SLOWEST = 5
SECONDS = re.compile(r"\b\d+(\.\d+)? m?s\b")
COURSE = ("01", "02", "03", "04", "05", "06")


def run(number: str) -> tuple[dict, dict[str, list[str]]]:
    """One run of a notebook: what it and each of its code cells took, and what each printed, by the cell's id.

    Raises:
        CellExecutionError: a cell failed.
    """
    pace = Pace()
    try:
        done = run_notebook(notebooks([number])[0], store=False, one_thread=True)
    finally:
        slowness = pace.stop()
    prints = {cell.id: printed(cell) for cell in done.book.cells if cell.cell_type == "code"}
    costs = {
        "seconds": {name: round(cost / slowness, 2) for name, cost in done.seconds.items()},
        "cpu_seconds": round(done.cpu_seconds / slowness, 1),
        "gigabytes": round(done.peak_bytes / 1e9, 2),
    }
    return costs, prints


def printed(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell prints and returns, as text, with TIME for each time that it took; progress bars are left out."""
    streams = ["".join(output.text) for output in cell.outputs if output.get("name") == "stdout"]
    values = [output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]
    return [SECONDS.sub("TIME", text) for text in ("".join(streams), *values)]


def twice(number: str) -> dict:
    """Two runs of a notebook: what it took, the mean seconds of its cells, and those that printed two things."""
    (costs, first), (again, second) = run(number), run(number)
    return costs | {
        "seconds": {name: round((cost + again["seconds"][name]) / 2, 2) for name, cost in costs["seconds"].items()},
        "differ": [name for name in first if first[name] != second[name]],
    }


def slowest(series: dict[str, dict]) -> list[tuple[str, float]]:
    """The slowest cells of all notebooks: the notebook, the heading above and the first line in words; the seconds."""
    costs = [(cost, name, cell) for name, one in series.items() for cell, cost in one["seconds"].items()]
    found = []
    for cost, name, wanted in sorted(costs, reverse=True)[:N_SLOWEST]:
        heading = "Opening"
        for cell in nbformat.read(notebooks([name[:2]])[0], 4).cells:
            if cell.cell_type == "markdown":
                heading = (re.findall(r"^## (.+)$", cell.source, flags=re.MULTILINE) or [heading])[-1]
            if cell.id == wanted:
                found.append((f"{name}, *{heading}*: `{cell.source.splitlines()[0]}`", cost))
    return found


def all_runs(runs: Runs, seeds: list[int], numbers: Sequence[str] = ()) -> dict:
    """All notebooks, or those of some numbers beside what is stored of the others."""
    books = notebooks(list(numbers))
    roots = [(f"benchmarks.harness.{NAME}", *roots_of_notebook(book.name[:2])) for book in books]
    calls = [Call(twice, book.name[:2], alone=True, roots=root) for book, root in zip(books, roots, strict=True)]
    series = stored(NAME) if numbers and (RESULTS / f"{NAME}.json").exists() else {}
    series |= {book.stem: found for book, found in zip(books, runs.map(calls, "notebooks"), strict=True)}
    return {book.stem: series[book.stem] for book in notebooks([]) if book.stem in series}


def all_figures(series: dict) -> list[Figure]:
    """The table."""
    course = sum(sum(one["seconds"].values()) for name, one in series.items() if name.startswith(COURSE))
    different = {name: one["differ"] for name, one in series.items() if one["differ"]}
    return [
        Figure("notebooks that print the same twice", f"{len(series)}",
               f"{len(series) - len(different)}{json.dumps(different) if different else ''}", not different),
        Figure("notebooks 01 to 06 together (CPU s)", "600 (aim 400)", f"{course:.0f}", course <= 600),
        *[Figure(f"{where} (CPU s)", "reported", f"{cost:.0f}") for where, cost in slowest(series)],
    ]  # fmt: skip


def main() -> int:
    """The command line."""
    parser = with_options(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("numbers", nargs="*", metavar="NN", help="such as 02; all if none is named")
    args = parser.parse_args()
    some = replace(BENCHMARK, all_runs=partial(all_runs, numbers=args.numbers), whole=not args.numbers)
    announce([some], args)
    return some.measure(args)


BOOKS = tuple(root for book in notebooks([]) for root in roots_of_notebook(book.name[:2]))
BENCHMARK = Benchmark(NAME, all_runs, all_figures, seeds=(0,), roots=BOOKS)

if __name__ == "__main__":
    sys.exit(main())
