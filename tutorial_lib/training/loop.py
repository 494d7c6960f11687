"""One seeded training loop: a model, its data and its loss come in, a history goes out.

The model is trained in place. All data lives in memory as whole tensors, a batch is one indexing
operation, and the loss draws its noise from the loop's generator. So one seed on one thread of one
machine gives one result, to the last bit, also when training was interrupted and resumed.
`batches` says how data that does not fit and several processes take the same loop.

A checkpoint is replaced at once: whoever interrupts us, even with kill -9, finds the old one or the new one, never half
of one.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from tutorial_lib import storage
from tutorial_lib.shapes import check, check_counts, check_one_of, differentiating
from tutorial_lib.training.batches import Batch, InMemory, OneProcess, Source

PROFILES = ("quick", "full")
AGAIN = "move it away and train again, or choose another path"
History = dict[str, list[float]]


class Diverged(ValueError):
    """The loss or a weight is no number any more."""


@dataclass(frozen=True)
class Recipe:
    """What a training run is made of, besides its model, data and loss.

    Attributes:
        epochs: passes over the data.
        batch_size: examples a step.
        learning_rate: of Adam, at its peak; it rises for a tenth of the steps and then falls.
        seed: of the batches and of the noise in the loss.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in {"epochs": int, "batch_size": int, "learning_rate": float, "seed": int}.items():
            object.__setattr__(self, name, kind(getattr(self, name)))  # a checkpoint keeps no numbers of NumPy
        check(
            self.epochs > 0 and self.batch_size > 0 and self.learning_rate > 0,
            f"epochs, batch_size and learning_rate must be above 0: {self} arrived",
        )


def profile() -> str:
    """The profile that notebooks run under: "quick" unless TUTORIAL_PROFILE says "full"."""
    name = os.environ.get("TUTORIAL_PROFILE", "quick")
    check_one_of(PROFILES, TUTORIAL_PROFILE=name)
    return name


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU; MPS only if a caller asks for it by name."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@differentiating
def train(
    model: nn.Module,
    data: Batch | Source,
    loss: Callable[..., dict[str, Tensor]],
    recipe: Recipe,
    *,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    progress: bool = True,
    backend: OneProcess | None = None,
) -> History:
    """The history of a training run, for each term its mean over every epoch; `model` is left trained, on `device`.

    Adam with a one-cycle learning rate (Smith and Topin 2019). On Ctrl-C the last checkpoint stays,
    with its history, and `resume=True` goes on from there as if nothing had happened.

    Args:
        model: trained in place; its method `update_average`, if it has one, is called once a step.
        data: (N, ...), all examples, in the unit of the loss's inputs; or several of them, such as inputs
            and labels, which are batched together; or a source of batches, such as `streaming.Stream`.
        loss: of the model, a batch and a generator; the batch is a tensor, or a tuple where data is one. It
            gives terms as scalars, and the one called "loss" is minimised.
        recipe: epochs, batch size, learning rate and seed.
        device: `best_device()` if None.
        checkpoint: a file to keep the state in, or None.
        checkpoint_every: epochs between two checkpoints.
        resume: go on from the checkpoint if it is there.
        progress: show a bar.
        backend: how steps are taken; in this process if None.
    """
    backend = backend or OneProcess()
    device = torch.device(device) if device is not None else best_device()
    source = data if isinstance(data, Source) else InMemory(data, recipe.batch_size, recipe.seed, device)
    check(
        checkpoint is not None or not resume,
        "resume goes on from a checkpoint: say which file it is in, or leave resume out",
    )
    check_counts(checkpoint_every=checkpoint_every)
    path = storage.expanded(checkpoint) if checkpoint is not None else None
    if path is not None:
        storage.writable(path, probe=backend.first)
        if path.exists() and not resume:
            raise FileExistsError(
                f"{path} holds an earlier run: pass resume=True (--resume in a command) to go on, or another path"
            )
    model.to(device).train()
    # For a small network the fused kernel takes a quarter of the time of the default one.
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
    n_steps = recipe.epochs * source.n_steps
    rise = 0.1 if n_steps != 10 else 0.11  # a rise of one step exactly makes OneCycleLR divide by zero
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=n_steps, pct_start=rise)
    if update := getattr(model, "update_average", None):
        optimiser.register_step_pre_hook(lambda *_: update())
    stepper = backend.set_up(model, loss, optimiser)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule, "source": source}
    history = restore(path, asdict(recipe), parts) if resume and path.exists() else {}
    first = len(history.get("loss", []))
    with (
        torch.enable_grad(),  # and as it was afterwards, whatever a Ctrl-C inside the optimiser leaves behind
        threads(backend.n_threads),
        # Once a second: a long training would flood whoever reads the notebook's messages late, as tests do.
        tqdm(
            range(first, recipe.epochs),
            initial=first,
            total=recipe.epochs,
            desc="training",
            unit="epoch",
            mininterval=1,
            disable=not (progress and backend.first),
            leave=False,
        ) as bar,
    ):
        for epoch in bar:
            means = _epoch(source.steps(epoch), stepper, schedule, backend)
            for name, value in means.items():
                history.setdefault(name, []).append(value)
            if not math.isfinite(means["loss"]):
                raise Diverged(f"the loss is {means['loss']} in epoch {epoch + 1}: lower the learning rate")
            due = (epoch + 1) % checkpoint_every == 0 or epoch + 1 == recipe.epochs
            if due and not all(weight.isfinite().all() for weight in model.parameters()):
                raise Diverged(f"a weight is no number after epoch {epoch + 1}: lower the learning rate")
            if path is not None and due and backend.first:
                save(path, asdict(recipe), history, parts)
            bar.set_postfix(loss=f"{means['loss']:.3f}", refresh=False)
    model.eval()
    return history


@contextmanager
def threads(number: int) -> Iterator[None]:
    """So many threads inside the `with`, as many as before after it.

    Small networks are slower on two threads than on one, and far slower on a machine that is busy.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _epoch(steps, optimiser, schedule, backend) -> dict[str, float]:
    sums: dict[str, Tensor] = {}
    n_examples = 0
    for shares in steps:
        optimiser.zero_grad(set_to_none=True)
        for (batch, _), terms in zip(shares, backend.gradients(shares), strict=True):
            n_here = len(batch[0] if isinstance(batch, tuple) else batch)
            n_examples += n_here
            for name, value in terms.items():
                sums[name] = sums.get(name, 0) + value.detach() * n_here
        optimiser.step()
        schedule.step()
    n_examples = backend.total(float(n_examples))
    return {name: backend.total(total.item()) / n_examples for name, total in sums.items()}


def save(path: Path, recipe: dict[str, Any], history: History, parts: dict[str, Any]) -> None:
    """Write what the run is made of, its history until now, and the states of its parts."""
    storage.keep(
        {"recipe": recipe, "history": history} | {name: part.state_dict() for name, part in parts.items()}, path
    )


def restore(path: Path, recipe: dict[str, Any], parts: dict[str, Any]) -> History:
    """The history in a checkpoint; the parts that were given to `save` get their states back."""
    state = storage.stored(path, ("recipe", "history", *parts), otherwise=AGAIN)
    other = {name: value for name, value in state["recipe"].items() if recipe.get(name) != value}
    check(
        state["recipe"] == recipe,
        f"the checkpoint {path} is of another recipe, with {other}: resume with that one, or choose another path "
        "(the learning rate falls over all epochs, so more of them are another run)",
    )
    storage.fitted(parts["model"], state["model"], path, otherwise=AGAIN)
    for name in parts.keys() - {"model"}:
        parts[name].load_state_dict(state[name])
    return state["history"]


def load_history(checkpoint: str | Path) -> History:
    """The history in a checkpoint that `training.train` was given, for instance after a run that was interrupted."""
    return storage.stored(storage.expanded(checkpoint), ("recipe", "history", "model"), otherwise=AGAIN)["history"]
