"""A CUDA device that is not there: it computes on the CPU, and complains where a real one would.

Inside `with pretended():`, `tensor.to("cuda")` and `torch.randn(..., device="cuda")` give tensors that say they
are on "cuda", raise where they meet a tensor on the CPU, and have to come back before NumPy sees them.

`python tests/notebooks/pretend_cuda.py NOTEBOOK` runs the code of a notebook so, and prints which models were there.
"""

import contextlib
import copy
import dataclasses
import os
import sys
from pathlib import Path
from unittest.mock import patch

import nbformat
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from tutorial_lib import training
from tutorial_lib.training import batches, loop

CUDA = torch.device("cuda", 0)
MOVES = {Tensor.to, Tensor.cpu, Tensor.cuda, Tensor.copy_, torch._fused_adam_}  # autograd keeps gradients as they were
INDEXING = {Tensor.__getitem__, Tensor.__setitem__}  # an index may stay on the CPU


class OnCuda(Tensor):
    """A tensor that says that it is on the GPU."""

    @property
    def device(self):
        return CUDA

    def numpy(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")

    __array__ = numpy

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if func in INDEXING:
            tensors = tensors[:1]
        if func not in MOVES and any(not isinstance(t, OnCuda) and t.ndim for t in tensors):
            raise RuntimeError(f"{func.__name__}: Expected all tensors to be on the same device, found cuda:0 and cpu")
        return super().__torch_function__(func, types, args, kwargs or {})


class PretendCuda(TorchFunctionMode):
    """Where `OnCuda` comes from and where it ends."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch._has_compatible_shallow_copy_type:
            return False  # so a module that moves gets new parameters
        kwargs = dict(kwargs or {})
        place = kwargs.pop("device", None) if func is Tensor.to or "device" in kwargs else None
        wanted = [*args[1:], place] if func is Tensor.to else [place]  # what moves may be there already
        devices = [_device(word) for word in wanted if _device(word) is not None]
        if func is Tensor.cpu or devices in (["cpu"], ["cuda"]):
            kind = OnCuda if devices == ["cuda"] else Tensor
            result = func(*args, **kwargs) if func is not Tensor.to else _converted(args, kwargs)
            return tree_map(lambda t: t.as_subclass(kind) if isinstance(t, Tensor) else t, result)
        if func in INDEXING and not isinstance(args[0], OnCuda) and isinstance(args[1], OnCuda):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        return func(*args, **kwargs)


def _device(word) -> str | None:
    if isinstance(word, torch.device):
        return word.type
    if isinstance(word, OnCuda):
        return "cuda"
    return word.partition(":")[0] if isinstance(word, str) else None


def _converted(args, kwargs) -> Tensor:
    """What `tensor.to(device, dtype)` or `tensor.to(other)` leaves when the device is dropped."""
    tensor, *rest = args
    words = [*rest, kwargs.get("dtype")]
    types = [getattr(word, "dtype", word) for word in words if isinstance(word, torch.dtype | Tensor)]
    return tensor.clone() if not types else tensor.to(types[0], copy=True)


@contextlib.contextmanager
def pretended():
    """`PretendCuda`, found by whatever trains, with random numbers on the CPU."""
    generator = patch.object(batches, "Generator", lambda device: torch.Generator())
    with patch.object(loop, "best_device", lambda: torch.device("cuda")), generator, PretendCuda():
        yield


def run_lesson(path: Path) -> list[str]:
    """Run a notebook's code; the names of the models that it has trained on the GPU that is not there.

    They train for one epoch there, which shows that everything is; then here, where it is faster, and go there again.
    """
    real, moved = training.train, []

    def train(model, data, loss, recipe, *, device=None, **options):
        if device != "cpu":
            real(copy.deepcopy(model), data, loss, dataclasses.replace(recipe, epochs=1), progress=False)
            moved.append(type(model).__name__)
        history = real(model, data, loss, recipe, device="cpu", **options)
        if device != "cpu":
            model.to("cuda")
        return history

    training.train = train
    names: dict = {"__name__": "__main__"}
    with pretended():
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, f"{path.stem}/{cell.id}", "exec"), names)
    return moved


if __name__ == "__main__":
    notebook = Path(sys.argv[1]).resolve()
    os.chdir(notebook.parent)
    print("trained there:", *run_lesson(notebook))
