import math

import numpy as np
import pytest
import torch
from ase import Atoms
from torch import Generator, nn

from benchmarks import flow_matching as benchmark
from tutorial_lib import inpainting, metrics, representations, training
from tutorial_lib.inpainting import flow_completion
from tutorial_lib.models import flow
from tutorial_lib.models.flow import Flow, MotifVelocity, Principal, Scaled, SetVelocity, ode
from tutorial_lib.representations.alignment import Template, aligned_rmsd

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}
TETRAHEDRON = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
CORNERS = 2.3517 * TETRAHEDRON


@pytest.fixture(scope="module")
def canonical(motifs_of_cell):
    """The motifs of one cell in the order and pose of a mean motif that is sought for a short while."""
    template = Template.fit(motifs_of_cell[::4], n_starts=1, n_rounds=2)
    return template.canonical(motifs_of_cell)


@pytest.fixture(scope="module")
def trained(canonical):
    """A small flow after two seconds on one cell."""
    chart = Principal.fit(canonical)
    model = Flow(chart, MotifVelocity(chart, 48, 2), n_steps=3)
    recipe = training.Recipe(60, 64, 5e-3)
    training.train(model, canonical, flow.flow_loss(), recipe, device="cpu", progress=False)
    return model


def stirred(model):
    """The network with weights in general position, as its last layers start from zero."""
    for at, weight in enumerate(model.parameters()):
        weight.data = 0.3 * torch.randn(weight.shape, generator=Generator().manual_seed(at), dtype=weight.dtype)
    return model


def test_canonical_motifs_fill_three_directions_less_than_they_have_coordinates(canonical):
    chart = Principal.fit(canonical)
    assert chart.shape == (21,)
    numbers = chart.coordinates(canonical)
    assert torch.allclose(numbers.mean(0), torch.zeros(21), atol=1e-3)
    assert torch.allclose(numbers.mT.cov(correction=0), chart.widths.square().diag(), atol=1e-2)
    assert chart.widths.square().mean().item() == pytest.approx(1, rel=1e-4)
    assert (chart.widths.diff() <= 0).all()
    assert torch.allclose(chart.positions(numbers), canonical, atol=1e-4)


def test_a_straight_velocity_is_exact_both_ways_and_other_errors_fall_with_the_fourth_power_of_the_step(generator):
    start, drift = torch.randn(5, 4, generator=generator, dtype=torch.float64), torch.arange(4.0)
    end = flow.integrate(lambda x, t: drift.expand_as(x), start, 3)
    assert torch.allclose(end, start + drift, atol=1e-10)
    assert torch.allclose(flow.integrate(lambda x, t: drift.expand_as(x), end, 3, since=1.0, until=0.0), start)
    start = torch.ones(1, 1, dtype=torch.float64)
    ends = [flow.integrate(lambda x, t: x * (1 + t[:, None]), start, n).item() for n in (8, 16)]
    errors = [abs(end - math.exp(1.5)) for end in ends]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.2)


def untrained(canonical, dtype=torch.float64):
    """A flow that knows no more than a normal distribution, and its chart."""
    chart = Principal.fit(canonical.to(dtype))
    velocity = MotifVelocity(chart, 16, 1).to(dtype)
    nn.init.zeros_(velocity.write[1].bias)
    return Flow(chart, velocity, n_steps=20), chart


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_an_untrained_flow_is_the_normal_distribution_of_its_motifs(canonical, dtype, generator):
    model, chart = untrained(canonical, dtype)
    noise = torch.randn(10, 21, generator=generator, dtype=dtype)
    assert torch.allclose(chart.coordinates(model.decode(noise)), chart.widths * noise, atol=1e-2)
    many = chart.widths * torch.randn(20_000, 21, generator=generator, dtype=dtype)
    assert flow.matching_error(model.velocity, many, chart.widths, generator).item() == pytest.approx(1, abs=0.02)


def log_normal(numbers):
    return -0.5 * (numbers.square().sum(1) + numbers.shape[1] * math.log(2 * math.pi))


def test_the_likelihoods_of_a_normal_distribution_and_of_a_stretch_are_known(canonical, generator):
    model, chart = untrained(canonical)
    numbers = torch.randn(6, 21, generator=generator, dtype=torch.float64)
    found = model.log_likelihood(chart.positions(chart.widths * numbers), 100)
    assert torch.allclose(found, log_normal(numbers) - chart.widths.log().sum(), atol=0.05)
    found = flow.log_likelihood(lambda x, t: 0.7 * x, numbers, 200)
    assert torch.allclose(found, log_normal(numbers * math.exp(-0.7)) - 21 * 0.7, atol=1e-4)


def test_a_sample_repeats_with_its_seed_and_only_then_and_weights_alone_bring_a_flow_back(trained, canonical, tmp_path):
    first, other = (trained.sample(4, Generator().manual_seed(seed)) for seed in (1, 2))
    assert not torch.allclose(first, other, atol=0.1)
    torch.save(trained.state_dict(), tmp_path / "flow.pt")
    chart = Principal.fit(canonical[:100])
    fresh = Flow(chart, MotifVelocity(chart, 48, 2, seed=5), n_steps=3)
    fresh.load_state_dict(torch.load(tmp_path / "flow.pt", weights_only=True))
    assert torch.equal(fresh.sample(4, Generator().manual_seed(1)), first)


def test_training_makes_motifs_that_noise_does_not(trained, canonical):
    before = Flow(trained.chart, MotifVelocity(trained.chart, 48, 2), n_steps=3)
    models, loss = (before, trained), flow.flow_loss()
    shares = [metrics.validity(m.sample(300, Generator().manual_seed(0))).float().mean() for m in models]
    assert shares[1] > shares[0] + 0.03
    errors = [loss(m, canonical, Generator().manual_seed(0))["loss"].item() for m in models]
    assert errors[1] < 0.95 * errors[0]


def test_only_training_moves_the_mean_of_the_weights_which_are_counted_once(trained, canonical):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    flow.flow_loss()(trained, canonical, Generator().manual_seed(0))
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert trained.average.n_averaged == 60 * -(-len(canonical) // 64), "one update a step"
    assert list(trained.parameters()) == list(trained.velocity.parameters())
    assert list(trained.average.parameters()) == []


def test_noise_and_motif_are_one_another_s_image_and_a_path_through_noise_ends_where_it_should(trained, canonical):
    finer = Flow(trained.chart, trained.average.module, n_steps=20)
    back = finer.decode(finer.encode(canonical[:20]))
    assert aligned_rmsd(canonical[:20], back, allow_mirror=True, reorder=False).max() < 0.02
    path = finer.interpolate(canonical[:5], canonical[5:10], torch.tensor([0.0, 0.5, 1.0]))
    assert torch.allclose(path[:, 0], canonical[:5], atol=0.05)
    assert torch.allclose(path[:, 2], canonical[5:10], atol=0.05)
    assert (path[:, 1] - canonical[:5]).abs().max() > 0.1


def test_noise_between_noise_keeps_its_length_where_a_straight_line_does_not(generator):
    one, other = torch.randn(2, 50, 21, generator=generator).unbind()
    middle = flow.interpolate(one, other, torch.full((50,), 0.5))
    assert torch.allclose(middle.norm(dim=1), (one.norm(dim=1) + other.norm(dim=1)) / 2)
    assert ((one + other) / 2).norm(dim=1).mean() < 0.8 * one.norm(dim=1).mean()
    assert torch.allclose(flow.interpolate(one, other, torch.zeros(50)), one, atol=1e-4)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_velocity_of_a_set_turns_and_is_renumbered_with_it_and_sees_distances_and_time(clouds, generator, dtype):
    velocity = stirred(SetVelocity(24, 2).to(dtype))
    point, time = clouds.to(dtype) / 2, torch.linspace(0, 1, 16, dtype=dtype)
    before = velocity(point, time)
    rms = before.square().mean().sqrt()
    for q in representations.random_orthogonal(generator, (20,), dtype):
        order = torch.randperm(8, generator=generator)
        after = velocity((point @ q.mT)[:, order], time)
        assert (after - (before @ q.mT)[:, order]).abs().max() < TOLERANCE[dtype] * rms
    assert (after - before).abs().max() > 0.1 * rms
    assert (velocity(point, 0.9 * time) - before).abs().max() > 1e-3
    assert (velocity(1.1 * point, time) / 1.1 - before).abs().max() > 1e-3


def test_a_flow_of_sets_needs_no_order_and_no_pose(motifs_of_cell, generator):
    chart = Scaled.fit(motifs_of_cell)
    model = Flow(chart, SetVelocity(8, 1), n_steps=4)
    assert chart.coordinates(motifs_of_cell).square().mean().item() == pytest.approx(1, rel=1e-4)
    noise = torch.randn(3, 8, 3, generator=generator)
    q = representations.random_orthogonal(generator, (), torch.float32)
    assert torch.allclose(model.decode(noise @ q.mT), model.decode(noise) @ q.mT, atol=1e-3)
    training.train(model, motifs_of_cell, flow.flow_loss(), training.Recipe(1), device="cpu", progress=False)
    assert model.sample(2, generator).shape == (2, 8, 3)


@pytest.mark.parametrize("kind", ["canonical", "set"])
def test_what_is_wanted_reaches_the_network_and_nothing_is_wanted_where_it_is_nan(canonical, generator, kind):
    chart = Principal.fit(canonical) if kind == "canonical" else Scaled.fit(canonical)
    network = MotifVelocity(chart, 16, 1, n_properties=1) if kind == "canonical" else SetVelocity(8, 1, n_properties=1)
    model = Flow(chart, stirred(network), n_steps=2)
    noise = torch.randn(3, *chart.shape, generator=generator)
    plain = model.decode(noise)
    assert torch.equal(model.decode(noise, torch.full((3, 1), torch.nan)), plain)
    assert not torch.allclose(model.decode(noise, torch.ones(3, 1)), plain, atol=1e-3)


def test_half_of_the_motifs_come_without_their_property(canonical):
    class Spy(nn.Module):
        def forward(self, point, time, condition):
            seen.append(condition.isnan().float().mean().item())
            return point * weight

    seen, weight, chart = [], nn.Parameter(torch.ones(())), Principal.fit(canonical)
    flow.flow_loss()(Flow(chart, Spy()), (canonical, torch.ones(len(canonical), 1)), Generator().manual_seed(0))
    assert seen[0] == pytest.approx(0.5, abs=0.1)


def test_restored_atoms_come_in_the_pose_of_the_question(trained, motifs_of_cell, generator, monkeypatch):
    monkeypatch.setattr("tutorial_lib.inpainting.flow_completion.N_LIBRARY", 600)
    model = flow_completion.FlowCompletion(trained, generator)
    assert isinstance(model, inpainting.Completer)
    known, missing = inpainting.taken_out(motifs_of_cell[:40], 1, "first", generator)
    made = inpainting.inpaint(known, 1, model, 5, Generator().manual_seed(1)).positions
    by_chance = inpainting.inpaint(known, 1, inpainting.RandomPlaces(), 5, Generator().manual_seed(1)).positions
    errors = [inpainting.restored_error(x, missing).amin(1).mean() for x in (made, by_chance)]
    assert errors[0] < 0.6 * errors[1]
    q = representations.random_orthogonal(generator, (), torch.float32)
    draws, turned = (model.complete(x, 1, 8, Generator().manual_seed(2)) for x in (known, known @ q.mT))
    near = (draws.positions @ q.mT - turned.positions).abs().amax((2, 3)) < 0.02
    assert near.float().mean() > 0.9
    assert (draws.log_weight.diff(dim=1) <= 0).all()


def test_a_classifier_cannot_tell_halves_of_one_cell_and_sees_a_stretch(motifs_of_cell):
    same = metrics.two_sample_auc(motifs_of_cell[::2], motifs_of_cell[1::2])
    other = metrics.two_sample_auc(1.02 * motifs_of_cell[::2], motifs_of_cell[1::2])
    assert abs(same.auc - 0.5) < 0.1
    assert 0.005 < same.error < 0.06
    assert other.auc > 0.9


def test_a_copy_machine_is_found_out_and_an_honest_draw_is_not(motifs_of_cell):
    training_, held_out, honest = motifs_of_cell[:300], motifs_of_cell[300:400], motifs_of_cell[400:]
    copied = metrics.memory(training_[:60], training_, held_out)
    fair = metrics.memory(honest, training_, held_out)
    assert copied.generated < 1e-3 < copied.held_out
    assert copied.copied == 1
    assert fair.copied < 0.2
    assert fair.generated == pytest.approx(fair.held_out, rel=0.2)


def test_a_generator_that_repeats_itself_misses_more(motifs_of_cell):
    real, fair = motifs_of_cell[:50], motifs_of_cell[50:250]
    assert metrics.mean_miss(real, real) < 1e-3
    assert metrics.mean_miss(fair[:1].expand(200, -1, -1), real) > 1.2 * metrics.mean_miss(fair, real)


def test_the_energy_of_an_atom_is_that_of_stillinger_and_weber_and_does_not_turn(generator):
    def by_hand(cloud):
        eps, s, a, lam, gam, big_a, b = 1.64833, 2.0951, 1.80, 31.5, 1.20, 7.049556277, 0.6022245584
        r = np.linalg.norm(cloud, axis=1)
        total = 0.0
        for i in range(len(cloud)):
            if r[i] < a * s:
                total += 0.5 * big_a * eps * (b * (s / r[i]) ** 4 - 1) * math.exp(s / (r[i] - a * s))
            for j in range(i):
                if max(r[i], r[j]) < a * s:
                    bend = cloud[i] @ cloud[j] / r[i] / r[j] + 1 / 3
                    total += lam * eps * bend**2 * math.exp(gam * s / (r[i] - a * s) + gam * s / (r[j] - a * s))
        return total

    cloud = torch.randn(5, 8, 3, generator=Generator().manual_seed(0), dtype=torch.float64)
    cloud = torch.nn.functional.normalize(cloud, dim=2) * torch.linspace(2.2, 4.0, 8, dtype=torch.float64)[:, None]
    known = torch.tensor([by_hand(one.numpy()) for one in cloud], dtype=torch.float64)
    torch.testing.assert_close(metrics.central_energy(cloud), known)
    perfect = metrics.central_energy(CORNERS[None])
    assert perfect.item() == pytest.approx(-2 * 1.64833, rel=1e-3)
    assert (metrics.central_energy(CORNERS + 0.2 * torch.randn(50, 4, 3, generator=generator)) > perfect).all()
    q = representations.random_orthogonal(generator, (), torch.float32)
    assert torch.allclose(metrics.central_energy((CORNERS @ q.mT)[None]), perfect, atol=1e-4)


@pytest.mark.parametrize("asked", [180.0, 60.0, 0.0, 100.0])
def test_a_dihedral_angle_is_the_one_that_was_built(asked):
    axis = nn.functional.normalize(CORNERS[0], dim=0)
    across = nn.functional.normalize(CORNERS[1] - (CORNERS[1] @ axis) * axis, dim=0)
    third = torch.linalg.cross(axis, across)
    angle = math.radians(asked)
    turned = math.cos(angle) * across + math.sin(angle) * third
    second = CORNERS[0] + 2.35 * (axis / 3 + (8**0.5 / 3) * turned)
    cloud = torch.cat([CORNERS, second[None]])
    expected = sorted([asked, abs((asked + 120 + 180) % 360 - 180), abs((asked - 120 + 180) % 360 - 180)])
    assert metrics.dihedral_angles(cloud[None]).sort().values.tolist() == pytest.approx(expected, abs=0.1)
    atoms = Atoms("Si6", torch.cat([torch.zeros(1, 3), cloud]).numpy())
    by_ase = atoms.get_dihedral(2, 0, 1, 5)
    assert min(by_ase, 360 - by_ase) == pytest.approx(asked, abs=0.1)


def test_dihedral_angles_do_not_see_order_or_pose_and_do_see_a_twist(motifs_of_cell, generator):
    q = representations.random_orthogonal(generator, (), torch.float32)
    same = (motifs_of_cell @ q.mT)[:, torch.randperm(8, generator=generator)]
    before = metrics.dihedral_angles(motifs_of_cell)
    assert torch.allclose(metrics.dihedral_angles(same).sort().values, before.sort().values, atol=0.2)
    rattled = metrics.dihedral_angles(motifs_of_cell + 0.4 * torch.randn(motifs_of_cell.shape, generator=generator))
    assert metrics.wasserstein(rattled, before) > 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, x: flow.integrate(model.velocity, x, 0), "n_steps must be a whole number, 1 at least"),
        (lambda model, x: flow.log_likelihood(model.velocity, x, 0), "n_steps must be a whole number, 1 at least"),
        (lambda model, x: model.sample(0, Generator()), "n must be a whole number, 1 at least"),
        (lambda model, x: Principal.fit(x), "not in one pose"),
        (lambda model, x: Principal.fit(x[:1].expand(20, 8, 3)), r"that fix 21 widths must be .* 24 at least, and 20"),
        (lambda model, x: Scaled.fit(x[:0]), r"positions must be \(motifs\+, atoms\+, 3\)"),
        (lambda model, x: metrics.two_sample_auc(x[:9], x), "10 at least"),
        (
            lambda model, x: metrics.dihedral_angles(x[:, :4]),
            "n_atoms must be a whole number, 5 at least, and 4 arrived",
        ),
        (lambda model, x: metrics.central_energy(x * torch.nan), "NaN or infinity"),
    ],
)
def test_no_steps_and_motifs_that_do_not_do_are_refused(trained, motifs_of_cell, call, message):
    with pytest.raises(ValueError, match=message):
        call(trained, motifs_of_cell)


def test_the_benchmark_tells_a_bad_generator_from_the_floor_and_sees_sets_turn(motifs_of_cell, monkeypatch):
    monkeypatch.setattr(benchmark, "N_CHOICES", 1)
    known, real = motifs_of_cell[::2], motifs_of_cell[1::2]
    floor = benchmark.scores(known, real, known, floor=True)
    bad = benchmark.scores(known + 0.1 * torch.randn(known.shape, generator=Generator().manual_seed(0)), real, known)
    for name in ("W_r (A)", "W_energy (eV)", "AUC", "miss (A)"):
        assert bad[name] > floor[name]
    assert bad["memory, copied"] > 0.2
    errors = benchmark.turning_error(Flow(Scaled.fit(motifs_of_cell), stirred(SetVelocity())), motifs_of_cell)
    assert errors["torch.float32"] < 1e-3
    assert errors["torch.float64"] < 1e-10


def test_paired_motifs_lie_nearer_to_their_noise_and_are_the_same_motifs(generator):
    noise, motifs = (torch.randn(20, 8, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    paired = flow.laid_towards(noise, motifs)
    assert torch.allclose(metrics.pair_distances(paired), metrics.pair_distances(motifs))
    before, after = ((x - noise).square().sum((1, 2)) for x in (motifs, paired))
    assert (after < before).all()
    more = (flow.laid_towards(noise, motifs, 6) - noise).square().sum((1, 2))
    assert (more <= after + 1e-9).all(), "no round makes a line longer"


def test_the_normal_velocity_of_paired_data_is_what_least_squares_finds(generator):
    data = torch.randn(200_000, generator=generator, dtype=torch.float64)
    noise = 0.6 * data + 0.8 * torch.randn(data.shape, generator=generator, dtype=torch.float64)
    for t in (0.0, 0.3, 0.9):
        point, line = (1 - t) * noise + t * data, data - noise
        known = ode.normal(torch.tensor([t], dtype=torch.float64), point[:1], torch.ones(()).double(), 0.6)
        slope = (point @ line / (point @ point)).item()
        assert known.slope.item() == pytest.approx(slope, abs=0.01)
        assert known.width.item() == pytest.approx(point.std().item(), abs=0.01)
        assert known.left.item() == pytest.approx((line - slope * point).std().item(), abs=0.01)
        assert known.guess.item() == pytest.approx((point @ data / (point @ point)).item(), abs=0.01)


def test_pairing_leaves_less_to_learn(generator):
    motifs, nothing = torch.randn(64, 8, 3, generator=generator), lambda x, t: torch.zeros_like(x)
    errors = [
        flow.matching_error(nothing, motifs, torch.ones(()), Generator().manual_seed(5), pair).item()
        for pair in (None, flow.laid_towards)
    ]
    assert errors[1] < 0.6 * errors[0]
