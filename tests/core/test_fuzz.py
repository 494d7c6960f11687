"""Every public function, with one argument spoiled: an error in words or a right answer, and no other end.

The checks of shapes are off here, as they are for a reader. Never allowed: a bare assertion, a division by zero, a
call that does not come back, numbers that are NaN where none went in or that a reference does not confirm, and an error
that no line of ours raised in a sentence. What is still wrong is listed in `known_bare.txt`, which can only shrink. The
lane `slow` tries all ways to spoil one argument, and some to spoil two, drawn by the day:
`FUZZ_SEED=20261130 python -m pytest -m slow tests/core/test_fuzz.py` draws those of another day.
"""

import dataclasses
import dis
import functools
import importlib
import inspect
import itertools
import os
import pkgutil
import re
import signal
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import valid_calls
from ase import Atoms
from jaxtyping import config
from torch import Generator, Tensor, nn

import tutorial_lib
from tutorial_lib.exercises.grader import Verdict
from tutorial_lib.models.equivariant.graph import default_dtype

SECONDS = 20
SEED = os.environ["FUZZ_SEED"]  # set by conftest.py, by the date where nobody has chosen
N_PAIRS = 40  # of ways to spoil two arguments, for each call and seed
LIBRARY = str(Path(tutorial_lib.__file__).parent)
WORDED = (ValueError, TypeError, RuntimeError, IndexError, KeyError, OverflowError, FileNotFoundError)
A_TYPE = re.compile(r"dtype|device|meta\b|long|float|double|half|complex|\bint|byte|bool|type ", re.IGNORECASE)


def is_record(thing):
    """Whether a class only holds what it is given."""
    return dataclasses.is_dataclass(thing) or hasattr(thing, "_fields") or issubclass(thing, Exception)


@functools.cache
def public():
    """Name -> function, method or class, of all modules."""
    found = {}
    for info in pkgutil.walk_packages(tutorial_lib.__path__, "tutorial_lib."):
        module = None if info.name.endswith("__main__") else importlib.import_module(info.name)
        for name, thing in vars(module).items() if module else ():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            whole = f"{info.name.removeprefix('tutorial_lib.')}.{name}"
            is_class = inspect.isclass(thing)
            if inspect.isfunction(thing) or (is_class and not is_record(thing) and not issubclass(thing, nn.Module)):
                found[whole] = thing
            for method, function in vars(thing).items() if is_class else ():
                function = getattr(function, "__func__", function)
                if not method.startswith("_") and inspect.isfunction(function):
                    found[f"{whole}.{method}"] = function
    return found


def stands_for(key, name):
    """Whether a key is this name, or the beginning of it that ends with a dot."""
    return name == key or (key.endswith(".") and name.startswith(key))


def test_every_public_function_has_a_valid_call_or_a_reason_and_nothing_listed_is_gone():
    reasons, calls = valid_calls.EXCEPTIONS, valid_calls.VALID
    for name in calls:
        pkgutil.resolve_name(f"tutorial_lib.{name}")
    without = [name for name in public() if name not in calls]
    assert [name for name in without if not any(stands_for(key, name) for key in reasons)] == []
    assert [key for key in reasons if not any(stands_for(key, name) for name in public())] == []
    assert [(name, key, way) for name, key, way in known_bare() if (key, way) not in ways(name)] == []
    assert {*valid_calls.REFERENCES, *valid_calls.PER_ITEM.split()} - {*calls} == set()
    through = valid_calls.NAN_IN_NAN_OUT.split()
    assert [key for key in through if not any(stands_for(key, name) for name in calls)] == []


# --- How an argument is spoiled


def with_one(value):
    def spoiled(x):
        x = x.clone() if isinstance(x, Tensor) else x.copy()
        x.reshape(-1)[x.size // 2 if isinstance(x, np.ndarray) else x.numel() // 2] = value
        return x

    return spoiled


TENSORS = {
    "a dimension less": lambda x: x[0],
    "a dimension more": lambda x: x[None],
    "one less in each row": lambda x: x[..., :-1],
    "one more in each row": lambda x: torch.cat([x, x[..., :1]], -1),
    "no atom": lambda x: x[..., :0, :],
    "nothing in a row": lambda x: x[..., :0],
    "no batch": lambda x: x[:0],
    "one of the batch": lambda x: x[:1],
    "one atom": lambda x: x[..., :1, :],
    "whole numbers": lambda x: x.long(),
    "float64": lambda x: x.double(),
    "float32": lambda x: x.float(),
    "float16": lambda x: x.half(),
    "complex": lambda x: x.to(torch.complex64),
    "one NaN": with_one(torch.nan),
    "one infinity": with_one(torch.inf),
    "all NaN": lambda x: x * torch.nan,
    "one of 1e30": with_one(1e30),
    "all 1e30 times as large": lambda x: x * 1e30,
    "all 1e-30 times as large": lambda x: x * 1e-30,
    "all zero": lambda x: x * 0,
    "all the same": lambda x: x * 0 + 1,
    "twice the same atom": lambda x: torch.cat([x[..., :1, :], x[..., :-1, :]], -2),
    "another device": lambda x: x.to("meta"),
    "all minus one": lambda x: x * 0 - 1,
    "all large": lambda x: x * 0 + 10_000,
}
ARRAYS = {
    name: (lambda spoil: lambda x: spoil(torch.from_numpy(x)).numpy())(TENSORS[name])
    for name in ("a dimension less", "a dimension more", "no batch", "one NaN", "one infinity", "all zero", "all large")
}
NUMBERS = {
    "minus one": lambda x: type(x)(-1),
    "zero": lambda x: type(x)(0),
    "a half": lambda x: 0.5,
    "NaN": lambda x: float("nan"),
    "infinity": lambda x: float("inf"),
    "a hundred times": lambda x: 100 * x,
}
COUNTS = {"minus one": lambda x: -1, "zero": lambda x: 0, "a half": lambda x: 0.5, "five more": lambda x: x + 5}

ATOMS = {
    "no atoms": lambda atoms: Atoms(cell=atoms.cell, pbc=atoms.pbc),
    "one atom": lambda atoms: atoms[:1],
    "atoms at NaN": lambda atoms: atoms.positions.fill(np.nan),
    "an atom at infinity": lambda atoms: atoms.positions[0].fill(np.inf),
    "atoms at one place": lambda atoms: atoms.positions.fill(0.5),
    "atoms far away": lambda atoms: atoms.set_positions(1e12 * atoms.positions),
    "no cell": lambda atoms: atoms.set_cell([0, 0, 0]),
    "a flat cell": lambda atoms: atoms.set_cell([9, 9, 0]),
    "a tiny cell": lambda atoms: atoms.set_cell(atoms.cell * 0.1 if atoms.cell.any() else [1e-3] * 3),
    "a cell of NaN": lambda atoms: atoms.set_cell([np.nan] * 3),
    "not periodic": lambda atoms: atoms.set_pbc(False),
    "another element": lambda atoms: atoms.numbers.fill(79),
    "no element": lambda atoms: atoms.numbers.fill(0),
}
ANYTHING = {
    "None": lambda x: None,
    "a string": lambda x: "abc",
    "an array": lambda x: np.ones((2, 3)),
    "an empty list": lambda x: [],
    "a list of lists": lambda x: [[1.0, 2.0, 3.0]],
}


def of_copy(change):
    """A change of atoms, some of which work in place, made to a copy."""

    def spoiled(atoms):
        atoms = atoms.copy()
        changed = change(atoms)
        return atoms if changed is None else changed

    return spoiled


def spoilers(value):
    """All ways to spoil an argument, by name."""
    own = {}
    if isinstance(value, Tensor | np.ndarray):
        own = TENSORS if isinstance(value, Tensor) else ARRAYS
    elif isinstance(value, int | float) and not isinstance(value, bool):
        own = COUNTS if isinstance(value, int) else NUMBERS
    elif isinstance(value, Atoms):
        own = {name: of_copy(change) for name, change in ATOMS.items()}
    elif type(value) in (list, tuple) and value:
        for end, at in (("first:", 0), ("last:", len(value) - 1)):
            own |= {f"{end} {way}": functools.partial(but_one, at, spoil) for way, spoil in spoilers(value[at]).items()}
        own |= {"twice as long": lambda x: x + x, "shorter": lambda x: x[:-1]}
    return own | ANYTHING


def but_one(at, spoil, values):
    return type(values)([spoil(value) if n == at else value for n, value in enumerate(values)])


@functools.cache
def ways(name):
    """All (argument, way) of a call."""
    _, args, kwargs = valid_calls.VALID[name]()
    arguments = dict(enumerate(args)) | kwargs
    return [(key, way) for key, value in arguments.items() for way in spoilers(value)]


def numbers_in(thing, depth=0):
    """All arrays of numbers in a result."""
    if isinstance(thing, Tensor):
        if thing.device.type == "meta":
            return
        thing = (thing.float() if thing.dtype == torch.bfloat16 else thing).detach().cpu().numpy()
    if isinstance(thing, np.ndarray | float):
        if np.asarray(thing).dtype.kind in "fc":
            yield np.asarray(thing)
        return
    if isinstance(thing, Atoms):
        parts = [thing.positions]
    elif isinstance(thing, nn.Module | Mapping):
        parts = (thing.state_dict() if isinstance(thing, nn.Module) else thing).values()
    elif isinstance(thing, list | tuple | set | frozenset):
        parts = thing
    else:
        parts = vars(thing).values() if depth < 4 and hasattr(thing, "__dict__") and not callable(thing) else ()
    for part in parts:
        yield from numbers_in(part, depth + 1)


def nan_allowed(name, way):
    """Whether `NAN_ALLOWED` says so."""
    allowed = valid_calls.NAN_ALLOWED
    return any(stands_for(key, name) and way.endswith(ends) for names, ends in allowed for key in names.split())


@contextmanager
def quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class TooLong(Exception):
    """The call did not come back."""


def _alarm(*_):
    raise TooLong


def kinds(value):
    """The types in an argument: of Python, of numbers, of devices."""
    if isinstance(value, list | tuple):
        return frozenset().union(*map(kinds, value))
    return frozenset([(type(value), getattr(value, "dtype", None), str(getattr(value, "device", "")))])


def is_worded(error, of_another_type):
    """Whether a `raise` of the library's says what is wrong, or the caller's own function failed.

    Where a type was spoiled, a sentence of Python's or torch's does, too, if it names one.
    """
    frames = [error.__traceback__]
    while frames[-1].tb_next:
        frames.append(frames[-1].tb_next)
    if any(frame.tb_frame.f_code.co_filename == valid_calls.__file__ for frame in frames):
        return True
    code = frames[-1].tb_frame.f_code
    if code.co_filename.startswith(LIBRARY) and dis.opname[code.co_code[frames[-1].tb_lasti]] == "RAISE_VARARGS":
        return len(str(error).split()) >= 4
    return of_another_type and A_TYPE.search(str(error)) is not None


def outcome(name, *spoiled):
    """What is wrong with the end of a call with arguments spoiled, (key, way) each; None, if nothing is."""
    torch.manual_seed(0)
    function, args, kwargs = valid_calls.VALID[name]()
    arguments = dict(enumerate(args)) | kwargs
    before = {key: kinds(arguments[key]) for key, _ in spoiled}
    try:
        with quiet():
            for key, way in spoiled:
                arguments[key] = spoilers(arguments[key])[way](arguments[key])
    except (RuntimeError, IndexError, TypeError, ValueError, KeyError):
        return None  # these arguments cannot be spoiled so
    args, kwargs = [arguments[n] for n in range(len(args))], {word: arguments[word] for word in kwargs}
    dirty = any(np.isnan(array).any() or np.isinf(array).any() for array in numbers_in((args, kwargs)))
    anything = any(way.endswith(other) for _, way in spoiled for other in ANYTHING)
    handler = signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        with quiet():
            result = function(*args, **kwargs)
            result = list(result) if inspect.isgenerator(result) else result
    except TooLong:
        return f"no end after {SECONDS} s"
    except Exception as error:
        if not spoiled:
            raise
        of_another_type = any(kinds(arguments[key]) != before[key] for key in before)
        if anything:
            fine = isinstance(error, (*WORDED, AttributeError, LookupError)) and len(str(error).split()) > 1
        else:
            fine = isinstance(error, WORDED) and is_worded(error, of_another_type)
        return None if fine else f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    # Some of torch's functions take a tensor on the device meta beside others, and give memory that nobody wrote; and
    # nothing here is meant for complex numbers.
    if any(way.endswith(("another device", "complex")) for _, way in spoiled):
        return None
    if not any(np.isnan(array).any() for array in numbers_in(result)):
        with quiet():
            return None if anything else unlike_reference(name, args, kwargs, result)
    if not dirty:
        return None if any(nan_allowed(name, way) for _, way in spoiled) else "NaN out of finite numbers"
    through = any(stands_for(key, name) for key in valid_calls.NAN_IN_NAN_OUT.split())
    return None if through else "NaN goes through"


def one_by_one(function, valid, args, kwargs):
    """What a function gives for each of a batch by itself, in float64 where no weights say otherwise."""
    n = next(len(x) for x in args if isinstance(x, Tensor))
    if any(isinstance(x, Tensor) and x.ndim != y.ndim for x, y in zip(args, valid, strict=True)):
        raise ValueError("another dimension than that of the valid call is the batch")
    if inspect.isfunction(function):
        args = [x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in args]
    each = [[x[k : k + 1] if isinstance(x, Tensor) and x.ndim and len(x) == n else x for x in args] for k in range(n)]
    arrays = zip(*(numbers_in(function(*some, **kwargs)) for some in each), strict=True)
    return [np.concatenate(some) for some in arrays]


def unlike_reference(name, args, kwargs, result):
    """How a result differs from its reference; None, if it does not, or if there is none for these arguments.

    Lengths are squared on the way: what is smaller than the root of the smallest number is nothing.
    """
    function, valid, _ = valid_calls.VALID[name]()
    tensors = [x for x in args if isinstance(x, Tensor)]
    try:
        if name in valid_calls.REFERENCES:
            plain = [x.double().numpy() if isinstance(x, Tensor) else x for x in args]
            expected = [np.asarray(x, dtype=float) for x in valid_calls.REFERENCES[name](*plain, **kwargs)]
        elif name in valid_calls.PER_ITEM.split():
            expected = one_by_one(function, valid, args, kwargs)
        else:
            return None
    except (*WORDED, AttributeError):
        return None
    limits = [torch.finfo(x.dtype) for x in tensors if x.is_floating_point()]
    for found, right in zip(numbers_in(result), expected, strict=False):
        if found.shape != right.shape:
            return f"the reference has shape {right.shape}, and {found.shape} came out"
        limit = max([*limits, np.finfo(found.dtype)], key=lambda limit: limit.eps)
        here = np.isfinite(found) & np.isfinite(right)
        gap, size = np.abs(found[here] - right[here]).max(initial=0), np.abs(right[here]).max(initial=0)
        if gap > limit.eps**0.5 * size + limit.tiny**0.5:
            return f"{gap:.3g} away from the reference, where {size:.3g} is the largest number"
    return None


@pytest.fixture(scope="module", autouse=True)
def as_for_a_reader():
    """No checks of shapes, and the same numbers in every run."""
    checked = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", checked)


@functools.cache
def known_bare():
    """What is still wrong, as (name, key, way)."""
    rows = [line.split("\t") for line in Path(__file__).with_name("known_bare.txt").read_text().splitlines()]
    return {(name, int(key) if key.isdigit() else key, way) for name, key, way in rows}


MODES = {
    "double by default": functools.partial(default_dtype, torch.float64),
    "inference": torch.inference_mode,
    "rounded": functools.partial(torch.autocast, "cpu", dtype=torch.bfloat16),
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_valid_calls_work_in_any_mode_and_spoil_nothing_for_later(mode):
    failed = {}
    for name in valid_calls.VALID:
        function, args, kwargs = valid_calls.VALID[name]()
        with quiet(), mode():
            try:
                result = function(*args, **kwargs)
                list(result) if inspect.isgenerator(result) else result
            except Exception as error:
                failed[name] = error
    assert failed == {}


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize("name", valid_calls.VALID)
def test_every_way_to_spoil_an_argument_ends_in_words_or_a_right_answer(name):
    found = {(name, *way): outcome(name, way) for way in ways(name)}
    wrong = {way: what for way, what in found.items() if what}
    assert {way: what for way, what in wrong.items() if way not in known_bare()} == {}
    assert [way for way in found if way in known_bare() and way not in wrong] == [], "take it out of known_bare.txt"


@pytest.mark.slow
@pytest.mark.parametrize("name", valid_calls.VALID)
def test_two_spoiled_arguments_end_in_words_or_a_right_answer(name):
    fine = [way for way in ways(name) if (name, *way) not in known_bare()]
    pairs = [pair for pair in itertools.combinations(fine, 2) if pair[0][0] != pair[1][0]]
    rng = np.random.default_rng([*f"{SEED} {name}".encode()])
    found = {pairs[k]: outcome(name, *pairs[k]) for k in rng.permutation(len(pairs))[:N_PAIRS]}
    assert {pair: what for pair, what in found.items() if what} == {}, f"again with FUZZ_SEED={SEED}"


@pytest.mark.parametrize("name", valid_calls.VALID)
def test_the_valid_call_is_valid_and_as_its_reference_says(name):
    assert outcome(name) is None


# What was wrong once, tried in every suite.
FOUND = [
    ("representations.gram.gram_matrix", 0, "all 1e30 times as large"),
    ("representations.gram.nearest_rank3", 0, "all 1e30 times as large"),
    ("metrics.motif_statistics.compare", 1, "one of 1e30"),
    ("metrics.network.network_quality", 0, "atoms at one place"),
    ("metrics.network.bond_angles", 1, "all zero"),
    ("metrics.network.radial_distribution", 0, "an empty list"),
    ("metrics.network.radial_distribution", "bin_width", "zero"),
    ("models.flow.ode.interpolate", 0, "all zero"),
    ("datasets.polycubes.random_trees", "most", "zero"),
    ("datasets.polycubes.random_trees", "apart", "NaN"),
    ("inpainting.holes.apart", 0, "no atom"),
    ("inpainting.library.Library", 0, "one NaN"),
    ("inpainting.baselines.LinearGaussian", 0, "one of the batch"),
    ("inpainting.places.PositionScorer.forward", 0, "no atom"),
    ("inpainting.places.PositionScorer.complete", 0, "no atom"),
    ("models.flow.charts.Principal.fit", 0, "all zero"),
    ("models.flow.charts.Scaled.fit", 0, "no atom"),
    ("models.equivariant.graph.representation", 1, "all zero"),
    ("models.spherical.ascents.peaks", "width", "zero"),
    ("models.hamiltonian.nonlinear.Gradient.forward", 0, "all zero"),
    ("models.hamiltonian.blocks.Blocks", 1, "last: last: minus one"),
    ("models.hamiltonian.blocks.Blocks", 1, "last: last: five more"),
    ("models.missing_atom.graphs.radial_basis", 2, "zero"),
    ("models.hierarchical.layers.signals_of", 1, "minus one"),
    ("models.pieces.drawing.CodeFlow", 0, "no batch"),
    ("models.hierarchical.heads.PieceHead.forward", 0, "one less in each row"),
    ("representations.neighbours.neighbour_pairs", 0, "atoms far away"),  # and nobody had a neighbour
    ("metrics.baselines.nearest_training", 0, "one of 1e30"),  # and the first example was the nearest
    ("models.spherical.signals.harmonics", 1, "one of 1e30"),
    ("models.flow.ode.interpolate", 0, "all 1e-30 times as large"),
    ("models.flow.ode.interpolate", 2, "all large"),
    ("models.spherical.fields.OccupancyField.forward", 2, "all minus one"),  # and the last signal answered
    ("models.hierarchical.materials.octahedra_levels", 0, "first: all zero"),
]


@pytest.mark.parametrize(("name", "key", "way"), FOUND, ids=lambda part: str(part))
def test_what_was_wrong_once_is_mended(name, key, way):
    assert (key, way) in ways(name)
    assert outcome(name, (key, way)) is None


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda x: x / x.shape[0] if len(x) else 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda x: x.log(), "NaN out of finite numbers"),
        (lambda x: exec("assert len(x)", {"x": x, "len": len}), "AssertionError: "),
        (lambda x: {}[len(x)], "KeyError: 0"),
        (lambda x: x.view(4), "RuntimeError: shape '[4]' is invalid for input of size 6"),
        (lambda x: 2.001 * x, "0.001 away from the reference, where 2 is the largest number"),
    ],
    ids=["division by zero", "nan", "assertion", "no words", "words of torch's", "wrong"],
)
def test_a_bad_end_is_seen(function, found, monkeypatch):
    monkeypatch.setitem(valid_calls.VALID, "made up", lambda: (function, (torch.ones(3, 2),), {}))
    monkeypatch.setitem(valid_calls.REFERENCES, "made up", lambda x: [2 * x])
    seen = {outcome("made up", (0, way)) for way in ("no batch", "all minus one")}
    assert found in seen


def test_a_call_that_does_not_come_back_is_seen(monkeypatch):
    def forever(x):
        while not len(x):
            pass

    monkeypatch.setattr("test_fuzz.SECONDS", 1)
    monkeypatch.setitem(valid_calls.VALID, "made up", lambda: (forever, (torch.ones(3, 2),), {}))
    assert outcome("made up", (0, "no batch")) == "no end after 1 s"
    assert outcome("made up", (0, "one of the batch")) is None


def _raises(*_args, **_kwargs):
    raise RuntimeError("a mistake of the reader's")


ANSWERS = {
    "nothing": None,
    "words": "abc",
    "a number": float("nan"),
    "a tensor": torch.full((3,), torch.nan),
    "the dots": ...,
    "gives nothing": lambda *_args, **_kwargs: None,
    "gives words": lambda *_args, **_kwargs: "abc",
    "gives NaN": lambda *args, **_kwargs: args[0] * torch.nan if args and isinstance(args[0], Tensor) else torch.nan,
    "gives what came": lambda *args, **_kwargs: args[0] if args else 0,
    "raises": _raises,
    "takes none": lambda: 1,
    "a class": Generator,
}


GRADERS = {name: check for name, check in public().items() if re.match(r"exercises\..*\.check_\w+$", name)}


@pytest.mark.parametrize("check", GRADERS.values(), ids=GRADERS)
def test_a_grader_has_a_sentence_for_any_answer(check):
    for what, answer in ANSWERS.items():
        with quiet():
            verdict = check(answer)
        assert isinstance(verdict, Verdict), what
        assert verdict.sentence, what
        assert verdict.state != "right", what
