"""Files that come with the library: a path comes in, and it or its weights go out if its bytes are those shipped."""

import hashlib
from pathlib import Path
from typing import TypeVar

from torch import nn

from tutorial_lib.files import expanded, fitted, stored

SUMS = "SHA256SUMS"
ROOMS = Path(__file__).parent
MODELS = ROOMS / "models"
Model = TypeVar("Model", bound=nn.Module)


def checksum_line(path: Path) -> str:
    """The line of SHA256SUMS for a file, as `sha256sum` writes it.

    Args:
        path: of the file.

    Returns:
        The checksum and the name, with a line break.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def verified(path: Path, *, otherwise: str) -> Path:
    """The path, if the file is the one that the SHA256SUMS of its folder names.

    Args:
        path: of the file.
        otherwise: what a reader can do instead of fetching it again, for the error.

    Returns:
        The path.

    Raises:
        ValueError: it is another file.
        FileNotFoundError: there is no such file, or no SHA256SUMS beside it.
    """
    path = expanded(path)
    if checksum_line(path) not in (path.parent / SUMS).read_text().splitlines(keepends=True):
        folder = path.parent.relative_to(ROOMS.parent) if path.is_relative_to(ROOMS) else path.parent
        raise ValueError(
            f"{path.name} is not the file that was shipped: its SHA-256 differs from {SUMS}. Fetch it again "
            f"(git checkout -- {folder}), or {otherwise}."
        )
    return path


def with_weights(model: Model, path: Path) -> Model:
    """A model with the weights of a file that was made by the script of its name.

    Args:
        model: as the script makes it before training.
        path: of the weights.

    Returns:
        The model, in evaluation mode.

    Raises:
        ValueError: it is not the file that its checksum names, or holds the weights of another model.
        FileNotFoundError: there is no such file, or no SHA256SUMS beside it.
    """
    own = f"train your own with scripts/train_{path.stem}.py"
    return fitted(model, stored(verified(path, otherwise=own), otherwise=own), path, otherwise=own).eval()


def sign(path: Path) -> None:
    """Write the checksum of a file into the SHA256SUMS of its folder, in place of its old one if there is one.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: there is no such file.
    """
    sums = path.parent / SUMS
    lines = sums.read_text().splitlines(keepends=True) if sums.exists() else []
    others = [line for line in lines if line.split()[-1] != path.name]
    sums.write_text("".join(sorted([*others, checksum_line(path)], key=lambda line: line.split()[-1])))
