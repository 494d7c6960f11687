"""Where batches come from and how a step is taken: data, a model and a loss come in, gradients go out.

`loop` asks a source for steps and a backend for gradients; in memory and in one process are
the default, `streaming` is another source, and `scripts/train/train_beyond.py` another backend, over several processes.

A step is a list of shares. Each is a batch with a generator of its own, and the gradient is that of the mean of their
losses. So it does not matter whether one process takes all shares in turn or several take some each.
"""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.shapes import check, check_counts, check_finite

AGAIN = "resume with what it was begun with, or choose another path"
Batch = Tensor | tuple[Tensor, ...]
Share = tuple[Batch, Generator | None]


@runtime_checkable
class Source(Protocol):
    """Where batches come from: `n_steps` of every epoch."""

    n_steps: int

    def steps(self, epoch: int) -> Iterator[list[Share]]:
        """For each step the shares that this process has to take."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, or refuse that of other data."""


class InMemory:
    """All data as whole tensors on a device, every example once an epoch, one share a step.

    The seed decides the order, and then the noise in the loss. The last step of an epoch may have fewer examples.
    """

    def __init__(self, data: Batch, batch_size: int, seed: int, device: torch.device):
        tensors = data if isinstance(data, tuple) else (data,)
        if not all(isinstance(tensor, Tensor) for tensor in tensors):
            raise TypeError(f"data must be tensors: use torch.as_tensor on {[type(part).__name__ for part in tensors]}")
        check_counts(n_examples=len(tensors[0]))
        lengths = [len(tensor) for tensor in tensors]
        check(len(set(lengths)) == 1, f"the parts of the data differ in length: {lengths}")
        check_finite(*tensors, what="the data")
        self.fingerprints = [_fingerprint(tensor) for tensor in tensors]
        self.data = tuple(tensor.to(device) for tensor in tensors) if isinstance(data, tuple) else data.to(device)
        self.batch_size, self.n_steps = batch_size, -(-lengths[0] // batch_size)
        self.generator = Generator(device).manual_seed(seed)

    def steps(self, epoch: int) -> Iterator[list[Share]]:
        """The steps of the next epoch; the generator remembers which that is."""
        return ([(batch, self.generator)] for batch in shuffled(self.data, self.batch_size, self.generator))

    def state_dict(self) -> dict[str, Any]:
        """The state of the generator, and a fingerprint that tells the data from others."""
        return {"generator": self.generator.get_state(), "data": self.fingerprints}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint of the same data and kind of device."""
        found = state.get("data", [])
        check(
            len(found) == len(self.fingerprints) and all(map(_alike, found, self.fingerprints)),
            f"the checkpoint is of other data, {found}, and {self.fingerprints} arrived: {AGAIN}",
        )
        try:
            self.generator.set_state(state["generator"])
        except RuntimeError:
            raise ValueError(f"the checkpoint was begun on another kind of device: {AGAIN}") from None


class OneProcess:
    """Steps in one process.

    Attributes:
        first: whether this process writes the checkpoint and shows the bar.
        n_threads: small networks are slower on two threads than on one, and far slower on a machine that is busy.
    """

    first = True
    n_threads = 1

    def set_up(self, model: nn.Module, loss: Any, optimiser: Any) -> Any:
        """The optimiser that is to take the steps."""
        self.model, self.loss = model, loss
        return optimiser

    def gradients(self, shares: list[Share]) -> Iterator[dict[str, Tensor]]:
        """The terms of the loss of each share, while the gradient of their mean gathers in the parameters."""
        for batch, generator in shares:
            terms = self.loss(self.model, batch, generator)
            (terms["loss"] / len(shares)).backward()
            yield terms

    def total(self, value: float) -> float:
        """The sum of a number over all processes, of which there is one."""
        return value


def _fingerprint(tensor: Tensor) -> dict[str, Any]:
    x = tensor.cpu().double()
    return {"shape": list(x.shape), "mean": x.mean().item(), "size": x.square().mean().sqrt().item()}


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two fingerprints are of the same data, made on machines whose last bits may differ."""
    return one["shape"] == other["shape"] and all(
        abs(one[name] - other[name]) <= 1e-4 * other["size"] for name in ("mean", "size")
    )


def shuffled(data: Batch, batch_size: int, generator: Generator | None) -> Iterator[Batch]:
    """All examples once, in batches, in an order of this epoch; the last batch may be smaller."""
    tensors = data if isinstance(data, tuple) else (data,)
    order = torch.randperm(len(tensors[0]), generator=generator, device=tensors[0].device)
    for parts in zip(*(tensor[order].split(batch_size) for tensor in tensors), strict=True):
        yield parts if isinstance(data, tuple) else parts[0]
