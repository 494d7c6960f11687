"""The laws that hold for every input, drawn at random; and that the checks of shapes are on."""

import inspect
from functools import partial

import jaxtyping
import numpy as np
import pytest
import torch
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from tutorial_lib import metrics, representations
from tutorial_lib.inpainting import places
from tutorial_lib.models import equivariant, hamiltonian, hierarchical, missing_atom, mlp, vae
from tutorial_lib.models.hamiltonian import Blocks
from tutorial_lib.representations import gram
from tutorial_lib.training import batches, loop

TOLERANCE = {torch.float32: 2e-4, torch.float64: 1e-9}
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from(sorted(TOLERANCE, key=str))
relaxed = settings(deadline=None, max_examples=40)


def cloud(seed, dtype, n_atoms=8, batch=3):
    return 2 * torch.randn(batch, n_atoms, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def orthogonal(seed, dtype):
    return torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype))[0]


def close(one, other, dtype):
    torch.testing.assert_close(one, other, atol=10 * TOLERANCE[dtype], rtol=10 * TOLERANCE[dtype])


def random_cell(seed, n_atoms=20, length=9.0):
    generator = np.random.default_rng(seed)
    skew = length * (np.eye(3) + 0.1 * generator.uniform(-1, 1, (3, 3)))
    return Atoms(f"Si{n_atoms}", scaled_positions=generator.uniform(0, 1, (n_atoms, 3)), cell=skew, pbc=True)


def distances(atoms):
    _, _, distance, _ = representations.neighbour_pairs(atoms, 3.5)
    return np.sort(distance)


@relaxed
@given(seeds, seeds, dtypes, st.integers(1, 12))
def test_gram_matrices_do_not_turn_and_are_renumbered_with_their_atoms(seed, turn, dtype, n_atoms):
    x = cloud(seed, dtype, n_atoms)
    close(gram.gram_matrix(x @ orthogonal(turn, dtype).mT), gram.gram_matrix(x), dtype)
    order = np.random.default_rng(turn).permutation(n_atoms)
    close(gram.gram_matrix(x[:, order]), gram.gram_matrix(x)[:, order][:, :, order], dtype)


@relaxed
@given(seeds, dtypes, st.integers(1, 12))
def test_positions_come_back_up_to_a_turn(seed, dtype, n_atoms):
    matrices = gram.gram_matrix(cloud(seed, dtype, n_atoms))
    positions = gram.positions_from_gram(matrices)
    assert positions.dtype == dtype
    assert positions.shape == (3, n_atoms, 3)
    close(gram.gram_matrix(positions), matrices, dtype)


@relaxed
@given(seeds, dtypes, st.integers(2, 12))
def test_standardising_and_triangles_have_inverses(seed, dtype, n_atoms):
    matrices = gram.gram_matrix(cloud(seed, dtype, n_atoms, batch=5))
    standardiser = gram.Standardiser.fit(matrices)
    features = standardiser.features(matrices)
    assert features.dtype == dtype
    close(standardiser.gram(features), matrices, dtype)
    assert torch.equal(gram.from_upper_triangle(gram.upper_triangle(matrices)), matrices)


@relaxed
@given(seeds, dtypes)
def test_projecting_twice_is_projecting_once(seed, dtype):
    noise = cloud(seed, dtype, 8, batch=8)[:, :, 0]
    nearest, discarded = gram.nearest_rank3((noise + noise.mT)[None])
    again, nothing = gram.nearest_rank3(nearest)
    close(again, nearest, dtype)
    assert 0 <= nothing.item() < 1e-3
    assert 0 <= discarded.item() <= 1


@relaxed
@given(seeds, seeds, dtypes, st.permutations(range(8)))
def test_statistics_see_neither_pose_nor_order_and_do_see_a_stretch(seed, turn, dtype, order):
    x = cloud(seed, dtype)
    other = (x @ orthogonal(turn, dtype).mT)[:, order]
    close(metrics.descriptor(other), metrics.descriptor(x), dtype)
    assert (metrics.descriptor(1.05 * x) - metrics.descriptor(x)).abs().max() > 0.1
    assert metrics.descriptor(x).dtype == dtype


@relaxed
@given(seeds, st.tuples(*[st.floats(-50, 50)] * 3), st.tuples(*[st.integers(1, 2)] * 3))
def test_neighbours_do_not_see_a_shift_or_wrapping_and_come_again_in_a_supercell(seed, shift, repeats):
    atoms = random_cell(seed)
    alone, moved = distances(atoms), atoms.copy()
    moved.translate(shift)
    np.testing.assert_allclose(distances(moved), alone, atol=1e-9)
    moved.wrap()
    np.testing.assert_allclose(distances(moved), alone, atol=1e-9)
    np.testing.assert_allclose(distances(atoms.repeat(repeats)), np.repeat(alone, np.prod(repeats)), atol=1e-9)


@relaxed
@given(seeds)
def test_neighbours_come_in_pairs_and_in_order(seed):
    first, second, distance, vector = representations.neighbour_pairs(random_cell(seed), 3.5)
    assert (np.diff(first) >= 0).all()
    assert (np.diff(distance)[np.diff(first) == 0] >= 0).all(), "the nearest come first"
    there = sorted(zip(first, second, *vector.round(8).T + 0.0, strict=True))
    back = sorted(zip(second, first, *(-vector).round(8).T + 0.0, strict=True))
    np.testing.assert_allclose(there, back, atol=1e-7)


def test_the_checks_of_shapes_are_on():
    with pytest.raises(jaxtyping.TypeCheckError):
        metrics.descriptor(torch.zeros(8, 3))


WATER = Blocks(torch.tensor([8, 1]), ((0, 0), (0, 1), (1, 0)))
NETWORKS = [
    vae.VariationalAutoencoder,
    vae.AlignedAutoencoder,
    equivariant.EquivariantNetwork,
    hierarchical.HierarchicalAutoencoder,
    hierarchical.GrowthHead,
    places.PositionScorer,
    partial(mlp.perceptron, [4, 3]),
    partial(mlp.Autoencoder, 6, (5,), 2),
    partial(missing_atom.CartesianNetwork, 16, 8, 2),
    *(partial(hamiltonian.network, name, WATER) for name in hamiltonian.NONLINEARITIES),
]


def test_a_seed_decides_the_weights_and_leaves_the_dice_of_others_alone():
    for network in NETWORKS:
        torch.rand(1)
        before = torch.random.get_rng_state()
        one, again, other = (list(network(seed=seed).parameters()) for seed in (0, 0, 1))
        assert torch.equal(torch.random.get_rng_state(), before), network
        assert all(map(torch.equal, one, again)), network
        assert not all(map(torch.equal, one, other)), network


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_network_keeps_its_dtype(dtype, generator):
    model = vae.VariationalAutoencoder().to(dtype)
    x = torch.randn(4, 36, generator=generator, dtype=dtype)
    assert model.reconstruct(x).dtype == dtype
    assert vae.evidence_loss(beta=1.0, reduction="sum", permute=True)(model, x, generator)["loss"].dtype == dtype
    assert model.sample(2, generator).dtype == dtype


def test_every_tensor_follows_its_model_to_another_device(monkeypatch):
    # A fake device: shapes and devices are followed, nothing is computed, and mixing devices raises.
    # No generator lives there; None, the default one, stands in, past the checks of types.
    monkeypatch.setattr(vae, "permuted", inspect.unwrap(gram.permuted))
    with FakeTensorMode():
        with torch.device("meta"):
            model = vae.VariationalAutoencoder()
            features = torch.randn(16, 36)
        for permute in (False, True):
            loss = vae.evidence_loss(beta=0.1, reduction="sum", permute=permute)
            terms = inspect.unwrap(loss)(model, features, None)
            assert {term.device.type for term in terms.values()} == {"meta"}
        terms["loss"].backward()
        assert {parameter.grad.device.type for parameter in model.parameters()} == {"meta"}
        assert model.reconstruct(features).device.type == "meta"
        assert inspect.unwrap(vae.VariationalAutoencoder.sample)(model, 4, None).device.type == "meta"
        with pytest.raises(RuntimeError, match="same device"):
            model.reconstruct(torch.randn(16, 36))


def test_the_training_loop_keeps_its_batches_on_the_device_of_the_data():
    seen = []

    def loss(model, batch, generator):
        seen.append(batch.device.type)
        return {"loss": model(batch).square().mean()}

    with FakeTensorMode(shape_env=ShapeEnv()):
        with torch.device("meta"):
            model, data = torch.nn.Linear(4, 1), torch.randn(12, 4)
        optimiser = torch.optim.SGD(model.parameters())
        schedule = torch.optim.lr_scheduler.ConstantLR(optimiser)
        maker = batches.OneProcess()
        maker.total = lambda value: value  # past the checks of types: a fake number is no float
        maker.set_up(model, loss, optimiser)
        steps = ([(batch, None)] for batch in batches.shuffled(data, 5, None))
        means = inspect.unwrap(loop._epoch)(steps, optimiser, schedule, maker)
    assert seen == ["meta"] * 3
    assert set(means) == {"loss"}
