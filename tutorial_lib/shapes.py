"""The shape and the unit of every array that passes between modules, each written down once.

Annotations cost nothing at run time and are checked in the tests; what a public function refuses, it refuses in the
words of the functions below. Rows are atoms and a rotation acts as `x @ Q.mT`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, wraps
from numbers import Integral

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils._pytree import tree_map

Positions = Float[Tensor, "*batch atoms 3"]  # angstrom, one atom a row
Motifs = Float[Tensor, "_ atoms 3"]  # angstrom, about the centre; two sets need not be of one size
Gram = Float[Tensor, "*batch atoms atoms"]  # angstrom^2, inner products x_i . x_j
Orthogonal = Float[Tensor, "*batch 3 3"]  # Q^T Q = 1, det +1 or -1; acts as x @ Q.mT
UpperTriangle = Float[Tensor, "*batch pairs"]  # angstrom^2, entries i <= j of a Gram matrix, row by row
Features = Float[Tensor, "batch features"]  # no unit: standardised numbers, what a network reads
Examples = Float[Tensor, "_ features"]  # features again, of another set than the one in question
Decoded = Float[Tensor, "batch *output"]  # features again, or angstrom where clouds come out
Latent = Float[Tensor, "batch latent"]  # no unit: codes, compared with N(0, 1)
Scalars = Float[Tensor, "*batch"]  # one number a batch entry
Indices = Int[Tensor, " batch"]  # whole numbers that point at cells or atoms
Order = Int[Tensor, "*batch atoms"]  # which atom comes first, second, ...
Coefficients = Float[Tensor, "_"]  # no unit: one function on the sphere, in spherical harmonics
Signals = Float[Tensor, "_ _ _"]  # no unit: coefficients, points, channels; functions on the sphere at points
Places = Float[Tensor, "_ 3"]  # in the unit of positions: anywhere, not only where points are
Known = Float[Tensor, "queries known 3"]  # angstrom, about the centre: the atoms that are there
Missing = Float[Tensor, "queries missing 3"]  # angstrom, about the same centre: the atoms that were taken out
Candidates = Float[Tensor, "queries candidates missing 3"]  # angstrom: answers to each query, best first
PerCandidate = Float[Tensor, "queries candidates"]  # one number an answer


def check(holds: object, otherwise: str) -> None:
    """Refuse, in the given words, what does not hold; the words are written down either way, so they must be cheap."""
    if not holds:
        raise ValueError(otherwise)


def check_shapes(**arguments: tuple[Tensor, str]) -> None:
    """Refuse arrays of other shapes than asked for, before any of them is broadcast.

    A dimension is a number, a name, which is one length wherever it stands, or `_`, which is any; a `+` after it asks
    for one at least. A leading `*batch` stands for any number of dimensions.

    Example:
        >>> check_shapes(places=(torch.zeros(4, 8, 2), "queries places 3"))
        Traceback (most recent call last):
        ValueError: places must be (queries, places, 3), and shape (4, 8, 2) arrived
    """
    known: dict[str, int | tuple[int, ...]] = {}
    for name, (values, dimensions) in arguments.items():
        words, lengths = dimensions.split(), list(values.shape)
        asked = f"({', '.join(words)}{',' * (len(words) == 1)})"
        bound = [f"{word} = {known[word]}" for word in (word.removesuffix("+") for word in words) if word in known]
        if words and words[0].startswith("*"):
            n_batch = max(0, len(lengths) - len(words) + 1)
            lengths = [tuple(lengths[:n_batch]), *lengths[n_batch:]]
        if len(lengths) != len(words) or not all(map(_fits, words, lengths, [known] * len(words))):
            asked = f"{asked} with {', '.join(bound)}" if bound else asked
            hint = f": pass {name}[None] for one of them" if len(lengths) == len(words) - 1 else ""
            raise ValueError(f"{name} must be {asked}, and shape {tuple(values.shape)} arrived{hint}")


def _fits(word: str, length: int | tuple[int, ...], known: dict[str, int | tuple[int, ...]]) -> bool:
    if word.endswith("+") and not length:
        return False
    word = word.removesuffix("+")
    return word == "_" or (length == int(word) if word.isdigit() else known.setdefault(word, length) == length)


def check_finite(*values: Tensor, what: str = "positions") -> None:
    """Refuse NaN and infinity; `what` names the values in the error."""
    check(
        all(torch.isfinite(array).all() for array in values),
        f"{what} hold NaN or infinity: look at where they came from",
    )


def check_counts(least: int = 1, **counts: int) -> None:
    """Refuse what is not a whole number of at least `least`; the keywords are the names that a reader knows."""
    for name, n in counts.items():
        check(
            isinstance(n, Integral) and n >= least, f"{name} must be a whole number, {least} at least, and {n} arrived"
        )


def check_indices(below: int, **indices: Tensor) -> None:
    """Refuse indices that are not 0 to `below` - 1: torch counts negative ones from the end."""
    for name, index in indices.items():
        if len(wrong := index[~((index >= 0) & (index < below))]):  # NaN is neither
            raise IndexError(f"{name} must count {below} from 0, and {wrong[0].item()} arrived")


def check_one_of(allowed: Iterable[str], **names: str) -> None:
    """Refuse a name that is not among the allowed ones; the keyword says what it names."""
    for kind, name in names.items():
        check(name in allowed, f"there is no {kind} {name!r}: choose one of {', '.join(allowed)}")


def check_not_negative(**values: float) -> None:
    """Refuse negative weights and standard deviations; the keywords are the names that a reader knows."""
    for name, value in values.items():
        check(value >= 0, f"{name} is {value}, and must not be negative: pass 0 or more")


def check_apart(distance: Tensor, reach: float) -> None:
    """Refuse pairs at distances under a millionth of `reach`: that is rounding, and so would be their direction."""
    check(
        not (distance <= 1e-6 * reach).any(),
        "two points coincide, and neither sees the other in a direction: merge such points",
    )


def constant(function: Callable) -> Callable:
    """A function of numbers and words whose tensors are made once, in no mode.

    A tensor made under `inference_mode` is refused by autograd for good: kept, it would spoil all later training.
    """

    @lru_cache
    @wraps(function)
    def once(*arguments):
        with torch.inference_mode(False), _full():
            return function(*arguments)

    return once


def differentiating(function: Callable) -> Callable:
    """A function that asks for gradients inside, on copies of what was made under `inference_mode`."""

    @wraps(function)
    def called(*arguments, **named):
        with torch.inference_mode(False):
            arguments, named = tree_map(_usable, (arguments, named))
            return function(*arguments, **named)

    return called


def unrounded(function: Callable) -> Callable:
    """A function whose geometry `autocast` does not round: it computes in the dtype of what comes in."""
    return _full()(function)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws inside follow from the seed alone, on the CPU; the global generator continues as if there had been none."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _usable(value):
    return value.clone() if isinstance(value, Tensor) and value.is_inference() else value


@contextmanager
def _full() -> Iterator[None]:
    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield
