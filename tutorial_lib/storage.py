"""Tensors in files: a path comes in and what `torch.save` wrote goes out, or the other way round.

Nothing in a file is run, and a file is whole or not there. In every function `otherwise` ends the error: what a reader
can do instead.
"""

import hashlib
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tutorial_lib.shapes import check

SUMS = "SHA256SUMS"
LIBRARY = Path(__file__).parent
WEIGHTS = LIBRARY / "models" / "weights"


def expanded(path: str | Path) -> Path:
    """The path, from the home folder where it begins with `~`, as a shell would have it."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # it is nobody's home
        return Path(path)


def keep(state: dict[str, Any], path: Path) -> None:
    """Write tensors, numbers and words into a file, whole or not at all: what it held before stays until then."""
    path = expanded(path)
    part = path.with_name(path.name + ".part")
    try:
        torch.save(state, part)
        part.replace(path)
    except (OSError, RuntimeError) as problem:  # torch answers a full disk with a RuntimeError
        with suppress(OSError):
            part.unlink()
        before = "the one before it is still there" if path.exists() else "there is none"
        why = getattr(problem, "strerror", None) or str(problem).partition("\n")[0]
        raise OSError(f"{path} could not be written ({why}), {before}: make room, or choose another folder") from None
    except KeyboardInterrupt:
        part.unlink(missing_ok=True)
        raise


def writable(path: Path, *, probe: bool = True) -> None:
    """Make sure that a file can be written, and make its folder.

    Without `probe` no writing is tried: where several processes share a folder, one of them does.
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
    """The tensors, numbers and words that `torch.save` wrote, on the CPU, among them the `names`.

    A pickle of anything else is refused, and not run.
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
    found = ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__
    check(
        isinstance(state, dict) and set(names) <= set(state),
        f"{path.name} holds {found[:200]}, and {', '.join(names)} are needed: {otherwise}",
    )
    return state


def fitted(model: nn.Module, weights: dict[str, Any], path: Path, *, otherwise: str) -> nn.Module:
    """A model with the weights of a `state_dict` in it; `path` says where they came from, for the error."""
    try:
        model.load_state_dict(weights)
    except (RuntimeError, AttributeError, TypeError) as problem:
        sentence = " ".join(str(problem).split())[:300]
        raise ValueError(f"{path.name} holds the weights of another model ({sentence}): {otherwise}") from None
    return model


def checksum_line(path: Path) -> str:
    """The line of SHA256SUMS for a file, as `sha256sum` writes it."""
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def verified(path: Path, *, otherwise: str) -> Path:
    """The path, if the file is the one that the SHA256SUMS of its folder names."""
    path = expanded(path)
    folder = path.parent.relative_to(LIBRARY.parent) if path.is_relative_to(LIBRARY) else path.parent
    check(
        checksum_line(path) in (path.parent / SUMS).read_text().splitlines(keepends=True),
        f"{path.name} is not the file that was shipped: its SHA-256 differs from {SUMS}. Fetch it again "
        f"(git checkout -- {folder}), or {otherwise}.",
    )
    return path


def with_weights(model: nn.Module, path: Path) -> nn.Module:
    """A model, in evaluation mode, with the weights of a shipped file that was made by the script of its name."""
    own = f"train your own with scripts/train/train_weights.py {path.stem}"
    return fitted(model, stored(verified(path, otherwise=own), otherwise=own), path, otherwise=own).eval()


def sign(path: Path) -> None:
    """Write the checksum of a file into the SHA256SUMS of its folder, in place of its old one if there is one."""
    sums = path.parent / SUMS
    lines = sums.read_text().splitlines(keepends=True) if sums.exists() else []
    others = [line for line in lines if line.split()[-1] != path.name]
    sums.write_text("".join(sorted([*others, checksum_line(path)], key=lambda line: line.split()[-1])))
