import functools
from itertools import permutations

import pytest
import torch
from ase import Atoms
from torch import Generator

from tutorial_lib import inpainting, metrics
from tutorial_lib.datasets import load_amorphous
from tutorial_lib.inpainting import Draws, inpaint, places, restored_error, taken_out
from tutorial_lib.representations import gram, nearest_neighbours, random_orthogonal


@functools.cache
def motifs_of(split):
    return nearest_neighbours(load_amorphous(split)[:1]).positions


def generator(seed=0):
    return Generator().manual_seed(seed)


class Says:
    """A model that says what it was told to."""

    def __init__(self, positions, log_weight, n_atoms=8):
        self.positions, self.log_weight, self.n_atoms = positions, log_weight, n_atoms

    def complete(self, known, n_missing, n, generator):
        return Draws(self.positions, self.log_weight)


@pytest.mark.parametrize("n_missing", [1, 2, 3])
@pytest.mark.parametrize(("shell", "slots"), [("first", range(4)), ("second", range(4, 8)), ("any", range(8))])
def test_what_is_taken_out_and_what_is_left_make_the_cloud(shell, slots, n_missing):
    clouds = motifs_of("test")[:50]
    known, missing = taken_out(clouds, n_missing, shell, generator())
    for cloud, part, rest in zip(clouds, missing, known, strict=True):
        taken = [int((cloud - atom).norm(dim=1).argmin()) for atom in part]
        left = [int((cloud - atom).norm(dim=1).argmin()) for atom in rest]
        assert set(taken) <= set(slots)
        assert sorted(taken + left) == list(range(8))


def test_any_atom_may_be_missing_and_the_order_of_what_is_left_does_not_tell_which():
    # If the known atoms came nearest first, a jump in their distances would stand where the missing one was.
    clouds = motifs_of("train").repeat(4, 1, 1)
    known, missing = taken_out(clouds, 1, "any", generator())
    slot = (clouds - missing).norm(dim=2).argmin(dim=1)
    assert (slot.bincount(minlength=8) / len(slot) - 1 / 8).abs().max() < 0.03, "every atom is taken out as often"
    row_of_nearest = known.norm(dim=2).argmin(dim=1)
    for hidden in range(8):
        shares = row_of_nearest[slot == hidden].bincount(minlength=7).double()
        shares = shares / shares.sum()
        assert ((shares - 1 / 7).abs() < 0.12).all()


def test_larger_clouds_lose_the_same_atoms():
    cells = load_amorphous("test")[:1]
    eight, many = (nearest_neighbours(cells, n, 6.5) for n in (8, 24))
    assert torch.equal(eight.atom, many.atom)
    for shell in ("first", "second", "any"):
        (_, few), (rest, same) = (taken_out(found.positions, 2, shell, generator()) for found in (eight, many))
        assert inpainting.apart(few, same).max() == 0
        assert rest.shape[1] == 22


def test_many_atoms_are_paired_as_well_as_if_all_pairings_were_tried():
    five, other = (torch.randn(2, 3, 5, 3, generator=generator(seed)) for seed in (0, 1))
    costs = (five[..., :, None, :] - other[..., None, :, :]).square().sum(-1)
    best = torch.stack([costs[..., range(5), order].mean(-1) for order in permutations(range(5))]).amin(0).sqrt()
    assert torch.allclose(inpainting.apart(five, other), best)
    many = torch.randn(11, 3, generator=generator())
    assert inpainting.apart(many, many[torch.randperm(11, generator=generator())]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: taken_out(x, 1, "third", generator()), "one of"),
        (lambda x: taken_out(x, 0, "any", generator()), "between 1 and 5"),
        (lambda x: taken_out(x, 5, "first", generator()), "between 1 and 4"),
        (lambda x: taken_out(x, 6, "any", generator()), "between 1 and 5"),
        (lambda x: restored_error(x[:, None], x[:, :2]), "arrived"),
        (
            lambda x: inpainting.from_products(x[:, :5] * torch.tensor([1.0, 1, 0]), torch.ones(2, 5, 3)),
            "lie in a plane",
        ),
        (lambda x: inpainting.Library(x).find(x[:, :2], 2), "3 to 7 atoms"),
        (lambda x: inpainting.Library(x).find(x, 2), "3 to 7 atoms"),
        (lambda x: inpainting.Library(torch.cat([x, 2 * x[:, :4]], 1)).find(x[:, :3], 2), "4 to 11 atoms"),
        (lambda x: places.position_loss(n_places=0, rattle=0.1), "1 at least"),
        (lambda x: places.position_loss(n_places=8, rattle=-0.1), "pass 0 or more"),
    ],
)
def test_what_cannot_be_taken_out_compared_or_found_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(motifs_of("test")[:2])


def test_an_error_is_the_root_of_the_mean_over_atoms_and_does_not_see_which_of_two_is_which():
    missing = torch.randn(5, 3, 3, generator=generator())
    candidates = missing[:, None, [2, 0, 1]]
    assert restored_error(candidates, missing).abs().max() < 1e-6
    off = candidates + torch.tensor([0.3, 0.0, 0.4])
    torch.testing.assert_close(restored_error(off, missing), torch.full((5, 1), 0.5), atol=1e-5, rtol=0)
    missing = torch.tensor([[[0.0, 0, 0], [10.0, 0, 0]]])
    assert restored_error(torch.tensor([[[[0.0, 3, 0], [10.0, 0, 4]]]]), missing).item() == pytest.approx(12.5**0.5)


def test_the_closest_atom_may_be_known_or_the_centre_or_another_restored_one():
    known = torch.tensor([[[5.0, 0, 0]]])
    candidates = torch.tensor([[[[5.0, 1, 0], [-9, 0, 0]], [[2.0, 0, 0], [-9, 0, 0]], [[0, 8.0, 0], [0, 8, 0.5]]]])
    assert inpainting.closest(known, candidates)[0].tolist() == pytest.approx([1.0, 2.0, 0.5])


def test_the_standard_error_counts_cells():
    errors, cell = torch.tensor([1.0, 3, 5, 5, 5]), torch.tensor([0, 0, 1, 1, 1])
    mean, spread = inpainting.by_cell(errors, cell)
    assert mean == pytest.approx(3.8)
    assert spread == pytest.approx(1.5)  # means 2 and 5, their standard deviation over root two


FREE = torch.tensor([0.0, 0.0, -3.0])


def far_apart(n=7):
    known = 3 * torch.nn.functional.normalize(torch.tensor([[1.0, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]), dim=1)
    known[:, 2] += 0.5
    return torch.cat([known, 5 * torch.eye(3)[: n - 4]])[None]


def test_the_first_candidate_is_the_middle_and_the_second_speaks_for_the_others():
    near = FREE + torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [-0.1, 0, 0]])
    far = torch.tensor([[0.0, -3.5, -3.0]])
    model = Says(torch.cat([far, near])[None, :, None], torch.zeros(1, 4))
    made = inpaint(far_apart(), 1, model, 2, generator())
    torch.testing.assert_close(made.positions[0, :, 0], torch.stack([FREE, far[0]]))
    torch.testing.assert_close(made.share, torch.tensor([[0.75, 0.25]]), atol=1e-3, rtol=0)
    expected = (0.1 + 0.1 + 3.5) / 4
    assert made.expected_error[0, 0].item() == pytest.approx(expected, abs=1e-3)


def test_a_heavy_draw_comes_first():
    draws = FREE + torch.tensor([[0.0, 0, 0], [0, 2.0, 0], [0, -2.0, 0]])
    for heavy, weight in enumerate(3 * torch.eye(3)[:, None]):
        made = inpaint(far_apart(), 1, Says(draws[None, :, None], weight), 1, generator())
        torch.testing.assert_close(made.positions[0, 0, 0], draws[heavy])


def test_draws_that_clash_are_left_out():
    draws = torch.stack([far_apart()[0, 0] + 0.5, torch.tensor([0.0, 0.0, -1.0]), FREE])[None, :, None]
    made = inpaint(far_apart(), 1, Says(draws, torch.tensor([[9.0, 9.0, 0.0]])), 1, generator())
    torch.testing.assert_close(made.positions[0, 0, 0], FREE)
    # Where all clash, they are better than nothing, and ranked as ever.
    both = inpaint(far_apart(), 1, Says(draws[:, :2], torch.tensor([[0.0, 5.0]])), 2, generator())
    torch.testing.assert_close(both.positions[0, :, 0], draws[0, :2, 0].flip(0))
    assert torch.isfinite(both.share).all()
    assert torch.isfinite(both.expected_error).all()


def test_few_draws_repeat_and_unlikely_ones_still_come_in_turn():
    draws = FREE + torch.tensor([[0.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]])
    made = inpaint(far_apart(), 1, Says(draws[None, :, None], torch.tensor([[0.0, -500, -600]])), 3, generator())
    assert len(made.positions[0, :, 0].unique(dim=0)) == 3
    repeated = inpaint(far_apart(), 1, Says(draws[None, :1, None], torch.zeros(1, 1)), 5, generator())
    assert repeated.positions.shape[1] == 5


@pytest.mark.parametrize(
    ("known", "n_missing", "n_atoms", "message"),
    [
        (torch.zeros(1, 0, 3), 8, 11, r"known must be \(clouds\+, known\+, 3\)"),
        (far_apart(), 0, 7, "n_missing must be a whole number, 1 at least"),
        (far_apart(), 6, 8, "n_missing of 5 at most"),
        (far_apart(), 2, 8, "7 known and 2 missing make 9 atoms, and the model was trained on 8"),
        (far_apart()[0], 1, 8, r"shape \(7, 3\) arrived"),
        (far_apart() * float("nan"), 1, 8, "NaN"),
        (far_apart().index_fill(1, torch.tensor([0]), 0.5), 1, 8, "clash: in cloud 0, the centre and atom 0"),
        (torch.cat([far_apart(6), far_apart(6)[:, :1] + 0.3], 1), 1, 8, "atom 0 and atom 6 are 0.52 A apart"),
    ],
)
def test_bad_questions_are_answered_with_the_way_out(known, n_missing, n_atoms, message):
    model = Says(torch.zeros(1, 1, max(1, n_missing), 3), torch.zeros(1, 1), n_atoms)
    with pytest.raises(ValueError, match=message):
        inpaint(known, n_missing, model, 1, generator())
    with pytest.raises(ValueError, match="n_candidates must be a whole number, 1 at least"):
        inpaint(known, n_missing, model, 0, generator())


@pytest.mark.parametrize("n_missing", [1, 2, 3])
def test_a_library_finds_a_cloud_by_its_part_in_any_pose(n_missing):
    clouds = motifs_of("train")[:200]
    known, missing = taken_out(clouds[:10], n_missing, "any", generator())
    turn = random_orthogonal(generator(), (10,), torch.float32)
    found = inpainting.Library(clouds).find(known @ turn.mT, 4)
    assert found.item[:, 0].tolist() == list(range(10))
    assert found.rmsd[:, 0].max() < 1e-3
    assert (found.rmsd.diff(dim=1) >= 0).all()
    everyone = torch.cat([found.order, found.others], dim=2).sort(dim=2).values
    assert (everyone == torch.arange(8)).all()
    restored = clouds[found.item[:, 0, None], found.others[:, 0]] @ found.rotation[:, 0].mT
    assert restored_error(restored[:, None], missing @ turn.mT).max() < 2e-3


def test_a_library_of_large_clouds_lacks_near_atoms_only():
    clouds = nearest_neighbours(load_amorphous("train")[:1], 12, 5.0).positions[:60]
    known, _ = taken_out(clouds[:10], 1, "any", generator())
    found = inpainting.Library(clouds[:, torch.randperm(12, generator=generator())]).find(known, 20)
    assert found.item[:, 0].tolist() == list(range(10))
    library = inpainting.Library(clouds)
    found = library.find(known, 20)
    left_out = clouds[found.item[..., None], found.others].norm(dim=-1)
    assert (left_out <= clouds[found.item, 7].norm(dim=-1)[..., None] + 1e-5).all()


def test_memory_restores_what_it_has_seen_and_the_template_itself():
    clouds = motifs_of("train")[:100]
    turn = random_orthogonal(generator(), (), torch.float32)
    known, missing = (x @ turn.mT for x in taken_out(clouds[:20], 2, "any", generator()))
    memory, template = inpainting.Retrieval(clouds, sigma=0.01), inpainting.TemplateCompletion(clouds[3])
    assert restored_error(inpaint(known, 2, memory, 1, generator()).positions, missing).max() < 2e-3
    assert restored_error(inpaint(known, 2, template, 3, generator()).positions, missing)[3, 0] < 2e-3


def test_a_wide_memory_lets_more_clouds_speak():
    clouds, (known, _) = motifs_of("train"), taken_out(motifs_of("test")[:20], 1, "any", generator())
    sure, unsure = (inpaint(known, 1, inpainting.Retrieval(clouds, sigma), 1, generator()) for sigma in (0.05, 0.8))
    assert unsure.expected_error.mean() > 2 * sure.expected_error.mean()


def test_a_normal_distribution_knows_what_moves_together():
    # The last atom follows the first: the linear rule has to find it, where the mean is wrong.
    base = motifs_of("train")[3]
    moves = 0.15 * torch.randn(400, 1, 3, generator=generator())
    clouds = base.repeat(400, 1, 1)
    clouds[:, :1] += moves
    clouds[:, -1:] -= 2 * moves
    known, missing = clouds[:20, :-1], clouds[:20, -1:]
    model = inpainting.LinearGaussian(clouds[20:])
    linear = restored_error(inpaint(known, 1, model, 1, generator()).positions, missing)
    mean = restored_error(inpaint(known, 1, inpainting.TemplateCompletion(base), 1, generator()).positions, missing)
    assert linear.median() < 0.3 * mean.median()


def test_random_places_do_not_clash_and_are_nowhere_in_particular():
    known, _ = taken_out(motifs_of("test")[:10], 3, "any", generator())
    draws = inpainting.RandomPlaces().complete(known, 3, 50, generator()).positions
    assert inpainting.closest(known, draws)[:, :30].min() >= 2.1
    assert draws.norm(dim=-1).max() <= 4.05


CORNERS = 2.35 / 3**0.5 * torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def test_the_fourth_bond_of_a_tetrahedron_is_found_and_so_is_the_third():
    far = 3.9 * torch.nn.functional.normalize(torch.tensor([[1.0, 2, 0], [0, 1, -2], [-2, 0, 1], [3, 0, -1]]), dim=1)
    turn = random_orthogonal(generator(), (), torch.float32)
    known, missing = (torch.cat([far, CORNERS[1:]])[None] @ turn.mT, CORNERS[None, :1] @ turn.mT)
    draws = inpainting.FourthBond(2.35).complete(known, 1, 20, generator())
    torch.testing.assert_close(draws.positions[:, 0], missing)
    flat = torch.cat([far, torch.tensor([[2.0, 0, 0], [-1.0, 3**0.5, 0], [-1.0, -(3**0.5), 0]])])[None]
    assert torch.isfinite(inpainting.FourthBond(2.35).complete(flat, 2, 20, generator()).positions).all()


def test_an_energy_goes_downhill_and_counts_low_minima_most():
    wells = torch.tensor([[0.0, 0, 3.0], [0, 0, -3.0]])

    def energy(x):  # the lower well is the second one
        return torch.stack([(x[:, -1] - well).square().sum(1) - depth for depth, well in enumerate(wells)]).amin(0)

    known = far_apart()
    draws = inpainting.EnergyMinima(energy, kT=0.1).complete(known, 1, 20, generator())
    assert torch.cdist(draws.positions[0, :, 0], wells).amin(1).median() < 0.05
    torch.testing.assert_close(draws.positions[0, 0, 0], wells[1], atol=0.1, rtol=0)
    assert (draws.log_weight[0].diff() <= 0).all()
    beyond = inpainting.EnergyMinima(energy, kT=0.1, radius=2.5).complete(known, 1, 20, generator())
    assert beyond.log_weight.max() < -1e3, "both wells are too far out"


def test_the_energy_of_a_cluster_is_that_of_its_atoms_in_a_large_empty_cell():
    cloud = motifs_of("test")[:1]
    atoms = Atoms("Si9", torch.cat([torch.zeros(1, 3), cloud[0]]).numpy() + 15, cell=[30] * 3, pbc=True)
    atoms.calc = metrics.StillingerWeber()
    assert metrics.cluster_energy(cloud.double()).item() == pytest.approx(atoms.get_potential_energy(), rel=1e-5)


def test_the_energy_score_of_one_place_is_its_error_and_the_true_shares_have_the_best():
    places = torch.tensor([[0.0, 0, 0], [0, 0, 3.0]])[None, :, None]
    truths = places[0, torch.rand(4000, generator=generator()).gt(0.8).int()]  # the second place, one time in five

    def score(share):
        shares = torch.tensor([[1 - share, share]]).expand(4000, 2)
        made = inpainting.Completions(places.expand(4000, -1, -1, -1), shares, shares)
        return inpainting.energy_score(made, truths).mean().item()

    assert score(0.0) == pytest.approx(0.6, abs=0.05)
    assert min((0.0, 0.1, 0.2, 0.4, 1.0), key=score) == 0.2


def test_a_vector_follows_from_its_inner_products():
    known, missing = taken_out(motifs_of("test")[:30], 3, "any", generator())
    torch.testing.assert_close(inpainting.from_products(known, known @ missing.mT), missing, atol=1e-3, rtol=0)


class Breathes(torch.nn.Module):
    """A stand-in for the talk's network: its only clouds are one cloud, grown or shrunk."""

    def __init__(self, cloud, standardiser):
        super().__init__()
        self.cloud, self.standardiser = cloud, standardiser

    def encode(self, features):
        return torch.zeros(len(features), 1), torch.zeros(len(features), 1)

    def decode(self, code):
        return self.standardiser.features(gram.gram_matrix(self.cloud * (1 + 0.1 * code[..., None])))


def talk(clouds):
    standardiser = gram.Standardiser.fit(gram.gram_matrix(clouds))
    return inpainting.TalkCompletion(Breathes(clouds[3], standardiser), standardiser, beta=0.03)


@pytest.mark.parametrize("n_missing", [1, 3])
def test_the_talks_objective_finds_code_and_slots(n_missing):
    clouds, turn = motifs_of("train"), random_orthogonal(generator(), (4,), torch.float32)
    known, missing = taken_out(1.05 * clouds[3].repeat(4, 1, 1) @ turn.mT, n_missing, "any", generator())
    made = inpaint(known, n_missing, talk(clouds), 1, generator())
    assert restored_error(made.positions, missing).max() < 0.02


def drawn(code):
    """A decoder whose clouds are known: atoms move along fixed directions, and bend a little."""
    base = motifs_of("train")[3].to(code.dtype)
    directions = torch.randn(4, 8, 3, generator=generator(5)).to(code.dtype)
    bend = torch.stack([code[:, 0] * code[:, 1], code[:, 2].sin(), code[:, 3], code[:, 1]], dim=1)
    return base + 0.15 * torch.einsum("bk,kij->bij", bend, directions)


@functools.cache
def latent():
    return inpainting.LatentCompletion(drawn, 4, 8, sigma=0.02, generator=generator())


@pytest.mark.parametrize("n_missing", [1, 2])
def test_a_decoder_is_asked_for_the_code_the_pose_and_the_slots(n_missing):
    clouds = drawn(torch.randn(12, 4, generator=generator(7)))
    turn = random_orthogonal(generator(), (12,), torch.float32)
    known, missing = taken_out(clouds @ turn.mT, n_missing, "any", generator())
    draws = latent().complete(known, n_missing, 100, generator())
    assert restored_error(draws.positions[:, :1], missing).median() < 0.05


def test_the_way_down_is_the_slope_of_the_energy_and_its_prior_and_that_of_a_turn():
    codes = torch.randn(3, 4, generator=generator(7))
    known, _ = taken_out(drawn(torch.randn(3, 4, generator=generator(8))), 1, "any", generator())
    order = torch.arange(7).repeat(3, 1)
    # Wide, so that the prior counts as much as the fit.
    wide = inpainting.LatentCompletion(drawn, 4, 8, sigma=0.4, generator=generator())
    here = wide._at(codes, known, order)
    for k, move in enumerate(1e-2 * torch.eye(4)):
        up, down = (wide._at(codes + sign * move, known, order).energy for sign in (1, -1))
        torch.testing.assert_close(here.downhill[:, k], (down - up) / 2e-2, rtol=2e-2, atol=2e-2)
    fit = (known - here.cloud[:, :7]).square().sum((1, 2)) / (2 * 0.4**2)
    torch.testing.assert_close(here.energy - fit, codes.square().sum(1) / 2, rtol=1e-3, atol=1e-3)
    for axis, e in enumerate(torch.eye(3)):
        generator_of_turns = torch.linalg.cross(e.expand(3, 3), torch.eye(3)).mT  # its columns are e x each axis
        turned = here.cloud @ torch.matrix_exp(1e-3 * generator_of_turns).mT
        torch.testing.assert_close(here.slope[..., 4 + axis], (turned - here.cloud) / 1e-3, rtol=1e-2, atol=1e-2)


def test_its_draws_spread_as_far_as_the_decoder_is_uncertain():
    # A missing atom that moves on its own keeps its prior: 0.3 A along x.
    base, alone = motifs_of("train")[3], torch.zeros(8, 3)
    alone[7, 0] = 0.3
    options = {"sigma": 0.02, "generator": generator()}
    model = inpainting.LatentCompletion(lambda code: base + code[:, :1, None] * alone, 1, 8, **options)
    draws = model.complete(base[None, :7], 1, 2000, generator()).positions[0, :, 0]
    mine = draws[(draws - base[7]).norm(dim=1) < 1.5]
    assert len(mine) > 100
    spread = mine[:, 0].std().item()
    assert 0.2 < spread < 0.33  # one draw of five is the middle
    assert mine[:, 1:].std(dim=0).max() < 0.1


def test_the_best_draws_turn_with_the_question_and_forget_its_order():
    known, _ = taken_out(drawn(torch.randn(6, 4, generator=generator(7))), 1, "any", generator())
    turn = random_orthogonal(generator(), (6,), torch.float32)
    there = latent().complete(known.flip(1) @ turn.mT, 1, 50, generator()).positions[:, 0]
    here = latent().complete(known, 1, 50, generator()).positions[:, 0]
    assert ((here @ turn.mT - there).norm(dim=-1) < 0.02).double().mean() >= 0.8


@pytest.mark.parametrize(
    "method",
    [
        lambda clouds: inpainting.RandomPlaces(),
        lambda clouds: inpainting.TemplateCompletion(clouds[3]),
        lambda clouds: inpainting.LinearGaussian(clouds[3] + 0.1 * torch.randn(50, 8, 3, generator=generator())),
        inpainting.Retrieval,
        talk,
        lambda clouds: latent(),
        lambda clouds: places.trained_position_scorer(),
    ],
    ids=["random", "template", "normal", "memory", "talk", "latent", "places"],
)
def test_no_method_reads_the_order_of_what_is_known(method):
    known, _ = taken_out(motifs_of("test")[:8], 1, "any", generator())
    model = method(motifs_of("train"))
    here, there = (model.complete(some, 1, 60, generator()).positions[:, 0] for some in (known, known.flip(1)))
    assert ((here - there).norm(dim=-1) < 0.05).double().mean() >= 0.75


def test_scores_do_not_turn_and_forget_the_order():
    model = places.PositionScorer(seed=1).double()
    known, missing = (x.double() for x in taken_out(motifs_of("test")[:4], 2, "any", generator()))
    there = torch.cat([missing, 4 * torch.randn(4, 5, 3, generator=generator(), dtype=torch.float64)], dim=1)
    turn = random_orthogonal(generator(), (4,))
    score = model(known, there)
    torch.testing.assert_close(model(known.flip(1) @ turn.mT, there @ turn.mT), score, atol=1e-10, rtol=0)
    assert (model(known, there + 0.1) - score).abs().max() > 1e-3
    assert (model(known[:, :5], there) - score).abs().max() > 1e-3


@pytest.fixture(scope="module")
def shipped():
    return places.trained_position_scorer()


def test_the_shipped_scorer_beats_memory_on_a_held_out_cell_and_knows_its_errors(shipped):
    known, missing = taken_out(motifs_of("test")[::4], 1, "any", generator())
    memory = inpainting.Retrieval(nearest_neighbours(load_amorphous("train")).positions)
    made = [inpaint(known, 1, model, 20, generator()) for model in (shipped, memory)]
    ours, theirs = (restored_error(candidates.positions, missing) for candidates in made)
    assert ours[:, 0].mean() < theirs[:, 0].mean()
    assert ours.amin(1).mean() < theirs.amin(1).mean()
    assert 0.75 < made[0].expected_error[:, 0].mean() / ours[:, 0].mean() < 1.33


@pytest.mark.parametrize("n_missing", [1, 2, 3])
def test_atoms_are_placed_one_after_another(shipped, n_missing):
    known, _ = taken_out(motifs_of("test")[:3], n_missing, "any", generator())
    draws = shipped.complete(known, n_missing, 40, generator())
    assert draws.positions.shape == (3, 40, n_missing, 3)
    assert (inpainting.closest(known, draws.positions) > 2.0).double().mean() > 0.8
    again = shipped.complete(known, n_missing, 40, generator())
    torch.testing.assert_close(draws.positions, again.positions)


def test_the_loss_is_chance_before_training_and_falls_with_the_right_score():
    loss = places.position_loss(n_places=24, rattle=0.0)
    model = places.PositionScorer()
    before = loss(model, motifs_of("train")[:64], generator())["loss"]
    assert before.item() == pytest.approx(torch.tensor(25.0).log().item(), abs=0.3)

    class Knows(places.PositionScorer):
        def forward(self, known, there):
            whole = motifs_of("train")[:64]
            return -1e3 * torch.cdist(there, whole).amin(2)

    assert loss(Knows(), motifs_of("train")[:64], generator())["loss"] < 0.1


def test_only_the_nearest_atoms_are_hidden():
    hidden = []

    class Watches(places.PositionScorer):
        def forward(self, known, there):
            hidden.append(there[:, : 12 - known.shape[1]].norm(dim=2).max().item())
            return there.norm(dim=2)

    clouds = nearest_neighbours(load_amorphous("test")[:1], 12, 5.0).positions
    loss = places.position_loss(n_places=8, rattle=0.0)
    for _ in range(5):
        loss(Watches(12), clouds, generator())
    assert max(hidden) <= clouds[:, 7].norm(dim=1).max().item() + 1e-5
    assert clouds[:, 11].norm(dim=1).max() > max(hidden)
