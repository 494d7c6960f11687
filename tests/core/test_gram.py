import pytest
import torch

from tutorial_lib.representations import gram


def test_upper_triangle_keeps_what_stands_on_and_above_the_diagonal():
    matrix = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    assert gram.upper_triangle(matrix).tolist() == [1, 2, 3, 4, 5, 6]


def test_permuted_entries_are_those_of_a_renumbered_cloud_also_when_standardised(clouds):
    matrices, order = gram.gram_matrix(clouds), torch.rand(16, 8, generator=torch.Generator().manual_seed(1)).argsort(1)
    entries, standardiser = gram.upper_triangle(matrices), gram.Standardiser.fit(matrices)
    renumbered = clouds.gather(1, order[..., None].expand(-1, -1, 3))
    shuffled = gram.permuted(entries, torch.Generator().manual_seed(1))
    torch.testing.assert_close(shuffled, gram.upper_triangle(gram.gram_matrix(renumbered)))
    assert (shuffled - entries).abs().max() > 0.1
    one = gram.permuted(standardiser.features(matrices), torch.Generator().manual_seed(1))
    torch.testing.assert_close(one, standardiser.features(gram.from_upper_triangle(shuffled)))


def test_standardised_groups_have_mean_zero_and_spread_one(clouds):
    matrices = gram.gram_matrix(clouds)
    back = gram.from_upper_triangle(gram.Standardiser.fit(matrices).features(matrices))
    row, column = torch.triu_indices(8, 8, offset=1)
    for group in (back.diagonal(dim1=1, dim2=2), back[:, row, column]):
        assert abs(group.mean()) < 1e-10
        assert abs(group.std(correction=0) - 1) < 1e-10


def test_a_standardiser_refuses_another_size_and_matrices_without_spread(clouds):
    standardiser = gram.Standardiser.fit(gram.gram_matrix(clouds))
    with pytest.raises(ValueError, match="fitted on 8 atoms"):
        standardiser.features(gram.gram_matrix(clouds[:, :7]))
    with pytest.raises(ValueError, match="28 entries arrived, this standardiser has 36"):
        standardiser.gram(torch.zeros(1, 28))
    with pytest.raises(ValueError, match="fit on more than one cloud"):
        gram.Standardiser.fit(gram.gram_matrix(torch.ones(4, 8, 3)))
    with pytest.raises(ValueError, match=r"35 entries.*7 atoms need 28, 8 atoms 36"):
        gram.from_upper_triangle(torch.zeros(2, 35))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_what_varies_by_rounding_only_is_not_blown_up(clouds, dtype):
    unit = torch.nn.functional.normalize(clouds.to(dtype), dim=-1)
    matrices = gram.gram_matrix(unit)
    standardiser = gram.Standardiser.fit(matrices)
    features = standardiser.features(matrices)
    assert features.abs().max() < 10
    assert torch.allclose(standardiser.gram(features), matrices, atol=1e-5)
    tenfold = gram.Standardiser.fit(1e-6 * matrices)
    assert torch.allclose(tenfold.features(1e-6 * matrices), features, atol=1e-4), "small units are no small spread"


@pytest.mark.parametrize(
    ("eigenvalues", "kept", "discarded"),
    [
        ([3.0, 2.0, -2.0, 1.0, 0.5], [3.0, 2.0, 0.0, 1.0, 0.0], (4.25 / 18.25) ** 0.5),
        ([2.0, -1.0, -2.0, -4.0], [2.0, 0.0, 0.0, 0.0], (21 / 25) ** 0.5),
        ([3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], 0.0),
    ],
)
def test_nearest_rank3_keeps_three_positive_eigenvalues_and_reports_the_others(eigenvalues, kept, discarded):
    nearest, lost = gram.nearest_rank3(torch.diag(torch.tensor(eigenvalues)))
    torch.testing.assert_close(nearest, torch.diag(torch.tensor(kept)))
    assert lost.item() == pytest.approx(discarded)


def test_no_cloud_is_nearer_than_nearest_rank3(clouds, generator):
    noise = torch.randn(16, 8, 8, generator=generator, dtype=torch.float64)
    noisy = gram.gram_matrix(clouds) + noise + noise.mT
    nearest, _ = gram.nearest_rank3(noisy)
    best = (nearest - noisy).square().sum((1, 2))
    start = gram.positions_from_gram(nearest)
    for _ in range(50):
        other = gram.gram_matrix(start + 0.1 * torch.randn(start.shape, generator=generator, dtype=torch.float64))
        assert ((other - noisy).square().sum((1, 2)) > best).all()


def test_a_matrix_with_a_negative_or_a_fourth_eigenvalue_has_no_positions():
    for eigenvalues in ([1.0, 1.0, -1.0], [4.0, 3.0, 2.0, 1.0]):
        with pytest.raises(ValueError, match=r"no cloud's Gram matrix.*nearest_rank3"):
            gram.positions_from_gram(torch.diag(torch.tensor(eigenvalues)))


@pytest.mark.parametrize("reader", [gram.upper_triangle, gram.nearest_rank3, gram.positions_from_gram])
def test_bad_matrices_are_refused(reader, clouds):
    matrix = gram.gram_matrix(clouds[0])
    for bad, message in [
        (matrix[:, :7], r"square.*\(8, 7\)"),
        (matrix.triu(), "not symmetric"),
        (matrix * torch.nan, "NaN or infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            reader(bad)


def test_bad_positions_are_refused_and_a_shift_and_a_swap_are_seen(clouds):
    matrix = gram.gram_matrix(clouds)
    assert (gram.gram_matrix(clouds + 0.5) - matrix).abs().max() > 0.1
    assert (gram.gram_matrix(clouds.flip(1)) - matrix).abs().max() > 0.1
    for shape in [(0, 3), (8,), (8, 2)]:
        with pytest.raises(ValueError, match="one atom a row"):
            gram.gram_matrix(torch.zeros(shape))
    with pytest.raises(ValueError, match="NaN or infinity"):
        gram.gram_matrix(torch.full((2, 3), torch.inf))
