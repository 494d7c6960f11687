"""Functions that work in whatever mode of PyTorch a caller is: under `inference_mode` and under `autocast`."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache, wraps

import torch
from torch import Tensor
from torch.utils._pytree import tree_map


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

    @wraps(function)
    def called(*arguments, **named):
        with _full():
            return function(*arguments, **named)

    return called


def _usable(value):
    return value.clone() if isinstance(value, Tensor) and value.is_inference() else value


def _full() -> ExitStack:
    stack = ExitStack()
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            stack.enter_context(torch.autocast(device, enabled=False))
    return stack
