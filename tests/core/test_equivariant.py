import pytest
import torch
from ase import Atoms
from ase.build import bulk

from tutorial_lib import representations
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import equivariant
from tutorial_lib.representations import random_orthogonal, random_rotation

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
OUT = "0o + 3x0e + 1o + 1e + 2e"


@pytest.fixture
def points(generator):
    """Six clouds of five points in general position, float64."""
    return torch.randn(6, 5, 3, generator=generator, dtype=torch.float64)


def network(dtype=torch.float64, **options):
    options = {"cutoff": 5.0} | options
    return hidden(OUT, "2x0e + 2x1o + 2e", "2x0e + 2x1o + 1e + 2e", **options).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_output_turns_with_the_cloud(points, generator, dtype):
    model, x = network(dtype), points.to(dtype)
    before = model(x)
    for q in random_orthogonal(generator, (40,)):
        act = equivariant.representation(OUT, q).to(dtype)
        after = model(x @ q.to(dtype).mT)
        assert (after - before @ act.mT).abs().max() < TOLERANCE[dtype] * before.square().mean().sqrt()
    assert (after - before).abs().max() > 0.01
    assert before[:, 0].abs().min() > 1e-8, "a pseudoscalar of zero would not show a mirror"


def test_the_output_does_not_move_with_the_cloud_nor_see_its_numbering_or_other_clouds(points, generator):
    model = network()
    order = torch.randperm(5, generator=generator)
    assert torch.allclose(model(points + 7), model(points))
    assert torch.allclose(model(points[:, order]), model(points))
    assert torch.allclose(model(points)[2:3], model(points[2:3]))
    assert not torch.allclose(model(1.1 * points), model(points))


def test_each_point_has_a_vector_that_turns_and_their_sum_is_the_clouds(points, generator):
    model, q = network(), random_rotation(generator)
    each = model.each_point(points)
    assert each.shape == (6, 5, model.irreps_out.dim)
    assert torch.allclose(model.each_point(points @ q.mT), each @ equivariant.representation(OUT, q).mT)
    assert torch.allclose(each.sum(dim=1) / 5**0.5, model(points))


def test_the_tetris_network_is_small_trains_whole_and_takes_a_graph_for_its_clouds():
    _, pieces = polycubes.pieces()
    model = equivariant.EquivariantNetwork()
    assert sum(p.numel() for p in model.parameters()) <= 100
    assert torch.equal(model(model.graph(pieces)), model(pieces))
    torch.nn.functional.cross_entropy(equivariant.logits(model(pieces)), torch.arange(8)).backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())
    assert hidden("2x0e", "4x0e", "4x0e")(pieces).shape == (8, 2), "scalars alone will do"


def test_harmonics_are_those_of_e3nn_and_their_parity_is_that_of_l(generator):
    v = torch.randn(10, 3, generator=generator, dtype=torch.float64)
    y = equivariant.spherical_harmonics("0e + 1o + 2e + 3o", v)
    assert torch.allclose(y[:, 1:4], 3**0.5 * v / v.norm(dim=1, keepdim=True))
    flipped = equivariant.spherical_harmonics("0e + 1o + 2e + 3o", -v)
    sign = torch.tensor([1.0] + [-1.0] * 3 + [1.0] * 5 + [-1.0] * 7, dtype=torch.float64)
    assert torch.allclose(flipped, sign * y)


def hidden(irreps_out, *irreps_hidden, **options):
    return equivariant.EquivariantNetwork(irreps_out, irreps_hidden=irreps_hidden, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        # Where e3nn is silent, or gives zeros.
        (lambda: equivariant.spherical_harmonics("1e", torch.ones(1, 3)), "ask for 1o"),
        (lambda: equivariant.spherical_harmonics("0e + 3e", torch.ones(1, 3)), "ask for 3o"),
        (lambda: equivariant.spherical_harmonics("1o", torch.zeros(2, 3)), "no direction"),
        (lambda: hidden("0e", "0e + 1e"), r"1e cannot be made of 1x0e .* which give 0e \+ 1o \+ 2e"),
        (lambda: hidden("0o", "2x0e + 1o", "2x0e + 1o", lmax=1), "0o cannot be made of"),
        (lambda: equivariant.EquivariantNetwork(irreps_hidden="2x0e + 1o"), "irreps_hidden is one string"),
        (lambda: equivariant.logits(torch.zeros(5, 7)), r"\(pieces, 8\)"),
    ],
)
def test_irreps_that_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        (torch.zeros(2, 1, 3), r"one alone has no directions\) must be a whole number, 2 at least, and 1"),
        (torch.tensor([[[0.0, 0, 0], [1e-7, 0, 0], [1, 0, 0]]]), "two points coincide"),
        (torch.tensor([[[0.0, 0, 0], [1, 0, 0], [6, 0, 0]]]), "no neighbour within 1.8: its nearest is 5.00 away"),
        (torch.full((1, 2, 3), float("nan")), "NaN or infinity"),
        (torch.zeros(4, 3), r"shape \(4, 3\) arrived: pass positions\[None\] for one of them"),
    ],
    ids=["one point", "coincident but for rounding", "no neighbour", "NaN", "no batch"],
)
def test_clouds_that_have_no_directions_are_refused(clouds, message):
    with pytest.raises(ValueError, match=message):
        equivariant.neighbour_graph(clouds, cutoff=1.8, lmax=2, n_radial=2)
    with pytest.raises(ValueError, match=message):
        equivariant.EquivariantNetwork(cutoff=1.8)(clouds)


def crystal():
    """A shaken cell of silicon."""
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    atoms.rattle(0.05, seed=0)
    return atoms


def graph_of(atoms, listed=2.85, cutoff=2.85, n_radial=2):
    """The graph of a list of pairs, which may be longer than the graph sees."""
    target, source, _, vectors = (torch.from_numpy(part) for part in representations.neighbour_pairs(atoms, listed))
    options = {"cutoff": cutoff, "lmax": 2, "n_radial": n_radial}
    return equivariant.pair_graph(target, source, vectors, shape=(1, len(atoms)), **options)


def test_the_output_turns_with_a_periodic_cell_and_does_not_see_where_its_edges_are(generator):
    model, atoms = network(cutoff=2.85), crystal()
    before, q = model(graph_of(atoms)), random_rotation(generator, (1,))[0]
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ q.numpy().T, scale_atoms=True)
    after = model(graph_of(turned))
    assert torch.allclose(after, before @ equivariant.representation(OUT, q).mT)
    assert (after - before).abs().max() > 1e-4
    atoms.positions += [1.0, 2.0, 3.0]
    atoms.wrap()
    assert torch.allclose(model(graph_of(atoms)), before)


def test_a_graph_of_pairs_is_that_of_the_cloud_where_nothing_is_periodic_and_leaves_out_far_pairs(points):
    expected = equivariant.neighbour_graph(points[:1], cutoff=9.0, lmax=2, n_radial=3)
    found = graph_of(Atoms("Si5", points[0].numpy()), 9.0, 9.0, n_radial=3)
    model = network(cutoff=9.0, n_radial=3)
    assert torch.allclose(model(found), model(expected))
    one, other = (graph_of(crystal(), listed) for listed in (2.85, 4.2))
    assert torch.equal(one.target, other.target)
    assert torch.allclose(network(cutoff=2.85)(one), network(cutoff=2.85)(other))
    edge = graph_of(Atoms("Si2", [[0, 0, 0], [2.8499, 0, 0]]), n_radial=3)
    assert edge.radial.abs().max() < 1e-6, "nothing jumps when a pair crosses the cut-off"


@pytest.mark.parametrize(
    ("target", "vectors", "message"),
    [
        ([0, 1], [[1.0, 0, 0]], r"vectors must be \(edges, 3\) with edges = 2"),
        ([2], [[1.0, 0, 0]], "target must count 2 from 0, and 2 arrived"),
        ([-1], [[1.0, 0, 0]], "target must count 2 from 0, and -1 arrived"),
        ([0, 1], [[0.0, 0, 0], [1.0, 0, 0]], "in a direction"),
        ([0], [[float("nan"), 0, 0]], "NaN or infinity"),
        ([0], [[1.0, 0, 0]], "point 1 has no neighbour within 2"),
        ([0], [[3.0, 0, 0]], "point 0 has no neighbour within 2"),
    ],
)
def test_pairs_that_make_no_graph_are_refused(target, vectors, message):
    with pytest.raises((ValueError, IndexError), match=message):
        equivariant.pair_graph(torch.tensor(target), torch.zeros(len(target), dtype=torch.long), torch.tensor(vectors),
                               cutoff=2.0, lmax=1, n_radial=2, shape=(1, 2))  # fmt: skip


def test_mirror_images_swap_the_scores_of_the_screws(generator):
    output = torch.randn(5, 8, generator=generator)
    mirrored = torch.cat([-output[:, :1], output[:, 1:]], dim=1)
    assert torch.equal(equivariant.logits(mirrored), equivariant.logits(output)[:, [1, 0, 2, 3, 4, 5, 6, 7]])


def test_vectors_turn_by_the_rotation_itself(generator):
    q = random_orthogonal(generator, (4,))
    assert torch.allclose(equivariant.representation("1o", q), q, atol=1e-12)
    assert torch.allclose(equivariant.representation("1e", q), q * torch.linalg.det(q)[:, None, None], atol=1e-12)
    assert equivariant.representation("2e", q).dtype == torch.float64


def test_a_network_that_changes_its_dtype_keeps_its_weights_and_gains_digits(points, generator):
    model, q = network(torch.float32), random_rotation(generator)
    before = model(points.float())
    assert torch.allclose(model.double()(points).float(), before, atol=1e-4)
    assert torch.allclose(model(points @ q.mT)[:, 1:4], model(points)[:, 1:4], rtol=1e-10, atol=1e-10)


def test_a_gate_keeps_parity(generator):
    gate = equivariant.gate_for("2x0e + 0o + 2x1o + 1e")
    features = torch.randn(4, gate.irreps_in.dim, generator=generator)
    q = -random_rotation(generator, dtype=torch.float32)  # a mirror: an even bend of an odd scalar would show
    turned = gate(features @ gate.irreps_in.D_from_matrix(q).mT)
    assert torch.allclose(turned, gate(features) @ gate.irreps_out.D_from_matrix(q).mT, atol=1e-5)
