"""Figures come in, a printed table, a file in `results/` and an exit status go out."""

import argparse
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.harness.budget import CPU_SECONDS, GIGABYTES
from benchmarks.harness.store import TOP, Call, Runs, Waiting, kept, key, module_of, stale, versions
from tutorial_lib.course.runs import notebooks, run_notebook

RESULTS = Path(__file__).parent.parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number and what was asked of it, in words with units."""

    name: str
    asked: str
    measured: str
    passes: bool = True  # also where it is only reported


def at_most(name: str, limit: float, value: float, form: str, *, asked: str = "") -> Figure:
    """A figure that passes up to a limit."""
    return Figure(name, asked or f"{limit:g}", format(value, form), value <= limit)


def mean_and_spread(values: list[float], digits: int = 2) -> str:
    """The mean and the standard deviation over seeds, cells or repeats, in words; one value has no spread."""
    numbers = torch.tensor(values, dtype=torch.float64)
    spread = f" ± {numbers.std(correction=1):.{digits}f}" if len(values) > 1 else ""
    return f"{numbers.mean():.{digits}f}{spread}"


def shares_in_words(parts: list[dict], kinds: Iterable[str]) -> str:
    """The per cent of each kind, with its spread."""
    return ", ".join(f"{kind} {mean_and_spread([100 * part[kind] for part in parts], 1)}" for kind in kinds)


@dataclass(frozen=True)
class Benchmark:
    """What is measured under the name of one module."""

    name: str
    all_runs: Callable[[Runs, list[int]], dict]  # the series, from runs and seeds
    all_figures: Callable[[dict], list[Figure]]
    notebook: str | None = None  # the number of one that is measured as well
    aim: str = ""  # for the notebook's CPU seconds, in words
    seeds: tuple[int, ...] = (0, 1, 2)
    roots: tuple[str, ...] = ()  # what it depends on beside its module, as in `store.dependencies`
    whole: bool = True  # not only some of its notebooks are measured

    def build(self) -> str:
        """The short key of today's code and data."""
        roots = (module_of(self.name), *self.roots, *(roots_of_notebook(self.notebook) if self.notebook else ()))
        return key(*roots)[:12]

    def plan(self, args: argparse.Namespace) -> Runs:
        """What would be taken and what would be run."""
        runs = Runs(self.name, resume=args.resume, plan=True)
        with suppress(Waiting):
            self.all_runs(runs, args.seeds or list(self.seeds))
        with suppress(Waiting):
            self.of_notebook(runs, args)
        if runs.more:
            files = [path for path in runs.others() if stale(path) or not args.resume]
            runs.waiting |= {path: (kept(path).get("seconds"), kept(path).get("alone", False)) for path in files}
        return runs

    def measure(self, args: argparse.Namespace) -> int:
        """The exit status, after everything is run, or taken, and shown."""
        if args.stored:
            results = read_results(self.name)
            kept_figures = [one for one in results["figures"] if one["name"].startswith(f"notebook {self.notebook}")]
            try:
                figures = self.all_figures(results["series"])
            except KeyError as lack:
                raise SystemExit(f"the stored series of {self.name} lacks {lack}: measure it again") from None
            return finish(self.name, results | {"figures": [*map(asdict, figures), *kept_figures]})
        seeds = args.seeds or list(self.seeds)
        runs = Runs(self.name, jobs=args.jobs, resume=args.resume)
        series = json.loads(json.dumps(self.all_runs(runs, seeds)))
        figures = self.all_figures(series) + self.of_notebook(runs, args)
        if self.whole and set(self.seeds) <= set(seeds) and not args.skip_notebook:
            for path in filter(stale, runs.others()):
                path.unlink()
        results = {"figures": [asdict(figure) for figure in figures], "series": series, "seeds": seeds}
        results |= {"build": self.build() if self.whole else None, "versions": versions()}
        return finish(self.name, results)

    def of_notebook(self, runs: Runs, args: argparse.Namespace) -> list[Figure]:
        """What its notebook takes, beside its budget."""
        if not self.notebook or args.skip_notebook:
            return []
        number, budget = self.notebook, CPU_SECONDS[self.notebook]
        call = Call(notebook_cost, number, alone=True, roots=roots_of_notebook(number))
        ((seconds, memory),) = runs.map([call], f"notebook {number}")
        return [
            Figure(f"notebook {number} (CPU seconds)", f"{budget}{self.aim}", f"{seconds:.0f}", seconds <= budget),
            Figure(f"notebook {number}, peak memory (GB)", f"{GIGABYTES:g}", f"{memory:.2f}", memory <= GIGABYTES),
        ]


def with_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser.add_argument("--seeds", type=int, nargs="+", help="of weights, batches and noise")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side, each on one thread; timings run alone")
    parser.add_argument(
        "--resume", action="store_true", help="run only what is missing, or has changed since it was run"
    )
    parser.add_argument("--stored", action="store_true", help="run nothing: make the table from the stored series")
    parser.add_argument("--skip-notebook", action="store_true", help="do not measure what the notebook takes")
    return parser


def announce(benchmarks: Iterable[Benchmark], args: argparse.Namespace) -> None:
    """Say of each benchmark, and of all, what is taken from files, what is run, and how long that takes."""
    if args.stored:
        return
    taken, waiting = 0, []
    for benchmark in benchmarks:
        runs = benchmark.plan(args)
        mine, more = list(runs.waiting.values()), ", and whatever follows from them" if runs.more else ""
        print(f"{benchmark.name}: {len(runs.taken)} fresh, {in_words(mine)}{more}", flush=True)
        taken, waiting = taken + len(runs.taken), waiting + mine
    alone = sum(seconds or 0 for seconds, is_alone in waiting if is_alone)
    by_clock = alone + (sum(seconds or 0 for seconds, _ in waiting) - alone) / args.jobs
    words = f", {by_clock / 60:.0f} by the clock with --jobs {args.jobs}" if by_clock else ""
    print(f"together: {taken} fresh, {in_words(waiting)}{words}", flush=True)


def in_words(waiting: list[tuple[float | None, bool]]) -> str:
    """How many runs there are to be done, and how long they took before."""
    known = [seconds for seconds, _ in waiting if seconds is not None]
    words = f"{len(waiting)} to run"
    if known:
        words += f", about {sum(known) / 60:.1f} CPU minutes"
    return words + (
        f", {len(waiting) - len(known)} of them never run, time unknown" if len(known) < len(waiting) else ""
    )


def read_results(name: str) -> dict:
    """What a benchmark has written."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def stored(name: str) -> dict:
    """The series that a benchmark has written."""
    return read_results(name)["series"]


def roots_of_notebook(number: str) -> tuple[str, str]:
    """What a run of a notebook depends on."""
    return "tutorial_lib.course.runs", notebooks([number])[0].relative_to(TOP).as_posix()


def notebook_cost(number: str) -> tuple[float, float]:
    """CPU seconds and gigabytes of a notebook, on one thread."""
    done = run_notebook(notebooks([number])[0], store=False, one_thread=True)
    return done.cpu_seconds, done.peak_bytes / 1e9


def finish(name: str, results: dict) -> int:
    """The exit status, after the table is printed and the results are written."""
    figures = [Figure(**figure) for figure in results["figures"]]
    width = max(len(figure.name) for figure in figures)
    asked = max(len(figure.asked) for figure in figures)
    for figure in figures:
        print(f"{figure.name:{width}}  {figure.asked:{asked}}  {figure.measured}")
    short = [figure for figure in figures if not figure.passes]
    for figure in short:
        print(f"short: {figure.name}: asked {figure.asked}, measured {figure.measured}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(bool(short))
