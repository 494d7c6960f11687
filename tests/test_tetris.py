from itertools import combinations

import pytest
import torch

from tutorial_lib import tetris
from tutorial_lib.alignment import aligned_rmsd


def is_same(one, other, *, mirrors):
    if not torch.allclose(torch.pdist(one).sort().values, torch.pdist(other).sort().values, atol=1e-4):
        return False
    if torch.linalg.matrix_rank(one) == 1:
        return True  # a line has no best rotation, and its distances say everything
    return aligned_rmsd(one[None], other[None], allow_mirror=mirrors, reorder=True).item() < 1e-4


def hangs_together(cubes):
    reached, apart = {0}, torch.cdist(cubes, cubes)
    for _ in range(len(cubes)):
        reached |= {j for i in reached for j in range(len(cubes)) if abs(apart[i, j] - 1) < 1e-4}
    return len(reached) == len(cubes)


@pytest.mark.parametrize(
    ("mirrors_equal", "counts"),
    [(False, [1, 1, 2, 8, 29, 166]), (True, [1, 1, 2, 7, 23, 112])],
    ids=["one-sided: OEIS A000162", "free: OEIS A038119"],
)
def test_polycubes_are_as_many_as_is_known(mirrors_equal, counts):
    assert [len(tetris.polycubes(n, mirrors_equal=mirrors_equal)) for n in range(1, 7)] == counts


@pytest.mark.parametrize("n", range(2, 6))
def test_polycubes_hang_together_and_are_centred(n):
    for cubes in tetris.polycubes(n, mirrors_equal=False):
        assert cubes.shape == (n, 3)
        assert hangs_together(cubes)
        assert cubes.mean(dim=0).abs().max() < 1e-6


def test_a_shape_and_its_mirror_image_are_counted_as_asked():
    one_sided = tetris.polycubes(4, mirrors_equal=False)
    assert not any(is_same(a, b, mirrors=False) for a, b in combinations(one_sided, 2))
    assert sum(is_same(a, b, mirrors=True) for a, b in combinations(one_sided, 2)) == 1
    free = tetris.polycubes(4, mirrors_equal=True)
    assert not any(is_same(a, b, mirrors=True) for a, b in combinations(free, 2))


def test_the_eight_pieces_are_the_polycubes_of_four_cubes():
    names, pieces = tetris.pieces()
    assert len(set(names)) == 8
    for cubes in tetris.polycubes(4, mirrors_equal=False):
        assert sum(is_same(cubes, piece, mirrors=False) for piece in pieces) == 1


def test_the_screws_are_named_for_their_hands():
    # Along a right-handed screw the triple product of the three steps is positive.
    names, pieces = tetris.pieces()
    for name, hand in {"left screw": -1, "right screw": 1}.items():
        steps = pieces[names.index(name)].diff(dim=0)
        assert torch.linalg.det(steps).item() == pytest.approx(hand)
    left, right = (pieces[names.index(f"{hand} screw")] for hand in ("left", "right"))
    assert is_same(left, right, mirrors=True)
    assert not is_same(left, right, mirrors=False)


def test_no_other_piece_has_a_hand():
    names, pieces = tetris.pieces()
    handed = [
        n for n, x in zip(names, pieces, strict=True) if not is_same(x, x * x.new_tensor([1, 1, -1]), mirrors=False)
    ]
    assert handed == ["left screw", "right screw"]


@pytest.mark.parametrize(
    ("name", "n_axes"),
    [("line", 1), ("square", 2), ("L", 2), ("T", 2), ("zigzag", 2), ("corner", 3), ("left screw", 3)],
)
def test_names_fit_the_shapes(name, n_axes):
    names, pieces = tetris.pieces()
    piece = pieces[names.index(name)]
    assert torch.linalg.matrix_rank(piece).item() == n_axes
    ends = (torch.cdist(piece, piece).isclose(torch.tensor(1.0)).sum(dim=1)).tolist()
    neighbours = {"T": [1, 1, 1, 3], "corner": [1, 1, 1, 3], "square": [2, 2, 2, 2]}
    assert sorted(ends) == neighbours.get(name, [1, 1, 2, 2])


@pytest.mark.parametrize("n", [0, 7, -1])
def test_too_few_or_too_many_cubes_are_refused(n):
    with pytest.raises(ValueError, match="1 to 6 are allowed"):
        tetris.polycubes(n, mirrors_equal=True)
