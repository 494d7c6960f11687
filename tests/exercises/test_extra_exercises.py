"""Exercises that are in no notebook: their pages ask and answer, and their judges know the tempting mistakes."""

import math
import re
from pathlib import Path

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from tutorial_lib.exercises import extra, grader
from tutorial_lib.exercises.extra import (
    flow_matching,
    found_levels,
    gram_vae,
    hamiltonians,
    hierarchical_autoencoder,
    inpainting,
    invariance,
    missing_atom,
    synchronisation,
    tetris,
)

TOP = Path(__file__).parent.parent.parent
PAGES = {path.stem[:2]: path for path in sorted((TOP / "docs" / "teaching").glob("[0-9][0-9]_*.md"))}
PARTS = (grader, invariance, hierarchical_autoencoder, inpainting, flow_matching, missing_atom, hamiltonians)
PARTS += (found_levels, gram_vae, synchronisation, tetris)
HINTS = {name: text for part in PARTS for name, text in part.HINTS.items()}
CHECKS = {name.removeprefix("check_").replace("_", "."): getattr(extra, name) for name in extra.__all__}


def householder(x, normal):
    n = normal / normal.norm()
    return x @ (torch.eye(3, dtype=x.dtype) - 2 * torch.outer(n, n))


def unit(normal):
    return normal / normal.norm()


def by_roots(g):
    length = g.diagonal().sqrt()
    return g / torch.outer(length, length)


def by_unit_vectors(g):
    values, vectors = torch.linalg.eigh(g)
    x = torch.nn.functional.normalize(vectors * values.clamp(min=0).sqrt(), dim=1)
    return x @ x.mT


def nearest_orthogonal(matrix, mirrors=False):
    u, _, vt = torch.linalg.svd(matrix)
    if not mirrors:
        u = torch.cat([u[:, :2], u[:, 2:] * torch.linalg.det(u @ vt)], dim=1)
    return u @ vt


def flipped(matrix, which):
    u, _, vt = torch.linalg.svd(matrix)
    signs = torch.ones(3, dtype=u.dtype)
    signs[which] = torch.linalg.det(u @ vt)
    return u * signs @ vt


def by_quaternions(turns):
    found = torch.from_numpy(Rotation.from_matrix(turns.numpy()).mean().as_matrix())
    return found.to(turns)


def cross_matrix(w):
    return torch.linalg.cross(w.expand(3, 3), torch.eye(3, dtype=w.dtype)).mT


def by_search(turns):
    """The best of four searches downhill, from four rotations that are far from each other."""
    ends = []
    for start in torch.tensor([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2.0]], dtype=turns.dtype):
        w = start.clone().requires_grad_()
        optimiser = torch.optim.LBFGS([w], max_iter=200, tolerance_change=1e-16, line_search_fn="strong_wolfe")

        def misfit(w=w, optimiser=optimiser):
            optimiser.zero_grad()
            off = (torch.linalg.matrix_exp(cross_matrix(w)) - turns).square().sum()
            off.backward()
            return off

        optimiser.step(misfit)
        ends.append(torch.linalg.matrix_exp(cross_matrix(w.detach())))
    return min(ends, key=lambda end: (end - turns).square().sum())


def one_after_another(matrix):
    q, r = torch.linalg.qr(matrix)
    return q * r.diagonal().sign()


def degrees(cosine):
    return torch.rad2deg(cosine.clamp(-1, 1).acos())


def antisymmetric(q):
    return torch.stack([q[2, 1] - q[1, 2], q[0, 2] - q[2, 0], q[1, 0] - q[0, 1]])


def stays(q):
    values, vectors = torch.linalg.eig(q)
    return unit(vectors[:, (values - 1).abs().argmin()].real)


def by_what_stays(q):
    return stays(q) * (stays(q) @ antisymmetric(q)).sign()


def by_rotation_vector(q):
    return unit(q.new_tensor(Rotation.from_matrix(q.numpy()).as_rotvec()))


def across_x(q):
    return unit(torch.linalg.cross(torch.eye(3, dtype=q.dtype)[0], q[:, 0]))


def pairs_of(x):
    return torch.triu_indices(len(x), len(x), offset=1)


def half_way(x, reach, keep=lambda d, reach: d.norm(dim=1) < reach):
    i, j = pairs_of(x)
    return (x[i] + x[j])[keep(x[i] - x[j], reach)] / 2


def half_way_by_loops(x, reach):
    found = [(a + b) / 2 for i, a in enumerate(x) for b in x[:i] if (a - b).norm() < reach]
    return torch.stack(found) if found else x[:0]


def nearest_only(x, reach):
    i, j = pairs_of(x)
    apart = torch.cdist(x, x).fill_diagonal_(torch.inf)
    nearest = apart.argmin(dim=1)
    return ((x[i] + x[j]) / 2)[((nearest[i] == j) | (nearest[j] == i)) & (apart[i, j] < reach)]


def both_ways(x, reach, least=0.0):
    apart = torch.cdist(x, x)
    return ((x[:, None] + x) / 2)[(apart < reach) & (apart > least)]


def sorted_off(one, other):
    return one.sort().values - other.sort().values


def by_assignment(one, other):
    apart = (one[:, None] - other).abs()
    return apart[linear_sum_assignment(apart.detach())].mean()


def on_axis(oxygen, other, length):
    return oxygen + length * unit(other - oxygen)


def cos(angle):
    return math.cos(math.radians(angle))


def sin(angle):
    return math.sin(math.radians(angle))


def by_many_places(oxygen, other, bond, angle):
    axis = unit(other - oxygen)
    across = unit(torch.linalg.cross(axis, axis.roll(1)))
    turns = torch.linspace(0, 2 * torch.pi, 13, dtype=axis.dtype)[:-1, None]
    ring = turns.cos() * across + turns.sin() * torch.linalg.cross(axis, across)
    return (oxygen + bond * (cos(angle) * axis + sin(angle) * ring)).mean(dim=0)


def summed(x, point, cluster, n):
    return x.new_zeros(n, 3).index_add(0, cluster, x[point])


def sizes(cluster, n):
    return torch.bincount(cluster, minlength=n)[:, None]


def by_last(x, point, cluster, n):
    made = x.new_zeros(n, 3)
    for p, c in zip(point.tolist(), cluster.tolist(), strict=True):
        made[c] = x[p]
    return made


def by_owner(x, point, cluster, n, last=False):
    owner = {}
    for p, c in zip(point.tolist(), cluster.tolist(), strict=True):
        owner[p] = c if last else owner.get(p, c)
    points, owners = torch.tensor(list(owner)), torch.tensor(list(owner.values()))
    return summed(x, points, owners, n) / sizes(owners, n).clamp(min=1)


def in_parts(x, point, cluster, n):
    weight = 1 / torch.bincount(point)[point].to(x)
    return (
        x.new_zeros(n, 3).index_add(0, cluster, weight[:, None] * x[point])
        / x.new_zeros(n).index_add(0, cluster, weight)[:, None]
    )


def in_single_precision(oxygen, other, bond, angle):
    return on_axis(oxygen, other, bond * torch.deg2rad(torch.tensor(angle)).cos())


def geometric_median(draws):
    middle = draws.mean(dim=0)
    for _ in range(500):
        weights = 1 / (draws - middle).norm(dim=1, keepdim=True).clamp(min=1e-12)
        middle = (weights * draws).sum(dim=0) / weights.sum()
    return middle


def both_nearest(apart):
    return (apart.amin(dim=0).mean() + apart.amin(dim=1).mean()) / 2


def greedy(one, other):
    left, ways = other.tolist(), []
    for number in one.tolist():
        nearest = min(left, key=lambda place: abs(place - number))
        ways.append(abs(left.pop(left.index(nearest)) - number))
    return one.new_tensor(ways).mean()


def lonely(draws):
    return torch.cdist(draws, draws).fill_diagonal_(torch.inf).amin(dim=1)


RIGHT = {
    "1.s": [householder, lambda x, n: x - 2 * torch.outer(x @ unit(n), unit(n))],
    "2.s": [by_roots, by_unit_vectors],
    "3.s": [lambda turns: nearest_orthogonal(turns.mean(dim=0)), by_quaternions, by_search],
    "4.s": [lambda q: unit(antisymmetric(q)), by_what_stays, by_rotation_vector],
    "5.s": [half_way, half_way_by_loops],
    "6.s": [
        lambda draws: draws[torch.cdist(draws, draws).sum(dim=1).argmin()],
        lambda draws: min(draws, key=lambda one: (draws - one).norm(dim=1).mean()).clone(),
    ],
    "7.s": [lambda one, other: sorted_off(one, other).abs().mean(), by_assignment],
    "8.s": [lambda o, x, bond, angle: on_axis(o, x, bond * cos(angle)), by_many_places, in_single_precision],
    "9.s": [
        lambda c, n: 2 * c[:, :n] @ c[:, :n].mT,
        lambda c, n: 2 * sum(torch.outer(c[:, i], c[:, i]) for i in range(n)),
    ],
    "10.s": [
        lambda x, point, cluster, n: summed(x, point, cluster, n) / sizes(cluster, n),
        lambda x, point, cluster, n: torch.stack([x[point[cluster == k]].mean(dim=0) for k in range(n)]),
    ],
}
WRONG = {
    "1.s": [
        (lambda x, n: x - 2 * torch.outer(x @ n, n), "1.s length"),
        (lambda x, n: x - torch.outer(x @ unit(n), unit(n)), "1.s shadow"),
        (lambda x, n: 2 * torch.outer(x @ unit(n), unit(n)) - x, "1.s turned"),
        (lambda x, n: x * torch.tensor([1, 1, -1]), "1.s axis"),
        (lambda x, n: -x, "1.s inverted"),
        (lambda x, n: x - 2 * torch.outer((x - x.mean(0)) @ unit(n), unit(n)), "1.s centroid"),
        (lambda x, n: x + 0, "1.s same"),
        (lambda x, n: x - 2 * n, "1.s other"),
    ],
    "2.s": [
        (lambda g: g + 0, "2.s products"),
        (lambda g: g / g.diagonal().sqrt(), "2.s one length"),
        (lambda g: g / g.diagonal().sqrt()[:, None], "2.s one length"),
        (lambda g: g / torch.outer(g.diagonal(), g.diagonal()), "2.s squares"),
        (lambda g: g / g.norm(), "2.s whole"),
        (lambda g: g / g.max(), "2.s whole"),
        (lambda g: g / g.trace(), "2.s whole"),
        (lambda g: by_roots(g).clamp(-1, 1).acos(), "2.s angles"),
        (lambda g: degrees(by_roots(g)), "2.s angles"),
        (lambda g: by_roots(g).abs(), "2.s sign"),
        (lambda g: by_roots(g).fill_diagonal_(0), "2.s diagonal"),
        (lambda g: by_roots(g) / 2, "2.s other"),
    ],
    "3.s": [
        (lambda turns: turns.mean(dim=0), "3.s mean"),
        (lambda turns: nearest_orthogonal(turns.mean(dim=0), mirrors=True), "3.s mirror"),
        (lambda turns: flipped(turns.mean(dim=0), [0]), "3.s flip"),
        (lambda turns: flipped(turns.mean(dim=0), [1]), "3.s flip"),
        (lambda turns: flipped(turns.mean(dim=0), [0, 1, 2]), "3.s flip"),
        (lambda turns: 0.9 * turns.mean(dim=0), "3.s orthogonal"),
        (lambda turns: turns.sum(dim=0), "3.s orthogonal"),
        (lambda turns: nearest_orthogonal(turns.mean(dim=0)) * torch.tensor([1, 1, -1]), "3.s mirror"),
        (lambda turns: nearest_orthogonal(turns.mean(dim=0)).mT, "3.s inverse"),
        (lambda turns: one_after_another(turns.mean(dim=0)), "3.s rows"),
        (lambda turns: one_after_another(turns.mean(dim=0).mT).mT, "3.s rows"),
        (lambda turns: turns[0].clone(), "3.s first"),
        (lambda turns: torch.nn.functional.normalize(turns.mean(dim=0), dim=1), "3.s scaled"),
        (lambda turns: turns[0] @ turns[1] @ turns[2], "3.s other"),
    ],
    "4.s": [
        (lambda q: unit(antisymmetric(q.mT)), "4.s sign"),
        (lambda q: stays(q) * stays(q)[0].sign(), "4.s hand"),
        (antisymmetric, "4.s length"),
        (lambda q: torch.tensor(Rotation.from_matrix(q.numpy()).as_rotvec()), "4.s length"),
        (lambda q: unit(antisymmetric(q)).flip(0), "4.s order"),
        (lambda q: unit(antisymmetric(q)) * torch.tensor([1, -1, 1]), "4.s middle"),
        (lambda q: unit(antisymmetric(q)) * torch.tensor([-1, 1, 1]), "4.s signs"),
        (lambda q: unit(antisymmetric(q)) * torch.tensor([1, -1, -1]), "4.s signs"),
        (lambda q: unit(antisymmetric(q)).abs(), "4.s unsigned"),
        (lambda q: unit(antisymmetric(q)).roll(1), "4.s order"),
        (across_x, "4.s one vector"),
        (lambda q: unit(q.diagonal()), "4.s other"),
    ],
    "5.s": [
        (both_ways, "5.s twice"),
        (lambda x, reach: both_ways(x, reach, -1), "5.s self"),
        (lambda x, reach: 2 * half_way(x, reach), "5.s sum"),
        (lambda x, reach: half_way(x, torch.inf), "5.s all"),
        (lambda x, reach: half_way(x, reach, lambda d, reach: d.abs().amax(dim=1) < reach), "5.s box"),
        (nearest_only, "5.s torn"),
        (lambda x, reach: half_way(x, reach).unique(dim=0), "5.s merged"),
        (lambda x, reach: half_way(x, reach) + 1, "5.s other"),
        (lambda x, reach: torch.stack(list(half_way(x, reach))), "raises"),
        (lambda x, reach: half_way(x, reach)[:, :2], "shape"),
    ],
    "6.s": [
        (lambda draws: draws.mean(dim=0), "6.s mean"),
        (lambda draws: draws[torch.cdist(draws, draws).square().sum(dim=1).argmin()], "6.s squares"),
        (lambda draws: draws[lonely(draws).argmin()], "6.s densest"),
        (lambda draws: draws[torch.cdist(draws, draws).sum(dim=1).argmax()], "6.s outer"),
        (lambda draws: draws[0].clone(), "6.s first"),
        (lambda draws: draws[draws.norm(dim=1).argmin()], "6.s length"),
        (lambda draws: draws.median(dim=0).values, "6.s axes"),
        (lambda draws: draws[-1].clone(), "6.s other"),
        (lambda draws: draws[(-torch.cdist(draws, draws).square()).exp().sum(dim=1).argmax()], "6.s other"),
        (lambda draws: draws[(draws - geometric_median(draws)).norm(dim=1).argmin()], "6.s other"),
        (lambda draws: geometric_median(draws), "6.s none"),
    ],
    "7.s": [
        (lambda one, other: (one - other).abs().mean(), "7.s order"),
        (lambda one, other: (one.mean() - other.mean()).abs(), "7.s mean"),
        (lambda one, other: sorted_off(one, other).sum() / len(one), "7.s signed"),
        (lambda one, other: sorted_off(one, other).square().mean().sqrt(), "7.s square"),
        (lambda one, other: sorted_off(one, other).square().mean(), "7.s square"),
        (lambda one, other: sorted_off(one, other).abs().max(), "7.s largest"),
        (lambda one, other: sorted_off(one, other).abs().sum(), "7.s sum"),
        (lambda one, other: (one[:, None] - other).abs().amin(dim=1).mean(), "7.s nearest"),
        (lambda one, other: (one[:, None] - other).abs().amin(dim=0).mean(), "7.s nearest"),
        (lambda one, other: both_nearest((one[:, None] - other).abs()), "7.s nearest"),
        (greedy, "7.s greedy"),
        (lambda one, other: (one.median() - other.median()).abs(), "7.s other"),
    ],
    "8.s": [
        (lambda o, x, bond, angle: on_axis(o, x, -bond * cos(angle)), "8.s sign"),
        (lambda o, x, bond, angle: on_axis(o, x, bond * sin(angle)), "8.s sine"),
        (lambda o, x, bond, angle: on_axis(o, x, -bond * sin(angle)), "8.s sine"),
        (lambda o, x, bond, angle: on_axis(o, x, bond * math.cos(angle)), "8.s degrees"),
        (lambda o, x, bond, angle: on_axis(o, x, bond * torch.tensor(angle).cos()), "8.s degrees"),
        (lambda o, x, bond, angle: o + bond * cos(angle) * (x - o), "8.s unit"),
        (lambda o, x, bond, angle: on_axis(x, o, bond * cos(angle)), "8.s other end"),
        (lambda o, x, bond, angle: on_axis(x, o, -bond * cos(angle)), "8.s other end"),
        (lambda o, x, bond, angle: on_axis(o, x, bond * cos(angle)) - o, "8.s origin"),
        (lambda o, x, bond, angle: on_axis(o, x, cos(angle)), "8.s bond"),
        (lambda o, x, bond, angle: o + bond * cos(angle) * unit(x), "8.s off axis"),
        (lambda o, x, bond, angle: on_axis(o, x, bond), "8.s other"),
    ],
    "9.s": [
        (lambda c, n: c[:, :n] @ c[:, :n].mT, "9.s one"),
        (lambda c, n: 2 * c[:n].mT @ c[:n], "9.s rows"),
        (lambda c, n: 2 * c @ c.mT, "9.s all"),
        (lambda c, n: 2 * c[:, -n:] @ c[:, -n:].mT, "9.s highest"),
        (lambda c, n: 2 * c.mT @ c, "9.s inner"),
        (lambda c, n: 2 * c[:, :n].square().sum(dim=1).diag(), "9.s diagonal"),
        (lambda c, n: 2 * torch.outer(c[:, :n].sum(dim=1), c[:, :n].sum(dim=1)), "9.s sum"),
        (lambda c, n: 4 * c[:, :n] @ c[:, :n].mT, "9.s other"),
        (lambda c, n: 2 * c[:, :n].mT @ c[:, :n], "shape"),
    ],
    "10.s": [
        (summed, "10.s sum"),
        (lambda x, point, cluster, n: summed(x, point, cluster, n) / len(x), "10.s all"),
        (lambda x, point, cluster, n: summed(x, point, cluster, n) / len(point), "10.s all"),
        (by_last, "10.s last"),
        (by_owner, "10.s once"),
        (lambda *inputs: by_owner(*inputs, last=True), "10.s once"),
        (in_parts, "10.s once"),
        (lambda x, point, cluster, n: summed(x, cluster, cluster, n) / sizes(cluster, n), "10.s pairs"),
        (lambda x, point, cluster, n: summed(x, point, cluster, n) / sizes(cluster, n) + 1, "10.s other"),
    ],
}


def section(number):
    """What a page says of its extra exercise."""
    return PAGES[number.split(".")[0].zfill(2)].read_text(encoding="utf-8").split("## An extra exercise\n")[1]


def run(source):
    names = {"torch": torch}
    exec(compile(source, "a page of docs/teaching", "exec"), names)
    return names


@pytest.mark.parametrize("number", CHECKS)
def test_a_tempting_wrong_answer_meets_the_hint_written_for_it(number):
    for answer, hint in WRONG[number]:
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("wrong", HINTS[hint]), (hint, verdict)


@pytest.mark.parametrize("number", CHECKS)
def test_right_answers_written_differently_are_accepted(number):
    for answer in RIGHT[number]:
        verdict = CHECKS[number](answer)
        assert verdict.state == "right", verdict


def test_every_exercise_has_four_wrong_and_two_right_answers_and_every_hint_is_met():
    assert set(CHECKS) == set(RIGHT) == set(WRONG)
    assert all(len(answers) >= 2 for answers in RIGHT.values())
    assert all(len({hint for _, hint in answers if hint[0].isdigit()}) >= 4 for answers in WRONG.values())
    assert {hint for answers in WRONG.values() for _, hint in answers} >= set(HINTS) - set(grader.HINTS)


@pytest.mark.parametrize("number", CHECKS)
def test_a_page_asks_with_a_stub_and_answers(number):
    stub, answer = re.findall(r"```python\n(.*?)```", section(number), flags=re.DOTALL)
    name = re.search(r"^def (\w+\(.*\)):", stub, flags=re.MULTILINE)[1]
    assert f"def {name}:" in answer, "the stub and the answer have one signature"
    assert re.search(r"^    \.\.\.$", stub, flags=re.MULTILINE)
    call = re.search(r"^extra\.check_\w+\((\w+)\)$", stub, flags=re.MULTILINE)
    assert CHECKS[number](run(stub)[call[1]]).state == "open"
    verdict = CHECKS[number](run(answer)[call[1]])
    assert verdict.state == "right", verdict


@pytest.mark.parametrize("number", CHECKS)
def test_a_wrong_shape_is_named_and_a_judge_says_the_same_twice(number):
    verdicts = [CHECKS[number](lambda *inputs: torch.zeros(7, 7, 7, dtype=torch.float64)) for _ in range(2)]
    assert verdicts[0] == verdicts[1]
    assert "(7, 7, 7)" in verdicts[0].sentence


def test_every_notebook_has_one_and_none_asks_it():
    assert list(CHECKS) == [f"{int(number)}.s" for number in PAGES]
    assert len(PAGES) == len(list((TOP / "notebooks").glob("[0-9]*.ipynb")))
    for path in (TOP / "notebooks").rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert not any(f"check_{number.replace('.', '_')}" in text for number in CHECKS), path.stem
