import math

import pytest
import torch

from tutorial_lib import representations
from tutorial_lib.representations import synchronisation


@pytest.fixture
def truth(generator):
    return representations.random_rotation(generator, (20,))


def relative(rotations):
    return rotations[:, None] @ rotations.mT


def shaken(blocks, degrees, generator):
    axis = math.radians(degrees) * torch.randn(*blocks.shape[:2], 3, generator=generator, dtype=blocks.dtype)
    x, y, z = axis.unbind(-1)
    zero = torch.zeros_like(x)
    tilt = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).view(blocks.shape)
    return torch.linalg.matrix_exp(tilt) @ blocks


def size(errors):
    return errors.square().mean().sqrt().item()


@pytest.mark.parametrize("method", [synchronisation.synchronise, synchronisation.chained])
def test_without_noise_every_rotation_comes_back_from_the_first(truth, method):
    found = method(relative(truth))
    torch.testing.assert_close(found, truth @ truth[0].mT)
    torch.testing.assert_close(found[0], torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("degrees", [2, 10, 30])
def test_the_spectral_method_gives_rotations_and_beats_the_chain(truth, generator, degrees):
    noisy = shaken(relative(truth), degrees, generator)
    found = synchronisation.synchronise(noisy)
    torch.testing.assert_close(found @ found.mT, torch.eye(3, dtype=torch.float64).expand(20, 3, 3))
    assert (torch.linalg.det(found) > 0).all()
    spectral = size(synchronisation.rotation_error(found, truth))
    chain = size(synchronisation.rotation_error(synchronisation.chained(noisy), truth))
    assert spectral < degrees / 2
    assert chain > 3 * spectral


@pytest.mark.parametrize("one_sided", [False, True])
def test_known_pairs_are_enough_if_they_connect_all_and_one_side_of_a_pair_is_enough(truth, generator, one_sided):
    known = torch.ones(20, 20).triu(1).bool() if one_sided else torch.rand(20, 20, generator=generator) < 0.3
    blocks = torch.where(known[..., None, None], relative(truth), torch.nan)
    torch.testing.assert_close(synchronisation.synchronise(blocks, known), truth @ truth[0].mT)


def test_the_error_does_not_see_what_all_rotations_share(truth, generator):
    common = representations.random_rotation(generator)
    assert synchronisation.rotation_error(truth @ common, truth).max() < 1e-4
    assert synchronisation.rotation_error(truth.flip(0), truth).max() > 1


@pytest.mark.parametrize("degrees", [0, 1e-3, 1, 179.99, 180])
def test_the_error_is_exact_at_both_ends_in_single_precision(generator, degrees):
    many = representations.random_rotation(generator, (1000,))
    half = torch.tensor(math.radians(degrees), dtype=torch.float64)
    turn = torch.eye(3, dtype=torch.float64).repeat(1000, 1, 1)
    turn[0, :2, :2] = torch.stack([half.cos(), -half.sin(), half.sin(), half.cos()]).view(2, 2)
    found = synchronisation.rotation_error((turn @ many).float(), many.float())
    assert found[1:].max() < 1e-5 + degrees / 500
    assert found[0].item() == pytest.approx(degrees, abs=1e-5 + degrees / 500)


def test_clouds_that_no_pair_reaches_other_shapes_and_bad_numbers_are_refused(truth):
    blocks, known = relative(truth), torch.ones(20, 20, dtype=torch.bool)
    known[[5, 7]], known[:, [5, 7]] = False, False
    known[5, 7] = True
    for method in (synchronisation.synchronise, synchronisation.chained):
        with pytest.raises(ValueError, match=r"clouds \[5, 7\] cannot be reached from cloud 0"):
            method(blocks, known)
    with pytest.raises(ValueError, match=r"relative must be \(clouds\+, clouds, 3, 3\)"):
        synchronisation.synchronise(blocks[:, :5])
    with pytest.raises(ValueError, match=r"known must be \(20, 20\)"):
        synchronisation.synchronise(blocks, torch.ones(5, 5))
    blocks[2, 3] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        synchronisation.synchronise(blocks)
