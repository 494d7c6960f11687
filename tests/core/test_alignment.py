from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from tutorial_lib import datasets, representations
from tutorial_lib.representations import alignment, gram

TETRAHEDRON = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)


def permuted(x, generator):
    order = torch.rand(x.shape[:2], generator=generator).argsort(1)
    return x.gather(1, order[..., None].expand_as(x)), order


@pytest.mark.parametrize("scale", [1, 1e-12, 1e12])
@pytest.mark.parametrize("allow_mirror", [True, False])
def test_the_best_rotation_undoes_a_rotation_of_clouds_of_any_size(clouds, generator, allow_mirror, scale):
    draw = representations.random_orthogonal if allow_mirror else representations.random_rotation
    turn = draw(generator, (16,))
    found = alignment.best_rotation(scale * clouds, scale * clouds @ turn.mT, allow_mirror=allow_mirror)
    torch.testing.assert_close(found, turn)


def test_the_best_rotation_is_that_of_scipy_and_no_other_is_better(clouds, generator):
    target = clouds + torch.randn(clouds.shape, generator=generator, dtype=clouds.dtype)
    found = alignment.best_rotation(clouds, target, allow_mirror=False)
    for x, y, q in zip(clouds, target, found, strict=True):
        theirs, _ = Rotation.align_vectors(y.numpy(), x.numpy())
        torch.testing.assert_close(q, torch.tensor(theirs.as_matrix()))
    best = alignment.best_rotation(clouds, target, allow_mirror=True)
    least = (clouds @ best.mT - target).square().sum((1, 2))
    for turn in representations.random_orthogonal(generator, (200,)):
        assert ((clouds @ turn.mT - target).square().sum((1, 2)) >= least - 1e-9).all()


def test_a_mirror_image_is_reached_by_a_mirror_alone_and_another_order_by_reordering(clouds, generator):
    mirrored = clouds * clouds.new_tensor([1, 1, -1])
    for allow_mirror, sign in ((True, -1), (False, 1)):
        rotation = alignment.best_rotation(clouds, mirrored, allow_mirror=allow_mirror)
        torch.testing.assert_close(torch.linalg.det(rotation), sign * torch.ones(16, dtype=torch.float64))
    other, both = permuted(clouds, generator)[0], permuted(mirrored, generator)[0]
    for moved, mirror, reorder, near in [
        (mirrored, True, False, True), (mirrored, False, False, False), (both, True, True, True),
        (mirrored, False, True, False), (other, False, True, True), (other, False, False, False),
    ]:  # fmt: skip
        rmsd = alignment.aligned_rmsd(clouds, moved, allow_mirror=mirror, reorder=reorder)
        assert ((rmsd < 1e-6) if near else (rmsd > 0.1)).all()


@pytest.mark.parametrize("allow_mirror", [True, False])
def test_planar_clouds_are_aligned(clouds, generator, allow_mirror):
    flat = clouds * clouds.new_tensor([1, 1, 0])
    turn = representations.random_rotation(generator, (16,))
    found = alignment.best_rotation(flat, flat @ turn.mT, allow_mirror=allow_mirror)
    torch.testing.assert_close(flat @ found.mT, flat @ turn.mT)
    torch.testing.assert_close(found @ found.mT, torch.eye(3, dtype=torch.float64).expand(16, 3, 3))
    if not allow_mirror:
        torch.testing.assert_close(found, turn)


STRAIGHT = torch.tensor([[[0, 0, 0.6], [0, 0, -0.6], [0, 0, 1.66], [0, 0, -1.66]]], dtype=torch.float64)
BENT = torch.tensor([[[0, 0, 0.6], [0, 0, -0.6], [0, 0.8, 1.1], [0, 0.8, -1.1]]], dtype=torch.float64)


@pytest.mark.parametrize("allow_mirror", [True, False])
@pytest.mark.parametrize(("part", "whole"), [(STRAIGHT, BENT), (BENT, STRAIGHT), (STRAIGHT, STRAIGHT)])
def test_a_straight_cloud_is_laid_upon_another_by_an_orthogonal_matrix(part, whole, allow_mirror):
    match = alignment.match_atoms(part, whole, allow_mirror=allow_mirror)
    ordered = [whole[0, list(order)].numpy() for order in permutations(range(4))]
    posed = [x @ orthogonal_procrustes(x, part[0].numpy())[0] for x in ordered]  # a line needs no mirror
    least = min(((x - part[0].numpy()) ** 2).sum() / 4 for x in posed) ** 0.5
    assert match.rmsd.item() == pytest.approx(least, abs=1e-7)
    assert match.rmsd.item() == pytest.approx(0.0 if part is whole else 0.6905, abs=5e-5)
    torch.testing.assert_close(match.rotation @ match.rotation.mT, torch.eye(3, dtype=torch.float64)[None])
    assert (allow_mirror | (torch.linalg.det(match.rotation) > 0)).all()
    posed = whole[0, match.order[0]] @ match.rotation[0].mT
    assert (posed - part[0]).square().sum().div(4).sqrt().item() == pytest.approx(match.rmsd.item(), abs=1e-7)


@pytest.mark.parametrize("start", [[0.6, -0.6, 1.0], [0.0, 0.6, -0.6]])
def test_three_nearest_atoms_on_a_line_do_not_hide_a_planted_match(generator, start):
    line = torch.tensor(start, dtype=torch.float64)[:, None] * torch.tensor([0, 0, 1], dtype=torch.float64)
    far = torch.nn.functional.normalize(torch.randn(200, 2, 3, generator=generator, dtype=torch.float64), dim=-1)
    x = torch.cat([line.expand(200, 3, 3), far * torch.tensor([[1.6], [2.0]], dtype=torch.float64)], dim=1)
    whole, order = permuted(x @ representations.random_rotation(generator, (200,)).mT, generator)
    match = alignment.match_atoms(x, whole, allow_mirror=False)
    assert torch.equal(match.order, order.argsort(1))
    assert (match.rmsd < 1e-6).all()


@pytest.mark.parametrize("allow_mirror", [True, False])
@pytest.mark.parametrize("length", [1, 10, 12, 30, 100])
def test_long_clouds_in_single_precision_are_laid_upon_their_turned_copies(generator, length, allow_mirror):
    x = torch.randn(50, 20, 3, generator=generator) * torch.tensor([1.0, 1.0, length])
    y = x @ representations.random_rotation(generator, (50,), x.dtype).mT
    assert alignment.aligned_rmsd(y, x, allow_mirror=allow_mirror, reorder=False).max() < 5e-6 * max(10, length)


@pytest.mark.parametrize("shape", [(4, 3), (5, 4, 3), (2, 3, 4, 3)])
def test_any_leading_shape_will_do_and_single_precision_comes_back(generator, shape):
    x = torch.randn(shape, generator=generator)
    rotation = alignment.best_rotation(x, x, allow_mirror=False)
    rmsd = alignment.aligned_rmsd(x, -x.flip(-2), allow_mirror=True, reorder=True)
    assert (rotation.shape, rotation.dtype) == ((*shape[:-2], 3, 3), torch.float32)
    assert (rmsd.shape, rmsd.dtype) == (shape[:-2], torch.float32)
    assert (rmsd < 1e-5).all()


def test_clouds_come_back_from_their_matrices_and_about_half_of_them_are_mirror_images(generator):
    x = torch.randn(400, 8, 3, generator=generator, dtype=torch.float64)
    recovered = gram.positions_from_gram(gram.gram_matrix(x))
    assert (alignment.aligned_rmsd(x, recovered, allow_mirror=True, reorder=False) < 1e-10).all()
    failed = alignment.aligned_rmsd(x, recovered, allow_mirror=False, reorder=False) > 1e-6
    assert 0.4 < failed.double().mean() < 0.6


@pytest.mark.parametrize("scale", [1.0, 1.1])
@pytest.mark.parametrize("allow_mirror", [True, False])
def test_gradients_are_right_also_where_singular_values_are_equal_and_finite_at_a_match(scale, allow_mirror):
    def rmsd(a, b):
        return alignment.aligned_rmsd(a, b, allow_mirror=allow_mirror, reorder=False)

    a = (2.35 * TETRAHEDRON / 3**0.5).requires_grad_()
    b = (scale * a.detach() + 0.1 * (scale == 1.0) * TETRAHEDRON.roll(1, 0)).requires_grad_()
    assert torch.autograd.gradcheck(rmsd, (a, b))
    rmsd(a, a.detach()).backward()
    assert torch.isfinite(a.grad).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(3, 8), st.booleans())
def test_a_planted_match_is_found(seed, size, allow_mirror):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(4, 8, 3, generator=generator, dtype=torch.float64)
    draw = representations.random_orthogonal if allow_mirror else representations.random_rotation
    turn = draw(generator, (4,))
    whole, order = permuted(x @ turn.mT, generator)
    match = alignment.match_atoms(x[:, :size], whole, allow_mirror=allow_mirror)
    if size > 3:  # any three points of eight may lie as well upon three others
        assert torch.equal(match.order, order.argsort(1)[:, :size])
        torch.testing.assert_close(match.rotation, turn.mT)
    assert (match.rmsd < 1e-6).all()
    assert (match.agreement > 0).all()
    chosen = whole.gather(1, match.order[..., None].expand(-1, -1, 3))
    torch.testing.assert_close(chosen @ match.rotation.mT, x[:, :size])


def test_matching_is_never_worse_than_assignment_from_the_given_pose(motifs_of_cell):
    a, b = motifs_of_cell[:120].double().split(60)
    found = alignment.match_atoms(a, b, allow_mirror=True).rmsd
    naive = []
    for p, w in zip(a, b, strict=True):
        order = torch.from_numpy(linear_sum_assignment(torch.cdist(p, w).square().numpy())[1])
        naive.append(alignment.aligned_rmsd(p, w[order], allow_mirror=True, reorder=False))
    assert (found <= torch.stack(naive) + 1e-9).double().mean() > 0.98
    assert found.mean() < 0.9 * torch.stack(naive).mean()
    few, many = (alignment.match_atoms(a, b, allow_mirror=True, n_nearest=n).rmsd.mean() for n in (4, 8))
    assert many < few < 1.1 * many, "more neighbours find a little more"


@pytest.fixture(scope="module")
def template():
    motifs = representations.nearest_neighbours(datasets.load_amorphous("train")).positions
    return alignment.Template.fit(motifs[:200], n_starts=2)


def test_the_canonical_form_is_the_same_motif_and_knows_neither_order_nor_pose(template, motifs_of_cell, generator):
    x = motifs_of_cell[:100]
    moved, _ = permuted(x @ representations.random_orthogonal(generator, (100,), x.dtype).mT, generator)
    torch.testing.assert_close(template.canonical(moved), template.canonical(x), atol=1e-4, rtol=0)
    assert (alignment.aligned_rmsd(x, template.canonical(x), allow_mirror=True, reorder=True) < 1e-4).all()


def test_the_canonical_order_is_steadier_than_the_order_of_distances(template, motifs_of_cell):
    x = motifs_of_cell[:200]
    shaken = x + 0.02 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    by_distance = shaken.norm(dim=-1).diff(dim=-1).lt(0).any(1).float().mean()
    moved = (template.canonical(shaken) - template.canonical(x)).norm(dim=-1).amax(1)
    assert by_distance > 0.5
    assert (moved > 0.5).float().mean() < 0.1


def test_a_choice_that_changes_the_physics_has_no_default(clouds):
    for function, choices in [
        (alignment.best_rotation, {}),
        (alignment.match_atoms, {}),
        (alignment.aligned_rmsd, {"reorder": False}),
    ]:
        with pytest.raises(TypeError, match="say whether mirrors are allowed"):
            function(clouds, clouds, **choices)
    with pytest.raises(TypeError, match="say whether atoms may be renumbered"):
        alignment.aligned_rmsd(clouds, clouds, allow_mirror=True)


LINE = torch.arange(8.0, dtype=torch.float64)[:, None] * torch.tensor([1, 2, 3])
FOURTH = torch.arange(16)[:, None, None] == 3


@pytest.mark.parametrize(
    ("function", "spoil", "message"),
    [
        (alignment.best_rotation, lambda x: x[0], "target must be"),
        (alignment.match_atoms, lambda x: x[:3], "whole must be"),
        (alignment.match_atoms, lambda x: x[:, :7], "part has 8 atoms and the whole 7: hand in the smaller one first"),
        (lambda x, y, **options: alignment.match_atoms(y, x, **options), lambda x: x[:, :2], "of three atoms at least"),
        (alignment.best_rotation, lambda x: torch.where(FOURTH, LINE, x), r"cloud \[3\] lies on a line or a point"),
        (alignment.best_rotation, lambda x: torch.where(FOURTH, 0, x), r"cloud \[3\] lies on a line or a point"),
        (alignment.best_rotation, lambda x: torch.where(FOURTH, torch.nan, x), "NaN or infinity"),
        (alignment.match_atoms, lambda x: torch.where(FOURTH, torch.nan, x), "NaN or infinity"),
    ],
)
def test_clouds_that_do_not_fit_or_fix_no_pose_are_refused(clouds, function, spoil, message):
    with pytest.raises(ValueError, match=message):
        function(clouds, spoil(clouds), allow_mirror=True)


def test_a_template_of_one_motif_is_that_motif_and_gives_others_of_another_size_or_on_a_line_no_form(template, clouds):
    fitted = alignment.Template.fit(clouds[:1])
    assert (alignment.aligned_rmsd(fitted.positions, clouds[0], allow_mirror=True, reorder=False) < 1e-6).all()
    with pytest.raises(ValueError, match=r"must be \(motifs\+, 8, 3\)"):
        template.canonical(torch.zeros(2, 7, 3))
    with pytest.raises(ValueError, match=r"cloud \[16\] lies on a line or a point"):
        alignment.Template(clouds[0]).canonical(torch.cat([clouds, LINE[None]]))
