"""What all graders share: an answer and what is asked of it come in, a verdict goes out.

Answers are tried on random inputs in float64. Whatever an answer does, short of running for ever, a sentence comes back
and no traceback. The generator has a seed, so that an answer is graded the same twice.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import FunctionType

import torch
from torch import Generator, Tensor

TOLERANCE = 1e-8  # relative to the size of what is expected; rounding in float64 is below 1e-12 here
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
STUB = "nothing is returned yet. Write your answer where the `...` stands, and run the cell again."
HINTS = {
    "open": "",
    "no function": "Hand in the function itself, by its name and without calling it, as the cell of the exercise does.",
    "raises": "Call it yourself on a small input, in a cell above, and read the whole error there.",
    "no return": "Does its last line begin with `return`?",
    "numpy": "Stay with torch from the first line to the last: gradients and other devices are lost in NumPy.",
    "no tensor": "Return a torch.Tensor.",
    "shape": "Print the shape after every line, and compare with the shape that the exercise asks for.",
    "dtype": "Numbers should have the precision of the input; what counts or points at atoms should be whole "
    "numbers, and what is true or false truth values.",
    "not finite": "Look for a division by zero, a logarithm or a square root of something negative.",
    "in place": "Make a new tensor: whoever called your function needs the old one, and no gradient hanging on it.",
    "single": "Give it the same numbers twice, `x` and `x.float()`. From which line on do the results part?",
    "strange": "Return an ordinary tensor of numbers, without names, gaps or other special wrapping.",
}
Trials = Iterator[tuple]  # of each its inputs, the right output, and known mistakes: (hint, sentence, output, ...)


@dataclass(frozen=True)
class Verdict:
    """What a grader says of an exercise such as "1.1", which is "open", "right" or "wrong"; it prints as a sentence."""

    exercise: str
    state: str
    sentence: str
    hint: str = ""

    def __repr__(self) -> str:
        hint = f"\n{' ' * len(self.exercise)}   Hint: {self.hint}" if self.hint else ""
        return f"{self.exercise} · {'not yet' if self.state == 'wrong' else self.state}: {self.sentence}{hint}"


@dataclass(eq=False)
class Wrong(Exception):
    """An answer that breaks a property, or is still the stub: what is wrong, and the name of a hint."""

    sentence: str
    hint: str


def wrong_if(breaks: object, sentence: str, hint: str) -> None:
    """Raise `Wrong` where an answer breaks a property."""
    if breaks:
        raise Wrong(sentence, hint)


def first_fault(*faults: tuple[object, str, str]) -> None:
    """Raise `Wrong` for the first property that an answer breaks: of each whether it does, a sentence and a hint."""
    for fault in faults:
        wrong_if(*fault)


def close(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two tensors agree, relative to the larger of their largest entries; False where the shapes differ."""
    if one.shape != other.shape or one.numel() == 0:
        return one.shape == other.shape
    size = max(one.detach().abs().max().item(), other.detach().abs().max().item())
    return (one - other).detach().abs().max().item() <= tolerance * size


def normal(generator: Generator, *shape: int) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def random_cloud(n_atoms: int, generator: Generator) -> Tensor:
    """Points (n_atoms, 3) in general position, angstrom, about the size of a small molecule."""
    return 2 * normal(generator, n_atoms, 3)


def nearest_in_turn(cost: Tensor, *, closest_first: bool = False) -> Tensor:
    """The column (n,) of each row of an (n, n) if rows in turn, or the cheapest pairs first, take what is left."""
    left, order = cost.clone(), torch.zeros(len(cost), dtype=torch.int64)
    for row in range(len(cost)):
        row = int(left.amin(1).argmin()) if closest_first else row
        order[row] = left[row].argmin()
        left[:, order[row]], left[row] = torch.inf, torch.inf
    return order


@dataclass(frozen=True)
class Answer:
    """A reader's function, called with care."""

    function: Callable

    def __call__(
        self, *inputs: object, shape: tuple[int, ...] | None = None, dtype: torch.dtype | None = torch.float64
    ) -> Tensor:
        """What the function gives for the inputs, or `Wrong` if that has not the shape and dtype asked for."""
        given = [x.clone() if isinstance(x, Tensor) else x for x in inputs]  # an answer may write over them
        kept = [(x, copy) for x, copy in zip(inputs, given, strict=True) if isinstance(x, Tensor)]
        try:
            output = self.function(*given)
        except (Exception, SystemExit) as error:
            words = str(error).strip().splitlines()
            raised = type(error).__name__ + (f": {words[0].rstrip('.')}" if words else "")
            raise Wrong(f"it raises {raised}.", "raises") from error
        first_fault(
            (output is ..., STUB, "open"),
            (output is None, "it returns None.", "no return"),
            (type(output).__module__.split(".")[0] == "numpy", "it returns a NumPy array.", "numpy"),
            (not isinstance(output, Tensor), f"it returns something of type {type(output).__name__}.", "no tensor"),
        )
        if shape is not None and tuple(output.shape) != shape:
            of_inputs = f"for inputs of shape {' and '.join(str(tuple(x.shape)) for x, _ in kept)} " if kept else ""
            raise Wrong(f"{of_inputs}it returns the shape {tuple(output.shape)}, and {shape} is asked for.", "shape")
        if dtype is not None and output.dtype != dtype and not (dtype in WHOLE and output.dtype in WHOLE):
            arrived, asked = (str(kind).removeprefix("torch.") for kind in (output.dtype, dtype))
            raise Wrong(f"it returns {arrived}, and {asked} is asked for.", "dtype")
        asks = any(not x.requires_grad and (copy.requires_grad or copy.grad is not None) for x, copy in kept)
        first_fault(
            (not torch.isfinite(output).all(), "it returns NaN or infinity.", "not finite"),
            (asks, "after it the positions that came in ask for a gradient.", "in place"),
        )
        return output


def graded(hints: dict[str, str]) -> Callable:
    """Turn the properties of a right answer into the grader of an exercise: anything comes in, a verdict goes out.

    Args:
        hints: by names such as "1.1 inverse", of which `Wrong` says the second word; "1.1 right" is for a right answer.
    """

    def decorate(properties: Callable[[Answer, Generator], None]) -> Callable[[object], Verdict]:
        number = properties.__name__.removeprefix("check_").replace("_", ".")

        @torch.enable_grad()  # and afterwards as it was, whatever an answer switches off
        def check(answer: object) -> Verdict:
            arrived = "None" if answer is None else f"something of type {type(answer).__name__}"
            try:
                first_fault(
                    (answer is ... or _is_stub(answer), STUB, "open"),
                    (not callable(answer), f"a function was expected and {arrived} arrived.", "no function"),
                )
                properties(Answer(answer), Generator().manual_seed(0))
            except Wrong as wrong:
                hint = hints.get(f"{number} {wrong.hint}") or (hints | HINTS)[wrong.hint]
                return Verdict(number, "open" if wrong.hint == "open" else "wrong", wrong.sentence, hint)
            except Exception as problem:  # whatever else an answer does, a reader gets a sentence
                cannot = f"the grader cannot work with it ({type(problem).__name__})."
                return Verdict(number, "wrong", cannot, HINTS["strange"])
            return Verdict(number, "right", hints[f"{number} right"])

        return _named_after(properties, check)

    return decorate


def compared(
    hints: dict[str, str],
    *,
    tolerance: float = TOLERANCE,
    same: Callable[[Tensor, Tensor], bool] | None = None,
    dtype: torch.dtype | None = torch.float64,
    every: bool = False,
    errors: tuple[tuple[str, str], ...] = (),
    explain: Callable[..., None] = lambda *given: None,
    then: Callable[[Answer, Generator], None] = lambda *given: None,
) -> Callable:
    """Turn trials, with what right and wrong answers give there, into the grader of an exercise.

    Where an answer is first wrong, the first mistake with the same output is named.

    Args:
        hints: as for `graded`; "1.1 wrong" is said of what is no known mistake, which has the hint "1.1 other".
        tolerance: relative, no unit.
        same: whether two outputs agree, if not by the tolerance.
        dtype: of the output; None for any.
        every: a mistake is named only if its output is that of the answer on every trial.
        errors: words of an error, and the hint that it has then.
        explain: given the answer, its output and the inputs, raises `Wrong` if it knows what else happened.
        then: raises `Wrong` if an answer that is right on all trials lacks a property.
    """
    same = same or partial(close, tolerance=tolerance)

    def decorate(trials: Callable[[Generator], Trials]) -> Callable[[object], Verdict]:
        def properties(answer: Answer, generator: Generator) -> None:
            tried = []
            for inputs, right, *mistakes in trials(generator):
                try:
                    found = answer(*inputs, shape=tuple(right.shape), dtype=dtype).detach()
                except Wrong as wrong:
                    wrong.hint = next((hint for words, hint in errors if words in wrong.sentence), wrong.hint)
                    raise
                tried.append((found, right, mistakes))
                if not (every or same(found, right)):
                    break
            if all(same(found, right) for found, right, _ in tried):
                return then(answer, generator)
            recognise(tried if every else tried[-1:], same)
            explain(answer, found, *inputs)
            raise Wrong(hints[f"{trials.__name__.removeprefix('check_').replace('_', '.')} wrong"], "other")

        check = graded(hints)(_named_after(trials, properties))
        check.trials = trials
        return check

    return decorate


def recognise(tried: list[tuple], same: Callable[[Tensor, Tensor], bool]) -> None:
    """Raise `Wrong` for the first mistake that gives what was found, on all trials: of each (found, ..., mistakes)."""
    for mistake in zip(*(mistakes for *_, mistakes in tried), strict=True):
        name, sentence, *_ = mistake[0]
        for outputs in zip(*(given[2:] for given in mistake), strict=True):
            recognised = all(same(found, output) for (found, *_), output in zip(tried, outputs, strict=True))
            wrong_if(recognised, sentence, name)


def _named_after(original: Callable, function: Callable) -> Callable:
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(function, name, getattr(original, name))
    return function


def _is_stub(answer: object) -> bool:
    # Whether its source says nothing but `...`, `pass` or `raise NotImplementedError` below a docstring.
    if not isinstance(answer, FunctionType):
        return False
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(answer))).body
    except (OSError, SyntaxError, ValueError):  # no source, or a lambda in the middle of a line
        return False
    nothing = ("...", "pass", "return", "return None", "return ...", "raise NotImplementedError")
    return isinstance(function, ast.FunctionDef) and all(
        ast.unparse(line).removesuffix("()") in nothing
        for line in function.body[ast.get_docstring(function) is not None :]
    )
