"""Every lesson on a GPU that is not there: what would stop on a real one, stops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pretend_cuda import PretendCuda

from tutorial_lib import engine, training

LESSONS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture
def cuda(monkeypatch):
    """Pretend that there is a GPU, for whatever trains, and keep its random numbers on the CPU."""
    monkeypatch.setattr(training, "best_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(engine, "Generator", lambda device: torch.Generator())
    with PretendCuda():
        yield


def test_a_model_that_was_trained_there_is_there(cuda):
    model = torch.nn.Linear(4, 4)
    loss = lambda model, batch, generator: {"loss": model(batch).square().mean()}  # noqa: E731
    training.train(model, torch.ones(8, 4), loss, training.Recipe(epochs=3), progress=False)
    assert model.weight.device.type == "cuda"
    with pytest.raises(RuntimeError, match="same device"):
        model(torch.ones(1, 4))
    assert model.cpu()(torch.ones(1, 4)).device.type == "cpu"


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_unchanged(path):
    script = Path(__file__).parent / "pretend_cuda.py"
    state = os.environ | {"MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, script, path], env=state, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    trained = done.stdout.splitlines()[-1].split()[2:]
    assert len(trained) == path.read_text(encoding="utf-8").count("training.train(") - path.read_text().count(
        'device=\\"cpu'
    )
