"""Gaussian radial basis: values near, far away and of other widths."""

import pytest
import torch

from tutorial_lib.representations.radial import gaussians

CENTRES = torch.linspace(0, 4, 9)


def test_values_are_one_at_the_centre_and_never_too_small_for_single_precision():
    values = torch.tensor([[1.0, 1.5], [2.0, 4.0]])
    heights = gaussians(values, CENTRES, 0.5)
    assert heights.shape == (2, 2, 9)
    assert heights[0, 0, 2] == 1
    assert torch.allclose(heights[0, 0, [1, 3]], torch.tensor(-0.5).exp())
    # Numbers below the smallest normal one take some processors a hundred times as long.
    far = gaussians(torch.cat([torch.linspace(0, 100, 1001), torch.tensor([1e6])]), CENTRES, 0.3)
    assert far.min() >= torch.finfo(torch.float32).tiny
    with pytest.raises(ValueError, match="above 0"):
        gaussians(CENTRES, CENTRES, 0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_away_changes_nothing_but_the_last_digits(dtype):
    """A basis function out of reach is below 1e-12, and no derivative is lost where one matters."""
    values = torch.linspace(0, 100, 1001, dtype=dtype, requires_grad=True)
    heights = gaussians(values, CENTRES.to(dtype), 0.3)
    plain = (-(((values[:, None] - CENTRES.to(dtype)) / 0.3) ** 2) / 2).exp()
    assert (heights - plain).abs().max() < 1e-6 * (1 if dtype == torch.float32 else 1e-5)
    (ours,) = torch.autograd.grad(heights.sum(), values, retain_graph=True)
    (theirs,) = torch.autograd.grad(plain.sum(), values)
    assert (ours - theirs).abs().max() < 1e-5
