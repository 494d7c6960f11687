"""An answer left to itself: it comes in with its inputs, and goes out unless it calls the library or never ends."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from tutorial_lib import representations
from tutorial_lib.exercises.grader import Answer, Wrong, close, wrong_if

LIBRARY = str(Path(representations.__file__).parent)
SAME = partial(close, tolerance=1e-4)  # in single precision
PATIENCE = 5  # CPU seconds, for what takes a fraction of one
DIGITS_HINT = "Somewhere on the way numbers were kept in fewer digits than they came in."
LIBRARY_HINT = "Write the steps yourself, and compare with the library's function in a cell of your own."


def alone(answer: Answer, *inputs: object, without: tuple[str, ...] = (LIBRARY,), **asked: object) -> Tensor:
    """What an answer gives where it may call nothing that stands in these files or folders, and not search for ever."""
    began, files, late = time.process_time(), set(), []

    def watch(frame, event, argument):  # Python calls it at every call and return
        files.add(frame.f_code.co_filename)
        if time.process_time() - began > PATIENCE:
            late.append(event)
            raise TimeoutError

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        found = answer(*inputs, **asked)
    except Wrong:
        wrong_if(late, f"{len(inputs[0])} atoms take it longer than {PATIENCE} seconds.", "slow")
        raise
    finally:
        sys.setprofile(before)
    wrong_if(any(file.startswith(without) for file in files), "it calls a function that exists already.", "library")
    return found


def in_single(
    answer: Answer,
    right: Tensor,
    *inputs: object,
    same: Callable[[Tensor, Tensor], bool] = SAME,
    dtype: torch.dtype | None = None,
) -> None:
    """Raise `Wrong` for an answer that fails where numbers have single precision; its dtype may be asked for."""
    single = [x.float() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs]
    found = answer(*single, shape=tuple(right.shape), dtype=dtype)
    wrong_if(not same(found.detach().to(right), right), "it is wrong for numbers in single precision.", "single")
