"""One seeded training loop: a model, its data and its loss come in, a history goes out.

The model is trained in place. All data lives in memory as whole tensors, a batch is one indexing
operation, and the loss draws its noise from the loop's generator. So one seed on one thread of one
machine gives one result, to the last bit, also when training was interrupted and resumed.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from tqdm.auto import tqdm

History = dict[str, list[float]]
PROFILES = ("quick", "full")


class Diverged(ValueError):
    """The loss is no number any more."""


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


def profile() -> str:
    """The profile that notebooks run under: "quick" unless TUTORIAL_PROFILE says "full".

    Returns:
        "quick" or "full".

    Raises:
        ValueError: the environment variable says something else.
    """
    name = os.environ.get("TUTORIAL_PROFILE", "quick")
    if name not in PROFILES:
        raise ValueError(f"TUTORIAL_PROFILE is {name!r}: set it to one of {PROFILES}, or unset it")
    return name


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU; MPS only if a caller asks for it by name.

    Returns:
        The device.

    Raises:
        Nothing.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    model: nn.Module,
    data: Tensor | tuple[Tensor, ...],
    loss: Callable[..., dict[str, Tensor]],
    recipe: Recipe,
    *,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    progress: bool = True,
) -> History:
    """The history of a training run that leaves `model` trained, in evaluation mode, on `device`.

    Adam with a one-cycle learning rate (Smith and Topin 2019). On Ctrl-C the last checkpoint stays,
    with its history, and `resume=True` goes on from there as if nothing had happened.

    Args:
        model: trained in place.
        data: (N, ...), all examples, in the unit of the loss's inputs; or several of them, such as inputs
            and labels, which are batched together.
        loss: of the model, a batch and a generator; the batch is a tensor, or a tuple where data is one. It
            gives terms as scalars, and the one called "loss" is minimised.
        recipe: epochs, batch size, learning rate and seed.
        device: `best_device()` if None.
        checkpoint: a file to keep the state in, or None.
        checkpoint_every: epochs between two checkpoints.
        resume: go on from the checkpoint if it is there.
        progress: show a bar.

    Returns:
        For each term of the loss its mean over every epoch.

    Raises:
        Diverged: the loss is not finite any more.
        ValueError: there is no data, or it is not finite, its parts differ in length, or the checkpoint is of another
            recipe.
        FileExistsError: the checkpoint is there and `resume` is False.
        OSError: the checkpoint cannot be written.
    """
    tensors = data if isinstance(data, tuple) else (data,)
    if len(tensors[0]) == 0:
        raise ValueError("there is no data: (0 examples) arrived, at least one is needed")
    if len({len(tensor) for tensor in tensors}) > 1:
        raise ValueError(f"the parts of the data differ in length: {[len(tensor) for tensor in tensors]}")
    if not all(torch.isfinite(tensor).all() for tensor in tensors):
        raise ValueError("the data hold NaN or infinity: look at where they came from")
    device = torch.device(device) if device is not None else best_device()
    path = _writable(Path(checkpoint), resume) if checkpoint is not None else None
    model.to(device).train()
    data = tuple(tensor.to(device) for tensor in tensors) if isinstance(data, tuple) else data.to(device)
    steps = -(-len(tensors[0]) // recipe.batch_size)
    # For a small network the fused kernel takes a quarter of the time of the default one.
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps, pct_start=0.1
    )
    generator = Generator(device).manual_seed(recipe.seed)
    history: History = {}
    if path is not None and resume and path.exists():
        history = _restore(path, recipe, model, optimiser, schedule, generator)
    first = len(history.get("loss", []))
    with (
        one_thread(),
        # Once a second: a long training would flood whoever reads the notebook's messages late, as tests do.
        tqdm(
            total=recipe.epochs,
            initial=first,
            desc="training",
            unit="epoch",
            mininterval=1,
            disable=not progress,
            leave=False,
        ) as bar,
    ):
        for epoch in range(first, recipe.epochs):
            means = _epoch(model, data, loss, recipe, optimiser, schedule, generator)
            for name, value in means.items():
                history.setdefault(name, []).append(value)
            if not math.isfinite(means["loss"]):
                raise Diverged(f"the loss is {means['loss']} in epoch {epoch + 1}: lower the learning rate")
            if path is not None and ((epoch + 1) % checkpoint_every == 0 or epoch + 1 == recipe.epochs):
                _save(path, recipe, model, optimiser, schedule, generator, history)
            bar.update()
            bar.set_postfix(loss=f"{means['loss']:.3f}", refresh=False)
    model.eval()
    return history


def load_history(checkpoint: str | Path) -> History:
    """The history in a checkpoint, for instance after a run that was interrupted.

    Args:
        checkpoint: the file that `train` was given.

    Returns:
        For each term of the loss its mean over every epoch until the checkpoint.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return torch.load(checkpoint, weights_only=True)["history"]


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside the `with`, as many as before after it.

    Small networks are slower on two threads than on one, and far slower on a machine that is busy.

    Raises:
        Nothing.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _epoch(model, data, loss, recipe, optimiser, schedule, generator) -> dict[str, float]:
    tensors = data if isinstance(data, tuple) else (data,)
    n_examples = len(tensors[0])
    order = torch.randperm(n_examples, generator=generator, device=tensors[0].device)
    batches = zip(*(tensor[order].split(recipe.batch_size) for tensor in tensors), strict=True)
    sums: dict[str, Tensor] = {}
    for parts in batches:
        batch = parts if isinstance(data, tuple) else parts[0]
        terms = loss(model, batch, generator)
        optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for name, value in terms.items():
                sums[name] = sums.get(name, 0) + value * len(parts[0])
    return {name: total.item() / n_examples for name, total in sums.items()}


def _writable(path: Path, resume: bool) -> Path:
    if path.exists() and not resume:
        raise FileExistsError(f"{path} holds an earlier run: pass resume=True to go on, or another path")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.with_name(path.name + ".part")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"the checkpoint {path} cannot be written ({error.strerror}): choose another folder") from None
    return path


def _save(path, recipe, model, optimiser, schedule, generator, history) -> None:
    state = {
        "recipe": asdict(recipe),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "generator": generator.get_state(),
        "history": history,
    }
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    part.replace(path)  # whoever interrupts us finds the old checkpoint or the new one, never half of one


def _restore(path, recipe, model, optimiser, schedule, generator) -> History:
    state = torch.load(path, weights_only=True)
    if state["recipe"] != asdict(recipe):
        raise ValueError(
            f"the checkpoint {path} is of another recipe, {state['recipe']}: "
            "resume with that one, or choose another path"
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    generator.set_state(state["generator"])
    return state["history"]
