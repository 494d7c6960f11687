"""The newest versions of everything that pyproject.toml allows, written into constraints.txt.

python scripts/refresh_constraints.py             solve, write, and print what moved
python scripts/refresh_constraints.py --check     solve and print, write nothing

Nothing is installed: pip only says what it would install. A version that does not install on the oldest Python of
pyproject.toml is left out and the solver asked again. Afterwards install into a new environment and run the tests.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

TOP = Path(__file__).parent.parent
PINS = TOP / "constraints.txt"
ASKED = ".[test]"
# CUDA's libraries come or stay away with PyTorch's index, which is the user's choice; setuptools builds, and goes.
NOT_OURS = ("cuda-", "nvidia-", "triton", "tutorial-lib", "setuptools")


def oldest_python() -> str:
    """The first version that pyproject.toml allows, with its last number, such as 3.11.0."""
    asked = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    return asked.split(",")[0].removeprefix(">=") + ".0"


def solved(limits: list[str]) -> list[dict]:
    """What pip would install into an empty environment: the metadata of each package.

    Args:
        limits: constraints such as "numpy<2.2".

    Returns:
        For each package its metadata, with "name", "version" and, where there is one, "requires_python".

    Raises:
        SystemExit: pip found no solution; what it said is printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        told, report = Path(folder) / "limits.txt", Path(folder) / "report.json"
        told.write_text("\n".join(limits), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        done = subprocess.run([*command, "--report", report, "-c", told, "-e", ASKED], cwd=TOP)  # noqa: S603  pip, by its own path
        if done.returncode:
            sys.exit("pip found no solution: its last words are above")
        return [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]


def too_new(packages: list[dict], python: str, before: dict[str, str]) -> list[str]:
    """A limit for each package that does not install on a version of Python: an older pin, or below this version."""
    asked = [(canonicalize_name(one["name"]), one["version"], one.get("requires_python") or "") for one in packages]
    refused = [(name, version) for name, version, spec in asked if python not in SpecifierSet(spec)]
    pinned = {name for name, version in refused if before.get(name, version) != version}
    return [f"{name}<={before[name]}" if name in pinned else f"{name}<{version}" for name, version in refused]


def pins(packages: list[dict]) -> dict[str, str]:
    """The version of each package by its name, without the build that follows a `+`, ourselves left out."""
    found = {canonicalize_name(one["name"]): one["version"].split("+")[0] for one in packages}
    return {name: version for name, version in sorted(found.items()) if not name.startswith(NOT_OURS)}


def read(text: str) -> dict[str, str]:
    """The pins of a file of constraints."""
    lines = (line.split("==") for line in text.splitlines() if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in lines}


def moved(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """A line for every package that came, went, or has another version."""
    names = sorted(before | after)
    return [f"{n} {before.get(n, '-')} -> {after.get(n, '-')}" for n in names if before.get(n) != after.get(n)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    text, limits = PINS.read_text(encoding="utf-8"), []
    before = read(text)
    print("asking pip, which takes minutes ...", flush=True)
    while refused := too_new(packages := solved(limits), oldest_python(), before):
        print(f"too new for Python {oldest_python()}, so {', '.join(refused)}", flush=True)
        limits += refused
    newest = pins(packages)
    for line in moved(before, newest) or ["nothing moved"]:
        print(line)
    if not args.check:
        header = text.splitlines()[0]
        PINS.write_text("\n".join([header, *(f"{n}=={v}" for n, v in newest.items())]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
