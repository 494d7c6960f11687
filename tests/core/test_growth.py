"""Clouds that grow, codes that lead growth, and operators that change codes without decoding them."""

import pytest
import torch
from torch import Generator

from benchmarks.research import operators
from tutorial_lib import representations, training
from tutorial_lib.datasets import polycubes
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models import hierarchical
from tutorial_lib.models.equivariant import representation
from tutorial_lib.models.hierarchical import Points

DOMINO = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
NAMED = dict(zip(*polycubes.pieces(), strict=True))
SEVEN = torch.zeros(2, 7)  # no code has seven numbers


def classes(shapes):
    return {polycube_of(shape, mirrors_equal=True) for shape in shapes}


@pytest.fixture(scope="module")
def known():
    """All shapes of two to four cubes, and no other."""
    return [shape for n in (2, 3, 4) for shape in polycubes.polycubes(n, mirrors_equal=True)]


@pytest.fixture(scope="module")
def head(known):
    data = hierarchical.additions(known)
    model = hierarchical.GrowthHead(seed=0)
    recipe = training.Recipe(epochs=600, batch_size=len(data[1]), learning_rate=5e-3)
    training.train(model, data, hierarchical.growth_loss, recipe, device="cpu", progress=False)
    return model


@pytest.fixture(scope="module")
def shipped():
    return hierarchical.trained_to_grow()


def grown_by(model, clouds, n_points, seed=0, **named):
    return hierarchical.grow(model, clouds, n_points, Generator().manual_seed(seed), **named)


def test_additions_are_all_places_that_make_a_known_shape(known):
    positions, counts, places, n_places = hierarchical.additions(known)
    by_size = {n: sorted(n_places[counts == n].tolist()) for n in (1, 2, 3)}
    # A cube has six sides, a domino ten places; of the line and the corner of three, every place makes some tetracube.
    assert by_size == {1: [6], 2: [10], 3: [13, 14]}
    for shape, count, more, k in zip(positions, counts, places, n_places, strict=True):
        for place in more[:k]:
            assert polycube_of(torch.cat([shape[:count], place[None]]), mirrors_equal=True) in classes(known)


def test_what_is_not_known_is_forbidden(known):
    without_lines = [shape for shape in known if torch.linalg.matrix_rank(shape - shape[0], atol=1e-3) > 1]
    positions, counts, places, n_places = hierarchical.additions([*without_lines, known[0]])
    dumbbell = int((counts == 2).nonzero()[0])
    along = positions[dumbbell, 1] - positions[dumbbell, 0]
    middle = positions[dumbbell, :2].mean(dim=0)
    across = (places[dumbbell, : n_places[dumbbell]] - middle) @ along
    assert n_places[dumbbell] == 8
    assert (across.abs() < 0.6).all()


def test_fields_turn_with_the_cloud_and_do_not_see_what_is_far(generator):
    model = hierarchical.GrowthHead(seed=1).double()
    cloud = torch.cat([polycubes.pieces()[1][5].double(), torch.tensor([[9.0, 0, 0]]).double()])
    turn = representations.random_orthogonal(generator, (), torch.float64)
    places = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    owner = torch.randint(4, (40,), generator=generator)

    def fields(x, places):
        points = Points(x, torch.zeros(len(x), dtype=torch.long), 1)
        return model.field(model(points), places, owner)

    here = fields(cloud, places)
    assert torch.allclose(fields(cloud @ turn.mT + 1, places @ turn.mT), here, atol=1e-10)
    assert not torch.allclose(fields(cloud, places @ turn.mT), here, atol=1e-3)
    moved = cloud.clone()
    moved[-1] += 1
    assert torch.allclose(fields(moved, places), here, atol=1e-10)
    moved[1] += 0.1
    assert not torch.allclose(fields(moved, places), here, atol=1e-6)


def test_it_grows_shapes_that_were_never_shown_and_most_are_polycubes(head, known):
    grown = grown_by(head, [torch.zeros(1, 3)] * 60, 5)
    found = [polycube_of(cloud, mirrors_equal=True, within=0.2) for cloud in grown]
    good = [shape for shape in found if shape is not None and len(shape) == 5]
    assert len(good) > 40
    assert len(set(good)) > 5
    assert not set(good) & classes(known)


def test_what_was_there_stays_where_it_is(shipped):
    begin = [piece + 3 for piece in NAMED.values()]
    for before, after in zip(begin, grown_by(shipped, begin, 5), strict=True):
        assert torch.equal(after[:4], before)
    assert grown_by(shipped, begin, 4)[0] is begin[0]


def test_one_seed_grows_one_way_and_another_another(shipped):
    one, same, other = (torch.stack(grown_by(shipped, [torch.zeros(1, 3)] * 5, 4, seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_place_is_judged_by_all_who_are_near_and_one_no_is_enough(shipped):
    points = Points(DOMINO, torch.zeros(2, dtype=torch.long), 1)
    places = torch.tensor([[2.0, 0, 0], [0.5, 0, 0], [0, 1, 0], [9, 9, 9]])
    with torch.no_grad():
        mean, least = shipped.judged(shipped(points), points, places, torch.zeros(4, dtype=torch.long))
    assert least[0] > 0.5 > 0.1 > least[1]
    assert 0.1 < least[2] < 0.7  # one of a ring of four
    assert mean[3] == least[3] == 0  # nobody is near


def test_sites_of_a_square_are_its_sixteen_neighbours(shipped):
    square = NAMED["square"] + 5
    found = hierarchical.sites(shipped, [square], Generator().manual_seed(0)).places
    apart = torch.cdist(found, hierarchical.free_places(square))
    assert len(found) > 8
    assert (apart.amin(dim=1) < 0.1).all()
    assert len(apart.argmin(dim=1).unique()) == len(found)


def test_what_holds_a_piece_together_is_not_removable(shipped):
    assert hierarchical.removable(shipped, NAMED["square"]).all()
    line = NAMED["line"]
    ends = (line - line.mean(dim=0)).norm(dim=1) > 1
    assert torch.equal(hierarchical.removable(shipped, line), ends)
    assert not hierarchical.removable(shipped, line[:1]).any()


def test_an_edit_moves_one_cube_and_the_piece_stays_a_piece(shipped):
    before = list(NAMED.values())
    after = hierarchical.edited(shipped, before, 1, Generator().manual_seed(0))
    for one, other in zip(before, after, strict=True):
        assert len(one) == len(other)
        assert (torch.cdist(one, other).amin(dim=1) < 1e-5).sum() >= 3
    assert all(polycube_of(cloud, mirrors_equal=True, within=0.2) for cloud in after)
    assert hierarchical.edited(shipped, [], 1, Generator()) == []


def test_a_favoured_site_is_taken(shipped):
    def upwards(places, cloud, points):
        return 1e3 * places.detach()[:, 0] + 0 * places.sum(dim=1)

    (grown,) = grown_by(shipped, [DOMINO], 4, favour=upwards)
    assert torch.allclose(grown[2:], torch.tensor([[2.0, 0, 0], [3, 0, 0]]), atol=0.15)


def test_clouds_of_two_sizes_grow_each_to_its_own(shipped):
    begin = [torch.zeros(1, 3), polycubes.pieces()[1][0]]
    assert [len(cloud) for cloud in grown_by(shipped, begin, [3, 5])] == [3, 5]


def test_ascents_begin_about_the_points_that_are_named(generator):
    head, far = hierarchical.GrowthHead(seed=0), torch.tensor([[0.0, 0, 0], [20, 0, 0]])
    torch.nn.init.constant_(head.field.rest[-1].bias, 5.0)
    for at in (0, 1):
        found = hierarchical.sites(head, [far], generator, about=[torch.tensor([at])], starts=40).places
        assert len(found) > 0
        assert ((found - far[at]).norm(dim=1) < 2).all()


@pytest.fixture(scope="module")
def model():
    return hierarchical.trained_on_polycubes()


@pytest.fixture(scope="module")
def unseen():
    return polycubes.held_out(0)[1]


def turned(model, codes, q):
    return codes @ representation(str(model.latent_irreps), q).to(codes).mT


def test_what_a_code_says_turns_with_it(model, unseen, generator):
    codes = model.encode(unseen[:2]).detach()
    q = representations.random_orthogonal(generator, (), torch.float32)
    places, cloud = 0.8 * torch.randn(20, 3, generator=generator), torch.arange(20) % 2
    points = Points(0.8 * torch.randn(6, 3, generator=generator), torch.arange(6) % 2, 2)
    there = Points(points.positions @ q.mT, points.cloud, 2)
    favour = hierarchical.led_by(model, codes)
    here = favour(places, cloud, points)
    assert here.abs().max() > 1
    turned_favour = hierarchical.led_by(model, turned(model, codes, q))
    assert torch.allclose(turned_favour(places @ q.mT, cloud, there), here, atol=1e-3)
    assert not torch.allclose(favour(places @ q.mT, cloud, there), here, atol=1e-1)
    assert torch.allclose(hierarchical.led_by(model, codes, strength=2.0)(places, cloud, points), 2 * here)


def test_a_code_leads_to_its_own_piece_and_no_code_to_any(model, shipped, unseen):
    codes = model.encode(unseen).detach()
    shapes = [polycube_of(shape, mirrors_equal=True) for shape in unseen]
    same = {}
    for strength in (0.0, 10.0):
        made = hierarchical.guided_decode(shipped, model, codes, 6, Generator().manual_seed(0), strength=strength)
        assert all(len(cloud) == 6 for cloud in made)
        found = [polycube_of(cloud, mirrors_equal=True) for cloud in made]
        same[strength] = sum(a == b for a, b in zip(found, shapes, strict=True)) / len(shapes)
    assert same[10.0] > 0.75
    assert same[0.0] < 0.2
    nothing = torch.zeros(2, model.latent_irreps.dim)
    made = hierarchical.guided_decode(shipped, model, nothing, 4, Generator().manual_seed(0))
    assert [len(cloud) for cloud in made] == [4, 4], "a code that says nothing gives a piece, too"


def test_half_way_between_two_codes_a_led_growth_finds_a_piece_and_the_decoder_finds_none(model, shipped, unseen):
    one, other = model.encode(unseen[:14]).detach(), model.encode(unseen[14:]).detach()
    codes = (one + other) / 2 * (one.norm(dim=1) / (one + other).norm(dim=1) * 2)[:, None]
    led = hierarchical.guided_decode(shipped, model, codes, 6, Generator().manual_seed(0), strength=3.0)
    plain = model.unfold(codes)[-1].points
    assert sum(polycube_of(cloud, mirrors_equal=True) is not None for cloud in led) > 11
    shapes = [polycube_of(plain.positions[plain.cloud == k], mirrors_equal=True) for k in range(14)]
    assert sum(shape is not None and len(shape) == 6 for shape in shapes) < 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, head: hierarchical.edited(head, [DOMINO, torch.eye(3)], 1, Generator()), r"of \[2, 3\] points"),
        (lambda model, head: hierarchical.edited(head, [DOMINO[:1]], 1, Generator()), r"of \[1\] points: all"),
        (lambda model, head: grown_by(head, [torch.zeros(1, 3)] * 2, [3]), "1 numbers of points for 2 clouds"),
        (lambda model, head: grown_by(head, [torch.zeros(0, 3)], 3), "no point"),
        (lambda model, head: hierarchical.guided_decode(head, model, SEVEN, 4, Generator()), "codes must be"),
        (lambda model, head: operators.CodeOperator(model)(SEVEN, torch.zeros(2, 3)), "codes must be"),
        (lambda model, head: hierarchical.led_by(model, torch.full((1, model.latent_irreps.dim), torch.nan)), "NaN"),
    ],
)
def test_clouds_and_codes_that_do_not_fit_are_refused(model, shipped, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, shipped)


def test_an_operator_turns_with_code_and_place(generator):
    model = hierarchical.HierarchicalAutoencoder(latent_lmax=3, latent_channels=2, channels=4, seed=0).double()
    operator = operators.CodeOperator(model, channels=6).double()
    codes = torch.randn(5, model.latent_irreps.dim, generator=generator, dtype=torch.float64)
    places = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    q = representations.random_orthogonal(generator, (), torch.float64)
    here = operator(codes, places)
    assert torch.allclose(operator(turned(model, codes, q), places @ q.mT), turned(model, here, q), atol=1e-9)
    assert not torch.allclose(operator(turned(model, codes, q), places), turned(model, here, q), atol=1e-3)


def test_pairs_of_codes_are_of_a_cloud_with_and_without_one_point_and_never_tear_it(model, unseen, monkeypatch):
    encoded = []
    encode = type(model).encode
    monkeypatch.setattr(type(model), "encode", lambda self, clouds: encoded.append(clouds) or encode(self, clouds))
    without, place, whole, own = operators.pairs_of_codes(model, unseen, Generator().manual_seed(0))
    less, more = encoded
    assert without.shape == whole.shape == (28, model.latent_irreps.dim)
    for rest, cloud, at, own_at in zip(less, more, place, own, strict=True):
        again = torch.cat([rest, (rest.mean(dim=0) + at)[None]])
        assert polycube_of(again, mirrors_equal=True) == polycube_of(cloud, mirrors_equal=True)
        assert polycube_of(rest, mirrors_equal=True) is not None
        assert torch.allclose(own_at, at * (len(cloud) - 1) / len(cloud), atol=1e-5)
