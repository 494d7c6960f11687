import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tutorial_lib import representations, training
from tutorial_lib.models import vae
from tutorial_lib.representations import alignment, gram


@pytest.fixture
def features(generator):
    return torch.randn(64, 36, generator=generator)


def test_the_network_is_the_talks():
    model = vae.VariationalAutoencoder()
    widths = [layer.in_features for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    assert widths == [36, 28, 18, 8, 18, 28]
    assert sum(isinstance(layer, torch.nn.Tanh) for layer in model.modules()) == 4


def test_kl_divergence_agrees_with_torch(generator):
    mean, log_variance = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0, 1))
    torch.testing.assert_close(vae.kl_divergence(mean, log_variance), expected)


def loss_of(model, features, *, beta=1.0, reduction="sum", permute=False):
    loss = vae.evidence_loss(beta=beta, reduction=reduction, permute=permute)
    return loss(model, features, torch.Generator())


def test_the_loss_is_a_sum_over_features_and_latents_and_beta_with_a_mean_is_36_beta_with_a_sum(features):
    model = vae.VariationalAutoencoder()
    terms = loss_of(model, features, beta=2.0)
    decoded, *code = model(features, torch.Generator())
    kl = vae.kl_divergence(*code).sum(1).mean()
    torch.testing.assert_close(terms["kl"], kl)
    torch.testing.assert_close(terms["reconstruction"], (decoded - features).square().sum(1).mean())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 2 * kl)
    assert terms.keys() == {"loss", "reconstruction", "kl"}
    mean, total = loss_of(model, features, reduction="mean"), loss_of(model, features, beta=36.0)
    torch.testing.assert_close(36 * mean["loss"], total["loss"])


def test_a_watched_loss_trains_as_before_and_records_held_out_features_as_they_stood_at_each_epochs_beginning(features):
    seen, unseen = features[:48], features[48:]
    plain = vae.evidence_loss(beta=0.1, reduction="sum", permute=False)
    recipe, models = training.Recipe(3, batch_size=16), [vae.VariationalAutoencoder() for _ in range(2)]
    first = plain(models[0], unseen, torch.Generator().manual_seed(0))["reconstruction"].item()
    losses = (plain, vae.watched(plain, unseen, every=3))
    one, other = (
        training.train(model, seen, loss, recipe, device="cpu", progress=False)
        for model, loss in zip(models, losses, strict=True)
    )
    validation = other.pop("validation")
    assert one == other
    assert validation[0] == pytest.approx(first, rel=1e-6)
    assert len(set(validation)) == 3


def test_permuting_changes_the_batch_and_not_its_numbers(features):
    seen = []
    model = vae.VariationalAutoencoder()
    encode = model.encode
    model.encode = lambda batch: (seen.append(batch), encode(batch))[1]
    loss_of(model, features, permute=True)
    assert not torch.equal(seen[0], features)
    torch.testing.assert_close(seen[0].sort(1).values, features.sort(1).values)


def test_the_noise_of_a_code_has_the_spread_that_the_encoder_says(features):
    model = vae.VariationalAutoencoder()
    with torch.no_grad():
        model.code.weight.zero_()
        model.code.bias[:8], model.code.bias[8:] = 2.0, torch.tensor(0.25).log()
    model.decoder = torch.nn.Identity()
    drawn, mean, log_variance = model(features.repeat(100, 1), torch.Generator())
    assert drawn.mean().item() == pytest.approx(2, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(drawn, model(features.repeat(100, 1), torch.Generator())[0])
    assert mean.eq(2).all()
    assert log_variance.exp().sub(0.25).abs().max() < 1e-6


def test_active_units_counts_latents_that_move_with_the_input_and_a_wild_encoder_does_not_overflow(features):
    model = vae.VariationalAutoencoder()
    with torch.no_grad():
        model.code.weight[:3] *= 100
        model.code.weight[3:8] = 0
        assert vae.active_units(model, features) == 3
        model.code.bias[8:] = 1e6
        assert torch.isfinite(loss_of(model, features)["loss"])


def test_samples_follow_their_generator_and_reconstruction_decodes_the_mean_without_noise(features):
    model = vae.VariationalAutoencoder()
    assert torch.equal(model.reconstruct(features), model.decode(model.encode(features)[0]))
    one, same, other = (model.sample(5, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == (5, 36)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_bad_options_and_thirty_five_features_are_refused(features):
    for weights in ({"beta": -1.0}, {"beta": 0.1, "repulsion": -1.0}, {"beta": 0.1, "rattle": -1.0}):
        with pytest.raises(ValueError, match=r"is -1\.0, and must not be negative"):
            vae.aligned_loss(describe=describer, error=squared_error, **weights)
    with pytest.raises(ValueError, match="beta is -1"):
        vae.evidence_loss(beta=-1.0, reduction="sum", permute=False)
    with pytest.raises(ValueError, match="no reduction 'median': choose one of sum, mean"):
        vae.evidence_loss(beta=1.0, reduction="median", permute=False)
    with pytest.raises(ValueError, match=r"\(clouds, 36\), and shape \(64, 35\) arrived"):
        vae.VariationalAutoencoder().encode(features[:, :35])


def squared_error(decoded, positions):
    distance = alignment.aligned_rmsd(positions, decoded, allow_mirror=True, reorder=False)
    return positions.shape[1] * distance.square()


def test_the_aligned_autoencoder_draws_clouds_whose_matrices_have_rank_three(generator):
    model = vae.AlignedAutoencoder(seed=0)
    drawn = model.sample(5, generator)
    assert drawn.shape == (5, 8, 3)
    _, discarded = gram.nearest_rank3(gram.gram_matrix(drawn))
    assert discarded.max() < 1e-5
    assert model.reconstruct(torch.randn(4, 36, generator=generator)).shape == (4, 8, 3)


def describer(x):
    standardiser = gram.Standardiser.fit(gram.gram_matrix(x))
    return lambda clouds: standardiser.features(gram.gram_matrix(clouds))


def test_the_aligned_loss_does_not_see_the_pose(clouds, generator):
    model, x = vae.AlignedAutoencoder(seed=0), clouds.float()
    loss = vae.aligned_loss(beta=0.1, describe=describer(x), error=squared_error, repulsion=0.3, closest=2.0)
    turned = x @ representations.random_orthogonal(generator, (), x.dtype).mT
    here, there = (loss(model, y, torch.Generator().manual_seed(0)) for y in (x, turned))
    torch.testing.assert_close(here["loss"], there["loss"], rtol=1e-4, atol=0)
    shifted = loss(model, x + 1, torch.Generator().manual_seed(0))
    assert abs(shifted["loss"] - here["loss"]) > 1e-2
    torch.testing.assert_close(here["loss"], here["reconstruction"] + 0.3 * here["overlap"] + 0.1 * here["kl"])
    assert here["overlap"] > 0.1


def test_rattling_changes_what_is_seen_and_what_is_asked_for(clouds):
    x, seen = clouds.float(), []

    def error(decoded, positions):
        seen.append(positions)
        return squared_error(decoded, positions)

    loss = vae.aligned_loss(beta=0.1, describe=describer(x), error=error, rattle=0.5)
    loss(vae.AlignedAutoencoder(seed=0), x, torch.Generator().manual_seed(0))
    moved = (seen[0] - x).std(dim=(1, 2))
    assert 0 < moved.min() < 0.1 < 0.3 < moved.max() < 0.7


def test_overlap_counts_depth_below_the_shortest_distance():
    pair = torch.tensor([[[3.0, 0, 0], [3.0, 1.5, 0]], [[3.0, 0, 0], [-3.0, 0, 0]], [[0.5, 0, 0], [9.0, 0, 0]]])
    torch.testing.assert_close(vae.overlap(pair, 2.0), torch.tensor([0.25, 0.0, 2.25]))
    assert torch.equal(vae.overlap(pair, 0.0), torch.zeros(3))


def test_the_aligned_autoencoder_learns(clouds):
    x, model = clouds.float(), vae.AlignedAutoencoder(hidden=(64, 64), seed=0)
    loss = vae.aligned_loss(beta=1e-3, describe=describer(x), error=squared_error)
    recipe = training.Recipe(epochs=150, batch_size=16, learning_rate=5e-3)
    history = training.train(model, x, loss, recipe, device="cpu", progress=False)
    assert history["reconstruction"][-1] < 0.1 * history["reconstruction"][0]
