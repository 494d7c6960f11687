"""Every lesson on a GPU that is not there: what would stop on a real one, stops."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from books import each_lesson
from pretend_cuda import pretended

from tutorial_lib import training
from tutorial_lib.datasets import hamiltonians, qm9
from tutorial_lib.models import hamiltonian, missing_atom


def test_a_model_that_was_trained_there_is_there():
    model = torch.nn.Linear(4, 4)
    loss = lambda model, batch, generator: {"loss": model(batch).square().mean()}  # noqa: E731
    with pretended():
        training.train(model, torch.ones(8, 4), loss, training.Recipe(epochs=3), progress=False)
        assert model.weight.device.type == "cuda"
        with pytest.raises(RuntimeError, match="same device"):
            model(torch.ones(1, 4))
        assert model.cpu()(torch.ones(1, 4)).device.type == "cpu"


@pytest.mark.parametrize("kind", ["missing atom", "Hamiltonian"])
def test_containers_follow_the_batch_to_its_device(kind):
    if kind == "missing atom":
        model, n = missing_atom.CartesianNetwork(8, 4, 1), 4
        loss = missing_atom.masked_atom_loss(missing_atom.MoleculeSet(qm9.load("validation")[:n]))
    else:
        water, n = hamiltonians.load("water_rhf_500k", "train")[:6], 6
        blocks = hamiltonian.Blocks(water.numbers, water.shells)
        model = hamiltonian.network("gradient and trace", blocks, seed=0)
        shapes = hamiltonian.shapes(water.numbers, water.positions)
        loss = hamiltonian.matrix_loss(hamiltonian.Standard.fit(blocks, water.fock), shapes, water.fock)
    recipe = training.Recipe(epochs=2, batch_size=n)
    here = training.train(copy.deepcopy(model), torch.arange(n), loss, recipe, device="cpu", progress=False)
    with pretended():
        there = training.train(model, torch.arange(n), loss, recipe, device="cuda", progress=False)
    assert there["loss"] == pytest.approx(here["loss"], rel=1e-4)


@pytest.mark.slow
@each_lesson
def test_a_lesson_runs_unchanged(path):
    script = Path(__file__).parent / "pretend_cuda.py"
    state = os.environ | {"MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, script, path], env=state, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    trained = done.stdout.splitlines()[-1].split()[2:]
    text = path.read_text(encoding="utf-8")
    assert len(trained) == text.count("training.train(") - text.count('device=\\"cpu')
