import pytest
import torch
from torch import nn

from tutorial_lib import training
from tutorial_lib.datasets import digits
from tutorial_lib.models import mlp


def test_a_perceptron_has_a_non_linearity_between_layers_and_none_at_its_end():
    network = mlp.perceptron([4, 8, 6, 2], seed=0)
    assert [type(layer) for layer in network] == [nn.Linear, nn.SiLU, nn.Linear, nn.SiLU, nn.Linear]
    assert network(torch.zeros(3, 4)).shape == (3, 2)
    with pytest.raises(ValueError, match=r"number of widths.* must be a whole number, 2 at least, and 1 arrived"):
        mlp.perceptron([4], seed=0)


def test_an_autoencoder_is_its_encoder_and_then_its_decoder(generator):
    model = mlp.Autoencoder(6, (5,), 2, seed=0)
    x = torch.randn(4, 6, generator=generator)
    assert model.encode(x).shape == (4, 2)
    assert torch.equal(model(x), model.decode(model.encode(x)))


def test_losses_and_accuracy_are_those_of_the_textbook(generator):
    x = torch.randn(4, 6, generator=generator)
    assert mlp.reconstruction_loss(nn.Identity(), x, generator)["loss"] == 0
    assert mlp.reconstruction_loss(lambda x: x + 2, x, generator)["loss"].item() == pytest.approx(4)
    even = mlp.cross_entropy_loss(lambda x: torch.zeros(len(x), 5), (x, torch.tensor([0, 1, 2, 3])), generator)["loss"]
    assert even.item() == pytest.approx(torch.log(torch.tensor(5.0)).item())
    assert mlp.accuracy(nn.Identity(), torch.eye(4), torch.tensor([0, 1, 2, 0])) == 0.75


def test_a_classifier_learns_labels_that_are_batched_with_their_inputs(generator):
    x = torch.randn(200, 4, generator=generator)
    label = (x[:, 0] > 0).long()
    model = mlp.perceptron([4, 16, 2], seed=0)
    training.train(model, (x, label), mlp.cross_entropy_loss, training.Recipe(30, 32), device="cpu", progress=False)
    assert mlp.accuracy(model, x, label) > 0.95


def test_digits_are_pictures_in_two_splits_that_share_none():
    (x, y), (x_test, y_test) = digits.load("train"), digits.load("test")
    assert (x.shape, x_test.shape) == ((1347, 8, 8), (450, 8, 8))
    assert (x.min(), x.max()) == (0, 1)
    assert set(y.tolist()) == set(y_test.tolist()) == set(range(10))
    assert torch.cdist(x.flatten(1), x_test.flatten(1)).min() > 0
    with pytest.raises(ValueError, match="no split 'validation'"):
        digits.load("validation")
