"""Tensors in files: a path comes in and what `torch.save` wrote goes out, or the other way round.

Nothing in a file is run, and a file is whole or not there. Whether it is the file that was meant is for whoever asks:
`shipped` compares checksums, `training` compares recipes.
"""

import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


def expanded(path: str | Path) -> Path:
    """The path, from the home folder where it begins with `~`, as a shell would have it.

    Args:
        path: of a file or a folder.

    Returns:
        The path.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:  # it is nobody's home
        return Path(path)


def keep(state: dict[str, Any], path: Path) -> None:
    """Write tensors, numbers and words into a file, whole or not at all.

    Args:
        state: each under its name.
        path: of the file. What it held before stays until all that is new has been written beside it.

    Raises:
        OSError: it could not be written, for instance because the disk is full; what it held before is still there.
    """
    path = expanded(path)
    part = path.with_name(path.name + ".part")
    try:
        torch.save(state, part)
        part.replace(path)
    except (OSError, RuntimeError) as problem:  # torch answers a full disk with a RuntimeError
        with suppress(OSError):
            part.unlink()
        before = "the one before it is still there" if path.exists() else "there is none"
        words = getattr(problem, "strerror", None) or str(problem).partition("\n")[0]
        raise OSError(f"{path} could not be written ({words}), {before}: make room, or choose another folder") from None
    except KeyboardInterrupt:
        part.unlink(missing_ok=True)
        raise


def writable(path: Path, *, probe: bool = True) -> None:
    """Make sure that a file can be written.

    Args:
        path: of the file, whose folder is made if it is not there.
        probe: try it; where several processes share a folder, one of them does.

    Raises:
        OSError: it is a folder, or cannot be written.
    """
    path = expanded(path)
    if path.is_dir():
        raise OSError(f"{path} is a folder: name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if probe:
            trial = path.with_name(path.name + ".part")
            trial.touch()
            trial.unlink()
    except OSError as error:
        raise OSError(f"{path} cannot be written ({error.strerror}): choose another folder") from None


def stored(path: Path, names: Sequence[str] = (), *, otherwise: str) -> dict[str, Any]:
    """The tensors, numbers and words that `torch.save` wrote; a pickle of anything else is refused, and not run.

    Args:
        path: of the file.
        names: what it must hold, at least.
        otherwise: what a reader can do instead, for the error.

    Returns:
        What it holds, each under its name, on the CPU.

    Raises:
        ValueError: it is cut off, damaged, something else than tensors, numbers and words, or lacks one of the names.
        FileNotFoundError: there is no such file.
        OSError: it cannot be opened.
    """
    with expanded(path).open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pickles that torch did not write, before it refuses them
        try:
            if zipfile.ZipFile(file).testzip() is not None:  # torch itself looks at no checksum
                raise zipfile.BadZipFile
            file.seek(0)
            state = torch.load(file, weights_only=True, map_location="cpu")
        except Exception as problem:  # torch answers a broken file with whatever its parts think of it
            # Not torch's own words: they advise to load it without weights_only, which would run what is in the file.
            raise ValueError(
                f"{path.name} is cut off or no file of tensors ({type(problem).__name__}): {otherwise}"
            ) from None
    if not isinstance(state, dict) or not set(names) <= set(state):
        found = ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__
        raise ValueError(f"{path.name} holds {found[:200]}, and {', '.join(names)} are needed: {otherwise}")
    return state


def fitted(model: Model, weights: dict[str, Any], path: Path, *, otherwise: str) -> Model:
    """A model with given weights in it.

    Args:
        model: of the same architecture as that whose weights they are.
        weights: its `state_dict`.
        path: where they came from, for the error.
        otherwise: what a reader can do instead, for the error.

    Returns:
        The model.

    Raises:
        ValueError: they are the weights of another model.
    """
    try:
        model.load_state_dict(weights)
    except (RuntimeError, AttributeError, TypeError) as problem:
        sentence = " ".join(str(problem).split())[:300]
        raise ValueError(f"{path.name} holds the weights of another model ({sentence}): {otherwise}") from None
    return model
