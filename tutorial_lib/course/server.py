"""JupyterLab on a reader's copies: on loopback, behind a token, and saving no widget that would be dead on return."""

import os
import secrets
import signal
from pathlib import Path

from jupyter_server.auth.identity import PasswordIdentityProvider
from traitlets import validate

from tutorial_lib.course.runs import DRAWING, without_widgets


class NeverOpen(PasswordIdentityProvider):
    """Jupyter's own identity provider, but an empty token without a password in a configuration becomes a new token."""

    @validate("token")
    def _never_empty(self, proposal):
        if proposal["value"] or self.hashed_password:
            return proposal["value"]
        self.token_generated = True  # so that it is printed, as one of Jupyter's own
        return secrets.token_hex(24)


def save_pictures(model: dict, **_) -> None:
    """Before a notebook is saved: pictures stay, and widgets go, which die with their kernel."""
    if model["type"] == "notebook" and model["content"]["nbformat"] == 4:
        without_widgets(model["content"])


def settings(folder: Path, first: str) -> list[str]:
    """JupyterLab's options to open a notebook of a folder; a user's Jupyter configuration may say otherwise."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # a container's only user, often
    return [
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.news_url=None",  # nor a question about news, which would cover the first page
        *(f"--{part}={folder}" for part in ("ServerApp.root_dir", "FileContentsManager.root_dir")),
        *(f"--ServerApp.preferred_dir={folder}", "--FileContentsManager.preferred_dir="),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.identity_provider_class=tutorial_lib.course.server.NeverOpen"),
        "--ContentsManager.pre_save_hook=tutorial_lib.course.server.save_pictures",
        *["--allow-root"] * root,
    ]


def serve(folder: Path, first: str, options: list[str]) -> None:
    """Run JupyterLab in this process, so that Ctrl-C and signals are its own; a closed terminal ends it as well."""
    from jupyterlab.labapp import LabApp  # which starts node, if there is one

    os.environ.update(DRAWING)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    LabApp.launch_instance([*settings(folder, first), *options])
