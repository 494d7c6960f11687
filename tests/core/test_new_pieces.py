"""What the benchmark of new pieces counts: nothing that is old, lost or torn may pass as new."""

import pytest
import torch

from benchmarks import led_pieces, new_pieces
from tutorial_lib.datasets import polycubes
from tutorial_lib.models import hierarchical

LINE = torch.tensor([[float(n), 0, 0] for n in range(6)])


@pytest.fixture(scope="module")
def halves():
    return new_pieces.split(2)


def test_a_third_of_the_larger_shapes_is_left_out_and_none_of_it_is_known(halves):
    known, left_out = halves
    classes = {new_pieces.class_of(shape) for shape in known}
    assert {n: len(left) for n, left in left_out.items()} == {2: 0, 3: 0, 4: 0, 5: 7, 6: 37}
    assert not classes & set().union(*left_out.values())
    assert len(classes) == len(known) == 1 + 2 + 7 + 23 + 112 - 44


def test_copies_mirror_images_losses_and_strays_are_not_new(halves, generator):
    known, left_out = halves
    classes = {new_pieces.class_of(shape) for shape in known}
    new = torch.tensor(sorted(next(iter(left_out[6]))), dtype=torch.get_default_dtype())
    old = next(shape for shape in known if len(shape) == 6)
    two_new = [new, -new.flip(0) + 3]
    far = LINE.clone()
    far[-1] += 2
    found = new_pieces.census([*two_new, old, -old, LINE[:5], far], 6, classes, left_out[6])
    assert found["new"] == pytest.approx(2 / 6)
    assert found["reached"] == 1
    assert found["in training"] == pytest.approx(2 / 6)
    assert found["smaller"] == found["invalid"] == pytest.approx(1 / 6)


def test_the_true_rule_grows_polycubes_and_unit_bonds_do_not():
    head = hierarchical.GrowthHead()
    for grower, share in (("the true rule", 1.0), ("unit bonds", 0.0)):
        clouds = new_pieces.drawn(grower, head, 5, 30)
        assert [len(cloud) for cloud in clouds] == [5] * 30
        valid = [new_pieces.class_of(cloud) is not None for cloud in clouds]
        assert sum(valid) / 30 == pytest.approx(share, abs=0.1)


def test_half_way_codes_are_as_long_as_codes_and_their_parents_stand_about_the_middle(generator):
    model = hierarchical.trained_on_polycubes()
    shapes = polycubes.held_out(0)[1]
    one, other, codes = led_pieces.half_way(model, shapes, 4, generator)
    first = led_pieces.in_parts(model.encode, one, 3)
    assert torch.allclose(codes.norm(dim=1), first.norm(dim=1))
    assert all(cloud.mean(dim=0).norm() < 1e-5 for cloud in (*one, *other))
    assert torch.allclose(first, model.encode(one).detach(), atol=1e-5)


def test_the_overlap_is_that_of_places_and_not_of_shapes():
    moved = LINE + torch.tensor([2.0, 0, 0])
    assert led_pieces.overlap([LINE], [LINE.flip(0)]) == 1
    assert led_pieces.overlap([LINE], [moved]) == pytest.approx(4 / 6)
    assert led_pieces.overlap([torch.zeros(0, 3)], [LINE]) == 0
