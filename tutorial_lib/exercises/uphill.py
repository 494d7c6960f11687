"""Exercise 9.3 of notebook 09: the gradient of an invariant as a feature, while learning and while only predicting."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import (
    Answer,
    Trials,
    Wrong,
    close,
    compared,
    first_fault,
    normal,
    random_cloud,
    wrong_if,
)
from tutorial_lib.exercises.unaided import in_single

HINTS = {
    "9.3 right": "it can be trained through, and predicts without a graph.",
    "9.3 wrong": "it is something else.",
    "9.3 no grad": "PyTorch can be told to switch recording on, just for a few lines.",
    "9.3 inference": "What was made in inference mode can never have a gradient, and what is computed there neither. "
    "The mode can be left for a few lines: what has to be made anew outside it?",
    "9.3 graph kept": "Whoever only predicts wants no graph, which holds all that was computed in memory. When is it "
    "needed, and where do you see whether it is?",
    "9.3 mode": "Who calls your function finds recording switched on or off by it afterwards. A `with` block puts back "
    "what it found.",
    "9.3 sign": "Uphill, not downhill: this is a gradient and not a force.",
    "9.3 mean": "The numbers are added up before the gradient is taken. What does a mean divide by?",
    "9.3 mixing": "Ask about one row alone, then about the same row among others: its gradient should be the same.",
    "9.3 differences": "Differences of nearby values are a gradient to a few digits, and so is one in fewer digits. "
    "Autograd knows it exactly.",
    "9.3 graph": "Whoever trains needs the gradient of this gradient. What keeps the graph in `autograd`?",
    "9.3 cut": "The weights learn, and whatever made the features does not: what was detached on the way in?",
    "9.3 weights": "`backward` leaves gradients lying about in all weights. `torch.autograd.grad` returns them.",
    "9.3 other": "Try it with the squared length of each row: what is its gradient?",
}
MODES = (("no_grad", "no grad", torch.no_grad), ("inference_mode", "inference", torch.inference_mode))


def _number(weights: Tensor, features: Tensor) -> Tensor:
    # One for each row, which does not turn with it; rows do not see each other.
    size = features.square().sum(dim=-1)
    return weights[0] * size + weights[1] * (weights[2] + 0.1 * size).sin()


def _gradient(number: Callable, features: Tensor) -> Tensor:
    with torch.enable_grad():
        x = features if features.requires_grad else features.detach().requires_grad_()
        return torch.autograd.grad(number(x).sum(), x, create_graph=True)[0]


def _what_gradient(answer: Answer, found: Tensor, number: Callable, features: Tensor) -> None:
    wrong_if(close(found, _gradient(number, features).detach(), 1e-3), "it is right to a few digits.", "differences")
    wrong_if(
        not close(torch.cat([answer(number, row[None], shape=(1, 3)) for row in features]), found, 1e-6),
        "a row changes when others are beside it.",
        "mixing",
    )


def _predicts(answer: Answer, number: Callable, features: Tensor) -> None:
    right = _gradient(number, features).detach()
    for name, hint, mode in MODES:
        try:
            with mode():
                found = answer(number, features, shape=tuple(features.shape))
                left_on = torch.is_grad_enabled()
        except Wrong as wrong:
            raise Wrong(f"under `torch.{name}` {wrong.sentence}", hint) from wrong
        first_fault(
            (left_on, f"under `torch.{name}` it leaves recording switched on.", "mode"),
            (not close(found.detach(), right), f"under `torch.{name}` it gives something else.", hint),
            (found.requires_grad, f"under `torch.{name}` its output has a graph.", "graph kept"),
        )


def _is_trained_through(answer: Answer, number: Callable, weights: Tensor, features: Tensor) -> None:
    asked, slopes = features.clone().requires_grad_(), []
    for function in (answer, _gradient):
        out = (function(number, asked) * features.cos()).sum()
        out = out if out.requires_grad else 0 * weights.sum()
        slopes.append(torch.autograd.grad(out, (weights, asked), allow_unused=True, materialize_grads=True))
    wrong_if(not close(slopes[0][0], slopes[1][0], 1e-6), "the weights of the number cannot learn through it.", "graph")
    wrong_if(not close(slopes[0][1], slopes[1][1], 1e-6), "nothing before it can learn.", "cut")


def _learns_and_predicts(answer: Answer, generator: Generator) -> None:
    weights, features = normal(generator, 3).requires_grad_(), random_cloud(4, generator)
    number = partial(_number, weights)
    answer(number, features)
    wrong_if(not torch.is_grad_enabled(), "it leaves recording switched off.", "mode")
    wrong_if(weights.grad is not None, "it leaves gradients in the weights of the number.", "weights")
    _predicts(answer, number, features)
    _is_trained_through(answer, number, weights, features)
    in_single(answer, _gradient(number, features).detach(), number, features, dtype=torch.float32)


@compared(HINTS, explain=_what_gradient, then=_learns_and_predicts)
def check_9_3(generator: Generator) -> Trials:
    """The verdict on `uphill(number, features)`: a function (n, 3) to (n,), and (n, 3), to (n, 3), all without unit."""
    for n, size in ((4, 1.0), (1, 1.0), (6, 0.01), (37, 3.0)):
        number, features = partial(_number, normal(generator, 3).requires_grad_()), size * random_cloud(n, generator)
        right = _gradient(number, features).detach()
        yield (
            (number, features),
            right,
            ("sign", "it points downhill.", -right),
            ("mean", "it is too small, the more so the more rows.", right / n),
        )
