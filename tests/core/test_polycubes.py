from itertools import combinations

import pytest
import torch
from torch import Generator

from tutorial_lib.datasets import polycubes
from tutorial_lib.representations import random_rotation
from tutorial_lib.representations.alignment import aligned_rmsd

MIRROR = torch.diag(torch.tensor([1.0, 1, -1]))


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
def test_polycubes_are_as_many_as_is_known_hang_together_and_are_centred(mirrors_equal, counts):
    shapes = [polycubes.polycubes(n, mirrors_equal=mirrors_equal) for n in range(1, 7)]
    assert [len(found) for found in shapes] == counts
    for n, found in enumerate(shapes[:5], start=1):
        for cubes in found:
            assert cubes.shape == (n, 3)
            assert hangs_together(cubes)
            assert cubes.mean(dim=0).abs().max() < 1e-6


def test_a_shape_and_its_mirror_image_are_counted_as_asked():
    one_sided = polycubes.polycubes(4, mirrors_equal=False)
    assert not any(is_same(a, b, mirrors=False) for a, b in combinations(one_sided, 2))
    assert sum(is_same(a, b, mirrors=True) for a, b in combinations(one_sided, 2)) == 1
    free = polycubes.polycubes(4, mirrors_equal=True)
    assert not any(is_same(a, b, mirrors=True) for a, b in combinations(free, 2))


def test_the_pieces_are_the_polycubes_of_four_cubes_and_only_the_screws_named_for_it_have_a_hand():
    names, pieces = polycubes.pieces()
    for cubes in polycubes.polycubes(4, mirrors_equal=False):
        assert sum(is_same(cubes, piece, mirrors=False) for piece in pieces) == 1
    handed = [n for n, x in zip(names, pieces, strict=True) if not is_same(x, x @ MIRROR, mirrors=False)]
    assert handed == ["left screw", "right screw"]
    # Along a right-handed screw the triple product of the three steps is positive.
    assert [torch.linalg.det(pieces[names.index(name)].diff(dim=0)).item() for name in handed] == pytest.approx([-1, 1])
    for equal in (True, False):
        one, other = (polycubes.polycube_of(x, mirrors_equal=equal) for x in (pieces[0], pieces[0] @ MIRROR))
        assert (one == other) == is_same(pieces[0], pieces[1], mirrors=equal) == equal


@pytest.mark.parametrize(
    ("name", "n_axes", "n_touching"),
    [
        ("line", 1, [1, 1, 2, 2]), ("square", 2, [2, 2, 2, 2]), ("L", 2, [1, 1, 2, 2]), ("T", 2, [1, 1, 1, 3]),
        ("zigzag", 2, [1, 1, 2, 2]), ("corner", 3, [1, 1, 1, 3]), ("left screw", 3, [1, 1, 2, 2]),
    ],
)  # fmt: skip
def test_names_fit_the_shapes(name, n_axes, n_touching):
    names, pieces = polycubes.pieces()
    piece = pieces[names.index(name)]
    assert torch.linalg.matrix_rank(piece).item() == n_axes
    assert sorted(torch.cdist(piece, piece).isclose(torch.tensor(1.0)).sum(dim=1).tolist()) == n_touching


def test_too_few_or_too_many_cubes_are_refused():
    for n in (0, 7, -1):
        with pytest.raises(ValueError, match="1 to 6 are allowed"):
            polycubes.polycubes(n, mirrors_equal=True)
    with pytest.raises(ValueError, match=r"points 1\.1 apart"):
        polycubes.random_trees(1, Generator(), apart=1.1)


def posed(cubes, generator):
    turn, order = random_rotation(generator, (), torch.float32), torch.randperm(len(cubes), generator=generator)
    return (cubes[order] + 0.02 * torch.randn(len(cubes), 3, generator=generator)) @ turn.mT


@pytest.mark.parametrize("mirrors_equal", [False, True])
@pytest.mark.parametrize("n", range(2, 6))
def test_a_polycube_is_recognised_in_any_pose_though_its_points_are_a_little_off(n, mirrors_equal):
    generator, shapes = Generator().manual_seed(n), polycubes.polycubes(n, mirrors_equal=mirrors_equal)
    found = [polycubes.polycube_of(cubes, mirrors_equal=mirrors_equal) for cubes in shapes]
    assert None not in found
    assert len(set(found)) == len(shapes)
    moved = [posed(cubes, generator) + 3 for cubes in shapes]
    assert [polycubes.polycube_of(cubes, mirrors_equal=mirrors_equal) for cubes in moved] == found


@pytest.mark.parametrize(
    "others",
    [[[1, 0, 0], [1, 1.3, 0]], [[1, 0, 0], [3, 0, 0], [4, 0, 0]], [[1, 0, 0], [1, 0.02, 0]], [[2, 0, 0]],
     [[1, 0, 0], [1.5, 0.87, 0]]],
    ids=["long bond", "two parts", "two in one cell", "no bond", "60 degrees"],
)  # fmt: skip
def test_points_that_are_no_polycube_are_none(others):
    assert polycubes.polycube_of(torch.zeros(0, 3), mirrors_equal=True) is None
    assert polycubes.polycube_of(torch.tensor([[0.0, 0, 0], *others]), mirrors_equal=True) is None


def test_a_census_counts_copies_lost_cubes_and_new_shapes_apart():
    generator, shapes = Generator().manual_seed(0), polycubes.polycubes(5, mirrors_equal=True)
    one, other, third, unknown = shapes[7], shapes[8], shapes[11], shapes[15]  # the first of them is left or right
    born = [posed(one, generator) @ MIRROR, posed(third, generator), posed(unknown, generator), one[:0], one * 1.5]
    born += [polycubes.polycubes(4, mirrors_equal=True)[2], polycubes.polycubes(6, mirrors_equal=True)[9]]
    counts = polycubes.census(born, [(one, other)] * 7, [one, other, third])
    kinds = ["a parent", "another known shape", "new", "fewer cubes", "more cubes", "no polycube"]
    assert counts == dict(zip(kinds, [1, 1, 1, 1, 1, 2], strict=True))
    with pytest.raises(ValueError, match="zip"):
        polycubes.census(born, [(one, other)], [one])


def test_hexacubes_are_held_out_by_free_shape_and_none_is_in_both_parts():
    train, test = polycubes.held_out(1)
    parts = [{polycubes.polycube_of(shape, mirrors_equal=True) for shape in part} for part in (train, test)]
    assert [len(part) for part in parts] == [1 + 2 + 7 + 23 + 112 - 28, 28]
    assert not parts[0] & parts[1]
    assert all(len(shape) == 6 for shape in test)
    assert {polycubes.polycube_of(shape, mirrors_equal=True) for shape in polycubes.held_out(2)[1]} != parts[1]


def test_random_trees_are_joined_by_unit_bonds_keep_apart_and_have_no_lattice():
    trees = polycubes.random_trees(40, Generator().manual_seed(0), most=5)
    assert [len(tree) for tree in trees[:8]] == [2, 3, 4, 5, 2, 3, 4, 5]
    for tree in trees:
        assert hangs_together(tree)
        assert torch.pdist(tree).min() >= 0.95 - 1e-5
        assert tree.mean(dim=0).abs().max() < 1e-5
    assert not any(polycubes.polycube_of(tree, mirrors_equal=True) for tree in trees if len(tree) > 3)


def test_shapes_with_trees_are_as_many_of_the_one_as_of_the_other():
    shapes = polycubes.polycubes(4, mirrors_equal=True)
    both = polycubes.with_trees(shapes, Generator().manual_seed(0), times=3, most=5)
    assert len(both) == 2 * 3 * len(shapes)
    assert sum(polycubes.polycube_of(cloud, mirrors_equal=True) is not None for cloud in both[: 3 * len(shapes)]) == 21
    assert max(len(tree) for tree in both[3 * len(shapes) :]) == 5
