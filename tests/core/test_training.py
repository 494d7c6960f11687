from contextlib import suppress

import numpy as np
import pytest
import torch
from jaxtyping import config
from torch import nn

from tutorial_lib import training
from tutorial_lib.models import vae
from tutorial_lib.training import recipes

RECIPE = training.Recipe(epochs=6, batch_size=16, learning_rate=0.01)
LOSS = vae.evidence_loss(beta=0.1, reduction="sum", permute=False)


@pytest.fixture
def features(generator):
    return torch.randn(50, 36, generator=generator)


def run(features, recipe=RECIPE, loss=LOSS, **options):
    model = vae.VariationalAutoencoder()
    history = training.train(model, features, loss, recipe, device="cpu", progress=False, **options)
    return model.state_dict(), history


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_any_number_of_steps_but_none_can_be_trained_and_leaves_the_model_ready_for_use(features):
    for epochs in (1, 2, 9, 10, 11, 20):
        recipe, model = training.Recipe(epochs, batch_size=len(features)), vae.VariationalAutoencoder()
        history = training.train(model, features, LOSS, recipe, device="cpu", progress=False)
        assert len(history["loss"]) == epochs
        assert not model.training
    for wrong in ({"epochs": 0}, {"batch_size": 0}, {"learning_rate": -1.0}):
        with pytest.raises(ValueError, match="must be above 0"):
            training.Recipe(**{"epochs": 1, **wrong})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resume": True}, ValueError, "say which file"),
        ({"checkpoint": "."}, OSError, "is a folder"),
        ({"checkpoint": "file/run.pt"}, OSError, r"cannot be written.*choose another folder"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every must be a whole number"),
    ],
    ids=str,
)
def test_what_could_not_be_kept_or_resumed_is_refused_before_training(monkeypatch, tmp_path, options, error, message):
    def never(model, batch, generator):
        raise AssertionError("training began")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(error, match=message):
        training.train(nn.Linear(3, 1), torch.ones(8, 3), never, RECIPE, progress=False, **options)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.ones((8, 36)), TypeError, "as_tensor"),
        ((torch.ones(50, 36), torch.ones(49, 36)), ValueError, r"differ in length: \[50, 49\]"),
        (torch.zeros(0, 36), ValueError, "n_examples must be a whole number, 1"),
        (torch.full((8, 36), torch.nan), ValueError, "the data hold NaN or infinity"),
    ],
    ids=["arrays", "lengths", "none", "NaN"],
)
def test_data_that_cannot_be_trained_on_are_refused_in_words(monkeypatch, data, error, message):
    monkeypatch.setattr(config, "jaxtyping_disable", True)  # as for a reader
    with pytest.raises(error, match=message):
        run(data)


def test_training_lowers_the_loss_and_one_seed_gives_one_result_to_the_last_bit(features):
    one, same, other = (run(features, training.Recipe(12, 16, 0.01, seed)) for seed in (0, 0, 1))
    assert one[1]["loss"][-1] < 0.9 * one[1]["loss"][0]
    assert set(one[1]) == {"loss", "reconstruction", "kl"}
    assert len(one[1]["kl"]) == 12
    assert equal(one[0], same[0])
    assert one[1] == same[1]
    assert not equal(one[0], other[0])


def test_the_history_is_the_mean_over_examples_also_in_a_short_last_batch(features):
    def first_feature(model, batch, generator):
        return {"loss": batch[:, 0].mean() + 0 * model.code.bias.sum()}

    _, history = run(features, loss=first_feature)
    assert history["loss"] == pytest.approx([features[:, 0].mean().item()] * 6, rel=1e-5)


def test_interrupted_and_resumed_is_as_if_nothing_had_happened(features, tmp_path):
    path, calls = tmp_path / "run.pt", []

    def interrupted(model, batch, generator):
        calls.append(batch)
        if len(calls) == 14:
            torch.set_grad_enabled(False)  # as an interruption at the end of a `with torch.no_grad()` may do
            raise KeyboardInterrupt
        return LOSS(model, batch, generator)

    with pytest.raises(KeyboardInterrupt):
        run(features, loss=interrupted, checkpoint=path, checkpoint_every=2)
    assert torch.is_grad_enabled()
    straight = run(features)
    assert training.load_history(path)["loss"] == straight[1]["loss"][:2]
    resumed = run(features, checkpoint=path, checkpoint_every=2, resume=True)
    assert equal(straight[0], resumed[0])
    assert straight[1] == resumed[1]


def test_a_finished_run_resumes_to_itself_and_is_neither_overwritten_nor_made_another(features, tmp_path):
    path = tmp_path / "new" / "run.pt"
    recipe = training.Recipe(epochs=2, batch_size=16, learning_rate=np.logspace(-3, -2, 3)[1])  # a number of NumPy's
    once, again = run(features, recipe, checkpoint=path), run(features, recipe, checkpoint=path, resume=True)
    assert equal(once[0], again[0])
    assert once[1] == again[1] == training.load_history(path)
    with pytest.raises(FileExistsError, match="resume=True"):
        run(features, checkpoint=path)
    with pytest.raises(ValueError, match="another recipe"):
        run(features, training.Recipe(epochs=7), checkpoint=path, resume=True)
    assert [path.name for path in path.parent.iterdir()] == ["run.pt"], "nothing is left half-written"


def test_other_data_and_a_generator_of_another_device_are_not_resumed_and_other_last_bits_are(features, tmp_path):
    path = tmp_path / "run.pt"
    run(features, checkpoint=path)
    run(features * (1 + 1e-7), checkpoint=path, resume=True)
    for other in (1.01 * features, features[:49], torch.cat([features, features]), (features, features)):
        with pytest.raises(ValueError, match="of other data"):
            run(other, checkpoint=path, resume=True)
    state = torch.load(path)
    state["source"]["generator"] = torch.zeros(16, dtype=torch.uint8)
    torch.save(state, path)
    with pytest.raises(ValueError, match="another kind of device"):
        run(features, checkpoint=path, resume=True)


def test_every_example_is_seen_once_an_epoch_and_its_parts_stay_together(generator):
    x, batches = torch.randn(50, 1, generator=generator), []

    def loss(model, batch, generator):
        batches.append(batch)
        return {"loss": model(batch[0]).square().mean()}

    recipe = training.Recipe(epochs=1, batch_size=16)
    training.train(nn.Linear(1, 1), (x, -x), loss, recipe, device="cpu", progress=False)
    one, other = (torch.cat(part) for part in zip(*batches, strict=True))
    assert len(batches) == 4
    assert torch.equal(one, -other)
    assert torch.equal(one.sort(0).values, x.sort(0).values)
    assert not torch.equal(one, x)


def test_a_loss_that_is_not_finite_is_refused(features):
    def overflowing(model, batch, generator):
        return {"loss": LOSS(model, batch, generator)["loss"] * torch.inf}

    with pytest.raises(training.Diverged, match="the loss is nan in epoch 1: lower the learning rate"):
        run(features, loss=overflowing)


@pytest.mark.parametrize("dies_in", [2, 3])
def test_weights_that_are_not_finite_are_refused_and_never_kept(tmp_path, dies_in):
    steps, model, path = [], nn.Linear(3, 1), tmp_path / "run.pt"

    def loss(model, batch, generator):
        steps.append(1)
        weight = model.weight
        if len(steps) == dies_in:  # its value is finite, its gradient is not
            weight.register_hook(lambda gradient: gradient * torch.nan)
        return {"loss": (batch @ weight.mT).square().mean()}

    recipe = training.Recipe(epochs=3, batch_size=8)
    with pytest.raises(training.Diverged, match=f"a weight is no number after epoch {dies_in}: lower"):
        training.train(model, torch.ones(8, 3), loss, recipe, device="cpu", progress=False,
                       checkpoint=path, checkpoint_every=1)  # fmt: skip
    assert torch.load(path)["model"]["weight"].isfinite().all()
    assert len(training.load_history(path)["loss"]) == dies_in - 1


def test_threads_are_restored_also_after_an_interruption():
    before, inside = torch.get_num_threads(), []
    with training.threads(2):
        with suppress(KeyboardInterrupt), training.threads(1):
            inside.append(torch.get_num_threads())
            raise KeyboardInterrupt
        inside.append(torch.get_num_threads())
    assert inside == [1, 2]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("cuda", "expected"), [(True, "cuda"), (False, "cpu")])
def test_the_device_is_cuda_or_cpu_and_never_mps(monkeypatch, cuda, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.best_device() == torch.device(expected)


def test_the_seed_comes_in_and_the_full_profile_trains_longer(monkeypatch):
    monkeypatch.delenv("TUTORIAL_PROFILE", raising=False)
    assert recipes.gram_vae(1) == training.Recipe(300, 256, 0.01, seed=1)
    assert recipes.gram_vae_collapsed() == training.Recipe(60, 256, 0.01)
    monkeypatch.setenv("TUTORIAL_PROFILE", "full")
    assert recipes.gram_vae() == training.Recipe(2000, 256, 0.01)
    assert recipes.gram_vae_collapsed() == training.Recipe(60, 256, 0.01)
    monkeypatch.setenv("TUTORIAL_PROFILE", "fast")
    with pytest.raises(ValueError, match="no TUTORIAL_PROFILE 'fast': choose one of quick, full"):
        recipes.gram_vae()


def test_a_recipe_takes_as_many_steps_however_many_examples_there_are(monkeypatch):
    steps = [recipes.hamiltonian(n).epochs * -(-n // 32) for n in (50, 200, 500)]
    assert min(steps) > 9_900
    assert max(steps) <= 10_000
    monkeypatch.setenv("TUTORIAL_PROFILE", "full")
    assert recipes.hamiltonian(500, 3) == training.Recipe(40_000 // 16, 32, 0.01, seed=3)
    with pytest.raises(ValueError, match="n_examples must be a whole number"):
        recipes.hamiltonian(0)
