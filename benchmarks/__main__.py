"""`python -m benchmarks [NAME ...]`: all benchmarks, or those that are named, and one table of what they measured.

python -m benchmarks                   everything, in some twelve hours on one core
python -m benchmarks tetris cost       two of them
python -m benchmarks --stored          the table from what was measured before, in a second

The table holds every figure of which something was asked, in Markdown; `--all` adds those that are only reported. The
exit status is 1 where one of them is missed, which the table calls **short**.
`python scripts/make_front_page.py` writes it into the README.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

from benchmarks.table import RESULTS, Figure

OTHERS = ("__init__", "__main__", "budget", "led_pieces", "missing_atom_rivals", "table")
NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in OTHERS)


def figures(names: list[str]) -> dict[str, list[Figure]]:
    """The figures that benchmarks have stored, by the benchmark's name."""
    paths = {name: RESULTS / f"{name}.json" for name in names}
    stored = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}
    return {name: [Figure(**figure) for figure in results["figures"]] for name, results in stored.items()}


def markdown(found: dict[str, list[Figure]], *, reported: bool = False) -> str:
    """One table, a row a figure, the command that measures it in the first column.

    Args:
        found: what `figures` gives.
        reported: also those of which nothing was asked.

    Returns:
        Markdown, with a mark where a figure is missed.
    """
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
    parser.add_argument("--stored", action="store_true", help="measure nothing")
    parser.add_argument("--all", action="store_true", help="also figures that are only reported")
    args = parser.parse_args()
    chosen = args.names or NAMES
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    if not args.stored:
        for name in chosen:
            print(f"# {name}", flush=True)
            importlib.import_module(f"benchmarks.{name}").main([])
    found = figures(chosen)
    print(markdown(found, reported=args.all))
    sys.exit(any(not figure.passes for some in found.values() for figure in some))


if __name__ == "__main__":
    main()
