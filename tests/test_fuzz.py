"""Every public function, with one argument spoiled: an error in words or a right answer, and no other end.

The checks of shapes are off here, as they are for a reader. Never allowed: a bare assertion, a division by zero, an
error without words, a call that does not come back, and numbers that are NaN where none went in.
"""

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import signal
import warnings
from collections.abc import Mapping

import numpy as np
import pytest
import torch
import valid_calls
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config
from torch import Generator, Tensor, nn

import tutorial_lib
from tutorial_lib.exercises.judge import Verdict

SECONDS = 20
WORDED = (ValueError, TypeError, RuntimeError, IndexError, KeyError, OverflowError, FileNotFoundError)
OF_A_WRONG_TYPE = (*WORDED, AttributeError)  # "'str' object has no attribute 'shape'" is Python's own answer


# --- What there is


def rooms():
    for room in pkgutil.walk_packages(tutorial_lib.__path__, "tutorial_lib."):
        if not room.name.endswith("__main__"):
            yield room.name.removeprefix("tutorial_lib."), importlib.import_module(room.name)


def is_record(thing):
    """Whether a class only holds what it is given."""
    return dataclasses.is_dataclass(thing) or hasattr(thing, "_fields") or issubclass(thing, Exception)


def public():
    """Name -> function, method or class, of all rooms."""
    found = {}
    for room, module in rooms():
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(thing):
                if not is_record(thing) and not issubclass(thing, nn.Module):
                    found[f"{room}.{name}"] = thing
                for method, function in vars(thing).items():
                    function = getattr(function, "__func__", function)
                    if not method.startswith("_") and inspect.isfunction(function):
                        found[f"{room}.{name}.{method}"] = function
            elif inspect.isfunction(thing):
                found[f"{room}.{name}"] = thing
    return found


def excepted(name):
    return any(name == key or (key.endswith(".") and name.startswith(key)) for key in valid_calls.EXCEPTIONS)


def test_every_public_function_has_a_valid_call_or_a_reason():
    assert [name for name in public() if name not in valid_calls.VALID and not excepted(name)] == []


def test_no_valid_call_is_of_something_that_is_gone():
    there = {name for room, module in rooms() for name in [room, *(f"{room}.{thing}" for thing in vars(module))]}
    assert [name for name in valid_calls.VALID if name not in public() and name not in there] == []
    beginnings = [key for key in valid_calls.EXCEPTIONS if not any(excepted(n) for n in public() if n.startswith(key))]
    assert beginnings == []


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


def _cell(change):
    def spoiled(atoms):
        atoms = atoms.copy()
        changed = change(atoms)
        return atoms if changed is None else changed

    return spoiled


ATOMS = {
    "no atoms": _cell(lambda atoms: Atoms(cell=atoms.cell, pbc=atoms.pbc)),
    "one atom": _cell(lambda atoms: atoms[:1]),
    "atoms at NaN": _cell(lambda atoms: atoms.positions.fill(np.nan)),
    "an atom at infinity": _cell(lambda atoms: atoms.positions[0].fill(np.inf)),
    "atoms at one place": _cell(lambda atoms: atoms.positions.fill(0.5)),
    "atoms far away": _cell(lambda atoms: atoms.set_positions(1e12 * atoms.positions)),
    "no cell": _cell(lambda atoms: atoms.set_cell([0, 0, 0])),
    "a flat cell": _cell(lambda atoms: atoms.set_cell([9, 9, 0])),
    "a tiny cell": _cell(lambda atoms: atoms.set_cell(atoms.cell * 0.1 if atoms.cell.any() else [1e-3] * 3)),
    "a cell of NaN": _cell(lambda atoms: atoms.set_cell([np.nan] * 3)),
    "not periodic": _cell(lambda atoms: atoms.set_pbc(False)),
    "another element": _cell(lambda atoms: atoms.numbers.fill(79)),
    "no element": _cell(lambda atoms: atoms.numbers.fill(0)),
}
ANYTHING = {
    "None": lambda x: None,
    "a string": lambda x: "abc",
    "an array": lambda x: np.ones((2, 3)),
    "an empty list": lambda x: [],
    "a list of lists": lambda x: [[1.0, 2.0, 3.0]],
}


def spoilers(value):
    """All ways to spoil an argument, by name."""
    if isinstance(value, Tensor):
        own = TENSORS
    elif isinstance(value, np.ndarray):
        own = ARRAYS
    elif isinstance(value, int) and not isinstance(value, bool):
        own = COUNTS
    elif isinstance(value, float):
        own = NUMBERS
    elif isinstance(value, Atoms):
        own = ATOMS
    elif type(value) in (list, tuple) and value:
        own = {
            f"{which} {name}": functools.partial(_but, at=at, spoil=spoil)
            for which, at in (("first:", 0), ("last:", len(value) - 1))
            for name, spoil in spoilers(value[at]).items()
        } | {"twice as long": lambda x: x + x, "shorter": lambda x: x[:-1]}
    else:
        own = {}
    return own | ANYTHING


def _but(values, at, spoil):
    return type(values)([spoil(value) if n == at else value for n, value in enumerate(values)])


@functools.cache
def ways(name):
    """All (argument, way) of a call."""
    _, args, kwargs = valid_calls.VALID[name]()
    arguments = dict(enumerate(args)) | kwargs
    return [(key, way) for key, value in arguments.items() for way in spoilers(value)]


# --- What may come of it


def numbers_in(thing, depth=0):
    """All arrays of numbers in a result."""
    if isinstance(thing, Tensor):
        if thing.device.type != "meta" and (thing.is_floating_point() or thing.is_complex()):
            yield thing.detach().cpu().numpy() if thing.dtype != torch.bfloat16 else thing.detach().float().numpy()
    elif isinstance(thing, np.ndarray):
        if thing.dtype.kind in "fc":
            yield thing
    elif isinstance(thing, float):
        yield np.array(thing)
    elif isinstance(thing, Atoms):
        yield thing.positions
    elif isinstance(thing, nn.Module):
        for value in thing.state_dict().values():
            yield from numbers_in(value, depth + 1)
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from numbers_in(value, depth + 1)
    elif isinstance(thing, list | tuple | set | frozenset):
        for value in thing:
            yield from numbers_in(value, depth + 1)
    elif depth < 4 and hasattr(thing, "__dict__") and not callable(thing):
        for value in vars(thing).values():
            yield from numbers_in(value, depth + 1)


def holds_nan(thing):
    return any(np.isnan(array).any() for array in numbers_in(thing))


def nan_allowed(name, way):
    """Whether `NAN_ALLOWED` gives a reason."""
    return any(
        (name == whose or (whose.endswith(".") and name.startswith(whose))) and any(way.endswith(end) for end in ends)
        for whose, ends in valid_calls.NAN_ALLOWED
    )


class TooLong(Exception):
    """The call did not come back."""


def _alarm(*_):
    raise TooLong


def outcome(name, key, way):
    """What is wrong with the end of a call with one argument spoiled; None, if nothing is."""
    function, args, kwargs = valid_calls.VALID[name]()
    arguments = dict(enumerate(args)) | kwargs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arguments[key] = spoilers(arguments[key])[way](arguments[key])
    except (RuntimeError, IndexError, TypeError, ValueError):
        return None  # this argument cannot be spoiled so
    handed = [arguments[n] for n in range(len(args))], {word: arguments[word] for word in kwargs}
    dirty = any(np.isnan(array).any() or np.isinf(array).any() for array in numbers_in(handed))
    fitting = OF_A_WRONG_TYPE if any(way.endswith(other) for other in ANYTHING) else WORDED
    before = signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = function(*handed[0], **handed[1])
            if inspect.isgenerator(result):
                result = list(result)
    except fitting as error:
        words = str(error)
        return None if len(words.split()) > 1 else f"{type(error).__name__} without words: {words!r}"
    except TooLong:
        return f"no end after {SECONDS} s"
    except Exception as error:  # what must not be
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    # Some of torch's functions take a tensor on the device meta beside others, and give memory that nobody wrote.
    if not holds_nan(result) or way.endswith("another device"):
        return None
    if not dirty:
        return None if nan_allowed(name, way) else "NaN out of finite numbers"
    promises = any(word in (inspect.getdoc(function) or "") for word in ("finite", "NaN"))
    return "NaN goes through, and the docstring says that it does not" if promises else None


@pytest.fixture(scope="module", autouse=True)
def as_for_a_reader():
    """No checks of shapes, and the same numbers in every run."""
    checked = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", checked)


def fuzzed(name, n_examples):
    """Try some ways to spoil a call, drawn the same in every run."""
    if not ways(name):
        return

    @settings(max_examples=n_examples, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(ways(name)))
    def tried(way):
        assert outcome(name, *way) is None, f"{name}, argument {way[0]}: {way[1]}"

    tried()


@pytest.mark.parametrize("name", valid_calls.VALID)
def test_a_spoiled_argument_ends_in_words_or_a_right_answer(name):
    fuzzed(name, 1 if name in valid_calls.SLOW else 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", valid_calls.VALID)
def test_every_way_to_spoil_an_argument_ends_in_words_or_a_right_answer(name):
    found = {f"argument {key}: {way}": outcome(name, key, way) for key, way in ways(name)}
    assert {way: what for way, what in found.items() if what} == {}


@pytest.mark.parametrize("name", valid_calls.VALID)
def test_the_valid_call_is_valid(name):
    function, args, kwargs = valid_calls.VALID[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*args, **kwargs)
    assert not holds_nan(list(result) if inspect.isgenerator(result) else result)


# What was wrong once, tried in every suite.
FOUND = [
    ("gram.gram_matrix", 0, "all 1e30 times as large"),
    ("gram.nearest_rank3", 0, "all 1e30 times as large"),
    ("motifs.compare", 1, "one of 1e30"),
    ("silicon.network_quality", 0, "atoms at one place"),
    ("silicon.bond_angles", 1, "all zero"),
    ("silicon.radial_distribution", 0, "an empty list"),
    ("silicon.radial_distribution", "bin_width", "zero"),
    ("transport.between", 0, "all zero"),
    ("tetris.random_trees", "most", "zero"),
    ("tetris.random_trees", "apart", "NaN"),
    ("inpainting.holes.apart", 0, "no atom"),
    ("inpainting.library.Library", 0, "one NaN"),
    ("inpainting.baselines.LinearGaussian", 0, "one of the batch"),
    ("places.PlaceScorer.forward", 0, "no atom"),
    ("places.PlaceScorer.complete", 0, "no atom"),
    ("extensions.flow.charts.Principal.fit", 0, "all zero"),
    ("extensions.flow.charts.Scaled.fit", 0, "no atom"),
    ("equivariant.graph.representation", 1, "all zero"),
    ("sphere.peaks.peaks", "width", "zero"),
    ("extensions.hamiltonian.nonlinear.Gradient.forward", 0, "all zero"),
    ("extensions.hamiltonian.blocks.Blocks", 1, "last: last: minus one"),
    ("extensions.hamiltonian.blocks.Blocks", 1, "last: last: five more"),
    ("extensions.missing_atom.graphs.bumps", 2, "zero"),
    ("hierarchy.codes.signals_of", 1, "minus one"),
    ("extensions.pieces.drawing.CodeFlow", 0, "no batch"),
    ("hierarchy.heads.PieceHead.forward", 0, "one less in each row"),
    ("hierarchy.operators.pairs_of_codes", 1, "first: no atom"),
]


@pytest.mark.parametrize(("name", "key", "way"), FOUND, ids=lambda part: str(part))
def test_what_was_wrong_once_is_mended(name, key, way):
    assert (key, way) in ways(name)
    assert outcome(name, key, way) is None


# --- That it would see what it looks for


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda x: x / x.shape[0] if len(x) else 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda x: x.log(), "NaN out of finite numbers"),
        (lambda x: exec("assert len(x)", {"x": x, "len": len}), "AssertionError: "),
        (lambda x: {}[len(x)], "KeyError without words: '0'"),
    ],
    ids=["division by zero", "nan", "assertion", "no words"],
)
def test_a_bad_end_is_seen(function, found, monkeypatch):
    monkeypatch.setitem(valid_calls.VALID, "made up", lambda: (function, (torch.ones(3, 2),), {}))
    seen = {outcome("made up", 0, way) for way in ("no batch", "all minus one")}
    assert found in seen


def test_a_call_that_does_not_come_back_is_seen(monkeypatch):
    def forever(x):
        while len(x) == 0:
            pass

    monkeypatch.setattr("test_fuzz.SECONDS", 1)
    monkeypatch.setitem(valid_calls.VALID, "made up", lambda: (forever, (torch.ones(3, 2),), {}))
    assert outcome("made up", 0, "no batch") == "no end after 1 s"
    assert outcome("made up", 0, "one of the batch") is None


# --- The judges of answers


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


def judges():
    for name, function in public().items():
        if name.startswith("exercises.") and name.rpartition(".")[2].startswith("check_"):
            yield pytest.param(function, id=name.removeprefix("exercises."))


@pytest.mark.parametrize("check", list(judges()))
def test_a_judge_has_a_sentence_for_any_answer(check):
    for what, answer in ANSWERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdict = check(answer)
        assert isinstance(verdict, Verdict), what
        assert verdict.sentence, what
        assert verdict.state != "right", what
