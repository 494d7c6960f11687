import math

import pytest
import torch
from torch import nn

from tutorial_lib import metrics, representations
from tutorial_lib.metrics import symmetry

COLUMNS = ("rotation", "mirror", "shift", "permutation")


@pytest.fixture
def clouds(generator):
    return 2 * torch.randn(7, 5, 3, generator=generator)


def distances(x):
    return (x[:, :, None] - x[:, None]).norm(dim=-1).flatten(1)


class Network(nn.Module):
    """A small network on Gram matrices or, deliberately broken, on coordinates."""

    def __init__(self, broken):
        super().__init__()
        self.broken = broken
        self.layers = nn.Sequential(nn.LazyLinear(8), nn.SiLU(), nn.Linear(8, 3))
        torch.manual_seed(0)
        self(torch.randn(2, 5, 3))

    def forward(self, x):
        return self.layers((x if self.broken else x @ x.mT).flatten(1))


def test_random_matrices_are_orthogonal_and_half_of_them_mirrors_unless_they_are_rotations(generator):
    q = representations.random_orthogonal(generator, (20, 100))
    torch.testing.assert_close(q @ q.mT, torch.eye(3, dtype=torch.float64).expand(20, 100, 3, 3))
    mirrors = (torch.linalg.det(q) < 0).double().mean().item()
    assert 0.45 < mirrors < 0.55
    turns = representations.random_rotation(generator, (1000,), torch.float32)
    assert turns.dtype == torch.float32
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(1000))
    for draw in (representations.random_rotation, representations.random_orthogonal):
        one, again, other = (draw(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        assert one.shape == (3, 3)
        assert torch.equal(one, again)
        assert not torch.allclose(one, other)


def test_rotations_are_drawn_evenly(generator):
    # The trace of a Haar rotation is 1 + 2 cos(angle), the density of the angle (1 - cos) / pi: mean of the trace 0,
    # of its square 1, of its fourth power 3 (irreps of SO(3)). A draw through Euler angles fails the last two.
    trace = representations.random_rotation(generator, (200_000,)).diagonal(dim1=1, dim2=2).sum(1)
    assert trace.mean().item() == pytest.approx(0, abs=0.01)
    assert trace.square().mean().item() == pytest.approx(1, abs=0.02)
    assert trace.pow(4).mean().item() == pytest.approx(3, abs=0.1)


def test_a_transformation_renumbers_then_turns_then_shifts():
    about_z = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    shift, order = torch.tensor([[[0.0, 0, 5]]]), torch.tensor([[1, 0]])
    moved = metrics.Transformation(about_z[None], shift, order)(torch.tensor([[[1.0, 0, 0], [0, 2, 0]]]))
    torch.testing.assert_close(moved, torch.tensor([[[-2.0, 0, 5], [0, 1, 5]]]))


def test_the_error_is_the_largest_change_over_the_root_mean_square():
    x = torch.tensor([[3.0], [4.0]])
    error = metrics.invariance_error(lambda x: x, x, lambda x: x + torch.tensor([[0.0], [1.0]]))
    assert error == pytest.approx(1 / math.sqrt(12.5))


def test_invariant_and_equivariant_functions_have_no_error_and_others_have(clouds, generator):
    turn = representations.random_orthogonal(generator, dtype=torch.float64)

    def act(x):
        return x @ turn.mT.to(x)

    assert metrics.invariance_error(distances, clouds, act) < 1e-5
    assert metrics.invariance_error(distances, clouds.double(), act) < 1e-7
    assert metrics.invariance_error(lambda x: x[:, 0], clouds, act) > 1e-2
    assert metrics.equivariance_error(lambda x: x.sum(1), clouds, act, act) < 1e-5
    assert metrics.equivariance_error(lambda x: x.sum(1), clouds, act, lambda y: y @ turn.to(y)) > 1e-2


@pytest.mark.parametrize(
    "f", [lambda x: torch.ones(len(x), 2), lambda x: torch.zeros(len(x)), lambda x: x.sum() * x**0]
)
def test_a_constant_and_a_change_of_shape_are_refused(clouds, f):
    with pytest.raises(ValueError, match="one answer for all"):
        metrics.invariance_error(f, clouds, lambda x: x)
    with pytest.raises(ValueError, match=r"model 'constant', column 'rotation', torch.float32: f gives one answer"):
        metrics.symmetry_ledger({"constant": f}, clouds)
    with pytest.raises(ValueError, match=r"shape \(7, 4, 3\) and g f\(x\) has \(7, 5, 3\)"):
        metrics.invariance_error(lambda x: x, clouds, lambda x: x[:, 1:])


def test_the_ledger_holds_both_directions(clouds):
    good, broken = Network(broken=False), Network(broken=True)
    ledger = metrics.symmetry_ledger({"good": good, "broken": broken, "distances": lambda x: distances(x)}, clouds)
    for column in ("rotation", "mirror"):
        assert ledger.errors["good"][column][torch.float32] < 1e-5
        assert ledger.errors["good"][column][torch.float64] < 1e-10
        assert ledger.verdict("good", column) == "holds"
    for model, column in [("good", "shift"), ("good", "permutation"), ("distances", "permutation")]:
        assert ledger.verdict(model, column) == "broken"
    for row in ("broken", symmetry.CONTROL):
        for column in COLUMNS:
            assert min(ledger.errors[row][column].values()) > 1e-2
            assert ledger.verdict(row, column) == "broken"
    assert good.layers[0].weight.dtype == torch.float32, "the model itself is left alone"


def test_the_ledger_prints_as_a_table_of_numbers_and_of_words(clouds):
    def nearly(x):
        return distances(x) + 1e-4 * x.flatten(1).sum(1)[:, None]

    ledger = metrics.symmetry_ledger({"distances": distances, "nearly": nearly}, clouds)
    numbers, words = str(ledger).splitlines(), ledger.verdicts().splitlines()
    assert numbers[0].split() == words[0].split() == list(COLUMNS)
    assert words[1].split() == ["distances", "holds", "holds", "holds", "broken"]
    assert words[2].split()[:2] == ["nearly", "unclear"], "half broken"
    assert len(numbers[1].split(" / ")) == 5
    assert repr(ledger) == str(ledger)


def centroid_follows(output, transformation):
    return transformation(output[:, None].expand(-1, transformation.order.shape[1], -1))[:, 0]


def test_a_vector_follows_its_cloud_and_a_pseudoscalar_is_broken_by_mirrors(clouds):
    def centroid(x):
        return x.mean(1)

    def triple(x):
        return torch.linalg.det(x[:, :3] - x[:, 3:4])

    models = {"vector": (centroid, centroid_follows), "alone": centroid, "triple": triple}
    ledger = metrics.symmetry_ledger(models, clouds)
    verdicts = {name: [ledger.verdict(name, column) for column in COLUMNS] for name in models}
    assert verdicts["vector"] == ["holds"] * 4
    assert verdicts["alone"] == ["broken", "broken", "broken", "holds"]
    assert verdicts["triple"] == ["holds", "broken", "holds", "broken"]


def test_an_error_names_the_model_and_the_column(clouds):
    def fails_far_away(x):
        return torch.where(x.mean(1).norm(dim=1, keepdim=True) > 2.5, torch.nan, distances(x))

    centred = clouds - clouds.mean(1, keepdim=True)
    with pytest.raises(ValueError, match=r"model 'far', column 'shift', torch.float32: .* for transformed inputs hold"):
        metrics.symmetry_ledger({"far": fails_far_away}, centred)
    with pytest.raises(ValueError, match=r"model 'nan', column 'rotation', .* before anything is transformed"):
        metrics.symmetry_ledger({"nan": lambda x: distances(x) * torch.nan}, clouds)
    weight = torch.randn(15, 2)
    with pytest.raises(ValueError, match=r"model 'single', column 'rotation', torch.float64"):
        metrics.symmetry_ledger({"single": lambda x: x.flatten(1) @ weight}, clouds)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (torch.zeros(5, 3), "at least two clouds of at least two atoms"),
        (torch.zeros(1, 5, 3), "at least two clouds of at least two atoms"),
        (torch.zeros(7, 1, 3), "at least two clouds of at least two atoms"),
        (torch.zeros(4, 3, 3) + torch.arange(4.0)[:, None, None], "cannot show a broken permutation"),
    ],
)
def test_clouds_that_show_nothing_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        metrics.symmetry_ledger({}, points)
