"""Which share of small faults in the library the tests find: `python scripts/mutants.py`, some minutes on two cores.

A seeded sample of places is mutated by cosmic-ray (`pip install cosmic-ray==8.7.0`), one at a time, and the tests that
reach the place, by coverage's contexts, are run until one fails: a minute of them at most, the quickest first. The
sample is drawn by the text of functions and lines, so that it stays the same where other lines change or a file moves.

What became of each stands in tests/mutants.json; a run that overwrites it says what has changed.
"""

import argparse
import ast
import contextlib
import difflib
import hashlib
import importlib
import json
import os
import re
import resource
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

TOP = Path(__file__).parent.parent
BUILD = TOP / "build"
STORED = TOP / "tests" / "mutants.json"
# Imported before we fork, so that no run has to: nothing of this project, and none of pytest's plugins.
HEAVY = ("torch", "e3nn.o3", "scipy.stats", "sklearn.linear_model", "ase.build", "matplotlib.pyplot", "rdkit.Chem")
# Operators that need arguments of their own, that stumble over `module.Error`, or that no number survives.
UNWANTED = re.compile("Variable|Exception|Bit|Shift|Invert|Mod|FloorDiv|_Is|_In|_NotIn")
MINUTE = 60.0
HERE = ["-n", "0", "--dist=no", "-q", "-p", "no:cacheprovider"]  # in this process, or coverage knows no contexts


@dataclass(frozen=True)
class Mutant:
    """One change: its file, its first and last line, and the file's text with it."""

    path: str
    lines: tuple[int, int]
    code: str
    draw: str


def drawn(path: Path, seed: int):
    """One mutant of each place of a file, the one with the smallest hash of seed, function, line and operator."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    text = path.read_text(encoding="utf-8")
    nodes, rows, owners = list(ast_nodes(get_ast(text))), text.splitlines(), {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            owners |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), node.name)
    places, times = {}, Counter()
    for name in operator_names():
        if UNWANTED.search(name):
            continue
        operator = get_operator(name)()
        positions = (position for node in nodes for position in operator.mutation_positions(node))
        for occurrence, ((first, column), (last, _)) in enumerate(positions):
            row = rows[first - 1]
            words = f"{seed} {owners.get(first)} {row.strip()} {column - len(row) + len(row.lstrip())} {name}"
            times[words] += 1
            draw = hashlib.sha256(f"{words} {times[words]}".encode()).hexdigest()
            if (first, column) not in places or draw < places[first, column][0]:
                places[first, column] = draw, str(path), name, occurrence, (first, last)
    return places.values()


def sample(size: int, seed: int) -> list[Mutant]:
    """The first mutants by hash that are Python, and another program than before."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    library = sorted(p.relative_to(TOP) for p in (TOP / "tutorial_lib").rglob("*.py"))
    found: list[Mutant] = []
    for draw, path, name, occurrence, lines in sorted(one for file in library for one in drawn(file, seed)):
        if len(found) == size:
            break
        text = Path(path).read_text(encoding="utf-8")
        code = mutate_code(text, get_operator(name)(), occurrence)
        with contextlib.suppress(SyntaxError):
            if ast.dump(ast.parse(code)) != ast.dump(ast.parse(text)):
                found.append(Mutant(path, lines, code, draw))
    return found


class Watch:
    """A plugin of pytest: what failed, and what each test took with its set-up and tear-down."""

    def __init__(self):
        self.seconds, self.failed = defaultdict(float), []

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def forked(arguments: list[str], folder: Path, cpu_seconds: int = 0) -> tuple[int, dict, list[str]]:
    """The status, the seconds and the failures of pytest in a child that starts with everything heavy imported."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        if cpu_seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        os.chdir(folder)
        sys.path[:] = [str(folder), *(p for p in sys.path if p not in ("", str(TOP)))]
        os.environ["PYTHONPATH"] = str(folder)
        import pytest

        watch = Watch()
        status = pytest.main(arguments, plugins=[watch])
        with os.fdopen(writing, "w") as answer:
            json.dump((int(status), watch.seconds, watch.failed), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return tuple(json.loads(text)) if text else (-1, {}, [])


def reached(coverage_file: Path) -> dict[str, dict[int, set[str]]]:
    """The tests that reach each line of each file; an empty name stands for what runs when the file is imported."""
    from coverage import CoverageData

    data = CoverageData(str(coverage_file))
    data.read()
    return {
        name[name.rindex("tutorial_lib/") :]: {
            line: {test.partition("|")[0] for test in tests} for line, tests in data.contexts_by_lineno(name).items()
        }
        for name in data.measured_files()
    }


def chosen(mutant: Mutant, lines: dict[int, set[str]], seconds: dict[str, float]) -> list[str]:
    """The tests to run for a mutant, a minute of them at most, quickest first, those of a file side by side."""
    first, last = mutant.lines
    tests = set().union(*(lines.get(line, ()) for line in range(first, last + 1)))
    if tests == {""}:
        tests = set().union(*lines.values())
    sum_of, kept = 0.0, defaultdict(list)
    for test in sorted(tests & seconds.keys(), key=lambda test: (seconds[test], test)):
        sum_of += seconds[test]
        if sum_of > MINUTE and kept:
            break
        kept[test.partition("::")[0]].append(test)
    return [test for file in sorted(kept, key=lambda file: sum(seconds[t] for t in kept[file])) for test in kept[file]]


def fate(mutant: Mutant, tests: list[str], folder: Path) -> str:
    """What became of a mutant: killed, survived, or not reached by any test."""
    if not tests:
        return "not reached"
    path = folder / mutant.path
    before, times = path.read_text(encoding="utf-8"), path.stat()
    sys.dont_write_bytecode = True
    path.write_text(mutant.code, encoding="utf-8")
    try:
        status, _, _ = forked([*tests, "-x", *HERE], folder, cpu_seconds=240)
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return "survived" if status == 0 else "killed"


def fates(job: int, jobs: int, mutants: list[Mutant], tests: list[list[str]]) -> list[str]:
    """What became of one job's share of the mutants, tried in a copy of its own."""
    for name in HEAVY:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copy"
        shutil.copytree(TOP, folder, ignore=shutil.ignore_patterns("build", ".venv", ".hypothesis"))
        share = list(zip(mutants[job::jobs], tests[job::jobs], strict=True))
        return [fate(*one, folder) for one in tqdm(share, desc=f"mutants {job}", unit="mutant", disable=job > 0)]


def changed(mutant: Mutant) -> str:
    """The lines that a mutant changes, as a diff without its head."""
    before = Path(mutant.path).read_text(encoding="utf-8").splitlines()
    rows = difflib.unified_diff(before, mutant.code.splitlines(), n=0, lineterm="")
    return "\n".join(row for row in rows if not row.startswith(("---", "+++", "@@")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=150, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried side by side")
    parser.add_argument("--tests", nargs="+", default=[], help="further arguments for pytest, such as --ignore=FILE")
    args = parser.parse_args()
    os.chdir(TOP)
    BUILD.mkdir(exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in HEAVY:
        importlib.import_module(name)
    mutants = sample(args.size, args.seed)
    os.environ["COVERAGE_FILE"] = str(BUILD / "mutants.coverage")
    print(f"{len(mutants)} mutants; all tests once, which takes some minutes", flush=True)
    options = ["--cov=tutorial_lib", "--cov-context=test", "--cov-report="]
    _, seconds, failed = forked(["tests", "tutorial_lib", *HERE, *args.tests, *options], TOP)
    seconds = {test: took for test, took in seconds.items() if test not in failed}
    if failed:
        print(f"{len(failed)} tests fail without any mutant and are left out: {', '.join(failed)}")
    lines = reached(BUILD / "mutants.coverage")
    if not seconds or not any(tests - {""} for of_file in lines.values() for tests in of_file.values()):
        sys.exit("no test was run, or coverage has no contexts: look at what pytest says of tests and tutorial_lib")
    tests = [chosen(mutant, lines.get(mutant.path, {}), seconds) for mutant in mutants]
    shares = Parallel(n_jobs=args.jobs)(delayed(fates)(job, args.jobs, mutants, tests) for job in range(args.jobs))
    found = [shares[n % args.jobs][n // args.jobs] for n in range(len(mutants))]
    rows = [
        {"draw": m.draw[:12], "path": m.path, "line": m.lines[0], "change": changed(m), "tests": len(t), "fate": f}
        for m, t, f in zip(mutants, tests, found, strict=True)
    ]
    report(rows, json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else [])
    STORED.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def report(rows: list[dict], earlier: list[dict]) -> None:
    """Print what survived, and the share that was killed, beside an earlier run's."""
    for row in rows:
        if row["fate"] != "killed":
            print(f"{row['fate']}: {row['path']}:{row['line']}, {row['tests']} tests\n{row['change']}")
    print(f"killed: {sum(row['fate'] == 'killed' for row in rows)} of {len(rows)}")
    if earlier:
        before = {row["draw"]: row["fate"] for row in earlier}
        same = [row for row in rows if row["draw"] in before]
        killed = sum(row["fate"] == "killed" for row in same), sum(before[row["draw"]] == "killed" for row in same)
        print(f"of the {len(same)} that both runs tried: killed {killed[0]}, before {killed[1]}")
        for row in same:
            if row["fate"] != before[row["draw"]]:
                print(f"{before[row['draw']]} before, {row['fate']} now: {row['path']}:{row['line']}\n{row['change']}")


if __name__ == "__main__":
    main()
