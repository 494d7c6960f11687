"""`python -m benchmarks [NAME ...]`: all benchmarks, or those that are named, one after another."""

import argparse
import importlib
import sys
from pathlib import Path

OTHERS = ("__init__", "__main__", "budget", "led_pieces", "missing_atom_rivals", "table")
NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in OTHERS)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is named")
    chosen = parser.parse_args().names or NAMES
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    sys.exit(max(importlib.import_module(f"benchmarks.{name}").main([]) for name in chosen))


if __name__ == "__main__":
    main()
