import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from torch import Generator

from benchmarks import missing_atom as benchmark
from benchmarks.missing_atom_rivals import Turned
from tutorial_lib import representations, training
from tutorial_lib.datasets import qm9
from tutorial_lib.models import missing_atom
from tutorial_lib.models.missing_atom import AtomOutput, CartesianNetwork, MoleculeSet, network
from tutorial_lib.models.missing_atom.graphs import radial_basis
from tutorial_lib.models.missing_atom.places import PlacesOutput

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


@pytest.fixture(scope="module")
def some():
    return qm9.load("validation")[:12]


@pytest.fixture(scope="module")
def trained(some):
    """A small network after two seconds on twelve molecules: its votes differ, and they are not zero."""
    model, loss = CartesianNetwork(16, 8, 2), missing_atom.masked_atom_loss(MoleculeSet(some))
    training.train(model, torch.arange(12), loss, training.Recipe(150, 12, 0.01), device="cpu", progress=False)
    return model


def turned(atoms, q, shift=0.0):
    return Atoms(atoms.symbols, atoms.positions @ q.numpy().T + shift)


def test_a_hole_is_the_molecule_without_one_atom(some):
    holes = MoleculeSet(some).without(torch.tensor([3, 3, 7]), torch.tensor([0, 4, 2]))
    for part, (which, gone) in enumerate([(3, 0), (3, 4), (7, 2)]):
        left = some[which][[i for i in range(len(some[which])) if i != gone]]
        here = holes.molecule == part
        assert torch.allclose(holes.position[here], torch.tensor(left.positions).float())
        assert [missing_atom.ELEMENTS[i] for i in holes.element[here]] == list(left.symbols)
        assert missing_atom.ELEMENTS[holes.missing_element[part]] == some[which].symbols[gone]
        assert holes.missing_position[part].numpy() == pytest.approx(some[which].positions[gone], abs=1e-5)


def test_edges_are_the_pairs_within_the_cut_off_of_one_molecule(some):
    holes = MoleculeSet(some).without(*MoleculeSet(some).every_hole())
    distance = torch.cdist(holes.position, holes.position)
    same = holes.molecule[:, None] == holes.molecule
    near = (distance < 3.0) & same & ~torch.eye(len(distance), dtype=torch.bool)
    found = torch.zeros_like(near)
    found[holes.target, holes.source] = True
    assert torch.equal(found, near)
    assert len(holes.target) == near.sum()
    apart = holes.position[holes.source] - holes.position[holes.target]
    assert torch.allclose(holes.direction * holes.distance[:, None], apart, atol=1e-5)
    assert torch.allclose(holes.heights, radial_basis(holes.distance), atol=1e-4)
    sent = torch.randn(len(holes.target), 3, 2, generator=Generator().manual_seed(4))
    assert torch.allclose(holes.gathered(sent)[17], sent[holes.target == 17].sum(0), atol=1e-5)
    assert not torch.allclose(holes.gathered(sent)[17], sent[holes.source == 17].sum(0), atol=1e-2)


def test_bumps_vanish_at_the_cut_off_with_their_slope():
    edge = radial_basis(torch.tensor([3.0, 2.999, 1.5], dtype=torch.float64))
    assert edge[0].abs().max() < 1e-12
    assert edge[1].abs().max() < 1e-5
    assert edge[2].max() > 0.4
    assert radial_basis(torch.tensor([0.7 + 2.3 * 4 / 11])).argmax() == 4


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_voted_place_turns_and_moves_with_the_molecule(some, trained, generator, dtype):
    model, removed = CartesianNetwork(16, 8, 2).to(dtype), torch.arange(12) % 5
    model.load_state_dict(trained.state_dict())

    def placed(set_of):
        holes = MoleculeSet(set_of, dtype=dtype).without(torch.arange(12), removed)
        with torch.no_grad():
            return missing_atom.attention_pool(holes, model(holes)).position

    before = placed(some)
    rms = (before - before.mean(0)).square().sum(1).mean().sqrt()
    for q in representations.random_orthogonal(generator, (40,)):
        after = placed([turned(atoms, q, 2.0) for atoms in some])
        assert (after - (before @ q.to(dtype).mT + 2.0)).abs().max() < TOLERANCE[dtype] * rms
    assert (after - before).abs().max() > 0.1


def test_every_atom_is_asked_about_once_and_answers_depend_on_neither_their_order_nor_the_others_in_the_batch(
    some, trained
):
    asked = torch.stack(MoleculeSet(some).every_hole(), dim=1).tolist()
    assert asked == [[which, atom] for which, atoms in enumerate(some) for atom in range(len(atoms))]
    order = torch.randperm(len(some[0]), generator=Generator().manual_seed(3)).tolist()
    here, there = (
        missing_atom.answers(trained, some[0], order[2])[2],
        missing_atom.answers(trained, some[0][order], 2)[2],
    )
    assert torch.allclose(here.position, there.position, atol=1e-4)
    assert torch.allclose(here.scores, there.scores, atol=1e-4)
    together = missing_atom.results(trained, MoleculeSet(some)).error
    alone = torch.cat([missing_atom.results(trained, MoleculeSet([atoms])).error for atoms in some])
    assert torch.allclose(together, alone, atol=1e-4)
    holes, output, found = missing_atom.every_answer(trained, MoleculeSet(some))
    assert torch.allclose((found.position - holes.missing_position).norm(dim=1), together, atol=1e-4)
    assert len(holes) == len(asked) > network.BATCH
    last = holes.molecule == len(holes) - 1
    _, alone, answer = missing_atom.answers(trained, some[-1], len(some[-1]) - 1)
    assert torch.allclose(output.displacement[last], alone.displacement, atol=1e-4)
    assert torch.allclose(found.weight[last], answer.weight, atol=1e-4)


def test_the_sure_ones_decide():
    holes = MoleculeSet([molecule("H2O")]).without(torch.tensor([0]), torch.tensor([0]))
    displacement = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    scores = torch.eye(2, 5)
    found = missing_atom.attention_pool(holes, AtomOutput(scores, displacement, torch.tensor([0.0, 30.0])))
    assert torch.allclose(found.position[0], holes.position[1] + displacement[1], atol=1e-5)
    assert found.scores[0].argmax() == 1
    level = missing_atom.attention_pool(holes, AtomOutput(scores, displacement, torch.tensor([500.0, 500.0])))
    assert torch.allclose(level.position[0], (holes.position + displacement).mean(0), atol=1e-5)
    assert torch.allclose(level.weight, torch.tensor([0.5, 0.5]))


def test_one_place_of_many_is_the_vote_and_its_surprise_the_squared_distance(some):
    holes = MoleculeSet(some).without(torch.arange(12), torch.arange(12) % 5)
    output = missing_atom.ManyPlaces(1, width=16, n_vectors=8, n_layers=2)(holes)
    vote = AtomOutput(output.scores, output.displacement[:, 0], output.confidence[:, 0])
    voted, found = missing_atom.attention_pool(holes, vote), missing_atom.likeliest(holes, output)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(voted, found, strict=True))
    square = (voted.position - holes.missing_position).square().sum(dim=1).mean()
    assert torch.allclose(missing_atom.places_terms(holes, output)["surprise"], square / 0.18)


def test_of_several_places_the_nearest_counts_and_the_likeliest_is_the_answer():
    holes = MoleculeSet([molecule("H2O")]).without(torch.tensor([0]), torch.tensor([1]))
    to_truth = holes.missing_position - holes.position
    displacement = torch.stack([to_truth, to_truth + torch.tensor([2.0, 0, 0])], dim=1)
    confidence = torch.tensor([[0.0, 800.0], [-1.0, 800.0]]) + torch.tensor([799.0, 0.0])  # shares 1 and 2, nearly
    output = PlacesOutput(torch.zeros(2, 5), displacement, confidence)
    found = missing_atom.pool_places(holes, output)
    assert torch.allclose(found.position[0, 0], holes.missing_position[0], atol=1e-5)
    weights = torch.tensor([[1.0, torch.e], [1 / torch.e, torch.e]])
    probability = weights.sum(0) / weights.sum()
    assert torch.allclose(found.log_probability[0].exp(), probability, atol=1e-4)
    assert torch.allclose(found.weight, weights / weights.sum(), atol=1e-4)
    answer = missing_atom.likeliest(holes, output)
    assert torch.allclose(answer.position, holes.missing_position + torch.tensor([2.0, 0, 0]), atol=1e-4)
    surprise = missing_atom.places_terms(holes, output)["surprise"]
    assert torch.allclose(surprise, -probability[0].log(), atol=1e-3)


def test_places_turn_with_the_molecule_and_every_weight_of_them_learns(some, generator):
    model = missing_atom.ManyPlaces(3, width=16, n_vectors=8, n_layers=2)
    q, removed = representations.random_orthogonal(generator).float(), torch.zeros(12, dtype=torch.int64)
    before, after = (
        missing_atom.pool_places(holes, model(holes))
        for holes in (
            MoleculeSet(which).without(torch.arange(12), removed)
            for which in (some, [turned(atoms, q.double(), 1.0) for atoms in some])
        )
    )
    assert torch.allclose(before.position @ q.mT + 1, after.position, atol=1e-4)
    assert torch.allclose(before.log_probability, after.log_probability, atol=1e-4)
    loss = missing_atom.masked_atom_loss(MoleculeSet(some), missing_atom.places_terms)
    terms = loss(model, torch.arange(12), generator)
    terms["loss"].backward()
    assert terms["loss"].item() == pytest.approx(terms["surprise"].item() + terms["cross-entropy"].item(), rel=1e-5)
    assert [name for name, w in model.named_parameters() if w.grad is None or w.grad.abs().max() == 0] == []


def test_a_result_counts_only_if_place_and_element_are_right():
    right = torch.tensor([True, False, True, True])
    found = missing_atom.Results(torch.tensor([0.1, 0.1, 0.9, 0.5]), right, torch.zeros(4).long())
    assert found.accuracy == 0.5
    assert found.mae == pytest.approx(0.4)


def test_every_weight_learns_and_the_answer_is_put_back(some, trained):
    fresh = CartesianNetwork(16, 8, 2)
    before = missing_atom.results(fresh, MoleculeSet(some))
    loss = missing_atom.masked_atom_loss(MoleculeSet(some))(fresh, torch.arange(12), Generator().manual_seed(5))["loss"]
    loss.backward()  # no weight waits for vectors that nobody has
    assert [name for name, w in fresh.named_parameters() if w.grad is None or w.grad.abs().max() == 0] == []
    after = missing_atom.results(trained, MoleculeSet(some))
    assert after.mae < 0.5 * before.mae
    assert after.accuracy > before.accuracy + 0.3
    back = missing_atom.guess(trained, some[0], 1)
    assert len(back) == len(some[0])
    _, _, found = missing_atom.answers(trained, some[0], 1)
    assert back.positions[-1] == pytest.approx(found.position[0].numpy(), abs=1e-5)
    assert np.allclose(np.delete(some[0].positions, 1, axis=0), back.positions[:-1])


def test_the_loss_takes_out_every_atom_in_the_end(some):
    class Spy(torch.nn.Module):
        def forward(self, holes):
            taken.update({tuple(x.tolist()) for x in holes.missing_position})
            n = len(holes.element)
            return AtomOutput(torch.zeros(n, 5), torch.zeros(n, 3), torch.zeros(n))

    taken: set = set()
    loss, generator = missing_atom.masked_atom_loss(MoleculeSet(some[:2])), Generator().manual_seed(0)
    for _ in range(200):
        loss(Spy(), torch.tensor([0, 1]), generator)
    assert len(taken) == len(some[0]) + len(some[1])


@pytest.mark.parametrize("name", benchmark.NETWORKS)
def test_a_rival_has_the_symmetry_that_its_name_says_and_the_size_of_ours(some, generator, name):
    model, q = benchmark.network(name, 0), representations.random_orthogonal(generator)
    moved, removed = [turned(atoms, q, 1.0) for atoms in some], torch.zeros(12, dtype=torch.int64)
    before, after = (benchmark.placed(model, which, removed, torch.float32) for which in (some, moved))
    error = (after - (before @ q.float().mT + 1.0)).abs().max()
    assert (error > 0.01) if "no symmetry" in name else (error < 1e-4)
    sizes = [sum(w.numel() for w in benchmark.network(which, 0).parameters()) for which in (name, benchmark.OURS)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_a_rival_that_is_asked_in_random_poses_answers_in_the_pose_of_the_question(some, generator):
    class Away(torch.nn.Module):
        """Points away from all neighbours, so it is equivariant, whatever the pose."""

        def forward(self, holes):
            n = len(holes.element)
            push = torch.zeros(n, 3).index_add(0, holes.target, -holes.direction)
            return AtomOutput(torch.zeros(n, 5), push, torch.zeros(n))

    holes = MoleculeSet(some).without(torch.arange(12), torch.zeros(12, dtype=torch.int64))
    plain, asked = Away()(holes), Turned(Away())(holes)
    assert torch.allclose(plain.displacement, asked.displacement, atol=1e-5)
    fixed = benchmark.network("no symmetry", 0)
    assert not torch.allclose(fixed(holes).displacement, Turned(fixed)(holes).displacement, atol=1e-3)


def test_the_nearest_atom_of_a_hydrogen_is_the_one_that_it_is_bonded_to(some):
    known = MoleculeSet([molecule("CH3OH"), molecule("H2CO"), molecule("NH3")])
    nearest = missing_atom.nearest_elements(known)
    partners = [missing_atom.ELEMENTS[nearest[i]] for i in (known.element == 0).nonzero()[:, 0]]
    assert sorted(partners) == ["C"] * 5 + ["N"] * 3 + ["O"]
    lonely = MoleculeSet([Atoms("H2", [[0, 0, 0], [0, 0, 9]])])
    assert missing_atom.nearest_elements(lonely).tolist() == [-1, -1]


def test_nothing_jumps_when_an_atom_crosses_the_cut_off_and_an_atom_may_see_nobody(trained):
    def placed(apart):
        atoms = Atoms("HCOC", [[0, 0, -1.1], [0, 0, 0], [0, 1.2, 0.3], [0, 0, apart]])
        return missing_atom.answers(trained, atoms, 0)[2].position

    with torch.no_grad():
        inside, outside, elsewhere = placed(2.9999), placed(3.0001), placed(2.0)
    assert (inside - outside).abs().max() < 1e-3
    assert (inside - elsewhere).abs().max() > 1e-2
    holes, _, found = missing_atom.answers(trained, molecule("N2"), 0)
    assert (len(holes.element), len(holes.target)) == (1, 0)
    assert torch.isfinite(found.position).all()


@pytest.mark.parametrize(
    ("molecules_", "message"),
    [
        ([], "n_molecules must be a whole number, 1 at least"),
        ([Atoms("C")], "somebody must be left to vote"),
        ([molecule("H2O"), molecule("SiH4")], r"molecule 1 .* holds Si: the known elements are H, C, N, O, F"),
        ([Atoms("CO", [[0, 0, 0], [0, 0, 0.1]])], "0.10 A apart"),
        ([Atoms("CO", [[0, 0, 0], [0, 0, np.nan]])], "no numbers"),
    ],
)
def test_bad_molecules_are_named_and_an_atom_that_is_not_there_cannot_be_taken_out(molecules_, message):
    with pytest.raises(ValueError, match=message):
        MoleculeSet(molecules_)
    for removed in (-1, 3):
        with pytest.raises(IndexError, match="count from 0"):
            MoleculeSet([molecule("H2O")]).without(torch.tensor([0]), torch.tensor([removed]))
