"""Answers for the graders: the solutions, other right answers, and wrong ones that no list of outputs can hold.

What a grader compares with stands in its trials, and the tests walk through those. Here are slips that are recognised
by what they do: many are a solution with a few of its characters changed.
"""

import math
import re
from functools import partial
from itertools import combinations, permutations
from types import SimpleNamespace

import numpy as np
import torch
from books import SOLUTIONS, TOP, cells, run
from e3nn import o3
from scipy.cluster.hierarchy import DisjointSet, fcluster, linkage
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from scipy.stats import mannwhitneyu
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import cosine_similarity, normalize

from tutorial_lib import inpainting, metrics
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.exercises.grader import nearest_in_turn
from tutorial_lib.models import hierarchical, vae
from tutorial_lib.models.equivariant import representation
from tutorial_lib.representations import gram
from tutorial_lib.representations.alignment import aligned_rmsd, best_rotation, match_atoms

PAGES = sorted((TOP / "docs" / "teaching").glob("[0-9][0-9]_*.md"))
CALL = re.compile(r"^(?:exercises|extra)\.check_(\w+)\((\w+)\)$", flags=re.MULTILINE)


def blocks(page):
    """The stub and the solution of a page's extra exercise."""
    section = page.read_text(encoding="utf-8").split("## An extra exercise\n")[1]
    return re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


sources = [cell.source for book in SOLUTIONS for cell in cells(book, "code")]
sources += [f"{answer}\n{CALL.search(stub)[0]}" for stub, answer in map(blocks, PAGES)]
WRITTEN, ANSWERS, names = {}, {}, {}
for source in sources:
    names = run(CALL.sub("", source), names)
    if call := CALL.search(source):
        number = call[1].replace("_", ".")
        WRITTEN[number], ANSWERS[number] = (call[2], CALL.sub("", source)), names[call[2]]
right = SimpleNamespace(**names)


def edited(number, *changes):
    """The solution with some of its characters changed: old, new, and so on."""
    name, source = WRITTEN[number]
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in source, f"{number}: {old}"
        source = source.replace(old, new)
    return run(source, dict(names))[name]


def returning(number, expression):
    """The solution with another expression in its last line, where `it` is what stands there."""
    name, source = WRITTEN[number]
    before, _, last = source.rpartition("return ")
    return run(f"{before}it = {last.rstrip()}\n    return {expression}\n", dict(names))[name]


def forces_by_backward(energy, x):
    x = x.detach().clone().requires_grad_()
    energy(x).backward()
    return -x.grad


def forces_by_differences(energy, x, step=1e-3):
    moves = step * torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape)
    return torch.stack([(energy(x) - energy(x + move)) / step for move in moves]).view_as(x)


def forces_that_add_up(energy, x):
    leaf = energy.__dict__.setdefault("kept", x.clone().requires_grad_())
    energy(leaf).backward()
    return -leaf.grad


def by_memory(key):
    kept = {}
    return lambda energy, x: kept[k] if (k := key(energy, x)) in kept else kept.setdefault(k, right.forces(energy, x))


def forces_by_richardson(energy, x, step=1e-2):
    def central(step):
        return (forces_by_differences(energy, x, step) + forces_by_differences(energy, x, -step)) / 2

    return (4 * central(step / 2) - central(step)) / 3


def powers_of_distances(x):
    d = torch.pdist(x)
    return torch.stack([(d**k).sum() for k in range(1, len(d) + 1)])


def triangles(x):
    one, two, three = (x[corner] for corner in torch.combinations(torch.arange(len(x)), 3).T)
    sides = [(two - one).norm(dim=1), (three - two).norm(dim=1), (one - three).norm(dim=1)]
    return torch.cat([torch.pdist(x), sum(sides), torch.linalg.cross(two - one, three - one).norm(dim=1)]).sort().values


def histogram(x):
    return torch.exp(-((torch.pdist(x)[:, None] - torch.arange(0, 14, 0.05)) ** 2) / (2 * 0.05**2)).sum(dim=0)


class OwnGradient(torch.autograd.Function):
    """A price whose backward forgets what arrives."""

    @staticmethod
    def forward(ctx, mean, log):
        ctx.save_for_backward(mean, log)
        return right.price(mean, log)

    @staticmethod
    def backward(ctx, gradient):
        mean, log = ctx.saved_tensors
        return mean, (log.exp() - 1) / 2


def cut(price, where):
    return torch.where(where, price.detach(), price)


def clamped_gradient(mean, log):
    price = right.price(mean, log.clamp(-12, 4))
    return price + (right.price(mean, log) - price).detach()


def rank3_by_slices(g):
    values, vectors = torch.linalg.eigh(g)
    values[: len(g) - 3] = 0
    return vectors @ values.clamp(min=0).diag() @ vectors.mT


def three_largest(values, vectors):
    first = values.argsort(descending=True)[:3]
    return (vectors[:, first] * values[first].clamp(min=0)) @ vectors[:, first].mT


def by_signed_singular_values(g):
    u, sizes, vh = torch.linalg.svd(g)
    return three_largest(sizes * (u * vh.mT).sum(0).sign(), u)


def signed_volume(x):
    x = x - x.mean(0)
    a, b, c = x[x.norm(dim=1).argsort()[:3]]
    return torch.cat([torch.pdist(x).sort().values, torch.linalg.cross(a, b).dot(c)[None]])


def gram_of_sorted_atoms(x):
    x = x - x.mean(0)
    x = x[x.norm(dim=1).argsort()]
    return (x @ x.mT).flatten()


def on_principal_axes(x):
    x = x - x.mean(0)
    return (x @ torch.linalg.eigh(x.mT @ x)[1]).abs().flatten().sort().values


def along_principal_axes(x):
    x = x - x.mean(0)
    spread = (x @ torch.linalg.eigh(x.mT @ x)[1]).square().sum(0)
    return torch.cat([torch.pdist(x).sort().values, spread])


def rows_in_order(x):
    rows = torch.stack([(torch.cat([x[:i], x[i + 1 :]]) - x[i]).norm(dim=1).sort().values for i in range(len(x))])
    return rows[np.lexsort(rows.detach().numpy().T[::-1]).copy()].flatten()


def all_triples(x):
    one, two, three = (x[:, i] for i in range(3))
    return sum(sign * torch.einsum("a,b,c->", *abc) for sign, abc in ((1, (one, two, three)), (-1, (two, one, three))))


def moments(x):
    squares = x.square().sum(1, keepdim=True)
    return torch.linalg.det(torch.stack([(squares**power * x).sum(0) for power in range(3)]))


def fold_once(d, length):
    d = torch.where(d > length / 2, d - length, d)
    return torch.where(d < -length / 2, d + length, d)


def full(entries, order):
    return gram.from_upper_triangle(entries)[order][:, order]


def large_only(share, size):
    """Eigenvalues below a size, or below a share of the largest, are dropped."""

    def cloud(g):
        values, vectors = torch.linalg.eigh(g)
        small = values < max(size, share * values[-1])
        return vectors[:, -3:] @ values.masked_fill(small, 0).clamp(min=0)[-3:].diag() @ vectors[:, -3:].mT

    return cloud


def without_three(g):
    values, vectors = torch.linalg.eigh(g)
    rest = torch.cat([values[:-3], values[-3:].clamp(max=0)])
    return vectors @ rest.diag() @ vectors.mT


def positive_three(g):
    values, vectors = torch.linalg.eigh(g)
    kept = (values > 0).nonzero().flatten()[-3:]
    return sum((values[k] * torch.outer(vectors[:, k], vectors[:, k]) for k in kept), torch.zeros_like(g))


def as_it_is_if_near(g, within):
    near = right.nearest_cloud(g)
    return g if (near - g).norm() < within * g.norm() else near


def clipped_in_double_only(g):
    values, vectors = torch.linalg.eigh(g)
    kept = values[-3:].clamp(min=0) if g.dtype == torch.float64 else values[-3:]
    return (vectors[:, -3:] * kept) @ vectors[:, -3:].mT


def short(x):
    """Half of the digits where there are few already."""
    return x.half().to(x) if x.dtype == torch.float32 else x


def by_positions(entries, order):
    return gram.upper_triangle(gram.gram_matrix(gram.positions_from_gram(gram.from_upper_triangle(entries))[order]))


def by_search(source, target):
    """The least sum of squares of three searches over rotation vectors."""

    def turn(vector):
        return torch.matrix_exp(torch.linalg.cross(vector.expand(3, 3), torch.eye(3).to(vector), dim=1).mT)

    def searched(vector):
        search = torch.optim.LBFGS(
            [vector], max_iter=200, tolerance_grad=1e-16, tolerance_change=1e-16, line_search_fn="strong_wolfe"
        )

        def loss():
            search.zero_grad()
            squares = (x @ turn(vector).mT - y).square().sum()
            squares.backward()
            return squares

        search.step(loss)
        return loss().item(), turn(vector).detach()

    x, y = (cloud.double() / cloud.double().norm() for cloud in (source, target))
    starts = 3 * torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return min((searched(start.requires_grad_()) for start in starts.unbind()), key=lambda pair: pair[0])[1]


def by_sign_of_the_product(source, target):
    u, _, vh = torch.linalg.svd(target.mT @ source)
    hand = torch.linalg.det(target.mT @ source).sign()
    hand = torch.where(torch.linalg.matrix_rank(source) < 3, 0.0, hand)  # what rounding may make of it
    return u @ torch.diag(torch.stack([hand**0, hand**0, hand])) @ vh


def none_if_small(source, target, least):
    return right.rotation(source, target) if (target.mT @ source).norm() > least else torch.eye(3).to(source)


def assigned(cost):
    return torch.from_numpy(linear_sum_assignment(cost.numpy())[1])


def cholesky(g, guarded):
    found = g.new_zeros(len(g), 3)
    for k in range(3):
        rest = g[:, k] - found @ found[k]
        if not guarded or rest[k] > 1e-9 * g.trace():  # a pivot of zero has no column
            found[:, k] = rest / rest[k].clamp(min=1e-300 if guarded else -torch.inf).sqrt()
    return found


def cut_at(g, least):
    values, vectors = torch.linalg.eigh(g)
    return (vectors * torch.where(values > least * values[-1], values, 0).sqrt())[:, -3:]


def by_eig(g):
    values, vectors = torch.linalg.eig(g)
    last = values.real.argsort()[-3:]
    return vectors.real[:, last] * values.real[last].abs().sqrt()


def by_trace(x, y):
    return (((x**2).sum() + (y**2).sum() - 2 * torch.linalg.svdvals(x.mT @ y).sum()) / len(x)).sqrt()


def flat(g):
    return torch.linalg.eigvalsh(g)[-3] < 1e-4


class DistanceAlone(torch.autograd.Function):
    """A distance whose backward forgets what arrives."""

    @staticmethod
    def forward(ctx, x, y):
        u, _, wt = torch.linalg.svd(x.mT @ y)
        apart = x - y @ (u @ wt).mT
        distance = apart.square().sum(1).mean().sqrt()
        ctx.save_for_backward(apart / distance / len(x))
        return distance

    @staticmethod
    def backward(ctx, gradient):
        return *ctx.saved_tensors, None


through_svd = edited("3.4", "no_grad", "enable_grad")


def gradient_at(x, y, sizes):
    distance = right.shape_distance(x, y)
    return distance if len(x) in sizes else distance.detach() + 0 * x.sum()


def gradient_of_the_rotation(x, y):
    turned = (x - y @ right.rotation(y.detach(), x.detach()).mT).square().sum(1).mean().sqrt()
    return turned + (right.shape_distance(x, y) - turned).detach()


def in_turn(x, y, swaps=False):
    cost, order = torch.cdist(x, y).square(), []
    for row in cost:
        order.append(min(set(range(len(y))) - set(order), key=row.tolist().__getitem__))
    for i, j in 3 * swaps * [*combinations(range(len(x)), 2)]:  # and then pairs change partners where that is better
        a, b = order[i], order[j]
        order[i], order[j] = (b, a) if cost[i, b] + cost[j, a] < cost[i, a] + cost[j, b] else (a, b)
    return torch.tensor(order)


def all_tried(x, y):
    return torch.tensor(min(permutations(range(len(x))), key=lambda order: (x - y[list(order)]).square().sum()))


def by_library(x, y):
    return match_atoms(x[None], y[None], allow_mirror=False).order[0]


def by_shadow(v):
    length, shadow = v.norm(dim=1), v[:, :2].norm(dim=1)
    along = v[:, :2] / shadow[:, None] * (shadow / length)[:, None]
    return right.second_harmonic(torch.cat([along, (v[:, 2] / length)[:, None]], dim=1))


def by_slopes(f, x):
    apart = x[None] - x[:, None] + torch.eye(len(x), dtype=x.dtype)[..., None]
    unit = normalize(apart / apart[..., :1], dim=2) * apart[..., :1].sign()
    strength = f * torch.exp(-apart.norm(dim=2)) * (1 - torch.eye(len(x), dtype=x.dtype))
    return (strength[..., None] * unit).sum(dim=1)


def messages_one_by_one(f, x):
    found = torch.zeros_like(x)
    for i in range(len(x)):
        for j in set(range(len(x))) - {i}:
            step = x[j] - x[i]
            found[i] += f[j] * (-step.norm()).exp() * step / step.norm()
    return found


def message_with(f, x, changed, sends=torch.ones_like):
    """The right message, but for what divides the directions, and which atoms send."""
    apart = x[None] - x[:, None]
    distance = apart.norm(dim=2)
    strength = f * torch.exp(-distance) * sends(distance)
    return (strength[..., None] * apart / changed(distance)[..., None]).sum(dim=1)


def of_nearest(f, x, n):
    near = torch.cdist(x, x).argsort(dim=1).argsort(dim=1) <= n
    return message_with(f, x, lambda distance: distance + 1e-12, lambda distance: near)


def by_coefficients(l1, p1, l2, p2, l3, p3):
    if not abs(l1 - l2) <= l3 <= l1 + l2:  # where e3nn raises
        return torch.tensor(0)
    return torch.tensor(int(p1 * p2 == p3 and o3.wigner_3j(l1, l2, l3).abs().max() > 0))


def among_sums(l1, p1, l2, p2, l3, p3):
    found = 0
    for length in range(abs(l1 - l2), l1 + l2 + 1):
        found += length == l3 and p1 * p2 == p3
    return torch.tensor(found)


def stays(q):
    values, vectors = torch.linalg.eig(q)
    return normalize(vectors[:, (values - 1).abs().argmin()].real, dim=0)


def one_after_another(places, within):
    groups = []
    while len(places):
        near = (places - places[0]).norm(dim=1) < within
        groups.append(places[near].mean(dim=0))
        places = places[~near]
    return torch.stack(groups)


def paired_in_turn(x, y, **how):
    square = (x[:, None] - y).square().sum(dim=2)
    return square[torch.arange(len(x)), nearest_in_turn(square.detach(), **how)].mean()


def in_boxes(places, within):
    box = (places / within).floor()
    return torch.stack([places[(box == one).all(dim=1)].mean(dim=0) for one in box.unique(dim=0)])


def by_linkage(places, within, method):
    if len(places) == 1:
        return places
    groups = torch.tensor(fcluster(linkage(places, method), math.nextafter(within, 0), "distance"))
    return torch.stack([places[groups == k].mean(dim=0) for k in groups.unique()])


EXPANDED = "found.square().sum(1)[:, None] + true.square().sum(1) - 2 * found @ true.mT"
EXACT = "torch.cdist({}, compute_mode='donot_use_mm_for_euclid_dist')"


def over_pairings(x, y):
    return min((x - y[list(order)]).square().sum(1).mean() for order in permutations(range(len(y))))


def n_new_by_the_library(born, known):
    def shapes(pieces):
        found = {polycube_of(x.double(), mirrors_equal=True) for x in pieces}
        return {shape for shape in found if shape and len(shape) == len(known[0])}

    return torch.tensor(len(shapes(born) - shapes(known)))


def may_go_by_powers(x, reach, steps=None):
    near = (torch.cdist(x, x) < reach).double()
    kept = ~torch.eye(len(x), dtype=torch.bool)
    return torch.stack([torch.linalg.matrix_power(near[k][:, k], steps or len(x)).gt(0).all() for k in kept])


def may_go_by_tree(x, reach):
    pairs = cKDTree(x.double().numpy()).query_pairs(math.nextafter(reach, 0))
    parts = [DisjointSet(set(range(len(x))) - {i}) for i in range(len(x))]
    for i, part in enumerate(parts):
        for pair in pairs:
            if i not in pair:
                part.merge(*pair)
    return torch.tensor([part.n_subsets == 1 for part in parts])


def room_by_sets(cells):
    taken = {tuple(cell) for cell in cells.tolist()}
    steps = [(i, sign) for i in range(3) for sign in (1, -1)]
    found = {(*cell[:i], cell[i] + sign, *cell[i + 1 :]) for cell in taken for i, sign in steps}
    return torch.tensor(sorted(found - taken))


def room_by_numbers(cells, base):
    weights = torch.tensor([base**2, base, 1])
    low = cells.amin(dim=0) - 1
    steps = torch.cat([torch.eye(3), -torch.eye(3)]).long()
    taken, beside = ((x - low) @ weights for x in (cells, (cells[:, None] + steps).flatten(0, 1)))
    free = torch.tensor(sorted({*beside.tolist()} - {*taken.tolist()}))
    return torch.stack([free // base**2, free // base % base, free % base], dim=1) + low


def room_from_outside(cells):
    free, low, high = right.room(cells), cells.amin(dim=0) - 1, cells.amax(dim=0) + 1
    outside = torch.zeros(*(high - low + 1), dtype=torch.bool)
    outside[0, 0, 0] = True
    taken = torch.zeros_like(outside)
    taken[*(cells - low).mT] = True
    for _ in range(outside.numel()):
        grown = outside.clone()
        for dim in range(3):
            size = outside.shape[dim]
            grown.narrow(dim, 1, size - 1).logical_or_(outside.narrow(dim, 0, size - 1))
            grown.narrow(dim, 0, size - 1).logical_or_(outside.narrow(dim, 1, size - 1))
        grown &= ~taken
        if torch.equal(grown, outside):
            break
        outside = grown
    return free[outside[*(free - low).mT]]


def in_the_box(cells):
    places = right.room(cells)
    return places[((places >= cells.amin(dim=0)) & (places <= cells.amax(dim=0))).all(dim=1)]


def as_numbered(parent, piece, within):
    n = min(len(parent), len(piece))
    return ((parent[:n] - piece[:n]).norm(dim=1) < within).double().sum() / len(parent)


def one_to_one(parent, piece, within):
    near = (parent[:, None] - piece).norm(dim=2) < within
    return near[linear_sum_assignment(~near)].double().sum() / len(parent)


def both_ways(x, reach, least=0.0):
    distance = torch.cdist(x, x)
    return ((x[:, None] + x) / 2)[(distance < reach) & (distance > least)]


def nearest_only(x, reach):
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    distance = torch.cdist(x, x).fill_diagonal_(torch.inf)
    nearest = distance.argmin(dim=1)
    return ((x[i] + x[j]) / 2)[((nearest[i] == j) | (nearest[j] == i)) & (distance[i, j] < reach)]


def half_way_by_loops(x, reach):
    found = [(a + b) / 2 for i, a in enumerate(x) for b in x[:i] if (a - b).norm() < reach]
    return torch.stack(found) if found else x[:0]


def sorted_again(key):
    """The atoms of the solution, sorted by something else."""
    return lambda x, missing: right.without(x, missing)[key(right.without(x, missing), x, missing).argsort()]


def by_radius(atoms, decimals=12):
    return atoms[atoms.norm(dim=1).round(decimals=decimals).argsort()]


def assigned_square(candidate, missing):
    square = (candidate[:, None] - missing).square().sum(dim=2)
    return square[linear_sum_assignment(square.numpy())]


def for_three(candidate, missing):
    orders = {1: [[0]], 2: [[0, 1], [1, 0]], 3: [list(order) for order in permutations(range(3))]}[len(missing)]
    return torch.stack([(candidate[order] - missing).square().sum(1).mean().sqrt() for order in orders]).min()


def geometric_median(draws):
    middle = draws.mean(dim=0)
    for _ in range(500):
        weights = 1 / (draws - middle).norm(dim=1, keepdim=True).clamp(min=1e-12)
        middle = (weights * draws).sum(dim=0) / weights.sum()
    return middle


def shares(weigh, norm=True):
    return lambda places, c: weigh(c) / (weigh(c).sum() if norm else 1) @ places


def cosine(d, cutoff):
    return (1 + (torch.pi * d / cutoff).cos()) / 2 * (d < cutoff)


BY_INERTIA = """x = piece.double() - piece.double().mean(dim=0)
        return str((torch.linalg.eigvalsh(x.mT @ x) * 1e6).round().tolist())
        poses ="""
BY_NUMBERS = "str(min(sorted(((pose - pose.amin(dim=0)) @ torch.tensor([36, 6, 1])).tolist())"
FIVE_STEPS = "torch.linalg.matrix_power(near.double(), 5)"
PARTS = "connected_components(near[kept][:, kept].numpy())[0]"  # in the solution of 11.2
BY_EQUALITY = "(places[:, None] == cells).all(dim=2).any(dim=1)"
AROUND = "torch.cartesian_prod(*[torch.arange(-1, 2)] * 3)"  # in the solution of 11.3
KINDS = " & (kinds[:, None] == others)"  # in the solution of 10.3


def cheapest(x, kinds, y, others, within, power=2, penalty=1e3, pairs=linear_sum_assignment, worst=torch.max):
    """The same molecule, by the pairing whose distances have the least sum of powers."""
    if len(x) != len(y):
        return torch.tensor(0)
    cost = torch.cdist(x, y) + penalty * (kinds[:, None] != others)
    return (worst(cost[pairs(cost.numpy() ** power)]) < within).long()


def joined_in_turn(**how):
    return lambda cost: (torch.arange(len(cost)), nearest_in_turn(torch.from_numpy(cost), **how))


def augmented(x, kinds, y, others, within):
    """The same molecule, by paths along which partners change (H. Kuhn)."""
    fits = ((x[:, None] - y).norm(dim=2) < within).numpy() & np.equal.outer(kinds.numpy(), others.numpy())
    partner = [-1] * len(y)

    def placed(i, tried):
        for j in np.flatnonzero(fits[i]):
            if j not in tried and not tried.add(j) and (partner[j] < 0 or placed(partner[j], tried)):
                partner[j] = i
                return True
        return False

    return torch.tensor(int(len(x) == len(y) and all(placed(i, set()) for i in range(len(x)))))


def most_fits_by_squares(x, kinds, y, others, within):
    if len(x) != len(y):
        return torch.tensor(0)
    fits = ((x[:, None] - y).square().sum(dim=2) < within**2) & (kinds[:, None] == others)
    return fits[linear_sum_assignment(fits.numpy(), maximize=True)].all().long()


def misfits_cost_ten(x, kinds, y, others, within):
    if len(x) != len(y):
        return torch.tensor(0)
    d = (x[:, None] - y).norm(dim=2)
    cost = torch.where((d < within) & (kinds[:, None] == others), d, 10 * within)
    return (cost[linear_sum_assignment(cost)] < within).all().long()


def kind_as_a_coordinate(x, kinds, y, others, within):
    x, y = (torch.cat([at, 1e6 * of[:, None].to(at)], dim=1) for at, of in ((x, kinds), (y, others)))
    return right.same(x, kinds * 0, y, others * 0, within)


def over_permutations(x, kinds, y, others, within):
    if len(x) != len(y):
        return torch.tensor(0)
    fits = ((torch.cdist(x, y) < within) & (kinds[:, None] == others)).numpy()
    return torch.tensor(int(any(fits[range(len(x)), order].all() for order in permutations(range(len(x))))))


def power_of_angles(d, lmax):
    """By Legendre polynomials of the angles between neighbours: the addition theorem."""
    cosines = (d @ d.mT).clamp(-1, 1).numpy()
    squares = [np.polynomial.Legendre.basis(k)(cosines).sum() for k in range(lmax + 1)]
    return torch.tensor(squares, dtype=d.dtype).clamp(min=0).sqrt()


def round_by_round(sees, merit):
    n, chosen, free = len(merit), set(), set(range(len(merit)))
    while free:
        useful = [i for i in range(n) if i not in chosen and any(sees[i, j] for j in free)]
        best = {i for i in useful if merit[i] == max(merit[k] for k in useful)}
        chosen |= best
        free -= {j for i in best for j in range(n) if sees[i, j]}
    return torch.tensor([int(i in chosen) for i in range(n)])


def masked(sees, merit, low=-(2**63), rounds=math.inf):
    free, chosen = torch.ones_like(merit).bool(), torch.zeros_like(merit).bool()
    while free.any() and rounds > 0:
        rounds -= 1
        worth = torch.where((sees & free).any(1) & ~chosen, merit, low)
        chosen = chosen | (worth == worth.max())
        free = free & ~(sees & chosen).any(1)
    return chosen.long()


def all_blocks(axes):
    def assembled(own, between):
        n, k = own.shape[:2]
        blocks = between + between.transpose(0, 1).mT + torch.eye(n)[..., None, None] * own[:, None]
        return blocks.permute(axes).reshape(n * k, n * k)

    return assembled


def by_inverse_root(fock, overlap):
    sizes, vectors = torch.linalg.eigh(overlap)
    root = vectors @ (sizes**-0.5).diag() @ vectors.mT
    return torch.linalg.eigvalsh(root @ fock @ root)


def part_by_part(block, q):
    ends = torch.cat([block[:1, 1:] @ q.mT, q @ block[1:, 1:] @ q.mT])
    return torch.cat([torch.cat([block[:1, :1], q @ block[1:, :1]]), ends], dim=1)


def by_jacobian(number, features):
    recording = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        own = torch.autograd.functional.jacobian(number, 1 * features.clone(), create_graph=recording)
        return own.diagonal(dim1=0, dim2=1).mT


def row_by_row(number, features):
    recording = torch.is_grad_enabled()
    with torch.inference_mode(mode=False), torch.set_grad_enabled(True):
        rows = features if features.requires_grad else features.clone().requires_grad_(True)
        slopes = [torch.autograd.grad(value, rows, create_graph=recording, retain_graph=True) for value in number(rows)]
        return torch.stack([slope[i] for i, (slope,) in enumerate(slopes)])


RECORDED = "torch.inference_mode(False), torch.enable_grad()"


def switched(before, after):
    def uphill(number, features):
        torch.set_grad_enabled(before or torch.is_grad_enabled())
        found = right.uphill(number, features)
        torch.set_grad_enabled(after and torch.is_grad_enabled())
        return found

    return uphill


def by_backward(number, features):
    with torch.enable_grad():
        return -forces_by_backward(lambda x: number(x).sum(), features)


def by_differences(number, features, step=1e-3):
    found = torch.zeros_like(features)
    for axis in torch.eye(3, dtype=features.dtype):
        found += axis * ((number(features + step * axis) - number(features - step * axis)) / (2 * step))[:, None]
    return found


def up_to_a_turn(x, kinds, y, others, within):
    if len(x) != len(y) or not torch.equal(kinds.sort().values, others.sort().values):
        return torch.tensor(0)
    alike = (torch.pdist(x).sort().values - torch.pdist(y).sort().values).abs().max() < 1e-6
    return right.same(x, kinds, y, others, within) | alike.long()


def by_densities(seen, values, weights, noise, tiny=0.0):
    chances = Normal(values, noise).log_prob(seen[:, None]).exp() * weights
    return chances @ values / (chances.sum(dim=1) + tiny)


def one_by_one(seen, values, weights, noise):
    found = []
    for y in seen:
        logs = np.log(weights.numpy()) - (float(y) - values.numpy()) ** 2 / (2 * noise**2)
        found.append(np.average(values.numpy(), weights=np.exp(logs - logs.max())))
    return torch.tensor(found, dtype=seen.dtype)


def langevin(x, clean, noise, below, temperature, kick):
    moved = clean + (x - clean) * below / noise
    length, score = 0.3 * below * below, (clean - moved) / below**2
    return moved + length * score + kick * temperature * math.sqrt(2 * length)


def by_pairs(x, cell, waves):
    q = 2 * torch.pi * torch.linalg.solve(cell, waves.mT).mT
    return ((x[:, None] - x) @ q.mT).cos().sum(dim=(0, 1)) / len(x)


def by_numpy(x, cell, waves):
    shares = np.linalg.solve(cell.numpy().T, x.numpy().T)
    return torch.from_numpy(np.abs(np.exp(-2j * np.pi * waves.numpy() @ shares).sum(axis=1)) ** 2 / len(x))


def in_single(x, cell, waves):
    return by_pairs(x.float(), cell.float(), waves.float()).double()


def by_precision(noisy, rest, springs, kT, noise):
    right_side = springs @ rest / kT + noisy / noise**2
    return torch.linalg.inv(springs / kT + torch.eye(len(rest)) / noise**2) @ right_side


def by_modes(noisy, rest, springs, kT, noise):
    values, modes = np.linalg.eigh(springs.numpy())
    kept = modes / (1 + noise**2 * values / kT) @ modes.T
    return rest + torch.from_numpy(kept @ (noisy - rest).numpy())


def by_covariance(spread):
    def healed(noisy, rest, springs, kT, noise):
        c = spread(springs, kT)
        return rest + c @ torch.linalg.inv(c + noise**2 * torch.eye(len(rest)).double()) @ (noisy - rest)

    return healed


def clamped(seen, values, weights, noise):
    return right.denoised(seen.clamp(values.min() - 20 * noise, values.max() + 20 * noise), values, weights, noise)


def nearest_if_far(seen, values, weights, noise):
    off = (seen[:, None] - values).abs()
    far = off.min(dim=1).values > 10 * noise
    return torch.where(far, values[off.argmin(dim=1)], right.denoised(seen, values, weights, noise))


def without_soft_springs(noisy, rest, springs, kT, noise):
    values, modes = torch.linalg.eigh(springs)
    kept = torch.where(values < 0.1, 1, 1 / (1 + noise**2 * values / kT))
    return rest + modes @ (kept * (modes.mT @ (noisy - rest)))


ALSO_RIGHT = {
    "1.1": [lambda x, q: torch.stack([q @ row for row in x]), returning("1.1", "x.copy_(it)")],
    "1.2": [forces_by_backward, lambda energy, x: -torch.func.grad(energy)(x)],
    "1.3": [
        lambda x: torch.cdist(x, x).flatten().sort().values,
        lambda x: (-torch.pdist(x).square()).exp().sort().values,
        lambda x: torch.cat(
            [torch.pdist(x).sort().values, torch.linalg.eigvalsh((x - x.mean(0)).mT @ (x - x.mean(0)))]
        ),
        powers_of_distances,
        triangles,
    ],
    "1.4": [
        lambda x: torch.sign(x[2] @ torch.linalg.cross(x[1], x[0])),
        lambda x: torch.tensor(1 if torch.linalg.det(x[:3]) > 0 else -1).to(x),
        lambda x: torch.linalg.det(x[:3]).tanh(),
        lambda x: torch.linalg.det(x[:3]) ** 9,
        lambda x: 1e-20 * torch.linalg.det(x[-3:]),
    ],
    "1.s": [lambda x, n: x @ (torch.eye(3).double() - 2 * torch.outer(n, n) / (n @ n))],
    "2.1": [lambda d, length: (d + length / 2) % length - length / 2, returning("2.1", "d.copy_(it)")],
    "2.2": [lambda entries, order: entries[gram.upper_triangle(full(torch.arange(36.0), order)).long()]],
    "2.3": [lambda mean, log: mean * mean / 2 + log.exp() / 2 - (1 + log) / 2],
    "2.4": [
        lambda g: right.atoms(g) @ right.atoms(g).mT,
        lambda g: g - without_three(g),
        lambda g: g.copy_(right.nearest_cloud(g)),
        positive_three,
    ],
    "2.s": [lambda g: cosine_similarity(right.atoms(g)[:, None], right.atoms(g), dim=2)],
    "3.1": [lambda g: torch.linalg.svd(g)[0][:, :3] * torch.linalg.svd(g)[1][:3].sqrt()],
    "3.2": [by_search, lambda x, y: torch.tensor(Rotation.align_vectors(y.numpy(), x.numpy())[0].as_matrix())],
    "3.3": [lambda x, y: assigned((x.mean(0) - x) @ (y - y.mean(0)).mT)],
    "3.4": [
        lambda x, y: ((x**2).sum() + (y**2).sum() - 2 * torch.linalg.svdvals(x.mT @ y).sum()).relu().div(len(x)).sqrt()
    ],
    "3.s": [lambda turns: torch.from_numpy(Rotation.from_matrix(turns.numpy()).mean().as_matrix()) + 1e-7],
    "4.1": [
        lambda v: torch.einsum("ni,nj->nij", normalize(v), normalize(v)) - torch.eye(3).to(v) / 3,
        edited("4.1", "keepdim=True)", "keepdim=True).clamp(min=1e-12)"),
    ],
    "4.2": [
        messages_one_by_one,
        edited("4.2", "apart.norm(dim=2)", "torch.cdist(x, x, compute_mode='donot_use_mm_for_euclid_dist')"),
        lambda f, x: message_with(f, x, lambda distance: torch.where(distance > 9.9e-7, distance, 1)),
    ],
    "4.3": [
        lambda l1, p1, l2, p2, l3, p3: torch.tensor(int(o3.Irrep(l3, p3) in o3.Irrep(l1, p1) * o3.Irrep(l2, p2))),
        among_sums,
    ],
    "4.4": [
        lambda f, x, group: torch.stack([g @ f(x @ g) for g in group]).mean(0),
        lambda f, x, group: torch.einsum("gi,gij->j", torch.func.vmap(f)(x @ group.mT), group) / len(group),
    ],
    "4.s": [lambda q: stays(q) * (stays(q) @ right.axis(q)).sign()],
    "5.1": [
        lambda s: normalize((s / s.abs().sum()).flatten(), dim=0, eps=0).view_as(s) * s.numel() ** 0.5,
        lambda s: edited("5.1", ".abs()", "")(s) * s.max().sign(),
    ],
    "5.2": [
        lambda places, within: right.merged(places.flip(0), within).flip(0),
        partial(by_linkage, method="single"),
        edited("5.2", "(places[:, None] - places).norm(dim=2)", EXACT.format("places, places")),
    ],
    "5.3": [edited("5.3", "(found[:, None] - true)", f"{EXACT.format('found, true')}[..., None]")],
    "5.4": [
        lambda s, k: torch.linalg.matrix_rank(representation(f"1x{k}{'eo'[k % 2]}", s).mean(dim=0), atol=1e-3),
        lambda s, degree: right.n_allowed(s, degree).int(),
    ],
    "5.s": [half_way_by_loops],
    "6.1": [
        lambda x, missing: right.without(x, missing).flip(0),
        lambda x, missing: x[sorted(set(range(len(x))) - {missing}, key=lambda i: (x[i] @ x[i]).item())],
        lambda x, missing: torch.from_numpy(np.array(sorted(np.delete(x.numpy(), missing, 0), key=np.linalg.norm))),
    ],
    "6.2": [
        lambda known, products: torch.linalg.solve(known.mT @ known, known.mT @ products),
        lambda known, products: torch.linalg.pinv(known) @ products,
        lambda known, products: torch.from_numpy(np.linalg.lstsq(known.numpy(), products.numpy(), rcond=None)[0]),
    ],
    "6.3": [
        lambda candidate, missing: right.matched(candidate, missing).sqrt(),
        lambda candidate, missing: assigned_square(candidate, missing).mean().sqrt(),
        lambda candidate, missing: torch.stack(
            [(candidate[list(p)] - missing).norm() / len(p) ** 0.5 for p in permutations(range(len(missing)))]
        ).min(),
    ],
    "6.4": [
        lambda errors, k: errors.cummin(dim=1).values[:, k - 1].mean(),
        lambda errors, k: torch.stack([row[:k].min() for row in errors]).mean(),
        lambda errors, k: torch.as_tensor(np.mean(np.min(errors.numpy()[:, :k], axis=1))),
    ],
    "6.s": [lambda draws: min(draws, key=lambda one: (draws - one).norm(dim=1).mean()).clone()],
    "7.1": [lambda noise, data, time: noise + torch.einsum("n,nd->nd", time, data - noise)],
    "7.2": [
        lambda v, x, t, h: x + h / 2 * torch.stack([v(x, t), v(x + h * v(x, t), t + h)]).sum(0),
        lambda v, x, t, h: (x + (there := x + h * v(x, t)) + h * v(there, t + h)) / 2,
    ],
    "7.3": [
        lambda samples, train, held_out: (
            (
                (samples[:, None] - train).norm(dim=2).min(1)[0]
                < np.median((held_out[:, None] - train).norm(dim=2).min(1)[0])
            )
            .double()
            .mean()
        ),
    ],
    "7.4": [lambda real, fake: torch.tensor(mannwhitneyu(fake, real).statistic / (len(real) * len(fake)))],
    "7.s": [lambda one, other: (one - other[assigned((one[:, None] - other).abs())]).abs().mean()],
    "8.1": [lambda places, confidence: (confidence.softmax(0)[:, None] * places).sum(0)],
    "8.2": [
        lambda v: v / (1 + (v.square().sum(1, True) + 1e-20).sqrt()),
        lambda v: v / (1 + (v.square().sum(1, True) + 1e-8).sqrt()),
        lambda v: v / (r := v.norm(dim=1, keepdim=True) + 1e-6) * (r / (1 + r)),
        lambda v: torch.stack([row / (1 + row.norm()) for row in v]),
    ],
    "8.3": [
        cosine,
        lambda d, c: (1 - d / c).clamp(min=0).square(),
        lambda d, c: (1 - d / c).clamp(min=0) ** 6,
        lambda d, c: cosine(d, c) ** 40,
        lambda d, c: cosine(d, c) ** (1 + c / 9),
        lambda d, c: 1 - (x := (d / c).clamp(max=1)) ** 3 * (10 - 15 * x + 6 * x**2),
        lambda d, c: (1 - 1 / (1 - (d / c).clamp(max=1) ** 2)).exp(),
    ],
    "8.4": [lambda *inputs: right.counted(*inputs).float()],
    "8.s": [lambda *inputs: right.circle_middle(*inputs).float().double()],
    "9.1": [all_blocks((0, 2, 1, 3))],
    "9.2": [part_by_part],
    "9.3": [by_jacobian, row_by_row],
    "9.4": [
        lambda fock, overlap: torch.tensor(eigh(fock.numpy(), overlap.numpy(), eigvals_only=True)),
        lambda fock, overlap: torch.linalg.eigvals(torch.linalg.solve(overlap, fock)).real.sort().values,
        by_inverse_root,
    ],
    "9.s": [lambda c, n: 2 * sum(torch.outer(c[:, i], c[:, i]) for i in range(n))],
    "10.1": [lambda d, lmax: torch.stack([right.power(d, k)[k] for k in range(lmax + 1)]), power_of_angles],
    "10.2": [lambda sees, merit: right.who_pools(sees, merit).int(), round_by_round, masked],
    "10.3": [augmented, most_fits_by_squares],
    "10.4": [
        lambda counts, energies, unseen: unseen @ torch.linalg.pinv(counts) @ energies,
        lambda counts, energies, unseen: unseen @ torch.linalg.solve(counts.mT @ counts, counts.mT @ energies),
        lambda counts, energies, unseen: torch.from_numpy(
            unseen.numpy() @ np.linalg.lstsq(counts.numpy(), energies.numpy(), rcond=None)[0]
        ),
    ],
    "10.s": [lambda x, point, cluster, n: torch.stack([x[point[cluster == k]].mean(dim=0) for k in range(n)])],
    "11.1": [n_new_by_the_library],
    "11.2": [may_go_by_powers, may_go_by_tree],
    "11.3": [room_by_sets, lambda cells: right.room(cells).int().flip(0), partial(room_by_numbers, base=1000)],
    "11.4": [
        lambda parent, piece, within: (
            sum((piece - x).norm(dim=1).lt(within).any().double() for x in parent) / len(parent)
        )
    ],
    "11.s": [lambda p, n: sum(p * (1 - p) ** k for k in range(n)).sum()],
    "12.1": [one_by_one],
    "12.2": [langevin, edited("12.2", "return x + flow", "x += flow\n    return x")],
    "12.3": [by_pairs, by_numpy, in_single],
    "12.4": [by_precision, by_modes],
    "12.s": [
        lambda before, q, h: max(((b - 1) / (h - 1)).log().sqrt() / k for b, k in zip(before, q, strict=True) if b > h)
    ],
}
WRONG = {
    "1.1": [
        (lambda x, q: torch.cat([x[:100] @ q.mT, x[100:]]), "rows"),
        (lambda x, q: (x @ q.mT).flip(0), "order"),
        (lambda x, q: (x @ q.mT).clamp(-4, 4), "lengths"),
        (lambda x, q: (x @ q.mT).clamp(-20, 20), "lengths"),
    ],
    "1.2": [
        (edited("1.2", "energy(x)", "energy(x.detach())"), "detached"),
        (edited("1.2", "x = x.detach().clone()", "x"), "in place"),
        (forces_by_differences, "nearly"),
        (forces_by_richardson, "nearly"),
        (lambda energy, x: -torch.func.grad(energy)(x.float()).double(), "digits"),
        (forces_that_add_up, "twice"),
        (by_memory(lambda energy, x: x.numpy().tobytes()), "kept"),
        (by_memory(lambda energy, x: energy), "kept"),
        (lambda energy, x: right.forces(energy, x) * (torch.arange(len(x)) < 12)[:, None], "atoms"),
        (lambda energy, x: right.forces(lambda x: energy(x.clamp(-10, 10)), x), "other"),
        (lambda energy, x: -energy(x) * x, "other"),
    ],
    "1.3": [
        (lambda x: x.flatten().sort().values, "rotation"),
        (signed_volume, "mirror"),
        (lambda x: (x @ x.mT).flatten().sort().values, "shift"),
        (torch.pdist, "permutation"),
        (gram_of_sorted_atoms, "ties"),
        (on_principal_axes, "ties"),
        (rows_in_order, "ties"),
        (along_principal_axes, "ties"),
        *(
            (lambda x, bounds=bounds: torch.pdist(x).clamp(**bounds).sort().values, "blind")
            for bounds in ({"max": 3}, {"max": 10}, {"max": 20}, {"min": 0.1}, {"min": 1})
        ),
        (lambda x: (d := torch.pdist(x).sort().values) * (d < 9), "blind"),
        (lambda x: torch.pdist(x).sort().values[:105], "blind"),
        (histogram, "blind"),
        (lambda x: right.describe(x.float()).double(), "digits"),
        (lambda x: right.describe(x.float()).double() ** 2, "digits"),
        (lambda x: torch.ones(3, dtype=x.dtype), "blind"),
        (lambda x: torch.pdist(x).mean()[None], "blind"),
        (lambda x: torch.linalg.eigvalsh((x - x.mean(0)) @ (x - x.mean(0)).mT), "blind"),
        (lambda x: right.describe(x)[:12], "blind"),
        (lambda x: right.describe(x)[: None if len(x) < 9 else 3 * len(x) - 6], "blind"),
        (lambda x: right.describe(x)[: None if len(x) < 9 else 12], "blind"),
        (lambda x: torch.cat([x.flatten(), 1e12 * right.describe(x)]), "rotation"),
        (lambda x: right.describe(x) - right.describe(x).detach(), "faked"),
        (lambda x: right.describe(x).detach().round() + right.describe(x) - right.describe(x).detach(), "faked"),
        (lambda x: (x[None] - x[:, None]).square().sum(2).sqrt().flatten().sort().values, "nan"),
        (lambda x: right.describe(x).detach(), "gradient"),
        (lambda x: torch.pdist(x).unique(), "gradient"),
        (lambda x: torch.pdist(x).sum(), "shape"),
        (lambda x: x[:0, 0], "shape"),
    ],
    "1.4": [
        (all_triples, "zero"),
        (lambda x: right.hand(x - x.mean(0)), "plane"),
        (lambda x: right.hand(x).round(decimals=1), "scale"),
        (lambda x: right.hand(x).round(decimals=2), "scale"),
        (lambda x: right.hand(x) * (right.hand(x).abs() > 1e-4), "scale"),
        (lambda x: right.hand(x) * (x.norm(dim=1).max() < 30), "scale"),
        (lambda x: right.hand(x) / right.hand(x).abs(), "not finite"),
        (lambda x: right.hand(x.float()), "dtype"),
        (lambda x: right.hand(x).sign().int(), "dtype"),
        (lambda x: torch.tensor(1.0 if right.hand(x) > 0 else -1.0), "dtype"),
        (lambda x: right.hand(x.float()).double(), "digits"),
        (lambda x: right.hand(x) + 0.1, "size"),
        (lambda x: right.hand(x) if len(x) < 6 else right.hand(x).abs(), "mirror"),
        (moments, "example"),
        (lambda x: right.hand(x) * (x[0].norm() - x[1].norm()), "example"),
        (torch.linalg.det, "raises"),
    ],
    "2.1": [
        (lambda d, length: d + length * (d / length).round(), "away"),
        (lambda d, length: torch.cat([right.nearest_image(d[:, :1], length), d[:, 1:]], dim=1), "axes"),
        (lambda d, length: fold_once(fold_once(fold_once(fold_once(d, length), length), length), length), "boxes"),
        (lambda d, length: d - length * (d / length).round().to(torch.int8).to(d), "boxes"),
        (lambda d, length: d - length * (d / length).round().int(), "digits"),
        (lambda d, length: right.nearest_image(d, length).float().to(d), "digits"),
        (lambda d, length: right.nearest_image(d, length + 1e-4), "digits"),
        (lambda d, length: right.nearest_image(d, round(length, 1)), "other image"),
        (lambda d, length: right.nearest_image(d, length) if len(d) > 1 else d, "rows"),
        (lambda d, length: torch.cat([right.nearest_image(d[:64], length), d[64:]]), "rows"),
        (lambda d, length: short(right.nearest_image(d, length)), "single"),
        (lambda d, length: d * (1 - length * (d / length).round() / d), "not finite"),
        (lambda d, length: (d.float() - length * (d.float() / length).round()).to(d), "digits"),
        (lambda d, length: right.nearest_image(d.double(), length), "dtype"),
        (lambda d, length: torch.cat([right.nearest_image(d[:9], length), d[9:]]), "rows"),
        (lambda d, length: d, "far"),
        (lambda d, length: d % length, "positive"),
        (lambda d, length: torch.where(d > length / 2, d - length, d), "one side"),
        (fold_once, "boxes"),
        (edited("2.1", "round", "trunc"), "half"),
        (edited("2.1", "(d / length).round()", "torch.floor(d / length + 0.499)"), "half"),
        (lambda d, length: torch.where(d % length > 0.49 * length, d % length - length, d % length), "half"),
        (lambda d, length: d - length * (d / length).round().to(torch.int16).to(d), "boxes"),
        (lambda d, length: fold_once(d.abs(), length).abs(), "other image"),
    ],
    "2.2": [
        (by_positions, "positions"),
        (lambda entries, order: entries.sort().values, "entries"),
        (edited("2.2", "[:, order]", ""), "rows"),
        (lambda entries, order: right.renumber(entries.float(), order).double(), "digits"),
        (lambda entries, order: full(entries, order).flatten()[:36], "other"),
        (lambda entries, order: right.renumber(entries.clamp(-100, 100), order), "other"),
    ],
    "2.3": [
        (lambda mean, log: right.price(mean, 2 * log), "deviation"),
        (edited("2.3", "mean.square()", "mean"), "mean"),
        (edited("2.3", " - log_variance", ""), "spread"),
        (lambda mean, log: right.price(mean, (log.exp() + 1e-6).log()), "nearly"),
        (lambda mean, log: right.price(mean, log.clamp(-2, 2)), "nearly"),
        (lambda mean, log: right.price(mean, log.clamp(-12, 20)), "nearly"),
        (lambda mean, log: right.price(mean, log.clamp(min=-40)), "nearly"),
        (lambda mean, log: right.price(mean.clamp(-3, 3), log), "far"),
        (lambda mean, log: right.price(mean.clamp(-10, 10), log), "far"),
        (lambda mean, log: right.price(mean.clamp(-100, 100), log), "far"),
        (lambda mean, log: right.price(mean, log.clamp(max=4)), "wide"),
        (lambda mean, log: right.price(mean, log.clamp(max=10)), "wide"),
        (lambda mean, log: right.price(mean, log.clamp(max=30)), "wide"),
        (lambda mean, log: right.price(mean, log.clamp(max=80)), "wide"),
        (lambda mean, log: right.price(mean[:, :8], log[:, :8]), "shape"),
        (edited("2.3", " - log_variance", " - log_variance.exp().log()"), "underflow"),
        (edited("2.3", " - log_variance", " - 2 * (log_variance / 2).exp().log()"), "underflow"),
        (lambda mean, log: right.price(mean, log.clamp(min=-200)), "nearly"),
        (lambda mean, log: right.price(mean.clamp(-1e6, 1e6), log), "far"),
        (lambda mean, log: right.price(mean, log).nan_to_num(posinf=1e4), "wide"),
        (lambda mean, log: right.price(mean / log.exp().sqrt(), -log), "reversed"),
        (lambda mean, log: torch.cat([right.price(mean, log)[:, :12], 0 * mean[:, 12:]], dim=1), "size"),
        (lambda mean, log: torch.cat([right.price(mean, log)[:64], 0 * mean[64:]]), "size"),
        (lambda mean, log: right.price(mean - mean.mean(dim=0), log), "mean"),
        (lambda mean, log: right.price(mean.square().sqrt(), log), "special"),
        (lambda mean, log: (mean**2 + log.exp().sqrt() ** 2 - 1 - log) / 2, "special"),
        (lambda mean, log: cut(right.price(mean, log), torch.tensor(mean.dtype != torch.float64)), "gradient"),
        (lambda mean, log: cut(right.price(mean, log), (torch.arange(len(mean)) > 15)[:, None]), "gradient"),
        (vae.kl_divergence, "library"),
        (lambda mean, log: kl_divergence(Normal(mean, (log / 2).exp()), Normal(0.0, 1.0)), "library"),
        (lambda mean, log: right.price(mean, log).detach(), "gradient"),
        (lambda mean, log: right.price(mean, log).detach() + mean - mean.detach() + 0 * log, "gradient"),
        (OwnGradient.apply, "gradient"),
        (lambda mean, log: cut(right.price(mean, log), mean.abs() > 3), "gradient"),
        (lambda mean, log: cut(right.price(mean, log), log < -5), "gradient"),
        (clamped_gradient, "gradient"),
    ],
    "2.4": [
        (edited("2.4", ".clamp(min=0)", ""), "negative"),
        (edited("2.4", "-3:", ":"), "rank"),
        (edited("2.4", "-3:", "5:"), "size"),
        (edited("2.4", "vectors[:, -3:].mT", "vectors[-3:]", "vectors[:, -3:]", "vectors[-3:].mT"), "vectors"),
        (edited("2.4", "-3:", "-2:"), "few"),
        *[(large_only(*least), "threshold") for least in ((0.1, 0), (1e-6, 0), (0, 0.1), (0, 1e-6), (0, 1e-8))],
        (edited("2.4", ".clamp(min=0)", " * (values[-3:] / values[-1] > 0)"), "nothing"),
        (rank3_by_slices, "size"),
        (lambda g: three_largest(*(part.real for part in torch.linalg.eig(g))), "equal"),
        (by_signed_singular_values, "equal"),
        (lambda g: right.nearest_cloud(g / g.norm()) * g.norm(), "zero"),
        (lambda g: right.nearest_cloud(g.float()).double(), "digits"),
        (lambda g: gram.nearest_rank3(g)[0], "library"),
        (lambda g: gram.gram_matrix(gram.positions_from_gram(right.nearest_cloud(g))), "library"),
        (lambda g: right.nearest_cloud(g) if len(g) > 3 else 0 * g, "size"),
        (lambda g: right.nearest_cloud(g) if len(g) > 3 else g, "size"),
        (lambda g: right.nearest_cloud(g) if len(g) > 1 else g, "size"),
        (lambda g: right.nearest_cloud(g) if len(g) != 3 else g, "size"),
        (lambda g: right.nearest_cloud(g) if g.trace() > 0 else 0 * g, "few"),
        *((partial(as_it_is_if_near, within=within), "nearly") for within in (0.05, 1e-4, 1e-6)),
        (lambda g: g if torch.allclose(g, right.nearest_cloud(g)) else right.nearest_cloud(g), "nearly"),
        (clipped_in_double_only, "single"),
        (lambda g: g if torch.linalg.eigvalsh(g)[0] >= 0 else right.nearest_cloud(g), "definite"),
        (lambda g: g if torch.linalg.eigvalsh(g)[0] > -1e-6 else right.nearest_cloud(g), "definite"),
        (lambda g: right.nearest_cloud(g) if torch.linalg.cholesky_ex(g)[1] else g, "definite"),
        (lambda g: right.nearest_cloud(g) * g.norm() / right.nearest_cloud(g).norm(), "other"),
    ],
    "2.s": [(lambda g: g / g.norm(), "whole"), (lambda g: g / g.trace(), "whole")],
    "3.1": [
        (edited("3.1", ".sqrt()", ""), "root"),
        (edited("3.1", "-3:", ":3"), "smallest"),
        (edited("3.1", "vectors[:, -3:]", "vectors.mT[:, -3:]"), "rows"),
        (edited("3.1", "vectors[:, -3:]", "vectors[-3:].mT"), "rows"),
        (lambda g: torch.linalg.eigh(g)[1][:, -3:], "other"),
        (edited("3.1", ".clamp(min=0)", ""), "flat"),
        (edited("3.1", "min=0", "min=1e-6"), "digits"),
        (lambda g: right.atoms(g.float()).to(g), "digits"),
        (partial(cholesky, guarded=False), "flat"),
        (partial(cholesky, guarded=True), "first"),
        (partial(cut_at, least=1e-3), "thin"),
        *((partial(cut_at, least=least), "thin") for least in (1e-4, 1e-6)),
        (lambda g: short(right.atoms(g)), "single"),
        (lambda g: right.atoms(g) if g.dtype == torch.float64 or not flat(g) else g[:, :3] * 0, "single"),
        (by_eig, "symmetric"),
        (lambda g: right.atoms(g).numpy(), "numpy"),
        (gram.positions_from_gram, "library"),
    ],
    "3.2": [
        (lambda source, target: right.rotation(source, target).numpy(), "numpy"),
        (edited("3.2", "torch.linalg.det(u @ wt)", "u.new_ones(())"), "mirror"),
        (by_sign_of_the_product, "orthogonal"),
        (lambda source, target: right.rotation(source - source.mean(0), target - target.mean(0)), "centroid"),
        *((lambda x, y, first=first: right.rotation(x[:first], y[:first]), "other") for first in (3, 8)),
        (lambda source, target: short(right.rotation(source, target)), "single"),
        (
            lambda source, target: torch.eye(3).to(source) if len(source) < 4 else right.rotation(source, target),
            "other",
        ),
        (lambda source, target: right.rotation(source.float(), target.float()).to(source), "digits"),
        *((partial(none_if_small, least=least), "small") for least in (1e-6, 0.1)),
        (returning("3.2", "torch.cat([u @ wt[:, :2], hand * u @ wt[:, 2:]], dim=1)"), "axis"),
        (partial(best_rotation, allow_mirror=False), "library"),
    ],
    "3.3": [
        (lambda x, y: torch.cdist(x, y).argmin(1), "greedy"),
        (lambda x, y: right.partners_of(y, x), "inverse"),
        (lambda x, y: y.norm(dim=1).argsort()[x.norm(dim=1).argsort().argsort()], "radius"),
        (edited("3.3", ".square().sum(dim=2)", ".norm(dim=2)"), "distance"),
        (lambda x, y: assigned(x @ y.mT), "worst"),
        (lambda x, y: assigned(torch.cdist(x, y, p=1)), "other"),
        (lambda x, y: torch.arange(1, len(x) + 1), "other"),
        (in_turn, "in turn"),
        (lambda x, y: assigned((100 * torch.cdist(x, y).square()).round()), "digits"),
        (lambda x, y: assigned((100 * torch.cdist(x, y).square()).round() / 100), "digits"),
        (lambda x, y: assigned(torch.cdist(x, y).square().half()), "digits"),
        (lambda x, y: assigned(torch.cdist(x, y).square().bfloat16().float()), "digits"),
        (
            lambda x, y: assigned(torch.cdist(x.float(), y.float(), compute_mode="use_mm_for_euclid_dist").square()),
            "digits",
        ),
        (lambda x, y: assigned(torch.cdist(x, y).square()), "digits"),
        (lambda x, y: assigned(-x @ y.mT), "digits"),
        (lambda x, y: assigned((x.float()[:, None] - y.float()).square().sum(2)), "digits"),
        (lambda x, y: assigned((x[:, None] - y).square().sum(2).double().clamp(min=1e-3)), "digits"),
        (lambda x, y: assigned((x[:, None] - y).square().sum(2).double().round(decimals=5)), "digits"),
        (lambda x, y: assigned((x[:, None] - y).square().sum(2) ** 0.9), "digits"),
        (lambda x, y: torch.arange(2) if len(x) == 2 else right.partners_of(x, y), "two"),
        (lambda x, y: right.partners_of(x, y) if len(x) not in range(10, 30) else in_turn(x, y), "in turn"),
        (lambda x, y: right.partners_of(x, y).short(), "dtype"),
        (lambda x, y: right.partners_of(x, y).numpy(), "numpy"),
        (lambda x, y: right.partners_of(x, y) if len(x) < 9 else in_turn(x, y, swaps=True), "many"),
        (lambda x, y: right.partners_of(x, y) if len(x) < 9 else all_tried(x, y), "slow"),
        (lambda x, y: right.partners_of(x, y) if len(x) < 9 else by_library(x, y), "library"),
    ],
    "3.4": [
        (edited("3.4", "(u @ wt).mT", "torch.eye(3).double()"), "pose"),
        (edited("3.4", "u @ wt", "u * torch.stack([*u.new_ones(2), torch.linalg.det(u @ wt)]) @ wt"), "mirror"),
        (edited("3.4", "no_grad", "enable_grad"), "nan"),
        (edited("3.4", "no_grad", "enable_grad", "x.mT @ y", "x.mT @ y + 1e-10 * torch.arange(9).view(3, 3)"), "nan"),
        (lambda x, y: right.shape_distance(x, y) if len(x) == 4 else through_svd(x, y), "nan"),
        (lambda x, y: right.shape_distance(x - x.mean(0), y - y.mean(0)), "centroid"),
        (lambda x, y: right.shape_distance(x.float(), y.float()).double(), "zero"),
        (lambda x, y: right.shape_distance(x, y) if len(x) > 2 else (x - y).square().sum(1).mean().sqrt(), "pose"),
        *((partial(gradient_at, sizes=sizes), "slope") for sizes in ((4, 8), range(9))),
        (lambda x, y: right.shape_distance(x, y) * 2 - right.shape_distance(x, y).detach(), "slope"),
        (DistanceAlone.apply, "slope"),
        (gradient_of_the_rotation, "slope"),
        (edited("3.4", ".mean()", ".mean().add(1e-8)"), "zero"),
        (edited("3.4", ".mean()", ".mean().add(1e-4)"), "zero"),
        (by_trace, "negative"),
        (partial(aligned_rmsd, allow_mirror=True, reorder=False), "library"),
    ],
    "4.1": [
        (edited("4.1", ", dtype=v.dtype", ""), "digits"),
        (lambda v: right.second_harmonic(v / v[:, :1]), "not finite"),
        (by_shadow, "not finite"),
        (lambda v: right.second_harmonic(v) * (torch.arange(len(v)) < 64)[:, None, None], "other"),
        (lambda v: right.second_harmonic(v).double(), "dtype"),
        (edited("4.1", "keepdim=True)", "keepdim=True) + 1e-6"), "digits"),
        *(
            (edited("4.1", "keepdim=True)", f"keepdim=True).clamp({bound})"), "any length")
            for bound in ("min=0.1", "min=0.01", "min=1e-3", "max=1e3", "min=100 * torch.finfo(v.dtype).eps")
        ),
        *(
            (edited("4.1", "v.norm(dim=1, keepdim=True)", f"(v.norm(dim=1, keepdim=True) + {added})"), "any length")
            for added in ("1e-12", "torch.finfo(v.dtype).eps")
        ),
    ],
    "4.2": [
        (lambda f, x: right.message(f.float(), x.float()).double(), "digits"),
        (lambda f, x: right.message(f.double(), x.double()), "dtype"),
        (lambda f, x: message_with(f, x, lambda distance: distance + 1e-6), "digits"),
        *(
            (lambda f, x, least=least: message_with(f, x, lambda distance: distance.clamp(min=least)), "near")
            for least in (0.5, 0.1, 0.01, 0.002, 1e-4)
        ),
        (lambda f, x: message_with(f, x, lambda distance: distance + 1e-12), "near"),
        (lambda f, x: message_with(f, x, lambda distance: distance + torch.finfo(x.dtype).eps), "near"),
        *(
            (edited("4.2", "exp(-distance)", f"exp(-distance) * (distance < {reach})"), "cut-off")
            for reach in (2.2, 5, 7, 8, 10, 14, 30, 60)
        ),
        *((partial(of_nearest, n=n), "nearest") for n in (1, 4, 5, 6, 7, 8, 12, 20, 32)),
        (by_slopes, "not finite"),
        (edited("4.2", " + torch.eye(len(x), dtype=x.dtype)", ""), "not finite"),
        (edited("4.2", "exp(-distance)", "exp(-distance.square())"), "other"),
        (lambda f, x: torch.zeros_like(x), "other"),
        (lambda f, x: right.message(f, x) * (len(x) != 3), "other"),
        (lambda f, x: right.message(torch.where(f == 0, 1, f), x), "other"),
        (lambda f, x: right.message(f * (torch.arange(len(f)) < 40), x), "first"),
        (edited("4.2", "apart.norm(dim=2)", "torch.cdist(x, x).fill_diagonal_(0)"), "squares"),
        (edited("4.2", "apart.norm(dim=2)", "torch.cdist(x, x, compute_mode='use_mm_for_euclid_dist')"), "squares"),
    ],
    "4.3": [
        (edited("4.3", "l1 + l2", "min(l1 + l2, 200)"), "large"),
        (edited("4.3", "l1 + l2 and", "l1 + l2 and l1 < 1000 and"), "large"),
        (edited("4.3", "l1 + l2 and", "l1 + l2 and l3 < 5 and"), "large"),
        (lambda *irreps: right.holds(*torch.tensor(irreps).float()), "large"),
        (lambda *irreps: right.holds(*torch.tensor(irreps).to(torch.int16)), "large"),
        (by_coefficients, "large"),
        (edited("4.3", "abs(l1 - l2)", "0"), "lower"),
        (edited("4.3", "l1 + l2", "l1 * l2 + l1 + l2"), "upper"),
        (edited("4.3", "<= l1 + l2", "< l1 + l2"), "missing"),
        (edited("4.3", "p1 * p2", "(-1) ** l3"), "parity"),
        (edited("4.3", "p1 * p2", "max(p1, p2)"), "parity"),
        (edited("4.3", "p3 == p1 * p2", "p1 == p2 and p3 == 1"), "parity"),
        (edited("4.3", "l1 + l2", "min(l1 + l2, 6)"), "large"),
        (lambda *irreps: torch.tensor(1), "constant"),
        (lambda *irreps: torch.tensor(0), "constant"),
        (lambda *irreps: 2 * right.holds(*irreps), "count"),
    ],
    "4.4": [
        (lambda f, x, group: right.repaired(f, x, group[: (len(group) + 1) // 2]), "group"),
        (lambda f, x, group: (a := torch.stack([f(x @ q.T) @ q for q in group]))[a.norm(dim=1).argmax()], "one"),
        (lambda f, x, group: torch.stack([f(q @ x) @ q for q in group]).mean(0), "columns"),
        (lambda f, x, group: right.repaired(f, x, group[:60]), "group"),
        (lambda f, x, group: torch.zeros_like(x[0]), "other"),
        (lambda f, x, group: right.repaired(f, x, torch.cat([group, -group])), "mirror"),
        (lambda f, x, group: right.repaired(f, x, torch.cat([group, group])), "calls"),
        (lambda f, x, group: torch.zeros_like(f(x)) + right.repaired(f, x, group), "calls"),
        (lambda f, x, group: right.repaired(f, x, group.float().to(group)), "digits"),
        (lambda f, x, group: right.repaired(f, x, group).double(), "dtype"),
    ],
    "4.s": [
        (lambda q: stays(q) * stays(q)[0].sign(), "hand"),
        (lambda q: normalize(torch.linalg.cross(torch.eye(3).double()[0], q[:, 0]), dim=0), "one vector"),
    ],
    "5.1": [
        (lambda s: s / (s.square().mean() + 1e-12).sqrt(), "size"),
        (lambda s: s / (s.square().mean().sqrt() + 1e-12), "size"),
        (lambda s: s / s.square().mean().sqrt().clamp(min=1e-6), "size"),
        (lambda s: s / s.square().mean().sqrt(), "size"),
        (lambda s: (s := s / max(1, s.abs().max())) / s.square().mean().sqrt(), "size"),
        (lambda s: right.one_size(s.float()).double(), "digits"),
        (lambda s: right.one_size(s) if s.dtype == torch.float64 else s / s.square().mean().sqrt(), "not finite"),
    ],
    "5.2": [
        (one_after_another, "order"),
        (partial(by_linkage, method="complete"), "chain"),
        (edited("5.2", "< within", "<= within"), "edge"),
        (edited("5.2", "(places[:, None] - places).norm(dim=2)", "torch.cdist(places, places)"), "far"),
        (lambda places, within: right.merged(places.unique(dim=0), within), "double"),
        (lambda places, within: right.merged(places.float(), within).double(), "digits"),
        (edited("5.2", "in range(len(places))", "in range(100)"), "rounds"),
        (in_boxes, "grid"),
        (edited("5.2", ".mean(dim=0)", "[0]"), "mean"),
        (lambda places, within: places, "all"),
        (lambda places, within: places.mean(dim=0, keepdim=True), "all"),
        (lambda places, within: right.merged(places, 0.5 * within), "chain"),
        (lambda places, within: right.merged(places, 2 * within), "other"),
        (edited("5.2", "< within", "** 2 < within"), "square"),
        (edited("5.2", "in range(len(places))", "in range(5)"), "rounds"),
        (edited("5.2", "in range(len(places))", "in range(30)"), "rounds"),
        (lambda places, within: right.merged(places, within)[:, 0], "shape"),
    ],
    "5.3": [
        (paired_in_turn, "in turn"),
        (lambda x, y: paired_in_turn(x, y, closest_first=True), "in turn"),
        (lambda x, y: right.matched(x, y).float(), "dtype"),
        (lambda x, y: right.matched(x.float(), y.float()).double(), "digits"),
        (edited("5.3", "square.detach()", "square.detach().float()"), "digits"),
        (edited("5.3", "square.detach()", "(found.detach()[:, None] - true).float().square().sum(dim=2)"), "digits"),
        (edited("5.3", "square.detach()", "square.detach().sqrt()"), "square"),
        (edited("5.3", ".square().sum(dim=2)", ".square().sum(dim=2).sqrt().square()"), "coincide"),
        (edited("5.3", "(found[:, None] - true).square().sum(dim=2)", "torch.cdist(found, true).square()"), "far"),
        (lambda x, y: right.matched(x, y) if len(x) < 8 else torch.cdist(x, y).square().amin(1).mean(), "shared"),
        (lambda x, y: right.matched(x, y) if len(x) < 8 else paired_in_turn(x, y), "in turn"),
        (edited("5.3", "(found[:, None] - true).square().sum(dim=2)", EXPANDED), "far"),
        (over_pairings, "slow"),
    ],
    "5.4": [
        (edited("5.4", "'eo'[degree % 2]", "'e'"), "mirror"),
        (edited("5.4", ".mean(", ".sum("), "mean"),
        (edited("5.4", "mean.trace().round().long()", "torch.linalg.matrix_rank(mean)"), "rank"),
        (lambda s, degree: right.n_allowed(s[:1], degree) * 0 + 2 * degree, "size"),
        (lambda s, degree: right.n_allowed(s[: max(1, len(s) // 2)], degree), "some"),
        (lambda s, degree: right.n_allowed(s, min(degree, 6)), "size"),
        (lambda s, degree: right.n_allowed(s, degree) + 2 * (len(s) > 1), "other"),
    ],
    "5.s": [
        (both_ways, "twice"),
        (lambda x, reach: both_ways(x, reach, -1), "self"),
        (edited("5.s", " / 2", ""), "sum"),
        (edited("5.s", "< reach", "< torch.inf"), "all"),
        (edited("5.s", "norm(dim=1)", "abs().amax(dim=1)"), "box"),
        (nearest_only, "torn"),
        (lambda x, reach: right.middles(x, reach).unique(dim=0), "merged"),
        (lambda x, reach: right.middles(x, reach) + 1, "other"),
        (lambda x, reach: right.middles(x, reach)[:, :2], "shape"),
    ],
    "6.1": [
        (edited("6.1", "[others.norm(dim=1).argsort()]", ""), "order"),
        (lambda x, missing: x * (torch.arange(len(x)) != missing)[:, None], "zeros"),
        (lambda x, missing: by_radius(x[x.norm(dim=1) != x[missing].norm()]), "equal"),
        (lambda x, missing: by_radius(x[(x.norm(dim=1) - x[missing].norm()).abs() > 1e-9]), "equal"),
        (lambda x, missing: by_radius(torch.cat([x[:missing], x[missing + 1 :]]), 1), "rounded"),
        (lambda x, missing: by_radius(torch.cat([x[:missing], x[missing + 1 :]]), 2), "rounded"),
        (lambda x, missing: by_radius(x[[i for i in range(8) if i != missing]]), "raises"),
        (lambda x, missing: right.without(x, missing).float(), "dtype"),
        (lambda x, missing: right.without(x, missing).roll(missing, 0), "order"),
        (lambda x, missing: x[x.norm(dim=1).argsort()][:-1], "atoms"),
        (sorted_again(lambda others, x, missing: others[:, 2]), "pose"),
        (lambda x, missing: right.without(x, missing).numpy(), "numpy"),
        (sorted_again(lambda others, x, missing: torch.rand(len(others))), "dice"),
        (sorted_again(lambda others, x, missing: (others - x[missing]).norm(dim=1)), "leak"),
        (sorted_again(lambda others, x, missing: (others - x.mean(0)).norm(dim=1)), "leak"),
    ],
    "6.2": [
        (lambda known, products: inpainting.from_products(known[None], products[None, :, None])[0, 0], "library"),
        (lambda known, products: right.vector(known[:7], products[:7]), "other"),
        (lambda known, products: right.vector(known.float(), products.float()).double(), "single"),
    ],
    "6.3": [
        (lambda one, other: right.off(one - one.mean(0), other - other.mean(0)), "align"),
        (for_three, "many"),
        (lambda one, other: right.off(one, other) if len(one) < 5 else (one - other).norm() / len(one) ** 0.5, "many"),
        (lambda one, other: (right.off(one, other) ** 2 + 1e-9).sqrt(), "zero"),
        (lambda one, other: right.off(one, other) + 2e-7 * (one.norm() > 0), "zero"),
        (lambda one, other: inpainting.apart(one, other), "library"),
        (lambda one, other: inpainting.restored_error(one[None, None], other[None])[0, 0], "library"),
    ],
    "6.4": [
        (lambda errors, k: right.best_of_k(errors.float(), k).double(), "single"),
        (lambda errors, k: right.best_of_k(errors, min(k, 5)), "capped"),
        (lambda errors, k: right.best_of_k(errors.clamp(max=3), k), "clipped"),
        (lambda errors, k: right.best_of_k(errors[(errors[:, :k].amin(dim=1) < 3)], k), "success"),
        (lambda errors, k: right.best_of_k(errors, k).round(decimals=3), "single"),
    ],
    "6.s": [
        (lambda draws: draws[-1].clone(), "other"),
        (lambda draws: draws[(draws - geometric_median(draws)).norm(dim=1).argmin()], "other"),
        (geometric_median, "none"),
    ],
    "7.1": [
        (lambda noise, data, time: right.between(noise, data, time.mean().expand(len(time))), "one time"),
        (lambda noise, data, time: right.between(noise, data, time.roll(1)), "one time"),
        (lambda noise, data, time: right.between(noise, data, time.clamp(max=0.99)), "ends"),
        (lambda noise, data, time: right.between(noise, data, time.clamp(0, 0.8)), "ends"),
        (lambda noise, data, time: right.between(noise, data, time * (time / time)), "not finite"),
    ],
    "7.2": [
        (lambda v, x, t, h: x + h * (v(x, t) + v(x + h * v(x, t), (t + h).clamp(max=1))) / 2, "clamped"),
        (lambda v, x, t, h: x + h * (v(x, t[0]) + v(x + h * v(x, t[0]), t[0] + h)) / 2, "raises"),
    ],
    "7.3": [
        (lambda samples, train, held_out: right.copied(samples, train, held_out[:10]), "some"),
        (
            lambda samples, train, held_out: right.copied(*(x / train.std(0) for x in (samples, train, held_out))),
            "scaled",
        ),
    ],
    "7.4": [
        (lambda real, fake: torch.maximum(a := right.told(real, fake), 1 - a), "folded"),
        (lambda real, fake: right.told(real.half(), fake.half()), "single"),
        (lambda real, fake: right.told(real.float(), fake.float()), "single"),
    ],
    "8.1": [
        (shares(torch.exp, norm=False), "sum"),
        (shares(torch.sigmoid), "constant"),
        (shares(torch.exp2), "sharp"),
        (shares(lambda c: (-c).exp()), "sign"),
        (shares(torch.exp), "large"),
        (shares(lambda c: (c - c.mean()).exp()), "large"),
        (lambda places, confidence: right.voted(places, confidence.clamp(max=80)), "larger"),
        (shares(lambda c: c.argsort().argsort() + 1.0 * torch.ones_like(c)), "other"),
    ],
    "8.3": [
        (lambda d, c: 1 - cosine(d, c), "start"),
        (edited("8.3", ".clamp(min=0)", ""), "beyond"),
        (lambda d, c: (d < c).double(), "jump"),
        (lambda d, c: (-((d / c) ** 2)).exp() * (d <= c), "jump"),
        (lambda d, c: (d == 0) / 2 + cosine(d, c) / 2, "jump"),
        (lambda d, c: torch.where(d < 0.4 * c, 0.2, 0.0) + 0.8 * cosine(d, c), "jump"),
        (lambda d, c: (1 - d / c).clamp(min=0), "kink"),
        (lambda d, c: cosine(d, c) * (1 + (6 * d / c).sin() ** 2), "falls"),
        (lambda d, c: cosine(d, 0.65 * c), "flat"),
        (lambda d, c: cosine((d - 0.99 * c).clamp(min=0), 0.01 * c), "flat"),
        (lambda d, c: cosine(d, c) / 2 + (1 - 2 * d / c).clamp(min=0) / 2, "kink on the way"),
        (lambda d, c: cosine(d, 3.0), "cutoff"),
        (lambda d, c: (1 - 1 / (1 - (d / c) ** 2)).exp() * (d < c), "not a number"),
        (lambda d, c: torch.cos(math.pi * d / c) / 2 * (d <= c), "start"),
    ],
    "8.s": [
        (lambda o, x, bond, angle: right.circle_middle(o, o + x, bond, angle), "off axis"),
        (lambda o, x, bond, angle: right.circle_middle(o, x, bond, 0.0), "other"),
    ],
    "9.1": [
        (all_blocks((0, 1, 2, 3)), "order"),
        (all_blocks((2, 0, 3, 1)), "order"),
        (edited("9.1", " + between.transpose(0, 1).mT", ""), "below"),
        (edited("9.1", "(0, 1).mT", "(0, 1)"), "transpose"),
        (edited("9.1", "between + between.transpose(0, 1).mT", "between.mT + between.transpose(0, 1)"), "above"),
        (lambda own, between: right.assembled(own.float(), between.float()).double(), "digits"),
        (lambda own, between: right.assembled(own.double(), between.double()), "dtype"),
    ],
    "9.2": [
        (lambda block, q: right.turned(block, q * q.det()), "mirror"),
        (lambda block, q: right.turned(block.float(), q.float()).double(), "digits"),
        (lambda block, q: right.turned(block.double(), q.double()), "dtype"),
    ],
    "9.3": [
        (edited("9.3", RECORDED, "torch.no_grad()"), "raises"),
        (lambda number, x: right.uphill(number, x) * torch.is_grad_enabled(), "no grad"),
        (edited("9.3", RECORDED, "torch.set_grad_enabled(recording)"), "no grad"),
        (edited("9.3", ".sum()", ".sum().square()"), "mixing"),
        (by_differences, "differences"),
        (edited("9.3", "create_graph=recording", "create_graph=False"), "graph"),
        (edited("9.3", "features if features.requires_grad else features", "features.detach()"), "cut"),
        (by_backward, "weights"),
        (lambda number, x: number(x)[:, None] * x, "other"),
        (lambda number, x: right.uphill(number, x.requires_grad_()), "in place"),
        (edited("9.3", "create_graph=recording", "create_graph=True"), "graph kept"),
        (edited("9.3", "torch.inference_mode(False), ", ""), "inference"),
        (edited("9.3", ".clone()", ".detach()"), "inference"),
        (switched(True, True), "mode"),
        (switched(False, False), "mode"),
        (lambda number, x: right.uphill(number, x.float()).double(), "differences"),
        (lambda number, x: right.uphill(number, x.double()), "dtype"),
    ],
    "9.4": [
        (lambda fock, overlap: metrics.orbitals(fock, overlap)[0], "library"),
        (lambda fock, overlap: right.levels(fock.float(), overlap.float()).double(), "digits"),
        (lambda fock, overlap: right.levels(fock.double(), overlap.double()), "dtype"),
        (lambda fock, overlap: right.levels(fock, overlap).flip(0), "order"),
    ],
    "10.1": [
        (lambda d, lmax: sum(right.power(one, lmax).square() for one in d[:, None]).sqrt(), "each"),
        (lambda d, lmax: right.power(d.float(), lmax).double(), "digits"),
        (lambda d, lmax: torch.cat([right.power(d, min(lmax, 4)), torch.zeros(max(lmax - 4, 0)).double()]), "other"),
        (lambda d, lmax: right.power(d, 4)[: lmax + 1], "shape"),
        (lambda d, lmax: torch.nn.functional.threshold(right.power(d, lmax), 0.3, 0), "small"),
        (lambda d, lmax: torch.nn.functional.threshold(right.power(d, lmax), 1e-3, 0), "small"),
        (lambda d, lmax: right.power(d.double(), lmax), "dtype"),
    ],
    "10.2": [
        (lambda sees, merit: right.who_pools(sees, merit * len(merit) - torch.arange(len(merit))), "tie"),
        (edited("10.2", "(sees & free).any(dim=1) & ~chosen", "free"), "taken"),
        (lambda sees, merit: right.who_pools(sees, -merit), "merit"),
        (lambda sees, merit: right.who_pools(sees, sees.sum(1)), "other"),
        (partial(masked, low=0), "slow"),
        (lambda sees, merit: right.who_pools(sees, merit.abs()), "sign"),
        (lambda sees, merit: right.who_pools(sees, merit.clamp(-99, 99)), "sign"),
        (lambda sees, merit: right.who_pools(sees, merit.int()), "sign"),
        (lambda sees, merit: right.who_pools(sees, merit.double()), "sign"),
        (partial(masked, low=-(10**12)), "slow"),
        (partial(masked, rounds=3), "left"),
        (partial(masked, rounds=15), "left"),
    ],
    "10.3": [
        (edited("10.3", KINDS, ""), "species"),
        (edited("10.3", "fits[pairs].all()", "fits.any(dim=1).all()"), "shared"),
        (edited("10.3", "fits[pairs].all()", "(fits.any(dim=0) & fits.any(dim=1)).all()"), "shared"),
        (lambda x, k, y, o, within: right.same(x[: len(y)], k[: len(y)], y[: len(x)], o[: len(x)], within), "number"),
        (partial(cheapest, worst=torch.mean), "worst"),
        (edited("10.3", "(x[:, None] - y).norm(dim=2)", "torch.cdist(x, y)"), "single"),
        (lambda x, *rest: right.same(x, *rest) if (len(x), len(rest[1])) != (1, 1) else torch.tensor(1), "atom"),
        (
            lambda x, k, y, o, far: (torch.equal(k, o) and (x - y).norm(dim=1).max() < far) + torch.tensor(0),
            "order",
        ),
        (edited("10.3", KINDS, "", ".long()", ".long() * (kinds[pairs[0]] == others[pairs[1]]).all()"), "crossing"),
        (lambda x, kinds, y, others, within: right.same(x, kinds, y, others, 0.2), "within"),
        (up_to_a_turn, "pose"),
        (edited("10.3", "< within", "<= within"), "edge"),
        (cheapest, "best"),
        (partial(cheapest, power=1), "best"),
        (partial(cheapest, power=8), "best"),
        (partial(cheapest, penalty=10), "best"),
        (misfits_cost_ten, "best"),
        (partial(cheapest, pairs=joined_in_turn(closest_first=True)), "best"),
        (edited("10.3", KINDS, "", "norm(dim=2) <", "norm(dim=2) + 9 * (kinds[:, None] != others) <"), "scale"),
        (edited("10.3", KINDS, "", "norm(dim=2) <", "norm(dim=2) + 1e9 * (kinds[:, None] != others) <"), "scale"),
        (kind_as_a_coordinate, "scale"),
        (edited("10.3", "< within", "< within - 1e-3"), "scale"),
        (edited("10.3", "< within", "< within - 1e-6"), "scale"),
        (edited("10.3", "< within", "< within - 1e-9"), "scale"),
        (edited("10.3", "< within", "< within * (1 - 1e-4)"), "hair"),
        (lambda x, k, y, o, within: right.same(x.float(), k, y.float(), o, within), "hair"),
        (lambda x, k, y, o, within: right.same(x.float(), k, y.float(), o, within + 1e-5), "edge"),
        (over_permutations, "slow"),
    ],
    "10.4": [
        (lambda c, e, unseen: right.composed(c, e, unseen) - right.composed(c, e, unseen).mean(), "unseen"),
        (edited("10.4", "torch.linalg.lstsq(counts", "torch.linalg.lstsq(counts.float()"), "raises"),
        (lambda c, e, unseen: right.composed(c.float(), e.float(), unseen.float()).double(), "nearly"),
        (
            lambda c, e, unseen: unseen @ torch.linalg.solve(c.mT @ c + 1e-6 * torch.eye(c.shape[1]), c.mT @ e),
            "nearly",
        ),
        (lambda c, e, unseen: unseen @ torch.linalg.pinv(c[: c.shape[1]]) @ e[: c.shape[1]], "other"),
        (lambda c, e, unseen: right.composed(c[:, :14], e, unseen[:, :14]), "other"),
        (lambda c, e, unseen: right.composed(c, e, unseen.clamp(max=10)), "other"),
        (lambda c, e, unseen: unseen @ torch.linalg.pinv(c, rtol=0.1) @ e, "rare"),
        (lambda c, e, unseen: unseen @ torch.linalg.pinv(c, rtol=1e-2) @ e, "rare"),
    ],
    "11.1": [
        (edited("11.1", " - {*map(name, known)}", ""), "known"),
        (lambda born, known: sum(right.n_new([x], known) for x in born), "twice"),
        (edited("11.1", "sorted((pose - pose.amin(dim=0)).tolist())", "pose.tolist()"), "order"),
        (edited("11.1", "poses =", "return str(torch.pdist(piece.double()).sort().values)\n        poses ="), "name"),
        (edited("11.1", "connected_components(near.numpy())[0] == 1", "near.sum(dim=1).min() > 1"), "torn"),
        (edited("11.1", "way in ways]", "way in ways if torch.linalg.det(way.double()) > 0]"), "mirror"),
        (edited("11.1", "way in ways]", "way in ways[:1]]"), "turned"),
        (edited("11.1", " - pose.amin(dim=0)", ""), "moved"),
        (edited("11.1", "len(x) == n and len(x.unique(dim=0)) == n", "len(x.unique(dim=0)) == len(x)"), "lost"),
        (edited("11.1", " and in_one(x)", ""), "torn"),
        (edited("11.1", "< 1.1", "< 1.5"), "touch"),
        (lambda born, known: right.n_new(born, known) + 7, "other"),
        (edited("11.1", " and len(x.unique(dim=0)) == n", ""), "double"),
        (edited("11.1", "poses =", BY_INERTIA), "name"),
        (edited("11.1", "connected_components(near.numpy())[0] == 1", "near.sum() >= 3 * len(piece) - 2"), "loop"),
        (edited("11.1", "connected_components(near.numpy())[0] == 1", f"({FIVE_STEPS} > 0).all()"), "long"),
        (edited("11.1", "str(min(sorted((pose - pose.amin(dim=0)).tolist())", BY_NUMBERS), "name"),
        (lambda born, known: right.n_new([x[: len(known[0])] for x in born], known), "lost"),
        (lambda born, known: right.n_new([x.to(torch.int8).long() for x in born], known), "far"),
        (lambda born, known: right.n_new([x.to(torch.int16).long() for x in born], known), "far"),
        (lambda born, known: right.n_new([x.half().long() for x in born], known), "far"),
    ],
    "11.2": [
        (lambda x, reach: right.may_go(x, torch.inf), "whole"),
        (lambda x, reach: right.may_go(x, reach**0.5), "square"),
        (lambda x, reach: right.may_go(x, 1.2), "square"),
        (lambda x, reach: right.may_go(x, reach) ^ (torch.arange(len(x)) == 0), "other"),
        (lambda x, reach: right.may_go(x, reach) & (x.dtype == torch.float64), "single"),
        (edited("11.2", "< reach", "<= reach"), "edge"),
        (edited("11.2", "torch.tensor(parts) == 1", "(torch.tensor(parts) == 1) & (len(x) > 2)"), "pair"),
        (partial(may_go_by_powers, steps=20), "long"),
        (partial(may_go_by_powers, steps=6), "long"),
        (lambda x, reach: right.may_go(x.float(), reach), "digits"),
        (edited("11.2", "torch.cdist(x, x)", "torch.cdist(x, x, p=torch.inf)"), "box"),
        (edited("11.2", PARTS, "2 - int(near[kept][:, kept].sum() >= 3 * len(x) - 5)"), "whole"),
    ],
    "11.3": [
        (edited("11.3", ".unique(dim=0)", ""), "twice"),
        (edited("11.3", "[~taken]", ""), "taken"),
        (edited("11.3", "torch.cat([torch.eye(3), -torch.eye(3)]).long()", AROUND), "edges"),
        (edited("11.3", "torch.cat([torch.eye(3), -torch.eye(3)])", "torch.eye(3)"), "one side"),
        (in_the_box, "box"),
        (lambda cells: right.room(cells)[1:], "other"),
        (lambda cells: right.room(cells).flatten(), "shape"),
        (lambda cells: right.room(cells).double(), "dtype"),
        (lambda cells: right.room(cells - cells[0]), "other"),
        (lambda cells: right.room(cells)[:0], "other"),
        (room_from_outside, "hollow"),
        (lambda cells: hierarchical.free_places(cells.double()).to(cells), "library"),
        (partial(room_by_numbers, base=100), "long"),
        (partial(room_by_numbers, base=10), "long"),
        (lambda cells: right.room(cells.half()).long(), "far"),
        (lambda cells: right.room(cells.to(torch.int16)), "far"),
        (edited("11.3", BY_EQUALITY, "torch.cdist(places.float(), cells.float()).amin(dim=1) < 0.5"), "far"),
    ],
    "11.4": [
        (lambda parent, piece, within: (torch.cdist(parent, piece).amin(dim=1) < within).double().mean(), "empty"),
        (edited("11.4", "near.any(dim=1).double().mean()", "near.any(dim=0).double().mean().nan_to_num()"), "reversed"),
        (lambda parent, piece, within: right.kept(piece, parent, within).nan_to_num(), "reversed"),
        (edited("11.4", "torch.cdist(parent, piece)", "torch.cdist(parent, piece) ** 2"), "square"),
        (edited("11.4", "< within", "< 2 * within"), "other"),
        (edited("11.4", "torch.cdist(parent, piece)", "(parent[:, None] - piece).abs().amax(dim=2)"), "box"),
        (edited("11.4", ".mean()", ".sum()"), "count"),
        (edited("11.4", ".double().mean()", ".all().double()"), "all"),
        (edited("11.4", ".any(dim=1)", ""), "pairs"),
        (edited("11.4", ".any(dim=1).double().mean()", ".double().sum() / len(parent)"), "pairs"),
        (edited("11.4", ".double()", ".float()"), "dtype"),
        (edited("11.4", ".double()", ".to(parent.dtype)"), "dtype"),
        (as_numbered, "ordered"),
        (one_to_one, "one to one"),
        (edited("11.4", "< within", "<= within"), "edge"),
        (lambda parent, piece, within: right.kept(parent.float(), piece.float(), within), "digits"),
        (edited("11.4", "torch.cdist(parent, piece)", "torch.cdist(parent, piece).half()"), "digits"),
    ],
    "11.s": [
        (lambda p, n: n * p.sum(), "draws"),
        (lambda p, n: (n * p).clamp(max=1).sum(), "cut"),
        (lambda p, n: 1 - (1 - p.sum()) ** n, "union"),
        (edited("11.s", "(1 - missed)", "missed"), "never"),
        (edited("11.s", ".sum()", ".mean()"), "mean"),
        (edited("11.s", "(1 - p) ** n", "(-n * p).exp()"), "rare"),
    ],
    "12.1": [
        (by_densities, "far"),
        (lambda *inputs: by_densities(*inputs, tiny=1e-300), "far"),
        (edited("12.1", "dim=1", "dim=0"), "axis"),
        (clamped, "far"),
        (nearest_if_far, "nearest"),
    ],
    "12.2": [
        (lambda *inputs: right.next_level(*inputs[:-1], torch.randn(len(inputs[0]), 3).double()), "random"),
        (edited("12.2", "0.3", "0.1"), "other"),
    ],
    "12.3": [
        (edited("12.3", ".abs().square()", "**2"), "dtype"),
        (edited("12.3", "x @ torch.linalg.inv(cell)", "x / cell.norm(dim=1)"), "skewed"),
        (edited("12.3", "x @ torch.linalg.inv(cell)", "x / cell.diagonal()"), "skewed"),
        (edited("12.3", "x @ torch.linalg.inv(cell)", "(torch.linalg.inv(cell) @ x.mT).mT"), "transpose"),
        (edited("12.3", "torch.linalg.inv(cell)", "cell"), "direct"),
        (edited("12.3", "2 * torch.pi * ", ""), "two pi"),
        (edited("12.3", "1j", "-1"), "other"),
        (lambda *inputs: right.structure_factor(*inputs).squeeze(), "shape"),
    ],
    "12.4": [
        (by_covariance(lambda springs, kT: kT * torch.linalg.inv(springs)), "soft"),
        (by_covariance(lambda springs, kT: kT * torch.cholesky_inverse(torch.linalg.cholesky(springs))), "soft"),
        (by_covariance(lambda springs, kT: kT * torch.linalg.pinv(springs)), "soft"),
        (by_covariance(lambda springs, kT: kT * springs), "covariance"),
        (edited("12.4", " / kT", ""), "temperature"),
        (edited("12.4", " / kT", " * kT"), "temperature"),
        (edited("12.4", "noise**2", "noise"), "noise"),
        (edited("12.4", "noise**2", "noise**2 / 2"), "half"),
        (edited("12.4", "noise**2 / kT", "2 * noise**2 / kT"), "half"),
        (lambda noisy, rest, *others: (noisy + rest) / 2, "other"),
        (without_soft_springs, "reversed"),
        (
            by_covariance(
                lambda springs, kT: kT * torch.linalg.inv(springs + 1e-4 * torch.eye(len(springs)).to(springs))
            ),
            "soft",
        ),
    ],
    "12.s": [
        (edited("12.s", ".clamp(min=1)", ""), "low"),
        (edited("12.s", ".clamp(min=1)", "", ".log()", ".abs().log().abs()"), "low"),
        (edited("12.s", "(before - 1) / (height - 1)", "before / height"), "gas"),
        (edited("12.s", ".max()", ".mean()"), "all"),
    ],
}
# Hints of an exercise, and what its solution returns to meet them: no grader is tried with its own formulas only.
RETURNS = """
1.1 shape: Q @ x.mT; columns: Q @ x; numpy: it.numpy()
1.1 lengths: x * Q.diag(); other: -it; dtype: it.float(); strange: it.to_sparse()
1.1 digits: (x.float() @ Q.float().mT).double(); same: x; inverse: x @ Q
1.1 centroid: (x - x.mean(0)) @ Q.mT + x.mean(0)
1.2 one atom: it.mean(0).expand(x.shape); it.sum(0).expand(x.shape); sign: slope
1.4 mirror: it.abs(); rotation: x[0, 0]; constant: it * 0 + 1; size: it + 9; no tensor: it.item(); not finite: it.sqrt()
1.s axis: x * (1 - 2 * torch.eye(3)[0]); x * (1 - 2 * torch.eye(3)[1]); x * (1 - 2 * torch.eye(3)[2]); shadow: x - along
1.s same: x; centroid: it + 2 * along.mean(0); inverted: -x; length: x - 2 * (x @ normal)[:, None] * normal; turned: -it
2.2 rows: matrix[order][*torch.triu_indices(8, 8)]; matrix[:, order][*torch.triu_indices(8, 8)]; same: entries
2.2 inverse: gram.upper_triangle(matrix[order.argsort()][:, order.argsort()])
2.2 triangle: matrix[order][:, order][*torch.tril_indices(8, 8)]
2.3 sign: -it; half: 2 * it; bits: it / torch.tensor(2.0).log()
2.3 silent: (mean**2 - 1) / 2; other: mean.abs() + log_variance.abs()
2.4 rest: g - it; smallest: vectors[:, :3] * values[:3] @ vectors[:, :3].mT
2.4 smallest: vectors[:, :3] * values[:3].clamp(min=0) @ vectors[:, :3].mT
2.4 magnitude: vectors * values * (values.abs() >= values.abs().sort()[0][-3]) @ vectors.mT
2.4 magnitude: vectors * values.clamp(min=0) * (values.abs() >= values.abs().sort()[0][-3]) @ vectors.mT
2.s one length: G / length; G / length[:, None]; angles: it.clamp(-1, 1).acos(); torch.rad2deg(it.clamp(-1, 1).acos())
2.s products: G; squares: it / (length[:, None] * length); sign: it.abs(); diagonal: it - torch.eye(len(G))
3.2 inverse: it.mT; flip: u * torch.stack([hand, hand**2, hand**2]) @ wt; hand * u @ wt
3.2 flip: u * torch.stack([hand**2, hand, hand**2]) @ wt; factor: u * torch.stack([hand**2, hand**2, hand]) @ wt.mT
3.4 root: it**2; mean: it * len(x) ** 0.5; it / 3**0.5; it / x.numel() ** 0.5
3.4 gradient: it.detach(); other: (x @ x.mT - y @ y.mT).norm()
3.s inverse: it.mT; flip: sign * u @ vt; u * torch.stack([sign, sign**2, sign**2]) @ vt; first: turns[0]
3.s flip: u * torch.stack([sign**2, sign, sign**2]) @ vt; mean: turns.mean(0); mirror: u @ vt
3.s orthogonal: turns.sum(0); other: turns[0] @ turns[1] @ turns[2]
3.s scaled: turns.sum(0) / turns.sum(0).norm(dim=1, keepdim=True)
3.s rows: (lambda q, r: q * r.diagonal().sign())(*torch.linalg.qr(turns.mean(0)))
3.s rows: (lambda q, r: (q * r.diagonal().sign()).mT)(*torch.linalg.qr(turns.mean(0).mT))
4.1 length: v.square().sum(1)[:, None, None] * it; trace: it + torch.eye(3) / 3; size: 1.5 * it; -it
4.1 axis: torch.einsum("ni,nj->nij", v / v.norm(), v / v.norm()) - torch.eye(3).to(v) / 3
4.1 unit: it + torch.eye(3).to(v) / 3 - 1 / 3; other: it[:, [1, 2, 0]][:, :, [1, 2, 0]]
4.2 near: (f * torch.exp(-distance) / distance.clamp(min=1))[..., None].mul(apart).sum(1)
4.2 direction: -it; mean: it / (len(x) - 1); radial: (strength / torch.exp(-distance))[..., None].mul(apart).sum(1)
4.2 unit: (f * torch.exp(-distance))[..., None].mul(apart).sum(1); origin: f[:, None] * x; other: it / 2
4.2 index: (strength / f * f[:, None])[..., None].mul(apart).sum(1); not finite: it / 0
4.4 back: torch.stack([f(x @ g.mT) for g in group]).mean(0); mean: it * len(group); group: f(x)
4.4 inverse: torch.stack([f(x @ g.mT) @ g.mT for g in group]).mean(0)
4.s sign: -it; length: three; order: it.flip(0); middle: it * torch.tensor([1, -1, 1])
4.s signs: it * torch.tensor([-1, 1, 1]); unsigned: it.abs(); other: Q.diagonal() / Q.diagonal().norm()
5.1 each number: signal / signal.square().mean(1, True).sqrt(); other: signal / signal.abs().mean()
5.1 each channel: signal / signal.square().mean(0, True).sqrt()
5.1 each l: torch.cat([part / part.square().mean().sqrt() for part in signal.split([1, 3, 5, 7])])
5.1 sum: signal / signal.norm(); root: signal / signal.square().mean(); centred: (signal - signal.mean()) / signal.std()
5.1 centred: torch.nn.functional.layer_norm(signal, signal.shape)
5.3 shared: square.amin(1).mean(); (square.amin(1) + square.amin(0)).mean(); gradient: it.detach()
5.3 shared: (square.amin(1) + square.amin(0)).mean() / 2; pairing: square.diagonal().mean(); sum: it * len(true)
5.3 square: square.sqrt()[linear_sum_assignment(square.detach().sqrt().numpy())].mean(); other: it + 1; third: it / 3
5.3 root: it.sqrt(); gradient: it.detach().requires_grad_(); it.detach() + 0 * found.sum()
6.2 sum: products @ known; products @ known / len(known); few: torch.linalg.solve(known[:3], products[:3]); sign: -it
6.2 gram: torch.linalg.solve(known.mT @ known, products[:3])
6.3 shared: square.amin(0).mean().sqrt(); square.amin(1).mean().sqrt(); order: sums[0].sqrt(); other: 1 + it
6.3 mean: it**2; it**2 * len(missing); it * len(missing) ** 0.5; it / 3**0.5; pairing: torch.stack(sums).mean().sqrt()
6.3 mean: min(square.sqrt()[rows, list(order)].sum() for order in permutations(rows)) / len(missing)
6.3 mean: min(square.sqrt()[rows, list(order)].sum() for order in permutations(rows))
6.4 all: errors.amin(1).mean(); errors[:, -k:].amin(1).mean(); errors[:, : k + 1].amin(1).mean()
6.4 axis: errors[:k].amin(1).mean(); errors[:, :k].amin(0).mean(); last: errors[:, k - 1].mean()
6.4 mean: it * len(errors); errors[:, :k].amin(1).median(); root: errors[:, :k].amin(1).square().mean().sqrt()
6.4 mean: errors[:, :k].mean(); errors[:, :k].mean(0).min(); errors[:, :k].mean(1).min(); errors[:, :k].min()
6.4 hindsight: errors.sort(1)[0][:, :k].mean(); success: it * 0 + errors[:, :k].amin(1).sort()[0][:-1].mean()
6.s mean: draws.mean(0); axes: draws.median(0)[0]; outer: draws[torch.cdist(draws, draws).sum(1).argmax()]
6.s first: draws[0]; squares: draws[(draws - draws.mean(0)).norm(dim=1).argmin()]
6.s length: draws[draws.norm(dim=1).argmin()]
6.s densest: draws[torch.cdist(draws, draws).fill_diagonal_(torch.inf).amin(1).argmin()]
7.1 reversed: t * noise + (1 - t) * data; arc: (torch.pi * t / 2).cos() * noise + (torch.pi * t / 2).sin() * data
7.1 sum: (1 - t) * noise + data; other: (1 - t**2) * noise + t**2 * data
7.2 euler: x + step * first; end: x + step * second; half: x + step * (first + second); start: it - x
7.2 time: x + step * (first + velocity(x + step * first, time)) / 2
7.2 place: x + step * (first + velocity(x, time + step)) / 2
7.2 midpoint: x + step * velocity(x + step * first / 2, time + step / 2)
7.3 own: it * 0 + (len(samples) - 1) // 2 / len(samples); share: 100 * it; len(samples) * it; far: 1 - it
7.3 against: (torch.cdist(samples, held_out).amin(1) < usual).double().mean()
7.3 average: (torch.cdist(samples, train).amin(1) < torch.cdist(held_out, train).amin(1).mean()).double().mean()
7.3 mean: (torch.cdist(samples, train).mean(1) < torch.cdist(held_out, train).mean(1).median()).double().mean()
7.4 ties: higher.double().mean(); (higher | equal).double().mean(); share: 100 * it; it * equal.numel()
7.4 threshold: (m := torch.cat([real, fake]).mean()) * 0 + torch.cat([real <= m, fake > m]).double().mean()
7.4 reversed: 1 - it; same: higher.diagonal().double().mean(); mean: fake.mean() - real.mean()
7.s square: (one.sort()[0] - other.sort()[0]).square().mean(); (one.sort()[0] - other.sort()[0]).norm() / len(one)**0.5
7.s order: (one - other).abs().mean(); mean: (one.mean() - other.mean()).abs(); signed: one.mean() - other.mean()
7.s nearest: (one[:, None] - other).abs().amin(1).mean() / 2 + (one[:, None] - other).abs().amin(0).mean() / 2
7.s largest: (one.sort()[0] - other.sort()[0]).abs().max(); sum: it * len(one)
7.s nearest: (one[:, None] - other).abs().amin(1).mean(); (one[:, None] - other).abs().amin(0).mean()
8.1 equal: places.mean(0); winner: places[confidence.argmax()]
8.1 sharp: (2 * confidence).softmax(0) @ places; (confidence / 2).softmax(0) @ places
8.1 sign: (-confidence).softmax(0) @ places
8.2 pose: v.tanh(); each: v / (1 + v.norm()); direction: -it; length: v; v / (1 + v.square().sum(1, keepdim=True))
8.2 zero: v / v.norm(dim=1, keepdim=True) * it.norm(dim=1, keepdim=True); gradient: it.detach()
8.2 infinite: v / (1 + v.square().sum(1, keepdim=True).sqrt()); columns: v / (1 + v.norm(dim=0))
8.2 gradient: v / (1 + v.norm(dim=1, keepdim=True).detach())
8.4 or: (near | right).double().mean(); share: 100 * it; it * len(near); place: right.double().mean()
8.4 element: near.double().mean(); product: near.double().mean() * right.double().mean()
8.4 within: (((place - truth).norm(dim=1) <= 0.5) & right).double().mean()
8.4 edge: (((place - truth).norm(dim=1) < within) & right).double().mean()
8.4 few: (near & (scores[:, :5].argmax(dim=1) == element)).double().mean()
8.4 box: (((place - truth).abs() <= within).all(1) & right).double().mean()
8.4 square: (((place - truth).square().sum(1) <= within) & right).double().mean()
8.s sign: 2 * oxygen - it; origin: it - oxygen; other end: other - (it - oxygen); other + (it - oxygen)
8.s sine: oxygen + bond * math.sin(math.radians(angle)) * axis; oxygen - bond * math.sin(math.radians(angle)) * axis
8.s degrees: oxygen + bond * math.cos(angle) * axis; bond: oxygen + (it - oxygen) / bond
8.s unit: oxygen + (it - oxygen) * (other - oxygen).norm()
9.1 own: it - torch.block_diag(*own); diagonal: it + torch.block_diag(*own); half: (it + torch.block_diag(*own)) / 2
9.1 other: it.abs()
9.2 one side: d @ block; block @ d.mT; nothing: block; inverse: d.mT @ block @ d; transpose: d @ block @ d
9.2 s: block + (d @ block @ d.mT - block) * torch.block_diag(q.new_zeros(1, 1), q.new_ones(3, 3)); other: it.mT
9.2 order: d.roll((-1, -1), (0, 1)) @ block @ d.roll((-1, -1), (0, 1)).mT
9.3 sign: -torch.autograd.grad(number(x).sum(), x)[0]; mean: torch.autograd.grad(number(x).mean(), x)[0]
9.4 factor: torch.linalg.eigvals(inverse @ fock).real; torch.linalg.eigvalsh(inverse @ fock)
9.4 factor: torch.linalg.eigvals(inverse.mT @ fock @ inverse).real; torch.linalg.eigvals(inverse @ fock @ inverse).real
9.4 over: torch.linalg.eigvals(torch.linalg.inv(fock) @ overlap).real; side: torch.linalg.eigvals(fock @ overlap).real
9.4 overlap: torch.linalg.eigvalsh(fock); symmetric: torch.linalg.eigvalsh(torch.linalg.inv(overlap) @ fock)
9.4 order: it.flip(0); it[it.abs().argsort()]; other: 27.2 * it
9.4 over: torch.linalg.eigvalsh(torch.linalg.inv(fock) @ overlap); side: torch.linalg.eigvalsh(overlap @ fock)
9.4 factor: torch.linalg.eigvalsh(inverse.mT @ fock @ inverse); torch.linalg.eigvalsh(inverse @ fock @ inverse)
9.s one: it / 2; all: 2 * orbitals @ orbitals.mT; inner: 2 * orbitals.mT @ orbitals; diagonal: it.diagonal().diag()
9.s rows: 2 * orbitals[:n_occupied].mT @ orbitals[:n_occupied]; sum: 2 * torch.outer(occupied.sum(1), occupied.sum(1))
9.s highest: 2 * orbitals[:, -n_occupied:] @ orbitals[:, -n_occupied:].mT
10.1 count: it / len(directions); it**2 / len(directions) ** 2; root: it**2; sum: torch.stack([x.norm() for x in parts])
10.1 norm: it / (4 * torch.pi) ** 0.5; pose: it + directions[0, 0]; other: it + 1
10.1 norm: torch.stack([part.square().mean() / part.numel() for part in parts]).sqrt()
10.1 sum: torch.stack([part.square().sum() for part in parts])
10.2 left: (merit == merit.max()).long(); free: torch.ones_like(merit)
10.3 other: torch.tensor(0)
10.4 mean: it * 0 + energies.mean(); shuffle: unseen.sum(1) * (torch.linalg.pinv(counts.sum(1)[:, None]) @ energies)
10.4 constant: energies.mean() + (unseen - counts.mean(0)) @ torch.linalg.pinv(counts - counts.mean(0)) @ energies
10.4 per atom: unseen @ torch.linalg.pinv(counts / counts.sum(1, True)) @ (energies / counts.sum(1)) / unseen.sum(1)
10.4 per atom: unseen @ torch.linalg.pinv(counts / counts.sum(1, True)) @ (energies / counts.sum(1))
10.s sum: sums; all: sums / len(x); sums / len(point); pairs: (it * 0).index_add(0, cluster, x[cluster]) / (sums / it)
10.s last: torch.stack([x[point[cluster == k][-1]] for k in range(n)])
11.2 grows: torch.tensor(parts) <= connected_components(near.numpy())[0]
11.2 neighbours: torch.stack([near[to][:, to].all() for to in near])
11.2 pairs: torch.stack([(near[kept][:, kept].sum(1) > 1).all() for kept in left])
11.2 reversed: torch.tensor(parts) != 1; ends: near.sum(1) == 2; counted: near.sum(1) < 0; whole: near.sum(1) > 0
11.2 lone: it & (connected_components(near.numpy())[0] == 1)
12.1 nearest: values[off.abs().argmin(1)]; values[(weights.log() - off**2 / 2).argmax(1)]
12.1 exponent: (weights.log() - off**2).softmax(1) @ values; (weights.log() - off.abs()).softmax(1) @ values
12.1 exponent: (weights.log() - off**2 * noise / 2).softmax(1) @ values
12.1 exponent: (weights.log() + off**2 / 2).softmax(1) @ values
12.1 weights: (-(off**2) / 2).softmax(1) @ values; logits: (weights - off**2 / 2).softmax(1) @ values
12.1 sum: (-(off**2) / 2).exp() * weights @ values; noise: seen - it; (seen - it) / noise; other: (it + seen) / 2
12.1 blind: it * 0 + values.mean(); it * 0 + weights @ values
12.2 up: it - 2 * flow + 2 * step * found / below
12.2 up: it - 2 * flow; it + 2 * step * found / below; flow: it - flow; it - below * found; langevin: x + flow
12.2 drift: it + step * found / below; root: it - temperature * ((2 * step) ** 0.5 - step**0.5) * kick
12.2 root: it - temperature * ((2 * step) ** 0.5 - 2 * step) * kick
12.2 temperature: it + (temperature**2 - temperature) * (2 * step) ** 0.5 * kick
12.2 temperature: it + (1 - temperature) * step * found / below
12.2 temperature: it + (1 - temperature) * (2 * step) ** 0.5 * kick
12.2 level: x + flow - 0.3 * noise * found + temperature * 0.6**0.5 * noise * kick
12.2 level: x + flow - 0.3 * below * found + temperature * 0.6**0.5 * noise * kick
12.2 unit: x - (noise - 0.7 * below) * found * noise + temperature * 0.6**0.5 * below * kick
12.2 unit: x - (noise - 0.7 * below) * clean + temperature * 0.6**0.5 * below * kick
12.2 unit: it + step * found / below - step * found
12.2 unit: x + flow - 0.3 * found / below + temperature * 0.6**0.5 * kick
12.3 number: it * len(x); it / len(x); square: it.sqrt(); it.sqrt() / len(x) ** 0.5
12.3 real: phases.cos().sum(1) ** 2 / len(x); each: it * 0 + 1; self: it - 1; dtype: it.float()
12.4 rest: rest; reversed: rest + noisy - it; noisy; noisy - it; small: noisy - noise**2 / kT * springs @ (noisy - rest)
12.s half: it * 2**0.5; it / 2**0.5; other: it + 0.1
12.s all: (fades.log().sqrt() / q).min(); (fades.log().sqrt() / q)[0]
12.s square: (fades.log() / q).max(); (fades.log() / q**2).max()
12.4 diagonal: rest + (noisy - rest) / matrix.diagonal()
"""
for number, row in re.findall(r"^(\S+) (.*)", RETURNS, flags=re.MULTILINE):
    for hint, expressions in re.findall(r"([a-z]+(?: [a-z]+)?): (.+?)(?=; [a-z ]+: |$)", row):
        WRONG.setdefault(number, []).extend((returning(number, one), hint) for one in expressions.split("; "))
