"""Runs that are kept: a function and its settings come in, what it found goes out, from a file where nothing changed.

Each run is one file in `results/runs`, written as soon as the run ends. Its key is a hash of what it depends on: the
code of its benchmark and of every module of this project that it imports, without comments and docstrings; the shipped
files that those modules name; the versions of packages. A change of any of them makes the run stale.
"""

import ast
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import resolve_name
from pathlib import Path

from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

TOP = Path(__file__).parent.parent.parent
RUNS = TOP / "benchmarks" / "results" / "runs"
# How runs are kept and shown changes none of them.
HARNESS = ("benchmarks", "benchmarks.harness", "benchmarks.harness.store", "benchmarks.harness.table")
PACKAGES = ("ase", "e3nn", "nglview", "numpy", "scikit-learn", "scipy", "torch", "vesin")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
DOTTED = re.compile(r"[a-z_]\w*(\.\w+)+")


def module_of(benchmark: str) -> str:
    """The module of a benchmark, wherever in the folder it stands."""
    (path,) = (TOP / "benchmarks").rglob(f"{benchmark}.py")
    return ".".join(path.relative_to(TOP).with_suffix("").parts)


def versions() -> dict[str, str]:
    """Of Python and of the packages that numbers come from."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def code_of(path: Path) -> str:
    """The code of a module, or of the cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


@cache
def read(code: str, package: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """The hash of code without comments and docstrings, the modules that it may import, wherever, and its strings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    modules, strings, aliases = set(), set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            modules |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
            aliases |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    modules |= set(filter(DOTTED.fullmatch, strings))  # what is imported by its name
    for node in ast.walk(tree):  # what a folder loads when it is used
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            modules.add(f"{aliases[node.value.id]}.{node.attr}")
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(modules), frozenset(strings)


def loaded_for(name: str) -> list[str]:
    """The module that a folder loads when a name of it is used, such as that of `tutorial_lib.metrics.compare`."""
    folder, _, word = name.rpartition(".")
    door = TOP / folder.replace(".", "/") / "__init__.py"
    if not folder or not door.exists() or "lazy_loader" not in door.read_text(encoding="utf-8"):
        return []
    parts = [node for node in ast.walk(ast.parse(door.read_text(encoding="utf-8"))) if isinstance(node, ast.Dict)]
    names = {key: names for part in parts for key, names in ast.literal_eval(part).items()}
    return [f"{folder}.{module}" for module, some in names.items() if word in some]


def dependencies(roots: Iterable[str]) -> dict[str, str]:
    """The hashes of files that modules such as "benchmarks.tetris" and notebooks depend on, by their paths.

    A shipped file belongs to a module that names it, or that names its folder and its suffix, and so may compose its
    name.
    """
    shipped = [path for path in (TOP / "tutorial_lib").rglob("*.*") if path.suffix not in (".py", ".pyc", ".md")]
    found, seen, waiting = {}, set(HARNESS), list(roots)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        module, package = TOP / name.replace(".", "/"), name
        if name.endswith(".ipynb"):
            path = TOP / name
        elif (path := module / "__init__.py").exists():
            waiting.append(name.rpartition(".")[0])
        elif (path := module.with_suffix(".py")).exists():
            package = name.rpartition(".")[0]  # whose own code is run as well
            waiting.append(package)
        else:
            waiting += loaded_for(name)
            continue
        found[path.relative_to(TOP).as_posix()], modules, strings = read(code_of(path), package)
        waiting += modules
        for file in shipped:
            if file.name in strings or {file.parent.name, file.suffix} <= strings:
                found[file.relative_to(TOP).as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


@cache
def key(*roots: str) -> str:
    """The hash of everything that a run of these roots depends on."""
    profile = {name: os.environ[name] for name in ("TUTORIAL_PROFILE",) if name in os.environ}
    parts = sorted((dependencies(roots) | versions() | profile).items())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Call:
    """A function and what it is called with; JSON can write both that and what the function gives.

    Nothing runs beside one that is `alone`, as it measures time; `roots` is what it depends on, if not its benchmark,
    as in `dependencies`; `measured` is what other runs have found, by its argument, and no part of the file's name.
    """

    def __init__(self, function: Callable, *arguments, alone: bool = False, roots: Sequence[str] = (), **measured):
        self.function, self.arguments, self.measured = function, arguments, measured
        self.alone, self.roots = alone, roots

    def run(self, path: Path, stamp: dict) -> None:
        """Call the function, and write what it gives into a file, whole or not at all."""
        if torch := sys.modules.get("torch"):  # whose import would cost seconds where it is not used
            torch.set_num_threads(1)
        began = sum(os.times()[:4])  # of this process, and of those that it started
        result = self.function(*self.arguments, **self.measured)
        stamp |= {"seconds": round(sum(os.times()[:4]) - began, 2), "result": result}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(stamp, default=float, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)


class Waiting(Exception):
    """Something is to be run, and only a plan was wanted."""


class Runs:
    """The runs of one benchmark: those that are wanted, from files or done now.

    So many `jobs` go side by side, each on one thread; `resume` takes from files what nothing has changed for; `plan`
    runs nothing, and the first `map` that would raises `Waiting`.
    """

    def __init__(self, benchmark: str, *, jobs: int = 1, resume: bool = True, plan: bool = False, folder: Path = RUNS):
        self.benchmark, self.folder = benchmark, folder / benchmark
        self.jobs, self.resume, self.plan, self.more = jobs, resume, plan, False
        self.taken: set[Path] = set()
        self.waiting: dict[Path, tuple[float | None, bool]] = {}  # CPU seconds, if known, and whether alone

    def path(self, call: Call) -> Path:
        """The file of a call, whose name says what was called."""
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        words = re.sub(r"[^a-z0-9.]+", "-", f"{call.function.__name__}-{arguments}".lower()).strip("-")[:60]
        return self.folder / f"{words}-{hashlib.sha256(arguments.encode()).hexdigest()[:8]}.json"

    def map(self, calls: Sequence[Call], words: str = "runs", *, more: bool = False) -> list:
        """What calls give, in their order; those that run alone come last; `more` calls depend on what they give."""
        paths = [self.path(call) for call in calls]
        todo = {}
        for call, path in zip(calls, paths, strict=True):
            roots, before = call.roots or (module_of(self.benchmark),), kept(path)
            stamp = {"arguments": call.arguments, "measured": call.measured, "key": key(*roots), "roots": roots}
            unchanged = before.get("key") == stamp["key"] and before.get("measured") == call.measured
            if path in self.taken or (self.resume and unchanged):
                self.taken.add(path)
            else:
                self.waiting[path] = before.get("seconds"), call.alone
                todo[path] = delayed(call.run)(path, stamp | {"alone": call.alone})
        if self.plan and todo:
            self.more |= more
            raise Waiting
        for alone in (False, True):
            some = [work for path, work in todo.items() if self.waiting[path][1] == alone]
            with parallel_config("loky", inner_max_num_threads=1):
                work = Parallel(n_jobs=1 if alone else self.jobs, return_as="generator_unordered")(some)
                list(tqdm(work, total=len(some), desc=words, unit="run", disable=not some))
        self.taken |= set(todo)
        return [kept(path)["result"] for path in paths]

    def by_key(self, calls: dict, words: str = "runs", *, more: bool = False) -> dict:
        """What `map` gives for the values of a dictionary, by their keys."""
        return dict(zip(calls, self.map([*calls.values()], words, more=more), strict=True))

    def others(self) -> list[Path]:
        """Files of runs that nobody has asked for."""
        return sorted(set(self.folder.glob("*.json")) - self.taken - set(self.waiting))


def kept(path: Path) -> dict:
    """What a file holds: nothing if it is not there, or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if found.keys() >= {"key", "roots", "seconds", "result"} else {}
    except (OSError, ValueError, AttributeError):
        return {}


def stale(path: Path) -> bool:
    """Whether code or data has changed since a run, or its file is damaged."""
    found = kept(path)
    return not found or found["key"] != key(*found["roots"])
