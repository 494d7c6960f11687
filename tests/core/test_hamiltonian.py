import dataclasses

import pytest
import torch
from e3nn import o3

from benchmarks import hamiltonians as benchmark
from tutorial_lib import metrics, representations, training
from tutorial_lib.datasets import hamiltonians
from tutorial_lib.models import hamiltonian
from tutorial_lib.models.equivariant.graph import default_dtype
from tutorial_lib.models.hamiltonian import NONLINEARITIES, Blocks, Gradient, Standard
from tutorial_lib.models.hamiltonian.blocks import needed_irreps
from tutorial_lib.models.hamiltonian.graphs import radial_basis, seen
from tutorial_lib.models.hamiltonian.layers import Linear, paths, products
from tutorial_lib.models.hamiltonian.networks import HamiltonianNetwork

IRREPS = "0e + 1o + 1e + 2e"
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}
NONLINEAR = (hamiltonian.TensorSquare, hamiltonian.Gate, Gradient)
SETS = ("water_rhf_500k", "methanol_rhf_500k", "water_rhf_svp_500k")


@pytest.fixture(scope="module", params=SETS)
def molecule(request):
    return hamiltonians.load(request.param, "train")[:20]


@pytest.fixture(scope="module")
def methanol():
    return hamiltonians.load("methanol_rhf_500k", "train")[:40]


def blocks_of(molecule):
    return Blocks(molecule.numbers, molecule.shells)


def shapes_of(molecule, positions=None, dtype=torch.float32):
    return hamiltonian.shapes(molecule.numbers, molecule.positions if positions is None else positions, dtype=dtype)


def turned(positions, q):
    return positions @ q.to(positions.dtype).mT


def features(generator, *shape, irreps=IRREPS, dtype=torch.float64):
    return torch.randn(o3.Irreps(irreps).dim, *shape, generator=generator, dtype=dtype)


@pytest.fixture
def gradient(generator):
    """The non-linearity that is a gradient, and features to bend."""
    return Gradient(IRREPS, 8, 6).double(), features(generator, 5, 8)


def act(x, q, irreps=IRREPS):
    """Turn features (dim, ..., channels): each irrep by its Wigner matrix and its parity."""
    parity = torch.det(q)
    rotation = q * parity
    parts = [
        hamiltonian.wigner(ir.l, rotation) * (1.0 if ir.p == 1 or parity > 0 else -1.0) for _, ir in o3.Irreps(irreps)
    ]
    return torch.einsum("ij,j...->i...", torch.block_diag(*parts), x)


@pytest.mark.parametrize("degree", range(5))
def test_wigner_matrices_turn_spherical_harmonics_also_through_an_inversion(generator, degree):
    directions = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    for q in representations.random_orthogonal(generator, (4,), torch.float64):
        d = hamiltonian.wigner(degree, q)
        here = o3.spherical_harmonics(degree, directions, True)
        there = o3.spherical_harmonics(degree, directions @ q.mT, True)
        assert torch.allclose(there, here @ d.mT, atol=1e-12)
        assert torch.allclose(d @ d.mT, torch.eye(2 * degree + 1, dtype=torch.float64), atol=1e-12)


def test_the_change_of_basis_is_the_cyclic_renaming_of_axes_and_nothing_for_p():
    assert torch.equal(hamiltonian.from_pyscf(0), torch.ones(1, 1, dtype=torch.float64))
    assert torch.equal(hamiltonian.from_pyscf(1), torch.eye(3, dtype=torch.float64))
    cyclic = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    for degree in (2, 3, 4):
        c = hamiltonian.from_pyscf(degree)
        assert torch.allclose(torch.linalg.matrix_power(c, 3), torch.eye(2 * degree + 1).double(), atol=1e-12)
        assert torch.allclose(c, hamiltonian.wigner(degree, cyclic))
        assert not torch.allclose(c, hamiltonian.wigner(degree, cyclic.mT), atol=0.1)
        assert not torch.allclose(c.abs(), (c.abs() > 0.5).double(), atol=0.1), "it mixes, it does not only reorder"


def test_blocks_give_the_matrix_back_keep_its_norm_and_are_symmetric_to_the_last_bit(molecule, generator):
    blocks = blocks_of(molecule)
    coefficients = blocks.coefficients(molecule.fock)
    n = molecule.fock.shape[1]
    assert coefficients.shape == (20, n * (n + 1) // 2)
    assert torch.allclose(blocks.matrices(coefficients), molecule.fock, atol=1e-12)
    assert torch.allclose(coefficients.square().sum(1), molecule.fock.square().sum((1, 2)))
    for dtype in TOLERANCE:
        matrices = blocks.matrices(torch.randn(3, len(blocks), generator=generator, dtype=dtype))
        assert torch.equal(matrices, matrices.mT)
        assert matrices.dtype == dtype


def test_each_copy_of_an_irrep_turns_by_its_own_wigner_matrix(molecule, generator):
    blocks = blocks_of(molecule)
    before = blocks.coefficients(molecule.fock)
    for q in representations.random_orthogonal(generator, (3,), torch.float64):
        d = hamiltonian.turn(molecule.shells, q)
        after, at = blocks.coefficients(d @ molecule.fock @ d.mT), 0
        for kind in blocks.kinds:
            for _ in kind.sites:
                for degree, parity, _, _ in kind.copies:
                    here = slice(at, at := at + 2 * degree + 1)
                    sign = 1.0 if torch.det(q) > 0 or parity == 1 else -1.0
                    wigner = hamiltonian.wigner(degree, q * torch.det(q)) * sign
                    assert torch.allclose(after[:, here], before[:, here] @ wigner.mT, atol=1e-10)
        assert not torch.allclose(after, before, atol=1e-3)


def test_a_wrong_change_of_basis_is_seen_in_d_functions_and_not_in_p(generator):
    q = representations.random_rotation(generator, (), torch.float64)
    for name, seen_by in (("water_rhf_500k", False), ("water_rhf_svp_500k", True)):
        molecule = hamiltonians.load(name, "train")[:3]
        c, d = hamiltonian.change_of_basis(molecule.shells), hamiltonian.turn(molecule.shells, q)
        left_out = c @ d @ c.mT  # as if PySCF's own order were e3nn's
        assert (not torch.allclose(left_out, d, atol=1e-3)) is seen_by


def test_the_swap_is_the_transposed_block_of_two_equal_atoms(generator):
    hydrogen = Blocks(torch.tensor([1, 1]), ((0, 0), (0, 0), (0, 1), (0, 2), (1, 0), (1, 0), (1, 1), (1, 2)))
    kind = hydrogen.kinds[1]
    matrix = torch.randn(20, 20, generator=generator, dtype=torch.float64)
    whole = matrix + matrix.mT
    other = whole.clone()
    other[:10, 10:] = whole[:10, 10:].mT
    other[10:, :10] = whole[10:, :10].mT
    size = kind.irreps.dim
    here, there = (hydrogen.coefficients(m)[-size:] for m in (whole, other))
    assert torch.allclose(here @ hydrogen.swap(kind), there)
    assert not torch.allclose(here, there, atol=0.1)
    water = Blocks(torch.tensor([8, 1]), ((0, 0), (1, 0)))
    assert torch.equal(water.swap(water.kinds[2]), torch.eye(1, dtype=torch.float64))


def test_traces_are_those_of_each_block_of_shells_times_its_transpose(molecule):
    blocks = blocks_of(molecule)
    found = blocks.coefficients(molecule.fock).square() @ blocks.to_traces
    for at, (_, (i, j), a, b) in enumerate(blocks.parts):
        (row, l_a), (column, l_b) = blocks.of_atom[i][a], blocks.of_atom[j][b]
        part = molecule.fock[:, row : row + 2 * l_a + 1, column : column + 2 * l_b + 1]
        assert torch.allclose(found[:, at], part.square().sum((1, 2)))


def test_directions_turn_and_distances_do_not_so_they_may_be_computed_once(molecule, generator):
    x, q = molecule.positions, representations.random_orthogonal(generator, (), torch.float64)
    here, there = (shapes_of(molecule, y, torch.float64) for y in (x, turned(x, q) + 1.0))
    assert torch.allclose(here.heights, there.heights)
    d = act(here.harmonics.movedim(-1, 0), q, "0e + 1o + 2e").movedim(0, -1)
    assert torch.allclose(d, there.harmonics)
    assert not torch.allclose(here.harmonics, there.harmonics, atol=0.1)
    assert torch.allclose(here.heights[:, 1, 0], radial_basis((x[:, 0] - x[:, 1]).norm(dim=-1)))


def test_our_tensor_products_are_those_of_e3nn(generator):
    first, second, out = "0e + 1o + 2e", "0e + 1o + 2e", IRREPS
    x, y = features(generator, 7, irreps=first), features(generator, 7, irreps=second)
    ours = torch.einsum("en,nqe->nq", x, products(y.T, first, second, out))
    a, b, c = (list(o3.Irreps(irreps)) for irreps in (first, second, out))
    mid = o3.Irreps([(1, c[k].ir) for _, _, k in paths(first, second, out)])
    how = [(i, j, n, "uuu", False) for n, (i, j, _) in enumerate(paths(first, second, out))]
    with default_dtype(torch.float64):
        theirs = o3.TensorProduct(a, b, mid, how, irrep_normalization="component")(x.T, y.T)
    at = 0
    for k in range(len(c)):
        places = [n for n, (_, _, end) in enumerate(paths(first, second, out)) if end == k]
        meant = torch.stack([theirs[:, mid.slices()[n]] for n in places], dim=-1).flatten(1)
        assert torch.allclose(ours[:, at : at + meant.shape[1]], meant)
        at += meant.shape[1]


def test_a_linear_layer_mixes_channels_and_not_components(generator):
    layer = Linear(IRREPS, 4, 5).double()
    x = features(generator, 6, 4)
    for q in representations.random_orthogonal(generator, (3,), torch.float64):
        assert torch.allclose(layer(act(x, q)), act(layer(x), q))
    alone = torch.zeros_like(x)
    alone[1:4] = x[1:4]
    assert (layer(alone)[4:] == 0).all()
    assert (layer(alone)[1:4] != 0).all()


@pytest.mark.parametrize("bend", NONLINEAR)
def test_a_nonlinearity_is_equivariant_with_invariants_beside(generator, bend):
    model, x = bend(IRREPS, 8, 6).double(), features(generator, 5, 8)
    before, invariants = model(x)
    for q in representations.random_orthogonal(generator, (8,), torch.float64):
        after, same = model(act(x, q))
        assert torch.allclose(after, act(before, q), atol=1e-10)
        assert torch.allclose(same, invariants, atol=1e-10)
    assert not torch.allclose(before, x, atol=0.01)
    other = features(generator, 5, 8)
    assert not torch.allclose(model(x + other)[0], before + model(other)[0], atol=0.01), "it is not linear"


def test_tensor_products_make_directions_that_were_not_there_and_gates_and_gradients_none(generator):
    x = features(generator, 5, 8)
    x[4:7] = 0  # 1e, which two vectors make
    assert hamiltonian.TensorSquare(IRREPS, 8, 6).double()(x)[0][4:7].abs().max() > 0.01
    x[1:] = 0
    for bend in (hamiltonian.Gate, Gradient):
        bent, _ = bend(IRREPS, 8, 6).double()(x)
        assert (bent[1:] == 0).all()
        assert (bent[:1] - x[:1]).abs().max() > 0


def test_the_gradient_is_a_gate_with_tied_weights_and_what_made_it_learns_through_it(gradient):
    model, x = gradient
    v, _ = model.gradient(x)
    u = model.compared.inner(x).detach().requires_grad_()
    (slope,) = torch.autograd.grad(model.number(model.compared.mixed(u)).sum(), u)
    layer, sizes = model.compared.both, model.compared.sizes
    a, b = layer.weight.chunk(2, dim=-1)
    parts = []
    for k, (part, size) in enumerate(zip(x.split(sizes), sizes, strict=True)):
        gates = slope[:, 16 * k : 16 * (k + 1)] / size
        parts.append((gates * (part @ b[k])) @ a[k].mT + (gates * (part @ a[k])) @ b[k].mT)
    assert torch.allclose(torch.cat(parts), v, atol=1e-13)
    model(x)[0].square().sum().backward()
    for weights in (model.number.weight, layer.weight, model.compared.mixed[1].weight):
        assert weights.grad.abs().max() > 0


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_gradient_is_taken_where_no_gradients_are_wanted(mode, gradient):
    model, x = gradient
    with mode():
        silent, invariants = model(x.clone())  # in inference mode the copy is a tensor that can have no gradient
    assert torch.allclose(silent, model(x)[0], atol=1e-12)
    assert not torch.allclose(silent, x, atol=1e-3)
    assert not silent.requires_grad
    assert not invariants.requires_grad
    assert not x.requires_grad, "what came in is left as it was"


@pytest.mark.parametrize("bend", NONLINEAR)
def test_the_layers_before_learn_through_a_nonlinearity(generator, bend):
    model, x = bend("0e + 1o", 3, 4).double(), features(generator, 1, 3, irreps="0e + 1o").requires_grad_()
    assert torch.autograd.gradcheck(lambda f: model(f)[0], x)


def test_the_first_batch_in_training_fixes_the_scale_and_no_other_does(generator):
    model, x = Gradient(IRREPS, 8, 6).double(), features(generator, 50, 8)
    model.eval()(x)
    assert not model.measured
    model.train()(x)
    v, _ = model.gradient(x)
    assert (model.scale * v).square().mean().sqrt().item() == pytest.approx(0.5 * x.square().mean().sqrt().item())
    assert v.square().mean() < 0.1 * x.square().mean(), "or there would be no need"
    scale = model.scale.clone()
    model(3 * x)
    assert model.scale == scale
    other = Gradient(IRREPS, 8, 6).double()
    other.load_state_dict(model.state_dict())
    assert torch.allclose(other.train()(3 * x)[0], model(3 * x)[0]), "it is kept with the weights"


@pytest.mark.parametrize("name", NONLINEARITIES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_predicted_matrix_turns_inverts_and_moves_with_the_molecule(molecule, generator, name, dtype):
    blocks = blocks_of(molecule)
    model = hamiltonian.network(name, blocks, channels=6).to(dtype).eval()
    standard = Standard.fit(blocks, molecule.fock)

    def matrices_at(positions):
        return hamiltonian.predicted(model, standard, shapes_of(molecule, positions, dtype))

    before = matrices_at(molecule.positions[:2])
    size = (before - standard.matrices(torch.zeros(1, len(blocks)))).square().mean().sqrt()
    for q in representations.random_orthogonal(generator, (2,), torch.float64):
        d = hamiltonian.turn(molecule.shells, q)
        after = matrices_at(turned(molecule.positions[:2], q) + 2.0)
        assert (after - d @ before @ d.mT).abs().max() < TOLERANCE[dtype] * max(1.0, size)
        assert (after - before).abs().max() > 1e-3
    assert torch.equal(before, before.mT)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_a_reordered_molecule_has_the_reordered_matrix(methanol, name):
    order, blocks = [3, 0, 5, 1, 4, 2], blocks_of(methanol)
    of_atom, numbers = blocks.of_atom, methanol.numbers[order]
    moved = Blocks(numbers, tuple((new, degree) for new, old in enumerate(order) for _, degree in of_atom[old]))
    functions = [start + m for old in order for start, degree in of_atom[old] for m in range(2 * degree + 1)]
    here, there = (hamiltonian.network(name, some, channels=6, seed=3) for some in (blocks, moved))
    elements = [kind.elements for kind in blocks.kinds]
    there.heads = torch.nn.ModuleList(here.heads[elements.index(kind.elements)] for kind in moved.kinds)
    there.load_state_dict({**there.state_dict(), **{k: v for k, v in here.state_dict().items() if "heads" not in k}})
    fock, there_at = (
        methanol.fock[:, functions][:, :, functions],
        hamiltonian.shapes(numbers, methanol.positions[:, order]),
    )
    one = hamiltonian.predicted(here.eval(), Standard.fit(blocks, methanol.fock), shapes_of(methanol))
    other = hamiltonian.predicted(there.eval(), Standard.fit(moved, fock), there_at)
    assert torch.allclose(one[:, functions][:, :, functions], other, atol=1e-4)
    assert not torch.allclose(one, other, atol=1e-2)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_two_hydrogens_with_p_functions_that_change_places_change_their_rows_and_columns(name):
    molecule = hamiltonians.load("water_rhf_svp_500k", "train")[:10]
    blocks = blocks_of(molecule)
    model, standard = hamiltonian.network(name, blocks, channels=6).eval(), Standard.fit(blocks, molecule.fock)
    exchanged = shapes_of(molecule, molecule.positions[:, [0, 2, 1]])
    here, there = (hamiltonian.predicted(model, standard, some) for some in (shapes_of(molecule), exchanged))
    order = [*range(14), *range(19, 24), *range(14, 19)]
    assert torch.allclose(here[:, order][:, :, order], there, atol=1e-5)
    assert (here[:, 14:19, 19:] - here[:, 14:19, 19:].mT).abs().max() > 1e-3, "their block is not symmetric"
    assert not torch.allclose(here, there, atol=1e-3)


@pytest.mark.parametrize("name", ["water_rhf_500k", "methanol_rhf_500k"])
def test_the_four_variants_are_of_one_size_and_a_shape_does_not_see_the_others_in_its_batch(name):
    some = hamiltonians.load(name, "train")[:40]
    models = [hamiltonian.network(variant, blocks_of(some)).eval() for variant in NONLINEARITIES]
    sizes = [hamiltonian.size(model) for model in models]
    assert max(sizes) < 1.03 * min(sizes)
    shapes = shapes_of(some)
    for model in models:
        torch.testing.assert_close(model(shapes).coefficients[:1], model(shapes[:1]).coefficients, atol=1e-5, rtol=1e-5)


def test_features_hold_what_the_blocks_need_and_an_irrep_that_would_stay_zero_is_named(methanol):
    needed = {name: needed_irreps(blocks_of(hamiltonians.load(name, "train"))) for name in SETS}
    assert needed["water_rhf_500k"] == "0e + 1o + 2e"
    assert needed["methanol_rhf_500k"] == IRREPS
    assert {"4e", "3o"} <= set(needed["water_rhf_svp_500k"].split(" + "))
    for missing in ("1e", "2e", "1o"):
        irreps = " + ".join(ir for ir in IRREPS.split(" + ") if ir != missing)
        with pytest.raises(ValueError, match=rf"make a block with {missing}.*add {missing} to the features"):
            HamiltonianNetwork(blocks_of(methanol), hamiltonian.Gate, irreps)
    with_f = Blocks(torch.tensor([8, 1]), ((0, 0), (0, 2), (0, 3), (1, 0)))
    held = "0e + 1o + 1e + 2e + 2o + 3e + 3o + 4e + 4o"
    for lmax, message in ((2, "4o.*raise lmax"), (3, "5o.*add 5o")):
        with pytest.raises(ValueError, match=f"d and f functions of elements 8 make a block with {message}"):
            HamiltonianNetwork(with_f, hamiltonian.Gate, held, lmax=lmax)


def test_standardised_targets_have_mean_zero_come_back_and_only_invariants_have_a_mean(molecule, generator):
    blocks = blocks_of(molecule)
    standard = Standard.fit(blocks, molecule.fock)
    targets, traces = standard.targets(molecule.fock)
    assert torch.allclose(standard.matrices(targets), molecule.fock, atol=1e-12)
    assert traces.mean().abs() < 1e-8
    scalar = torch.tensor([blocks.kinds[kind].copies[copy][:2] == (0, 1) for kind, copy in blocks.copy])
    assert (standard.mean[~scalar] == 0).all()
    assert (standard.mean[scalar] != 0).all()
    assert (standard.mean.float().double() - standard.mean).abs().max() > 1e-8, "it is kept in double precision"
    q = representations.random_orthogonal(generator, (), torch.float64)
    d = hamiltonian.turn(molecule.shells, q)
    other = Standard.fit(blocks, d @ molecule.fock @ d.mT)
    assert torch.allclose(standard.mean, other.mean, atol=1e-10)
    assert torch.allclose(standard.scale, other.scale, atol=1e-10)
    assert torch.allclose(traces, other.targets(d @ molecule.fock @ d.mT)[1], atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, b: hamiltonian.turn(((0, 0), (0, 1)), 2 * torch.eye(3)), "not orthogonal"),
        (lambda m, b: hamiltonian.from_pyscf(12), "l from 0 to 11"),
        (lambda m, b: b.coefficients(torch.zeros(3, 4, 4)), r"matrices must be \(\*batch, 14, 14\)"),
        (lambda m, b: b.matrices(torch.zeros(3, 14)), r"coefficients must be \(\*batch, 105\)"),
        (lambda m, b: Blocks(torch.tensor([8, 1]), ((0, 0), (0, 1))), "atom 1 has no shells"),
        (lambda m, b: seen(1), "n_atoms must be a whole number, 2"),
        (lambda m, b: hamiltonian.shapes(m.numbers, m.positions[:, [0, 1, 2, 2, 4, 5]]), "atoms 2 and 3 overlap"),
        (lambda m, b: hamiltonian.network("gates", b), "tensor products, gate, gradient, gradient and trace"),
        (lambda m, b: HamiltonianNetwork(b, hamiltonian.Gate, "1o + 0e + 1e + 2e"), "each irrep once, and 0e first"),
        (lambda m, b: HamiltonianNetwork(b, hamiltonian.Gate, IRREPS, lmax=0), "raise lmax"),
        (lambda m, b: Standard.fit(b, m.fock[:0]), "n_matrices must be"),
        (
            lambda m, b: hamiltonian.matrix_loss(Standard.fit(b, m.fock), shapes_of(m), m.fock[1:]),
            "matrices must be .* with shapes = 40",
        ),
        (lambda m, b: metrics.matrix_errors(m.fock[1:], m), "predicted must be .* with shapes = 40"),
        (lambda m, b: metrics.orbitals(m.fock, -m.overlap), "not positive definite"),
        (lambda m, b: hamiltonian.polynomial(m, m, 0), "degree must be a whole number, 1"),
    ],
)
def test_what_does_not_fit_is_refused(methanol, call, message):
    with pytest.raises(ValueError, match=message):
        call(methanol, blocks_of(methanol))


@pytest.fixture(scope="module")
def water():
    train, test = hamiltonians.load("water_rhf_500k", "train")[:48], hamiltonians.load("water_rhf_500k", "test")[:100]
    standard = Standard.fit(blocks_of(train), train.fock)
    return standard, hamiltonian.matrix_loss(standard, shapes_of(train), train.fock), test


def learnt(name, water, epochs):
    standard, loss, test = water
    model = hamiltonian.network(name, blocks_of(test), channels=8)
    recipe = training.Recipe(epochs, 16, 0.01)
    history = training.train(model, torch.arange(48), loss, recipe, device="cpu", progress=False)
    return history, metrics.matrix_errors(hamiltonian.predicted(model, standard, shapes_of(test)), test)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_every_variant_learns(name, water):
    history, found = learnt(name, water, 40)
    standard, _, test = water
    mean = metrics.matrix_errors(standard.matrices(torch.zeros_like(standard.mean)).expand_as(test.fock), test)
    assert found.entries < 0.25 * mean.entries
    assert found.overlap > 0.99 > mean.overlap
    assert ("traces" in history) is ("trace" in name)
    if "trace" in name:
        assert history["traces"][-1] < 0.95 * history["traces"][0]


def test_a_seed_gives_one_result(water):
    one, other = (learnt("gradient and trace", water, 2) for _ in range(2))
    assert one == other


def test_orbitals_solve_the_problem_with_overlap_and_a_shifted_matrix_has_the_error_of_the_shift(molecule, generator):
    energies, c = metrics.orbitals(molecule.fock, molecule.overlap)
    assert torch.allclose(molecule.fock @ c, molecule.overlap @ c * energies[:, None], atol=1e-10)
    unit = torch.eye(c.shape[-1], dtype=torch.float64).expand_as(c)
    assert torch.allclose(c.mT @ molecule.overlap @ c, unit, atol=1e-10)
    right = metrics.matrix_errors(molecule.fock, molecule)
    assert right.entries == 0
    assert right.overlap == pytest.approx(1.0)
    shifted = metrics.matrix_errors(molecule.fock + 1e-4 * molecule.overlap, molecule)
    assert shifted.occupied == pytest.approx(100.0, rel=1e-6)
    assert shifted.overlap == pytest.approx(1.0)
    noise = torch.randn(molecule.fock.shape, generator=generator, dtype=torch.float64)
    wrong = metrics.matrix_errors(molecule.fock + 0.02 * (noise + noise.mT), molecule)
    assert wrong.overlap < 0.999


def test_degenerate_orbitals_are_counted_and_not_compared():
    water = hamiltonians.load("water_rhf_500k", "train")[:4]
    fock = torch.diag(torch.tensor([-20.0, -1, -0.6, -0.5, -0.5, 0.4, 0.5])).double().expand(4, -1, -1)
    plain = dataclasses.replace(water, fock=fock, overlap=torch.eye(7).double().expand(4, -1, -1))
    q = torch.eye(7).double()
    q[3, 3] = q[4, 4] = q[3, 4] = 0.5**0.5
    q[4, 3] = -(0.5**0.5)
    bent = q @ (fock + torch.diag(torch.tensor([0, 0, 0, -1e-6, 1e-6, 0, 0])).double()) @ q.mT
    found = metrics.matrix_errors(bent, plain)
    assert found.degenerate == pytest.approx(0.4)
    assert found.overlap == pytest.approx(1.0)


def test_a_polynomial_in_the_molecules_own_pose_turns_with_the_molecule_and_gets_better_with_its_degree(generator):
    train, test = (hamiltonians.load("water_rhf_500k", split) for split in ("train", "test"))
    test = test[:50]
    errors = [metrics.matrix_errors(hamiltonian.polynomial(train, test, k)[0], test).entries for k in (1, 2, 3)]
    assert errors[2] < 5 < errors[1] < 60 < errors[0]
    q = representations.random_rotation(generator, (), torch.float64)
    d = hamiltonian.turn(test.shells, q)
    turned_test = dataclasses.replace(test, positions=test.positions @ q.mT + 1.0)
    here, n_terms = hamiltonian.polynomial(train, test, 2)
    there, _ = hamiltonian.polynomial(train, turned_test, 2)
    assert torch.allclose(there, d @ here @ d.mT, atol=1e-9)
    assert n_terms == 10, "three displacements: one, three and six"


def test_learning_rates_are_chosen_on_matrices_that_are_neither_learnt_nor_tested():
    (task, *_) = benchmark.trials(0)
    train, aside = benchmark.halves(task)
    test = hamiltonians.load(task.data, "test")
    assert (len(train), len(aside)) == (400, 100)
    for other in (train, test):
        assert torch.cdist(aside.positions.flatten(1), other.positions.flatten(1)).min() > 1e-3
