"""What all judges share: an answer and a list of properties come in, a verdict goes out.

Properties are tried on random inputs in float64. Whatever an answer does, short of running for ever, a
sentence comes back and no traceback. The generator has a seed, so that an answer is judged the same twice.
"""

import dis
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType

import torch
from torch import Generator, Tensor

TOLERANCE = 1e-8  # relative to the size of what is expected; rounding in float64 is below 1e-12 here
NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}  # what the body of a stub compiles to
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
HINTS = {
    "no function": "Hand in the function itself, by its name and without calling it, as the cell of the exercise does.",
    "raises": "Call it yourself on a small input, in a cell above, and read the whole error there.",
    "no return": "Does its last line begin with `return`?",
    "numpy": "Stay with torch from the first line to the last: gradients and other devices are lost in NumPy.",
    "no tensor": "Return a torch.Tensor.",
    "shape": "Print the shape after every line, and compare with the shape that the exercise asks for.",
    "dtype": "Numbers should have the precision of the input; what counts or points at atoms should be whole "
    "numbers, and what is true or false truth values.",
    "not finite": "Look for a division by zero, a logarithm or a square root of something negative.",
    "in place": "Make a new tensor: whoever called your function still needs the old one, as it was and without a "
    "gradient hanging on it.",
    "strange": "Return an ordinary tensor of numbers, without names, gaps or other special wrapping.",
}


@dataclass(frozen=True)
class Verdict:
    """What a judge says; it prints as a sentence or two.

    Attributes:
        exercise: such as "1.1".
        state: "open", "right" or "wrong".
        sentence: what the state means here.
        hint: where to look, if it is wrong.
    """

    exercise: str
    state: str
    sentence: str
    hint: str = ""

    def __repr__(self) -> str:
        words = {"open": "open", "right": "right", "wrong": "not yet"}[self.state]
        hint = f"\n{' ' * len(self.exercise)}   Hint: {self.hint}" if self.hint else ""
        return f"{self.exercise} · {words}: {self.sentence}{hint}"


class Wrong(Exception):
    """An answer that breaks a property: what is wrong, and a hint."""

    def __init__(self, sentence: str, hint: str):
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


class Open(Exception):
    """An answer that is still the stub."""


def judge(exercise: str, answer: object, properties: Callable[["Answer", Generator], None], right: str) -> Verdict:
    """The verdict on an answer.

    Args:
        exercise: such as "1.1".
        answer: what the reader handed in, which may be anything.
        properties: raises `Wrong` at the first property that the answer does not have.
        right: what to say to an answer that has them all.

    Returns:
        The verdict.
    """
    stub = "nothing is returned yet. Write your answer where the `...` stands, and run the cell again."
    if answer is ... or _is_stub(answer):
        return Verdict(exercise, "open", stub)
    if not callable(answer):
        arrived = "None" if answer is None else f"something of type {type(answer).__name__}"
        return Verdict(exercise, "wrong", f"a function was expected and {arrived} arrived.", HINTS["no function"])
    try:
        properties(Answer(answer), Generator().manual_seed(0))
    except Open:
        return Verdict(exercise, "open", stub)
    except Wrong as wrong:
        return Verdict(exercise, "wrong", wrong.sentence, wrong.hint)
    except Exception as problem:  # whatever else an answer does, a reader gets a sentence
        return Verdict(
            exercise, "wrong", f"the judge cannot work with it ({type(problem).__name__}).", HINTS["strange"]
        )
    return Verdict(exercise, "right", right)


class Answer:
    """A reader's function, called with care.

    Args:
        function: whatever was handed in.
    """

    def __init__(self, function: Callable):
        self.function = function

    def __call__(
        self, *inputs: object, shape: tuple[int, ...] | None = None, dtype: torch.dtype | None = torch.float64
    ) -> Tensor:
        """What the function gives for the inputs, or `Wrong` if that has not the shape and dtype asked for."""
        kept = [(x, x.detach().clone(), x.requires_grad) for x in inputs if isinstance(x, Tensor)]
        try:
            output = self.function(*inputs)
        except (Exception, SystemExit) as error:
            words = str(error).strip().splitlines()
            raised = type(error).__name__ + (f": {words[0].rstrip('.')}" if words else "")
            raise Wrong(f"it raises {raised}.", HINTS["raises"]) from error
        if output is ...:
            raise Open
        if output is None:
            raise Wrong("it returns None.", HINTS["no return"])
        if type(output).__module__.split(".")[0] == "numpy":
            raise Wrong("it returns a NumPy array.", HINTS["numpy"])
        if not isinstance(output, Tensor):
            raise Wrong(f"it returns something of type {type(output).__name__}.", HINTS["no tensor"])
        if shape is not None and tuple(output.shape) != shape:
            given = " and ".join(str(tuple(x.shape)) for x, _, _ in kept)
            of_inputs = f"for inputs of shape {given} " if given else ""
            asked = f"the shape {tuple(output.shape)}, and {shape} is asked for"
            raise Wrong(f"{of_inputs}it returns {asked}.", HINTS["shape"])
        if dtype is not None and output.dtype != dtype and not (dtype in WHOLE and output.dtype in WHOLE):
            arrived, asked = (str(kind).removeprefix("torch.") for kind in (output.dtype, dtype))
            raise Wrong(f"it returns {arrived}, and {asked} is asked for.", HINTS["dtype"])
        if not torch.isfinite(output).all():
            raise Wrong("it returns NaN or infinity.", HINTS["not finite"])
        if not all(torch.equal(x.detach(), old) for x, old, _ in kept):
            raise Wrong("it changes its input.", HINTS["in place"])
        if any(x.requires_grad != asked or (not asked and x.grad is not None) for x, _, asked in kept):
            raise Wrong("after it the positions that came in ask for a gradient.", HINTS["in place"])
        return output


def close(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two tensors agree, relative to the larger of their largest entries.

    Args:
        one: of any shape and unit.
        other: of a shape and unit that can be compared with it.
        tolerance: relative, no unit.

    Returns:
        False also where the shapes differ.
    """
    if one.shape != other.shape or one.numel() == 0:
        return one.shape == other.shape
    size = max(one.detach().abs().max().item(), other.detach().abs().max().item())
    return (one - other).abs().max().item() <= tolerance * size


def recognise(
    found: Tensor,
    mistakes: Sequence[tuple[str, Tensor, str]],
    hints: dict[str, str],
    *,
    same: Callable[[Tensor, Tensor], bool] = close,
) -> None:
    """Say which known mistake a wrong answer is, if it is one.

    Args:
        found: the answer, of any shape and unit.
        mistakes: for each the name of its hint, what it gives (in the unit of `found`) and a sentence.
        hints: by their names.
        same: whether two answers agree.

    Returns:
        Nothing, if it is another mistake.

    Raises:
        Wrong: the first of the mistakes that gives the answer.
    """
    for hint, mistaken, sentence in mistakes:
        if same(found, mistaken):
            raise Wrong(sentence, hints[hint])


def random_cloud(n_atoms: int, generator: Generator) -> Tensor:
    """Points in general position, about the size of a small molecule.

    Args:
        n_atoms: how many.
        generator: of the draw.

    Returns:
        (n_atoms, 3), angstrom.
    """
    return 2 * torch.randn(n_atoms, 3, generator=generator, dtype=torch.float64)


def _is_stub(answer: object) -> bool:
    if not isinstance(answer, FunctionType):
        return False
    steps = list(dis.get_instructions(answer))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= NOTHING and constants[-1] in (None, ...)
