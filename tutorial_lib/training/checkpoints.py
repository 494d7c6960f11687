"""What a training run leaves on disk: its parts come in as a dictionary of their states, a file goes out, and back.

The file is replaced at once: whoever interrupts us, even with kill -9, finds the old checkpoint or the new one, never
half of one.
"""

from pathlib import Path
from typing import Any

from tutorial_lib import storage

AGAIN = "move it away and train again, or choose another path"
History = dict[str, list[float]]


def load_history(checkpoint: str | Path) -> History:
    """The history in a checkpoint that `training.train` was given, for instance after a run that was interrupted."""
    return storage.stored(storage.expanded(checkpoint), ("recipe", "history", "model"), otherwise=AGAIN)["history"]


def writable(path: Path, *, resume: bool, probe: bool) -> None:
    """Make sure that a checkpoint can be written, before there is something to lose.

    With `resume` an earlier run may be there; `probe` writes, as one of several processes that share a folder does.
    """
    storage.writable(path, probe=probe)
    if path.exists() and not resume:
        raise FileExistsError(
            f"{path} holds an earlier run: pass resume=True (--resume in a command) to go on, or another path"
        )


def save(path: Path, recipe: dict[str, Any], history: History, parts: dict[str, Any]) -> None:
    """Write what the run is made of, its history until now, and the states of its parts."""
    storage.keep(
        {"recipe": recipe, "history": history} | {name: part.state_dict() for name, part in parts.items()}, path
    )


def restore(path: Path, recipe: dict[str, Any], parts: dict[str, Any]) -> History:
    """The history in a checkpoint; the parts that were given to `save` get their states back."""
    state = storage.stored(path, ("recipe", "history", *parts), otherwise=AGAIN)
    if state["recipe"] != recipe:
        other = {name: value for name, value in state["recipe"].items() if recipe.get(name) != value}
        raise ValueError(
            f"the checkpoint {path} is of another recipe, with {other}: resume with that one, or choose another path "
            "(the learning rate falls over all epochs, so more of them are another run)"
        )
    storage.fitted(parts["model"], state["model"], path, otherwise=AGAIN)
    for name in parts.keys() - {"model"}:
        parts[name].load_state_dict(state[name])
    return state["history"]
