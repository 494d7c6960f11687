import pytest
import torch

from tutorial_lib import representations
from tutorial_lib.metrics import PrincipalComponents, gram_error, nearest_motif_rmsd, nearest_training
from tutorial_lib.representations import alignment


def test_principal_components_restore_data_of_their_rank_from_its_coordinates(generator):
    features = torch.randn(50, 3, generator=generator) @ torch.randn(3, 10, generator=generator) + 4
    linear = PrincipalComponents(features, 3)
    torch.testing.assert_close(linear.reconstruct(features), features, atol=1e-4, rtol=0)
    codes = linear.encode(features)
    assert codes.shape == (50, 3)
    torch.testing.assert_close(linear.centre + codes @ linear.directions, linear.reconstruct(features))
    assert (PrincipalComponents(features, 2).reconstruct(features) - features).abs().max() > 0.1
    with pytest.raises(ValueError, match="8 components from 5 inputs of 36"):
        PrincipalComponents(torch.zeros(5, 36), 8)


def test_no_other_plane_is_better_than_principal_components(generator):
    features = torch.randn(200, 6, generator=generator) * torch.tensor([5.0, 4, 3, 2, 1, 0.5])
    best = (PrincipalComponents(features, 2).reconstruct(features) - features).square().sum()
    centred = features - features.mean(0)
    for _ in range(20):
        q, _ = torch.linalg.qr(torch.randn(6, 2, generator=generator))
        assert (centred - centred @ q @ q.mT).square().sum() > best


def test_nearest_training_answers_with_the_closest_row():
    training = torch.tensor([[0.0, 0], [10, 0], [0, 10], [50, 50]])
    answers = nearest_training(torch.tensor([[1.0, 1], [2, 9], [9, 2]]), training)
    assert answers.tolist() == [[0, 0], [0, 10], [10, 0]]


def test_gram_error_is_a_root_mean_square_over_entries():
    error = gram_error(torch.tensor([[[3.0, 4.0], [4.0, 3.0]]]), torch.zeros(1, 2, 2))
    assert error.item() == pytest.approx((50 / 4) ** 0.5)
    with pytest.raises(ValueError, match=r"gram must be .* with .*atoms = 8"):
        gram_error(torch.zeros(2, 8, 8), torch.zeros(2, 7, 7))


def test_a_motif_among_the_training_motifs_is_found_in_any_pose_and_order(clouds, generator):
    order = torch.rand(clouds.shape[:2], generator=generator).argsort(1)
    moved = (
        clouds.gather(1, order[..., None].expand_as(clouds)) @ representations.random_orthogonal(generator, (16,)).mT
    )
    assert (nearest_motif_rmsd(moved, clouds) < 1e-6).all()


def test_the_nearest_motif_is_no_farther_than_any_candidate(clouds):
    own, others = clouds[:4], clouds[4:]
    found = nearest_motif_rmsd(own, others, n_candidates=12)
    for index in range(4):
        every = alignment.match_atoms(own[index].expand(12, -1, -1), others, allow_mirror=True).rmsd
        assert found[index].item() == pytest.approx(every.min().item())
