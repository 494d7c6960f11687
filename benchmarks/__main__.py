"""`python -m benchmarks [NAME ...]`: all benchmarks, or those that are named, and one table of what they measured.

python -m benchmarks                     everything anew, in some twelve hours on one core
python -m benchmarks --resume --jobs 2   only what was never run, or has changed since it was run
python -m benchmarks tetris cost         two of them
python -m benchmarks --stored            the table from what was measured before, in a second

First it says what it will run, and how long that took before. Every run is stored as soon as it is finished: after
Ctrl-C, `--resume` goes on. The table holds every figure of which something was asked, in Markdown; `--all` adds those
that are only reported. The exit status is 1 where one of them is missed, which the table calls **short**.
`python scripts/publish/make_front_page.py` writes it into docs/benchmarks.md.
"""

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.harness.store import module_of
from benchmarks.harness.table import RESULTS, Benchmark, Figure, announce, read_results, with_options

# What benchmarks import
OTHERS = ("budget", "led_pieces", "missing_atom_rivals", "octahedra_networks", "operators", "store", "table")
NAMES = sorted({path.stem for path in Path(__file__).parent.rglob("[a-z]*.py")} - set(OTHERS))


def results(names: list[str]) -> dict[str, dict]:
    """What benchmarks have stored, by the benchmark's name."""
    return {name: read_results(name) for name in names if (RESULTS / f"{name}.json").exists()}


def figures(names: list[str]) -> dict[str, list[Figure]]:
    """The figures among it."""
    return {name: [Figure(**figure) for figure in found["figures"]] for name, found in results(names).items()}


def of_other_builds(benchmarks: list[Benchmark]) -> str:
    """A sentence that says which tables were measured by other code or data than today's, or by unknown ones."""
    found = results([benchmark.name for benchmark in benchmarks])
    builds = {
        benchmark.name: (found.get(benchmark.name, {}).get("build"), benchmark.build()) for benchmark in benchmarks
    }
    other = [name for name, (then, now) in builds.items() if then and then != now]
    unknown = [name for name, (then, _) in builds.items() if not then]
    if not other + unknown:
        return "All tables were measured by today's build."
    parts = {"by another build than today's": other, "by an unknown build": unknown}
    return "Measured " + "; ".join(f"{how}: {', '.join(names)}" for how, names in parts.items() if names) + "."


def markdown(found: dict[str, list[Figure]], *, reported: bool = False) -> str:
    """One table, a row a figure, with a mark where one is missed; `reported` shows those of which nothing was asked."""
    rows = ["| `python -m benchmarks` | figure | asked | measured |", "| --- | --- | --- | --- |"]
    for name, some in found.items():
        for figure in some:
            if reported or not figure.asked.startswith("reported"):
                cells = (figure.name, figure.asked, figure.measured + ("" if figure.passes else " **short**"))
                rows.append(f"| {name} | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is named")
    with_options(parser).add_argument("--all", action="store_true", help="also figures that are only reported")
    args = parser.parse_args()
    chosen = args.names or NAMES
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    benchmarks = [importlib.import_module(module_of(name)).BENCHMARK for name in chosen]
    if not args.stored:
        announce(benchmarks, args)
        for benchmark in benchmarks:
            print(f"# {benchmark.name}", flush=True)
            benchmark.measure(args)
    found = figures(chosen)
    print(markdown(found, reported=args.all))
    print(of_other_builds(benchmarks))
    sys.exit(any(not figure.passes for some in found.values() for figure in some))


if __name__ == "__main__":
    main()
