"""The judges are judged: tempting wrong answers meet the hint written for them, right ones pass."""

import contextlib
import functools
import re
from itertools import permutations, product
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation
from torch.distributions import Normal, kl_divergence

from tutorial_lib import exercises
from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.exercises import (
    flow_matching,
    found_levels,
    grader,
    gram_vae,
    hamiltonians,
    hierarchical_autoencoder,
    inpainting,
    invariance,
    missing_atom,
    new_pieces,
    synchronisation,
    tetris,
)
from tutorial_lib.models.equivariant import representation
from tutorial_lib.representations import alignment, gram

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
PARTS = (grader, invariance, gram_vae, synchronisation, tetris, hierarchical_autoencoder, inpainting)
PARTS += (missing_atom, hamiltonians, found_levels, flow_matching, new_pieces)
HINTS = {name: text for part in PARTS for name, text in part.HINTS.items()}
CHECKS = {name.removeprefix("check_").replace("_", "."): getattr(exercises, name) for name in exercises.__all__}


def pairs(x):
    return torch.pdist(x)


def in_place(x, q):
    return x.copy_(x @ q.mT)


def turned_row_by_row(x, q):
    return torch.stack([q @ row for row in x])


def forces_by_grad(energy, x):
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(energy(x), x)
    return -slope


def forces_by_backward(energy, x):
    x = x.clone().requires_grad_()
    energy(x).backward()
    return -x.grad


def forces_that_add_up(energy, x):
    x.requires_grad_()
    energy(x).backward()
    return -x.grad.clone()


def forces_detached(energy, x):
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(energy(x.detach()), x)
    return -slope


def forces_by_item(energy, x):
    value = torch.tensor(energy(x).item())
    value.backward()
    return -x.grad


def forces_by_differences(energy, x, step=1e-3):
    force = torch.zeros_like(x)
    for i in range(len(x)):
        for k in range(3):
            moved = x.clone()
            moved[i, k] += step
            force[i, k] = -(energy(moved) - energy(x)) / step
    return force


def by_every_pair(x):
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    return (x[i] - x[j]).square().sum(1).sort(descending=True).values


def signed_volume(x):
    x = x - x.mean(0)
    a, b, c = x[x.norm(dim=1).argsort()[:3]]
    return torch.cat([pairs(x).sort().values, torch.linalg.cross(a, b).dot(c)[None]])


def all_triples(x):
    return torch.einsum("ijk,ai,bj,ck->", LEVI_CIVITA, x, x, x)


LEVI_CIVITA = torch.zeros(3, 3, 3, dtype=torch.float64)
for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    LEVI_CIVITA[i, j, k], LEVI_CIVITA[i, k, j] = 1, -1


def renumbered_by_indices(entries, order):
    row, column = torch.triu_indices(8, 8)
    place = torch.zeros(8, 8, dtype=torch.long)
    place[row, column] = place[column, row] = torch.arange(36)
    return entries[place[order[row], order[column]]]


def full(entries, order):
    return gram.from_upper_triangle(entries)[order][:, order]


def fold_once(d, length):
    d = torch.where(d > length / 2, d - length, d)
    return torch.where(d < -length / 2, d + length, d)


def keep(g, which, clip=True, rest=False):
    values, vectors = torch.linalg.eigh(g)
    values = values.clamp(min=0) if clip else values
    which = which(values) if callable(which) else which
    return vectors[:, which] @ values[which].diag() @ vectors[:, which].mT


def by_positions(g):
    values, vectors = torch.linalg.eigh(g)
    x = vectors.flip(1)[:, :3] * values.flip(0)[:3].clamp(min=0).sqrt()
    return x @ x.mT


def price(mean, log_variance):
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


def factorised(g):
    values, vectors = torch.linalg.eigh(g)
    return vectors[:, -3:] * values[-3:].clamp(min=0).sqrt()


def kabsch(source, target, fix=True):
    u, _, vh = torch.linalg.svd(target.mT @ source)
    hand = torch.linalg.det(u @ vh) if fix else 1.0
    return u @ torch.diag(torch.tensor([1, 1, hand], dtype=source.dtype)) @ vh


def flipped(source, target, direction):
    u, _, vh = torch.linalg.svd(target.mT @ source)
    signs = torch.ones(3, dtype=source.dtype)
    signs[direction] = torch.linalg.det(u @ vh)
    return u @ signs.diag() @ vh


def by_sign_of_the_product(source, target):
    u, _, vh = torch.linalg.svd(target.mT @ source)
    hand = torch.linalg.det(target.mT @ source).sign()
    hand = torch.where(torch.linalg.matrix_rank(source) < 3, 0.0, hand)  # what rounding may make of it
    return u @ torch.diag(torch.stack([hand**0, hand**0, hand])) @ vh


def with_a_transposed_factor(source, target):
    u, _, vh = torch.linalg.svd(target.mT @ source)
    return u @ torch.diag(torch.stack([vh.new_ones(()), vh.new_ones(()), torch.linalg.det(u @ vh)])) @ vh.mT


def shape_distance_about_centroids(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return rmsd(x, y, nearest_turn(x, y))


def by_quaternions(source, target):
    return torch.tensor(Rotation.align_vectors(target.numpy(), source.numpy())[0].as_matrix())


def assigned(cost):
    return torch.from_numpy(linear_sum_assignment(cost.numpy())[1])


def rmsd(x, y, turn):
    return (x - y @ turn.mT).square().sum(1).mean().sqrt()


def nearest_turn(x, y):
    with torch.no_grad():
        return kabsch(y, x, fix=False)


def second_harmonic(v):
    unit = v / v.norm(dim=1, keepdim=True)
    return unit[:, :, None] @ unit[:, None] - torch.eye(3, dtype=v.dtype) / 3


def traced(v, much=0.0):
    unit = v / v.norm(dim=1, keepdim=True)
    return unit[:, :, None] * unit[:, None] - much * torch.eye(3, dtype=v.dtype)


def messages(f, x, carry="j", unit=True, decay=True, end=1):
    apart = end * (x[None] - x[:, None])
    distance = apart.norm(dim=2, keepdim=True).clamp(min=1e-12)
    number = f[None, :, None] if carry == "j" else f[:, None, None]
    return (number * ((-distance).exp() if decay else 1) * apart / (distance if unit else 1)).sum(dim=1)


def messages_one_by_one(f, x):
    found = torch.zeros_like(x)
    for i in range(len(x)):
        for j in set(range(len(x))) - {i}:
            step = x[j] - x[i]
            found[i] += f[j] * (-step.norm()).exp() * step / step.norm()
    return found


def holds(l1, p1, l2, p2, l3, p3, low=None, high=None, parity=None):
    low, high = abs(l1 - l2) if low is None else low, l1 + l2 if high is None else high
    return torch.tensor(int(low <= l3 <= high and p3 == (p1 * p2 if parity is None else parity)))


def by_e3nn(l1, p1, l2, p2, l3, p3):
    return torch.tensor(int(o3.Irrep(l3, p3) in o3.Irrep(l1, p1) * o3.Irrep(l2, p2)))


def repaired(f, x, group, back=lambda y, g: y @ g, put=torch.mean):
    return put(torch.stack([back(f(x @ g.mT), g) for g in group]), dim=0)


def sizes(signal):
    return signal / signal.square().mean().sqrt()


def each_l(signal):
    return torch.cat([part / part.square().mean().sqrt() for part in signal.split([1, 3, 5, 7])])


def by_labels(places, within, rounds=None):
    label = torch.arange(len(places))
    near = torch.cdist(places, places) < within
    for _ in range(rounds or len(places)):
        label = torch.where(near, label, len(places)).amin(dim=1)
    return torch.stack([places[label == k].mean(dim=0) for k in label.unique()])


def by_components(places, within):
    n, label = connected_components((torch.cdist(places, places) < within).numpy(), directed=False)
    return torch.stack([places[torch.tensor(label) == k].mean(dim=0) for k in range(n)])


def greedy(places, within, put=torch.mean):
    groups = []
    while len(places):
        near = (places - places[0]).norm(dim=1) < within
        groups.append(put(places[near], dim=0))
        places = places[~near]
    return torch.stack(groups)


def in_boxes(places, within):
    box = (places / within).floor()
    return torch.stack([places[(box == one).all(dim=1)].mean(dim=0) for one in box.unique(dim=0)])


def firsts(places, within):
    _, label = connected_components((torch.cdist(places, places) < within).numpy(), directed=False)
    return torch.stack([places[torch.tensor(label) == k][0] for k in range(label.max() + 1)])


def paired(found, true, cost=2, keep=2, put=torch.mean):
    distance = torch.cdist(found, true)
    return put(distance[linear_sum_assignment((distance.detach() ** cost).numpy())] ** keep)


def by_all_pairings(found, true):
    square = (found[:, None] - true).square().sum(dim=2)
    rows = torch.arange(len(true))
    return torch.stack([square[rows, list(order)].mean() for order in permutations(range(len(true)))]).min()


def by_distance(x):
    return x[x.norm(dim=1).argsort()]


def without(x, missing):
    return by_distance(torch.cat([x[:missing], x[missing + 1 :]]))


def centred(x):
    return x - x.mean(0)


def nearest_in_turn(candidate, missing):
    left, total = list(missing), 0.0
    for atom in candidate:
        near = int(torch.stack([(atom - other).norm() for other in left]).argmin())
        total = total + (atom - left.pop(near)).square().sum()
    return (total / len(missing)).sqrt()


def successes(errors, k):
    best = errors[:, :k].amin(dim=1)
    return best[best < 1.5].mean()


def n_allowed(symmetries, degree, natural=True, put=torch.mean):
    signs = torch.linalg.det(symmetries).sign()
    D = representation(f"1x{degree}e", signs[:, None, None] * symmetries)
    trace = D.diagonal(dim1=1, dim2=2).sum(dim=1) * (signs**degree if natural else 1)
    return put(trace).round().long()


WAYS = [
    torch.diag(torch.tensor(signs))[list(order)]
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


def pose_free(cells, ways=WAYS, moved=True):
    poses = [cells @ way for way in ways]
    low = [pose.amin(dim=0) if moved else 0 for pose in poses]
    return min(tuple(sorted(map(tuple, (p - at).tolist()))) for p, at in zip(poses, low, strict=True))


def n_parts(x, reach):
    near = torch.cdist(x.double(), x.double()) < reach
    return connected_components(near.numpy(), directed=False)[0]


def in_one_part(x, reach=1.1):
    return n_parts(x, reach) == 1


def n_new(born, known, name=pose_free, whole=True, joined=True, reach=1.1, seen=True):
    size = len(known[0])
    good = [x for x in born if (len(x) == size or not whole) and (not joined or in_one_part(x, reach))]
    return torch.tensor(len({name(x) for x in good} - ({name(x) for x in known} if seen else set())))


def by_distances(x):
    return tuple(torch.cdist(x.double(), x.double()).flatten().sort().values.round(decimals=3).tolist())


def has_company(x, reach=1.1):
    return bool((torch.cdist(x.double(), x.double()) < reach).fill_diagonal_(False).any(dim=1).all())


def n_new_draws(born, known):
    return torch.tensor(sum(int(n_new([x], known)) for x in born))


def n_new_by_the_library(born, known):
    def names(pieces):
        found = {polycube_of(x.double(), mirrors_equal=True) for x in pieces}
        return {shape for shape in found if shape and len(shape) == len(known[0])}

    return torch.tensor(len(names(born) - names(known)))


def may_go(x, reach):
    return torch.tensor([in_one_part(torch.cat([x[:i], x[i + 1 :]]), reach) for i in range(len(x))])


def may_go_by_powers(x, reach):
    near = (torch.cdist(x, x) < reach).double()
    found = []
    for kept in ~torch.eye(len(x), dtype=torch.bool):
        found.append(torch.linalg.matrix_power(near[kept][:, kept], len(x)).gt(0).all())
    return torch.stack(found)


def by_rank(symmetries, degree):
    D = representation(f"1x{degree}{'eo'[degree % 2]}", symmetries)
    return torch.tensor(torch.linalg.matrix_rank(D.mean(dim=0), atol=1e-3).item())


def power(directions, lmax, put=torch.mean, root=True, over=torch.sum):
    each = over(o3.spherical_harmonics(list(range(lmax + 1)), directions, True, "component"), dim=0)
    squares = torch.stack([put(part.square()) for part in each.split([2 * k + 1 for k in range(lmax + 1)])])
    return squares.sqrt() if root else squares


def each_by_itself(directions, lmax):
    return torch.stack([power(d[None], lmax).square() for d in directions]).sum(0).sqrt()


def gatherers(sees, merit, ties=True, once_free=False):
    n, free, chosen = len(merit), set(range(len(merit))), set()
    while free:
        useful = [i for i in range(n) if i not in chosen and any(sees[i, j] for j in free)]
        useful = [i for i in useful if i in free] if once_free else useful
        top = max(merit[i] for i in useful)
        best = [i for i in useful if merit[i] == top]
        best = best if ties else best[:1]
        chosen |= set(best)
        free -= {j for i in best for j in range(n) if sees[i, j]}
    return torch.tensor([int(i in chosen) for i in range(n)])


def first_round(sees, merit):
    return (merit == merit.max()).long()


def never_free(sees, merit):
    return (gatherers(sees, merit) > 0).long() | (merit >= merit.float().median()).long()


def same(x, kinds, y, others, within, species=True, one_to_one=True, put=torch.amax):
    if len(x) != len(y):
        return torch.tensor(0)
    distance = torch.cdist(x, y)
    if species:
        distance = distance + 1e3 * (kinds[:, None] != others)
    if one_to_one:
        rows, columns = linear_sum_assignment(distance.square().numpy())
        return torch.tensor(int(put(distance[rows, columns]) < within))
    return torch.tensor(int(put(distance.amin(1)) < within))


def places_first(x, kinds, y, others, within):
    if len(x) != len(y):
        return torch.tensor(0)
    distance = torch.cdist(x, y)
    rows, columns = linear_sum_assignment(distance.square().numpy())
    near = distance[rows, columns].max() < within
    return (near & (kinds[rows] == others[columns]).all()).long()


def row_by_row(x, kinds, y, others, within):
    return torch.tensor(int(len(x) == len(y) and bool((x - y).norm(dim=1).max() < within)))


def up_to_a_turn(x, kinds, y, others, within):
    if len(x) != len(y) or not torch.equal(kinds.sort().values, others.sort().values):
        return torch.tensor(0)
    if same(x, kinds, y, others, within):
        return torch.tensor(1)
    return torch.tensor(int((torch.pdist(x).sort().values - torch.pdist(y).sort().values).abs().max() < 1e-6))


def composed(counts, energies, unseen, constant=False):
    if constant:
        counts, unseen = (torch.cat([a, torch.ones(len(a), 1).to(a)], dim=1) for a in (counts, unseen))
    return unseen @ torch.linalg.lstsq(counts, energies[:, None]).solution[:, 0]


def per_atom(counts, energies, unseen):
    atoms = counts.sum(1)
    return composed(counts / atoms[:, None], energies / atoms, unseen)


def of_size(counts, energies, unseen):
    return composed(counts.sum(1, keepdim=True), energies, unseen.sum(1, keepdim=True))


def voted(places, confidence, weights=torch.softmax):
    return weights(confidence, 0) @ places


def exponentials(confidence, dim):
    weight = confidence.exp()
    return weight / weight.sum(dim)


def shares_of(put, norm=True):
    return lambda confidence, dim: put(confidence) / (put(confidence).sum(dim) if norm else 1)


def lengths(v):
    return v.norm(dim=1, keepdim=True)


def bent(v, length=lengths, put=lambda r: 1 / (1 + r)):
    return v * put(length(v))


def cosine(distance, cutoff, end=True):
    height = (1 + (torch.pi * distance / cutoff).cos()) / 2
    return height * (distance < cutoff) if end else height


def rest_of(distance, cutoff):
    return (1 - distance / cutoff).clamp(min=0)


def counted(place, truth, scores, element, within, both=torch.logical_and, near=None):
    near = (place - truth).norm(dim=1) <= within if near is None else near(place - truth)
    return both(near, scores.argmax(dim=1) == element).double().mean()


def assembled(own, between, below=lambda block: block.mT, above=lambda block: block, once=True):
    n, k = own.shape[:2]
    whole = own.new_zeros(n * k, n * k)
    for i in range(n):
        for j in range(i, n):
            here, there = slice(i * k, i * k + k), slice(j * k, j * k + k)
            if i == j and once:
                whole[here, here] = own[i]
            elif i < j:
                whole[here, there] = above(between[i, j])
                whole[there, here] = below(above(between[i, j]))
    return whole


def all_blocks(own, between, axes=(0, 2, 1, 3), halved=False):
    n, k = own.shape[:2]
    blocks = between + between.transpose(0, 1).mT
    blocks = blocks / 2 if halved else blocks
    return (blocks + torch.eye(n)[..., None, None] * own[:, None]).permute(axes).reshape(n * k, n * k)


def of_shells(q):
    return torch.block_diag(q.new_ones(1, 1), q)


def turned_block(block, q, left=of_shells, right=lambda q: of_shells(q).mT):
    return left(q) @ block @ right(q)


def p_only(block, q):
    out = block.clone()
    out[1:, 1:] = q @ block[1:, 1:] @ q.mT
    return out


def part_by_part(block, q):
    ends = torch.cat([block[:1, 1:] @ q.mT, q @ block[1:, 1:] @ q.mT])
    return torch.cat([torch.cat([block[:1, :1], q @ block[1:, :1]]), ends], dim=1)


def uphill(number, features, keep=True, cut=False, record=torch.enable_grad, add=torch.sum):
    with record():
        x = features if features.requires_grad and not cut else features.detach().requires_grad_()
        return torch.autograd.grad(add(number(x)), x, create_graph=keep)[0]


def by_jacobian(number, features):
    with torch.enable_grad():
        own = torch.autograd.functional.jacobian(number, features, create_graph=True)
        return own.diagonal(dim1=0, dim2=1).mT


def by_backward(number, features):
    with torch.enable_grad():
        x = features.detach().requires_grad_()
        number(x).sum().backward()
        return x.grad


def by_differences(number, features, step=1e-3):
    found = torch.zeros_like(features)
    for axis in torch.eye(3, dtype=features.dtype):
        found += axis * ((number(features + step * axis) - number(features - step * axis)) / (2 * step))[:, None]
    return found


def by_root(fock, overlap, left=torch.Tensor.inverse, right=lambda root: root.inverse().mT):
    root = torch.linalg.cholesky(overlap)
    return torch.linalg.eigvalsh(left(root) @ fock @ right(root))


def by_symmetric_root(fock, overlap):
    sizes, axes = torch.linalg.eigh(overlap)
    half = axes / sizes.sqrt() @ axes.mT
    return torch.linalg.eigvalsh(half @ fock @ half)


def unsymmetric(fock, overlap):
    return torch.linalg.eigvals(torch.linalg.solve(overlap, fock)).real


def between(noise, data, time, first=lambda t: 1 - t, second=lambda t: t):
    return first(time[:, None]) * noise + second(time[:, None]) * data


def of_one_time(noise, data, time):
    return between(noise, data, time.mean().expand(len(time)))


def heun(velocity, x, time, step, where=1.0, when=1.0, parts=(0.5, 0.5)):
    first = velocity(x, time)
    second = velocity(x + where * step * first, time + when * step)
    return x + step * (parts[0] * first + parts[1] * second)


def copied(samples, train, held_out, distance=lambda x, y: torch.cdist(x, y).amin(dim=1), middle=torch.median):
    return (distance(samples, train) < middle(distance(held_out, train))).double().mean()


def squared(x, y):
    return (x[:, None] - y).square().sum(dim=2).min(dim=1).values


def told(real, fake, tie=0.5):
    return ((fake[:, None] > real).double() + tie * (fake[:, None] == real)).mean()


def by_ranks(real, fake):
    both = torch.cat([real, fake])
    below = (both < fake[:, None]).sum(1).double() + ((both == fake[:, None]).sum(1) + 1).double() / 2
    return (below.sum() - len(fake) * (len(fake) + 1) / 2) / (len(real) * len(fake))


RIGHT = {
    "7.1": [between, lambda noise, data, time: noise + torch.einsum("n,nd->nd", time, data - noise)],
    "7.2": [heun, lambda v, x, t, h: (x + (e := x + h * v(x, t)) + h * v(e, t + h)) / 2],
    "7.3": [copied, lambda *inputs: copied(*inputs, distance=squared)],
    "7.4": [told, by_ranks],
    "8.1": [voted, lambda places, confidence: (confidence.softmax(0)[:, None] * places).sum(0)],
    "8.2": [bent, lambda v: v / (1 + lengths(v)), lambda v: v / (1 + (v.square().sum(1, True) + 1e-20).sqrt())],
    "8.3": [cosine, lambda d, c: (1 - (d / c).square()).clamp(min=0) ** 2, lambda d, c: rest_of(d, c).square()],
    "8.4": [
        counted,
        lambda place, truth, scores, element, within: (
            (((place - truth) ** 2).sum(1) <= within**2).double() * (scores.argmax(1) == element)
        ).mean(),
        lambda *inputs: counted(*inputs).float(),
    ],
    "9.1": [assembled, all_blocks],
    "9.2": [turned_block, part_by_part],
    "9.3": [uphill, by_jacobian],
    "9.4": [by_root, by_symmetric_root, lambda fock, overlap: unsymmetric(fock, overlap).sort().values],
    "10.1": [power, lambda d, lmax: torch.stack([power(d, k)[k] for k in range(lmax + 1)])],
    "10.2": [gatherers, lambda sees, merit: gatherers(sees, merit).int()],
    "10.3": [same, lambda *inputs: same(*inputs).int()],
    "10.4": [composed, lambda counts, e, unseen: unseen @ torch.linalg.pinv(counts) @ e],
    "6.1": [without, lambda x, missing: without(x, missing).flip(0)],
    "6.2": [
        lambda known, products: torch.linalg.lstsq(known, products[:, None]).solution[:, 0],
        lambda known, products: torch.linalg.pinv(known) @ products,
        lambda known, products: torch.linalg.solve(known.mT @ known, known.mT @ products),
    ],
    "6.3": [
        lambda candidate, missing: by_all_pairings(candidate, missing).sqrt(),
        lambda candidate, missing: paired(candidate, missing).sqrt(),
    ],
    "6.4": [
        lambda errors, k: errors[:, :k].amin(dim=1).mean(),
        lambda errors, k: errors.cummin(dim=1).values[:, k - 1].mean(),
    ],
    "5.1": [sizes, lambda s: s * len(s.flatten()) ** 0.5 / s.norm(), lambda s: s / (s.square().mean() + 1e-12).sqrt()],
    "5.2": [by_labels, by_components],
    "5.3": [paired, by_all_pairings],
    "5.4": [n_allowed, by_rank, lambda symmetries, degree: n_allowed(symmetries, degree).int()],
    "5.5": [n_new, n_new_by_the_library, lambda born, known: n_new(born, known).int()],
    "5.6": [may_go, may_go_by_powers],
    "4.1": [second_harmonic, lambda v: traced(v, 1 / 3), lambda v: traced(v) - torch.eye(3) / 3],
    "4.2": [messages, messages_one_by_one],
    "4.3": [holds, by_e3nn],
    "4.4": [repaired, lambda f, x, group: torch.stack([g @ f(x @ g) for g in group]).mean(0)],
    "3.1": [
        factorised,
        lambda g: torch.linalg.svd(g)[0][:, :3] * torch.linalg.svd(g)[1][:3].sqrt(),
        lambda g: gram.positions_from_gram(g),
    ],
    "3.2": [kabsch, by_quaternions, lambda source, target: alignment.best_rotation(source, target, allow_mirror=False)],
    "3.3": [
        lambda x, y: assigned(torch.cdist(x, y).square()),
        lambda x, y: assigned(-x @ y.mT),
    ],
    "3.4": [
        lambda x, y: rmsd(x, y, nearest_turn(x, y)),
        lambda x, y: alignment.aligned_rmsd(x, y, allow_mirror=True, reorder=False),
        lambda x, y: ((x.square().sum() + y.square().sum() - 2 * torch.linalg.svdvals(x.mT @ y).sum()) / len(x)).sqrt(),
    ],
    "1.1": [lambda x, q: x @ q.mT, turned_row_by_row, lambda x, q: torch.einsum("ij,aj->ai", q, x)],
    "1.2": [forces_by_grad, forces_by_backward, lambda energy, x: -torch.func.grad(energy)(x)],
    "1.3": [lambda x: pairs(x).sort().values, by_every_pair, lambda x: torch.cdist(x, x).flatten().sort().values],
    "1.4": [
        lambda x: torch.linalg.det(x[:3]),
        lambda x: torch.sign(x[2] @ torch.linalg.cross(x[1], x[0])),
    ],
    "2.1": [
        lambda d, length: d - length * (d / length).round(),
        lambda d, length: (d + length / 2) % length - length / 2,
    ],
    "2.2": [
        lambda entries, order: gram.upper_triangle(full(entries, order)),
        renumbered_by_indices,
        lambda entries, order: entries[gram.upper_triangle(full(torch.arange(36.0), order)).long()],
    ],
    "2.3": [
        price,
        lambda mean, log_variance: kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)),
    ],
    "2.4": [lambda g: gram.nearest_rank3(g)[0], by_positions, lambda g: keep(g, slice(-3, None))],
}
WRONG = {
    "7.1": [
        (lambda noise, data, time: between(data, noise, time), "7.1 reversed"),
        (of_one_time, "7.1 one time"),
        (lambda noise, data, time: between(noise, data, time.roll(1)), "7.1 one time"),
        (
            lambda *inputs: between(*inputs, lambda t: (torch.pi / 2 * t).cos(), lambda t: (torch.pi / 2 * t).sin()),
            "7.1 arc",
        ),
        (lambda *inputs: between(*inputs, second=torch.ones_like), "7.1 sum"),
        (lambda *inputs: between(*inputs, first=torch.ones_like), "7.1 sum"),
        (lambda *inputs: between(*inputs, lambda t: 1 - t**2, lambda t: t**2), "7.1 other"),
        (lambda noise, data, time: noise.mul_(1 - time[:, None]) + time[:, None] * data, "in place"),
        (lambda noise, data, time: (1 - time) * noise.mT, "shape"),
    ],
    "7.2": [
        (lambda *inputs: heun(*inputs, parts=(1, 0)), "7.2 euler"),
        (lambda *inputs: heun(*inputs, 0.5, 0.5, (0, 1)), "7.2 midpoint"),
        (lambda *inputs: heun(*inputs, when=0.0), "7.2 time"),
        (lambda *inputs: heun(*inputs, where=0.0), "7.2 place"),
        (lambda *inputs: heun(*inputs, parts=(0, 1)), "7.2 end"),
        (lambda *inputs: heun(*inputs, parts=(1, 1)), "7.2 half"),
        (lambda v, x, t, h: heun(v, x, t, h) - x, "7.2 start"),
        (lambda v, x, t, h: heun(v, x, t, -h), "7.2 other"),
        (lambda v, x, t, h: x.add_(h * v(x, t)), "in place"),
        (lambda v, x, t, h: heun(v, x, t, h).sum(0), "shape"),
    ],
    "7.3": [
        (lambda samples, train, held_out: copied(samples, held_out, train), "7.3 other"),
        (
            lambda x, train, held: (
                (torch.cdist(x, held).amin(1) < torch.cdist(held, train).amin(1).median()).double().mean()
            ),
            "7.3 against",
        ),
        (lambda *inputs: copied(*inputs, distance=lambda x, y: torch.cdist(x, y).mean(dim=1)), "7.3 mean"),
        (lambda x, train, held_out: copied(x, train, x), "7.3 own"),
        (lambda *inputs: copied(*inputs, middle=torch.mean), "7.3 average"),
        (lambda *inputs: 1 - copied(*inputs), "7.3 far"),
        (lambda *inputs: 100 * copied(*inputs), "7.3 share"),
        (lambda *inputs: len(inputs[0]) * copied(*inputs), "7.3 share"),
        (lambda *inputs: copied(*inputs).float(), "dtype"),
        (lambda *inputs: copied(*inputs).item(), "no tensor"),
    ],
    "7.4": [
        (lambda real, fake: told(fake, real), "7.4 reversed"),
        (lambda *inputs: told(*inputs, tie=0), "7.4 ties"),
        (lambda *inputs: told(*inputs, tie=1), "7.4 ties"),
        (lambda real, fake: (fake[: len(real)] > real[: len(fake)]).double().mean(), "7.4 same"),
        (
            lambda real, fake: (
                torch.cat([real <= torch.cat([real, fake]).mean(), fake > torch.cat([real, fake]).mean()])
                .double()
                .mean()
            ),
            "7.4 threshold",
        ),
        (lambda real, fake: fake.mean() - real.mean(), "7.4 mean"),
        (lambda real, fake: told(real, fake) * len(real) * len(fake), "7.4 share"),
        (lambda *inputs: 100 * told(*inputs), "7.4 share"),
        (lambda *inputs: told(*inputs) ** 2, "7.4 other"),
        (lambda real, fake: told(real, fake).expand(3), "shape"),
    ],
    "8.1": [
        (lambda places, confidence: places.mean(0), "8.1 equal"),
        (lambda places, confidence: places[confidence.argmax()], "8.1 winner"),
        (lambda places, confidence: voted(places, confidence, shares_of(torch.exp, norm=False)), "8.1 sum"),
        (lambda places, confidence: voted(places, confidence, shares_of(torch.sigmoid, norm=False)), "8.1 sum"),
        (lambda places, confidence: voted(places, confidence, shares_of(torch.sigmoid)), "8.1 constant"),
        (lambda places, confidence: voted(places, confidence, shares_of(torch.abs)), "8.1 constant"),
        (lambda places, confidence: voted(places, -confidence), "8.1 sharp"),
        (lambda places, confidence: voted(places, confidence / 2), "8.1 sharp"),
        (lambda places, confidence: voted(places, confidence, shares_of(torch.exp2)), "8.1 sharp"),
        (lambda places, confidence: voted(places, confidence, exponentials), "8.1 large"),
        (lambda places, confidence: voted(places, confidence - confidence[0], exponentials), "8.1 large"),
        (lambda places, confidence: voted(places, confidence - confidence.mean(), exponentials), "8.1 large"),
        (lambda places, confidence: voted(places, confidence.clamp(max=80)), "8.1 larger"),
        (lambda places, confidence: exponentials(confidence, 0).nan_to_num() @ places, "8.1 larger"),
        (
            lambda places, confidence: voted(
                places, confidence.argsort().argsort() + 1, shares_of(torch.Tensor.double)
            ),
            "8.1 other",
        ),
        (lambda places, confidence: confidence.softmax(0) * places.mT, "shape"),
    ],
    "8.2": [
        (torch.tanh, "8.2 pose"),
        (lambda v: bent(v, lambda v: v.abs().sum(1, keepdim=True)), "8.2 pose"),
        (lambda v: torch.nn.functional.silu(v), "8.2 pose"),
        (lambda v: bent(v, lambda v: v.norm()), "8.2 each"),
        (lambda v: bent(v, lambda v: lengths(v).mean()), "8.2 each"),
        (lambda v: -bent(v), "8.2 direction"),
        (lambda v: bent(v, put=lambda r: 1 / (1 + r**2)), "8.2 length"),
        (lambda v: v / lengths(v), "8.2 length"),
        (lambda v: v, "8.2 length"),
        (lambda v: v / lengths(v) * (lengths(v) / (1 + lengths(v))), "8.2 zero"),
        (lambda v: bent(v, lambda v: v.square().sum(1, keepdim=True).sqrt()), "8.2 gradient"),
        (lambda v: bent(v, lambda v: lengths(v).detach()), "8.2 gradient"),
        (lambda v: bent(v).detach(), "8.2 gradient"),
        (lambda v: lengths(v) / (1 + lengths(v)), "shape"),
    ],
    "8.3": [
        (lambda d, c: 2 * cosine(d, c), "8.3 start"),
        (lambda d, c: 1 - cosine(d, c), "8.3 start"),
        (lambda d, c: cosine(d, c, end=False), "8.3 beyond"),
        (lambda d, c: (1 - (d / c).square()) ** 2, "8.3 beyond"),
        (lambda d, c: (d < c).double(), "8.3 jump"),
        (lambda d, c: (-((d / c) ** 2)).exp() * (d <= c), "8.3 jump"),
        (rest_of, "8.3 kink"),
        (lambda d, c: (torch.pi * d / c / 2).cos() * (d < c), "8.3 kink"),
        (lambda d, c: cosine(d, c) * (1 + (6 * d / c).sin() ** 2), "8.3 falls"),
        (lambda d, c: cosine(d, c) ** (1 + c / 9), "8.3 scale"),
        (lambda d, c: cosine(d, c) ** 40, "8.3 flat"),
        (lambda d, c: cosine(d, c)[:, None], "shape"),
    ],
    "8.4": [
        (lambda *inputs: counted(*inputs, both=torch.logical_or), "8.4 or"),
        (lambda *inputs: counted(*inputs, both=torch.logical_or).float(), "8.4 or"),
        (lambda *inputs: 100 * counted(*inputs).float(), "8.4 share"),
        (lambda *inputs: counted(*inputs, both=lambda near, right: right), "8.4 place"),
        (lambda *inputs: counted(*inputs, both=lambda near, right: near), "8.4 element"),
        (
            lambda *inputs: counted(*inputs, both=lambda near, right: near.double().mean() * right.double().mean()),
            "8.4 product",
        ),
        (lambda *inputs: counted(*inputs, near=lambda off: (off.abs() <= inputs[4]).all(1)), "8.4 box"),
        (lambda *inputs: counted(*inputs, near=lambda off: off.square().sum(1) <= inputs[4]), "8.4 square"),
        (lambda *inputs: 100 * counted(*inputs), "8.4 share"),
        (lambda *inputs: counted(*inputs) * len(inputs[0]), "8.4 share"),
        (lambda *inputs: counted(*inputs[:4], 0.5), "8.4 within"),
        (lambda *inputs: counted(*inputs[:4], 2 * inputs[4]), "8.4 other"),
        (lambda *inputs: counted(*inputs).item(), "no tensor"),
    ],
    "9.1": [
        (lambda own, between: assembled(own, between, below=torch.zeros_like), "9.1 below"),
        (lambda own, between: assembled(own, between, below=lambda block: block), "9.1 transpose"),
        (lambda own, between: assembled(own, between, above=lambda block: block.mT), "9.1 above"),
        (lambda own, between: all_blocks(own, between) + torch.block_diag(*own), "9.1 diagonal"),
        (lambda own, between: all_blocks(own, between, halved=True), "9.1 half"),
        (lambda own, between: assembled(own, between, once=False), "9.1 own"),
        (lambda own, between: all_blocks(own, between, axes=(0, 1, 2, 3)), "9.1 order"),
        (lambda own, between: all_blocks(own, between, axes=(2, 0, 3, 1)), "9.1 order"),
        (lambda own, between: all_blocks(own, between).abs(), "9.1 other"),
        (lambda own, between: between.transpose(1, 2), "shape"),
    ],
    "9.2": [
        (lambda block, q: block, "9.2 nothing"),
        (lambda block, q: turned_block(block, q.mT), "9.2 inverse"),
        (lambda block, q: of_shells(q) @ block, "9.2 one side"),
        (lambda block, q: block @ of_shells(q).mT, "9.2 one side"),
        (lambda block, q: turned_block(block, q, right=of_shells), "9.2 transpose"),
        (p_only, "9.2 s"),
        (lambda block, q: turned_block(block.roll((-1, -1), (0, 1)), q).roll((1, 1), (0, 1)), "9.2 other"),
        (
            lambda block, q: torch.block_diag(q, q[:1, :1] ** 0) @ block @ torch.block_diag(q, q[:1, :1] ** 0).mT,
            "9.2 order",
        ),
        (lambda block, q: turned_block(block, q * q.det()), "9.2 mirror"),
        (lambda block, q: torch.block_diag(q.det().view(1, 1), q) @ block @ of_shells(q).mT, "9.2 mirror"),
        (lambda block, q: turned_block(block, q).mT, "9.2 other"),
        (lambda block, q: block.copy_(turned_block(block, q)), "in place"),
    ],
    "9.3": [
        (lambda *inputs: uphill(*inputs, record=torch.no_grad), "raises"),
        (lambda *inputs: uphill(*inputs, record=contextlib.nullcontext), "9.3 no grad"),
        (lambda number, x: uphill(number, x) * torch.is_grad_enabled(), "9.3 no grad"),
        (lambda *inputs: -uphill(*inputs), "9.3 sign"),
        (lambda *inputs: uphill(*inputs, add=torch.mean), "9.3 mean"),
        (lambda *inputs: uphill(*inputs, add=lambda numbers: numbers.sum().square()), "9.3 mixing"),
        (lambda *inputs: uphill(*inputs, add=torch.norm), "9.3 mixing"),
        (by_differences, "9.3 differences"),
        (lambda *inputs: uphill(*inputs, keep=False), "9.3 graph"),
        (lambda *inputs: uphill(*inputs).detach(), "9.3 graph"),
        (lambda *inputs: uphill(*inputs, cut=True), "9.3 cut"),
        (by_backward, "9.3 weights"),
        (lambda number, x: number(x)[:, None] * x, "9.3 other"),
        (lambda number, x: uphill(number, x.requires_grad_()), "in place"),
        (lambda number, x: uphill(number, x).sum(0), "shape"),
    ],
    "9.4": [
        (lambda fock, overlap: torch.linalg.eigvalsh(fock), "9.4 overlap"),
        (lambda *inputs: by_root(*inputs).flip(0), "9.4 order"),
        (lambda *inputs: by_root(*inputs)[by_root(*inputs).abs().argsort()], "9.4 order"),
        (lambda fock, overlap: torch.linalg.eigvals(overlap @ fock).real.sort().values, "9.4 side"),
        (lambda fock, overlap: unsymmetric(overlap, fock), "9.4 over"),
        (lambda fock, overlap: torch.linalg.eigvalsh(torch.linalg.solve(overlap, fock)), "9.4 symmetric"),
        (lambda *inputs: by_root(*inputs, right=torch.Tensor.inverse), "9.4 factor"),
        (lambda *inputs: by_root(*inputs, right=torch.ones_like), "9.4 other"),
        (lambda *inputs: by_root(*inputs, right=lambda root: torch.eye(len(root)).double()), "9.4 factor"),
        (lambda *inputs: by_root(*inputs, lambda root: root.inverse().mT, torch.Tensor.inverse), "9.4 factor"),
        (lambda *inputs: 27.2 * by_root(*inputs), "9.4 other"),
        (lambda fock, overlap: torch.linalg.eigvals(torch.linalg.solve(overlap, fock)), "dtype"),
        (lambda fock, overlap: torch.linalg.eigh(fock).eigenvectors, "shape"),
    ],
    "5.1": [
        (each_l, "5.1 each l"),
        (lambda s: s / s.square().mean(dim=1, keepdim=True).sqrt(), "5.1 each number"),
        (lambda s: s / s.norm(dim=1, keepdim=True), "5.1 each number"),
        (lambda s: s / s.square().mean(dim=0, keepdim=True).sqrt(), "5.1 each channel"),
        (lambda s: s / s.norm(), "5.1 sum"),
        (lambda s: s / s.square().mean(), "5.1 root"),
        (lambda s: s, "5.1 root"),
        (lambda s: (s - s.mean()) / s.std(), "5.1 other"),
        (lambda s: s / s.abs().mean(), "5.1 other"),
        (lambda s: s.square().mean().sqrt(), "shape"),
    ],
    "5.2": [
        (greedy, "5.2 order"),
        (in_boxes, "5.2 grid"),
        (firsts, "5.2 mean"),
        (lambda places, within: places, "5.2 all"),
        (lambda places, within: places.mean(dim=0, keepdim=True), "5.2 all"),
        (lambda places, within: by_labels(places, 0.5 * within), "5.2 chain"),
        (lambda places, within: by_labels(places, within, rounds=3), "5.2 order"),
        (lambda places, within: 2 * by_labels(places, within), "5.2 grid"),
        (lambda places, within: by_labels(places, 20 * within), "5.2 all"),
        (lambda places, within: by_labels(places, 6 * within), "5.2 other"),
        (lambda places, within: by_labels(places, within)[:, 0], "shape"),
    ],
    "5.3": [
        (lambda found, true: (found - true).square().sum(dim=1).mean(), "5.3 pairing"),
        (lambda found, true: torch.cdist(found, true).amin(dim=1).square().mean(), "5.3 shared"),
        (
            lambda found, true: (
                torch.cdist(found, true).amin(dim=1).square().mean()
                + torch.cdist(found, true).amin(dim=0).square().mean()
            ),
            "5.3 shared",
        ),
        (lambda found, true: paired(found, true, cost=1, keep=1), "5.3 square"),
        (lambda found, true: paired(found, true, put=torch.sum), "5.3 sum"),
        (lambda found, true: paired(found, true).detach(), "5.3 gradient"),
        (lambda found, true: paired(found, true).sqrt(), "5.3 other"),
        (lambda found, true: torch.cdist(found, true), "shape"),
    ],
    "10.1": [
        (lambda d, lmax: power(d, lmax, root=False), "10.1 root"),
        (lambda d, lmax: power(d, lmax, put=torch.sum), "10.1 sum"),
        (lambda d, lmax: power(d, lmax, over=torch.mean), "10.1 count"),
        (each_by_itself, "10.1 each"),
        (lambda d, lmax: torch.stack([power(d, k)[k] + d[0, 0] for k in range(lmax + 1)]), "10.1 pose"),
        (lambda d, lmax: power(d, lmax) / (2 * torch.arange(lmax + 1) + 1) ** 0.5, "10.1 norm"),
        (lambda d, lmax: power(d, lmax) / (4 * torch.pi) ** 0.5, "10.1 norm"),
        (lambda d, lmax: power(d, lmax) + 1, "10.1 other"),
        (lambda d, lmax: power(d, lmax)[1:], "shape"),
    ],
    "10.2": [
        (lambda sees, merit: gatherers(sees, merit, ties=False), "10.2 tie"),
        (lambda sees, merit: gatherers(sees, merit, once_free=True), "10.2 taken"),
        (first_round, "10.2 left"),
        (lambda sees, merit: torch.ones_like(merit), "10.2 free"),
        (never_free, "10.2 free"),
        (lambda sees, merit: gatherers(sees, -merit), "10.2 merit"),
        (lambda sees, merit: gatherers(sees, sees.sum(1)), "10.2 other"),
        (lambda sees, merit: gatherers(sees, merit) > 0, "dtype"),
    ],
    "10.3": [
        (lambda *inputs: same(*inputs, species=False), "10.3 species"),
        (lambda *inputs: same(*inputs, one_to_one=False), "10.3 shared"),
        (lambda x, k, y, o, within: same(x[: len(y)], k[: len(y)], y[: len(x)], o[: len(x)], within), "10.3 number"),
        (lambda *inputs: same(*inputs, put=torch.mean), "10.3 worst"),
        (row_by_row, "10.3 order"),
        (places_first, "10.3 crossing"),
        (lambda x, kinds, y, others, within: same(x, kinds, y, others, 0.2), "10.3 within"),
        (up_to_a_turn, "10.3 pose"),
        (lambda *inputs: torch.tensor(0), "10.3 other"),
        (lambda *inputs: bool(same(*inputs)), "no tensor"),
    ],
    "10.4": [
        (lambda counts, energies, unseen: energies.mean().expand(len(unseen)), "10.4 mean"),
        (lambda counts, energies, unseen: composed(counts, energies, unseen, constant=True), "10.4 constant"),
        (of_size, "10.4 shuffle"),
        (per_atom, "10.4 per atom"),
        (lambda c, e, unseen: composed(c, e, unseen) - composed(c, e, unseen).mean(), "10.4 unseen"),
        (lambda c, e, unseen: composed(c[:6], e[:6], unseen), "10.4 other"),
        (lambda c, e, unseen: composed(c, e, c), "shape"),
    ],
    "6.1": [
        (lambda x, missing: torch.cat([x[:missing], x[missing + 1 :]]), "6.1 order"),
        (lambda x, missing: x * (torch.arange(len(x)) != missing)[:, None], "6.1 shape"),
        (lambda x, missing: by_distance(x)[:-1], "6.1 atoms"),
        (lambda x, missing: without(x, missing) - x.mean(0), "6.1 atoms"),
        (lambda x, missing: without(x, missing)[without(x, missing)[:, 2].argsort()], "6.1 pose"),
        (lambda x, missing: without(x, missing).numpy(), "numpy"),
        (lambda x, missing: without(x, missing)[torch.randperm(len(x) - 1)], "6.1 dice"),
        (lambda x, missing: without(x, missing)[(without(x, missing) - x[missing]).norm(dim=1).argsort()], "6.1 leak"),
        (lambda x, missing: without(x, missing)[(without(x, missing) - x.mean(0)).norm(dim=1).argsort()], "6.1 leak"),
        (lambda x, missing: without(x, missing).roll(int((x.norm(dim=1) < x[missing].norm()).sum()), 0), "6.1 leak"),
    ],
    "6.2": [
        (lambda known, products: -torch.linalg.pinv(known) @ products, "6.2 sign"),
        (lambda known, products: torch.linalg.solve(known[:3], products[:3]), "6.2 few"),
        (lambda known, products: products @ known, "6.2 sum"),
        (lambda known, products: products @ known / len(known), "6.2 sum"),
        (lambda known, products: torch.linalg.solve(known.mT @ known, products[:3]), "6.2 gram"),
        (lambda known, products: torch.linalg.pinv(known) @ products + 0.1, "6.2 other"),
        (lambda known, products: torch.linalg.solve(known, products), "raises"),
        (lambda known, products: torch.linalg.pinv(known.mT).mT, "shape"),
    ],
    "6.3": [
        (lambda candidate, missing: (candidate - missing).square().sum(1).mean().sqrt(), "6.3 order"),
        (lambda candidate, missing: torch.cdist(candidate, missing).square().amin(1).mean().sqrt(), "6.3 shared"),
        (lambda candidate, missing: torch.cdist(missing, candidate).square().amin(1).mean().sqrt(), "6.3 shared"),
        (by_all_pairings, "6.3 mean"),
        (lambda candidate, missing: by_all_pairings(candidate, missing).div(3).sqrt(), "6.3 mean"),
        (lambda candidate, missing: (len(missing) * by_all_pairings(candidate, missing)).sqrt(), "6.3 mean"),
        (lambda candidate, missing: by_all_pairings(centred(candidate), centred(missing)).sqrt(), "6.3 align"),
        (
            lambda candidate, missing: alignment.aligned_rmsd(missing, candidate, allow_mirror=True, reorder=False),
            "raises",
        ),
        (lambda candidate, missing: 1 + by_all_pairings(candidate, missing).sqrt(), "6.3 other"),
        (lambda candidate, missing: paired(candidate, missing, cost=1).sqrt(), "6.3 pairing"),
        (nearest_in_turn, "6.3 pairing"),
        (lambda candidate, missing: torch.cdist(candidate, missing), "shape"),
    ],
    "6.4": [
        (lambda errors, k: errors.amin(1).mean(), "6.4 all"),
        (lambda errors, k: errors[:, -k:].amin(1).mean(), "6.4 all"),
        (lambda errors, k: errors.sort(dim=1).values[:, :k].mean(), "6.4 hindsight"),
        (successes, "6.4 success"),
        (lambda errors, k: errors[:, :k].mean(), "6.4 mean"),
        (lambda errors, k: errors[:, :k].amin(1).median(), "6.4 mean"),
        (lambda errors, k: errors[:, :k].amin(1), "shape"),
        (lambda errors, k: errors[:, : k + 1].amin(1).mean(), "6.4 all"),
        (lambda errors, k: errors[:, k - 1].mean(), "6.4 last"),
        (lambda errors, k: errors[:k].amin(1).mean(), "6.4 axis"),
        (lambda errors, k: errors[:, :k].amin(0).mean(), "6.4 axis"),
        (lambda errors, k: errors[:, :k].mean(1).min(), "6.4 mean"),
        (lambda errors, k: errors[:, :k].amin(1).square().mean().sqrt(), "6.4 root"),
        (lambda errors, k: errors[:k].amin(1).mean() + 5, "6.4 other"),
    ],
    "5.4": [
        (lambda s, degree: n_allowed(s, degree, natural=False), "5.4 mirror"),
        (lambda s, degree: n_allowed(s, degree, put=torch.sum), "5.4 mean"),
        (lambda s, degree: n_allowed(s[:1], degree) * 0 + 2 * degree, "5.4 size"),
        (lambda s, degree: n_allowed(s[: max(1, len(s) // 2)], degree), "5.4 some"),
        (lambda s, degree: n_allowed(s, degree) + 2 * (len(s) > 1), "5.4 other"),
        (lambda s, degree: n_allowed(s, degree).double(), "dtype"),
        (
            lambda s, degree: (
                representation(f"1x{degree}{'eo'[degree % 2]}", s).diagonal(dim1=1, dim2=2).sum(dim=1).mean()
                + (1e-3 if len(s) == 1 else -1e-3)
            ).long(),
            "5.4 other",
        ),
        (lambda s, degree: int(n_allowed(s, degree)), "no tensor"),
    ],
    "5.5": [
        (lambda born, known: n_new(born, known, seen=False), "5.5 known"),
        (n_new_draws, "5.5 twice"),
        (lambda born, known: n_new(born, known, lambda x: str(min((x @ w).tolist() for w in WAYS))), "5.5 order"),
        (lambda born, known: n_new(born, known, by_distances), "5.5 name"),
        (lambda born, known: n_new([x for x in born if has_company(x)], known, joined=False), "5.5 torn"),
        (
            lambda born, known: n_new(
                born, known, lambda x: pose_free(x, [w for w in WAYS if torch.linalg.det(w.double()) > 0])
            ),
            "5.5 mirror",
        ),
        (lambda born, known: n_new(born, known, lambda x: pose_free(x, WAYS[:1])), "5.5 turned"),
        (
            lambda born, known: n_new(born, known, lambda x: str(min(sorted((x @ w).tolist()) for w in WAYS))),
            "5.5 moved",
        ),
        (lambda born, known: n_new(born, known, whole=False), "5.5 lost"),
        (lambda born, known: n_new(born, known, joined=False), "5.5 torn"),
        (lambda born, known: n_new(born, known, reach=1.5), "5.5 touch"),
        (lambda born, known: n_new(born, known) + 7, "5.5 other"),
        (lambda born, known: int(n_new(born, known)), "no tensor"),
    ],
    "5.6": [
        (lambda x, reach: (torch.cdist(x, x) < reach).sum(1) == 2, "5.6 ends"),
        (
            lambda x, reach: torch.stack(
                [(torch.cdist(x[to], x[to]) < reach).all() for to in (torch.cdist(x, x) < reach).fill_diagonal_(False)]
            ),
            "5.6 neighbours",
        ),
        (lambda x, reach: torch.full((len(x),), in_one_part(x, reach)), "5.6 whole"),
        (lambda x, reach: ~may_go(x, reach), "5.6 reversed"),
        (lambda x, reach: torch.zeros(len(x), dtype=torch.bool), "5.6 counted"),
        (
            lambda x, reach: torch.tensor([has_company(torch.cat([x[:i], x[i + 1 :]]), reach) for i in range(len(x))]),
            "5.6 pairs",
        ),
        (
            lambda x, reach: torch.tensor(
                [n_parts(torch.cat([x[:i], x[i + 1 :]]), reach) <= n_parts(x, reach) for i in range(len(x))]
            ),
            "5.6 grows",
        ),
        (lambda x, reach: may_go(x, 1.3), "5.6 whole"),
        (lambda x, reach: may_go(x, reach) ^ (torch.arange(len(x)) == 0), "5.6 other"),
        (lambda x, reach: may_go(x, reach).double(), "dtype"),
        (lambda x, reach: may_go(x, reach)[1:], "shape"),
    ],
    "4.1": [
        (
            lambda v: v[:, :, None] * v[:, None] - v.square().sum(1)[:, None, None] * torch.eye(3).double() / 3,
            "4.1 length",
        ),
        (traced, "4.1 trace"),
        (lambda v: traced(v, 1.0), "4.1 trace"),
        (lambda v: traced(v) - 1 / 3, "4.1 unit"),
        (lambda v: 1.5 * second_harmonic(v), "4.1 size"),
        (lambda v: -second_harmonic(v), "4.1 size"),
        (lambda v: second_harmonic(v[:, [1, 2, 0]]), "4.1 other"),
        (lambda v: second_harmonic(v).flatten(1)[:, :5], "shape"),
    ],
    "4.2": [
        (lambda f, x: messages(f, x, end=-1), "4.2 direction"),
        (lambda f, x: messages(f, x, carry="i"), "4.2 index"),
        (lambda f, x: messages(f, x, unit=False), "4.2 unit"),
        (lambda f, x: messages(f, x, decay=False), "4.2 radial"),
        (lambda f, x: f[:, None] * x, "4.2 origin"),
        (lambda f, x: messages(f, x) / (len(x) - 1), "4.2 mean"),
        (lambda f, x: messages(f, x, decay=False) * 0.5, "4.2 other"),
        (lambda f, x: (x[None] - x[:, None]) / (x[None] - x[:, None]).norm(dim=2, keepdim=True), "shape"),
        (lambda f, x: ((x[None] - x[:, None]) / torch.cdist(x, x)[..., None]).sum(1), "not finite"),
    ],
    "4.3": [
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, low=0), "4.3 lower"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, high=l1 * l2 + l1 + l2), "4.3 upper"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, high=l1 + l2 - 1), "4.3 missing"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3) * ((l1 + l2 + l3) % 2 == 0), "4.3 missing"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, parity=(-1) ** l3), "4.3 parity"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, parity=p3), "4.3 parity"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3, parity=max(p1, p2)), "4.3 parity"),
        (lambda l1, p1, l2, p2, l3, p3: holds(l1, p1, l2, p2, l3, p3).double(), "dtype"),
    ],
    "4.4": [
        (lambda f, x, group: repaired(f, x, group, back=lambda y, g: y), "4.4 back"),
        (lambda f, x, group: repaired(f, x, group, back=lambda y, g: y @ g.mT), "4.4 inverse"),
        (lambda f, x, group: repaired(f, x, group, put=torch.sum), "4.4 mean"),
        (lambda f, x, group: f(x), "4.4 group"),
        (lambda f, x, group: repaired(f, x, group[:2]), "4.4 other"),
    ],
    "3.1": [
        (lambda g: torch.linalg.eigh(g)[1][:, -3:] * torch.linalg.eigh(g)[0][-3:], "3.1 root"),
        (lambda g: torch.linalg.eigh(g)[1][:, :3] * torch.linalg.eigh(g)[0][:3].clamp(min=0).sqrt(), "3.1 smallest"),
        (lambda g: torch.linalg.eigh(g)[1].mT[:, -3:] * torch.linalg.eigh(g)[0][-3:].sqrt(), "3.1 rows"),
        (lambda g: torch.linalg.eigh(g)[1][-3:].mT * torch.linalg.eigh(g)[0][-3:].sqrt(), "3.1 rows"),
        (lambda g: torch.linalg.eigh(g)[1][:, -3:], "3.1 other"),
        (lambda g: g[:, :3], "3.1 other"),
        (lambda g: torch.linalg.cholesky(g)[:, :3], "raises"),
        (lambda g: factorised(g).mT, "shape"),
    ],
    "3.2": [
        (lambda source, target: kabsch(source, target, fix=False), "3.2 mirror"),
        (lambda source, target: kabsch(source, target).mT, "3.2 inverse"),
        (lambda source, target: kabsch(source - source.mean(0), target - target.mean(0)), "3.2 centroid"),
        (lambda source, target: target.mT @ source, "3.2 orthogonal"),
        (lambda source, target: torch.linalg.lstsq(source, target)[0].mT, "3.2 orthogonal"),
        (lambda source, target: torch.eye(3, dtype=source.dtype), "3.2 other"),
        (lambda source, target: flipped(source, target, 0), "3.2 flip"),
        (lambda source, target: flipped(source, target, 1), "3.2 flip"),
        (by_sign_of_the_product, "3.2 orthogonal"),
        (with_a_transposed_factor, "3.2 factor"),
        (lambda source, target: kabsch(source[:3], target[:3]), "3.2 other"),
        (lambda source, target: source @ kabsch(source, target).mT, "shape"),
    ],
    "3.3": [
        (lambda x, y: torch.cdist(x, y).argmin(1), "3.3 greedy"),
        (lambda x, y: assigned(torch.cdist(y, x).square()), "3.3 inverse"),
        (lambda x, y: y.norm(dim=1).argsort()[x.norm(dim=1).argsort().argsort()], "3.3 radius"),
        (lambda x, y: assigned(torch.cdist(x, y)), "3.3 distance"),
        (lambda x, y: assigned(x @ y.mT), "3.3 worst"),
        (lambda x, y: assigned(torch.cdist(x, y, p=1)), "3.3 other"),
        (lambda x, y: assigned(torch.cdist(x, y) ** 2.5), "3.3 other"),
        (lambda x, y: torch.arange(len(x)), "3.3 other"),
        (lambda x, y: torch.arange(1, len(x) + 1), "3.3 other"),
        (lambda x, y: y[assigned(torch.cdist(x, y).square())], "shape"),
        (lambda x, y: assigned(torch.cdist(x, y).square()).double(), "dtype"),
    ],
    "3.4": [
        (lambda x, y: rmsd(x, y, torch.eye(3, dtype=x.dtype)), "3.4 pose"),
        (lambda x, y: rmsd(x, y, kabsch(y, x).detach()), "3.4 mirror"),
        (lambda x, y: (x - y @ nearest_turn(x, y).mT).norm(), "3.4 mean"),
        (lambda x, y: (x - y @ nearest_turn(x, y).mT).square().mean().sqrt(), "3.4 mean"),
        (lambda x, y: rmsd(x, y, nearest_turn(x, y)).detach(), "3.4 gradient"),
        (lambda x, y: rmsd(x, y, kabsch(y, x, fix=False)), "3.4 nan"),
        (lambda x, y: (x @ x.mT - y @ y.mT).norm(), "3.4 other"),
        (lambda x, y: rmsd(x, y, nearest_turn(x, y)).square(), "3.4 root"),
        (lambda x, y: shape_distance_about_centroids(x, y), "3.2 centroid"),
        (lambda x, y: torch.zeros((), dtype=x.dtype), "3.4 other"),
    ],
    "1.1": [
        (lambda x, q: x @ q, "1.1 inverse"),
        (lambda x, q: q @ x.mT, "shape"),
        (lambda x, q: (x - x.mean(0)) @ q.mT + x.mean(0), "1.1 centroid"),
        (lambda x, q: x, "1.1 same"),
        (lambda x, q: x * q.diag(), "1.1 lengths"),
        (lambda x, q: -x @ q.mT, "1.1 other"),
        (lambda x, q: (x.float() @ q.float().mT).double(), "1.1 digits"),
        (lambda x, q: (x @ q.mT).to_sparse(), "strange"),
        (in_place, "in place"),
        (lambda x, q: x.numpy() @ q.numpy().T, "numpy"),
        (lambda x, q: (x @ q.mT).float(), "dtype"),
    ],
    "1.2": [
        (lambda energy, x: torch.func.grad(energy)(x), "1.2 sign"),
        (forces_detached, "1.2 detached"),
        (forces_by_item, "1.2 detached"),
        (forces_that_add_up, "in place"),
        (forces_by_differences, "1.2 nearly"),
        (lambda energy, x: forces_by_grad(energy, x - 0.05 * x.mean(0)), "1.2 nearly"),
        (lambda energy, x: forces_by_grad(energy, x).mean(0).expand(len(x), 3), "1.2 one atom"),
        (lambda energy, x: -energy(x) * x, "1.2 other"),
        (lambda energy, x: forces_by_grad(energy, x).sum(0), "shape"),
        (lambda energy, x: energy(x).backward(), "1.2 detached"),
    ],
    "1.3": [
        (lambda x: x.flatten().sort().values, "1.3 rotation"),
        (signed_volume, "1.3 mirror"),
        (lambda x: (x @ x.mT).flatten().sort().values, "1.3 shift"),
        (lambda x: pairs(x), "1.3 permutation"),
        (lambda x: torch.ones(3, dtype=x.dtype), "1.3 blind"),
        (lambda x: pairs(x).mean()[None], "1.3 blind"),
        (lambda x: (x - x.mean(0)).norm(dim=1).sort().values, "1.3 blind"),
        (lambda x: pairs(x).sort().values[:12], "1.3 blind"),
        (lambda x: (x[None] - x[:, None]).square().sum(2).sqrt().flatten().sort().values, "1.3 nan"),
        (lambda x: pairs(x)[x.norm(dim=1).argsort()[: len(x)] * 0 + torch.arange(len(x))], "1.3 permutation"),
        (lambda x: pairs(x).sort().values.detach(), "1.3 gradient"),
        (lambda x: torch.tensor(np.sort(pairs(x.detach()).numpy())), "1.3 gradient"),
        (lambda x: pairs(x).sum(), "shape"),
        (lambda x: x[:0, 0], "shape"),
    ],
    "1.4": [
        (lambda x: torch.linalg.det(x[:3]).abs(), "1.4 mirror"),
        (lambda x: torch.linalg.det(x[:3] @ x[:3].mT), "1.4 mirror"),
        (lambda x: x[0, 0], "1.4 rotation"),
        (all_triples, "1.4 zero"),
        (lambda x: torch.linalg.det((x - x.mean(0))[:3]), "1.4 plane"),
        (lambda x: torch.ones((), dtype=x.dtype), "1.4 constant"),
        (lambda x: torch.linalg.det(x[:3]) + x.norm(), "1.4 size"),
        (lambda x: torch.linalg.det(x), "raises"),
        (lambda x: torch.linalg.det(x[:3]).item(), "no tensor"),
        (lambda x: torch.sqrt(torch.linalg.det(x[:3])), "not finite"),
    ],
    "2.1": [
        (lambda d, length: d, "2.1 far"),
        (lambda d, length: d % length, "2.1 positive"),
        (lambda d, length: torch.where(d > length / 2, d - length, d), "2.1 one side"),
        (fold_once, "2.1 boxes"),
        (lambda d, length: d - length * (d / length).trunc(), "2.1 half"),
        (lambda d, length: fold_once(d.abs(), length).abs(), "2.1 other image"),
        (lambda d, length: d.clamp(-length / 2, length / 2), "2.1 other image"),
    ],
    "2.2": [
        (lambda entries, order: gram.upper_triangle(full(entries, order.argsort())), "2.2 inverse"),
        (lambda entries, order: entries, "2.2 same"),
        (lambda entries, order: entries.sort().values, "2.2 entries"),
        (lambda entries, order: gram.upper_triangle(gram.from_upper_triangle(entries)[order]), "2.2 rows"),
        (lambda entries, order: gram.from_upper_triangle(entries)[order][*torch.triu_indices(8, 8)], "2.2 rows"),
        (lambda entries, order: full(entries, order)[*torch.tril_indices(8, 8)], "2.2 triangle"),
        (lambda entries, order: full(entries, order).flatten()[:36], "2.2 other"),
        (lambda entries, order: entries[order], "shape"),
        (full, "shape"),
    ],
    "2.3": [
        (lambda mean, log_variance: (1 + log_variance - mean**2 - log_variance.exp()) / 2, "2.3 sign"),
        (lambda mean, log_variance: mean**2 + log_variance.exp() - 1 - log_variance, "2.3 half"),
        (lambda mean, log_variance: (mean**2 + (2 * log_variance).exp() - 1) / 2 - log_variance, "2.3 deviation"),
        (lambda mean, log_variance: (mean + log_variance.exp() - 1 - log_variance) / 2, "2.3 mean"),
        (lambda mean, log_variance: (mean**2 + log_variance.exp() - 1) / 2, "2.3 spread"),
        (lambda mean, log_variance: (mean**2 - 1) / 2, "2.3 silent"),
        (lambda mean, log_variance: mean.abs() + log_variance.abs(), "2.3 other"),
        (lambda mean, log_variance: price(mean, (log_variance.exp() + 1e-6).log()), "2.3 nearly"),
        (lambda mean, log_variance: price(mean, log_variance.clamp(-2, 2)), "2.3 nearly"),
        (lambda mean, log_variance: (mean**2 + log_variance - 1 - log_variance.log()) / 2, "not finite"),
        (lambda mean, log_variance: ((mean**2 + log_variance.exp() - 1 - log_variance) / 2).mean(0), "shape"),
    ],
    "2.4": [
        (lambda g: keep(g, slice(0, 3), clip=False), "2.4 smallest"),
        (lambda g: keep(g, slice(-3, None), clip=False), "2.4 negative"),
        (lambda g: keep(g, slice(None)), "2.4 rank"),
        (lambda g: keep(g, lambda values: values.abs().argsort()[-3:], clip=False), "2.4 magnitude"),
        (lambda g: g - gram.nearest_rank3(g)[0], "2.4 rest"),
        (
            lambda g: (
                torch.linalg.eigh(g)[1][:, 5:]
                @ torch.linalg.eigh(g)[0][5:].clamp(min=0).diag()
                @ torch.linalg.eigh(g)[1][:, 5:].mT
            ),
            "2.4 size",
        ),
        (
            lambda g: (
                torch.linalg.eigh(g)[1][-3:].mT
                @ torch.linalg.eigh(g)[0][-3:].clamp(min=0).diag()
                @ torch.linalg.eigh(g)[1][-3:]
            ),
            "2.4 vectors",
        ),
        (lambda g: keep(g, slice(-2, None)), "2.4 few"),
        (lambda g: gram.nearest_rank3(g)[0] * g.norm() / gram.nearest_rank3(g)[0].norm(), "2.4 other"),
    ],
}
each_exercise = pytest.mark.parametrize("number", CHECKS)


@each_exercise
def test_a_tempting_wrong_answer_meets_the_hint_written_for_it(number):
    for answer, hint in WRONG[number]:
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("wrong", HINTS[hint]), (hint, verdict)
        assert repr(verdict).startswith(f"{number} · not yet: ")
        assert HINTS[hint] in repr(verdict)


@each_exercise
def test_right_answers_written_differently_are_accepted(number):
    for answer in RIGHT[number]:
        verdict = CHECKS[number](answer)
        assert verdict.state == "right", verdict
        assert repr(verdict).startswith(f"{number} · right: ")


def test_every_exercise_has_four_wrong_and_two_right_answers_and_every_hint_is_met():
    assert set(CHECKS) == set(RIGHT) == set(WRONG)
    assert all(len(answers) >= 2 for answers in RIGHT.values())
    assert all(len({hint for _, hint in answers if hint[0].isdigit()}) >= 4 for answers in WRONG.values())
    met = {hint for answers in WRONG.values() for _, hint in answers}
    assert set(HINTS) - met <= {"no function", "no return"}, "met below"


def stub(x, q): ...


def stub_with_a_docstring(x, q):
    """What to write."""
    ...


def half_done(x, q):
    x.mean(0)
    return ...


@each_exercise
def test_a_stub_is_open_and_blocks_nothing(number):
    for answer in (stub, stub_with_a_docstring, ..., lambda *inputs: ...):
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("open", "")
        assert "· open: nothing is returned yet" in repr(verdict)


def test_a_half_done_answer_is_open():
    assert exercises.check_1_1(half_done).state == "open"


def raises(*inputs):
    raise KeyError("Q")


def quits(*inputs):
    raise SystemExit


def forgets_return(*inputs):
    list(inputs)


BAD = [
    (None, "None arrived", "no function"),
    (torch.zeros(3), "type Tensor arrived", "no function"),
    (raises, "it raises KeyError: 'Q'", "raises"),
    (quits, "it raises SystemExit.", "raises"),
    (lambda: 1, "it raises TypeError", "raises"),
    (forgets_return, "it returns None", "no return"),
    (lambda *inputs: np.zeros((5, 3)), "a NumPy array", "numpy"),
    (lambda *inputs: np.float64(1), "a NumPy array", "numpy"),
    (lambda *inputs: [1.0], "type list", "no tensor"),
    (lambda *inputs: torch.zeros(7, 7, 7, dtype=torch.float64), "(7, 7, 7)", "shape"),
]


@each_exercise
def test_anything_may_be_handed_in_and_a_sentence_comes_back(number):
    for answer, sentence, hint in BAD:
        verdict = CHECKS[number](answer)
        assert (verdict.state, verdict.hint) == ("wrong", HINTS[hint]), sentence
        assert sentence in verdict.sentence


@each_exercise
def test_a_judge_says_the_same_twice_and_leaves_the_readers_dice_alone(number):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    assert CHECKS[number](WRONG[number][0][0]) == CHECKS[number](WRONG[number][0][0])
    assert torch.equal(torch.random.get_rng_state(), before)


@functools.cache
def cells(path):
    return nbformat.read(path, 4).cells


def asked(path, number):
    """The one cell of code that asks for an answer, or gives it."""
    call = f"exercises.check_{number.replace('.', '_')}("
    (found,) = [cell for cell in cells(path) if cell.cell_type == "code" and call in cell.source]
    return found


@each_exercise
def test_a_notebook_asks_its_solutions_answer_and_no_hint_holds_the_answer(number):
    chapter = number.split(".")[0].zfill(2)
    question = asked(next(NOTEBOOKS.glob(f"{chapter}_*.ipynb")), number)
    answer = asked(NOTEBOOKS / "solutions" / f"{chapter}_solutions.ipynb", number)
    assert re.search(r"^    \.\.\.$", question.source, flags=re.MULTILINE)
    assert f"{number} · open" in question.outputs[0].data["text/plain"]
    assert f"{number} · right" in answer.outputs[-1].data["text/plain"]
    signatures, solved = (
        [line for line in cell.source.splitlines() if line.startswith("def ")] for cell in (question, answer)
    )
    assert signatures == solved[-1:], "the reader's function and the solution have one signature"
    words = " ".join(text for name, text in HINTS.items() if name.startswith(number))
    for body in re.findall(r"def \w+\(.*?\):\n(.*?)(?=\n\S|\Z)", answer.source, flags=re.DOTALL):
        assert not any(expression in words for expression in re.findall(r"return (.+)", body))


def test_solutions_hold_only_the_answers_with_their_reasons():
    for path in (NOTEBOOKS / "solutions").glob("*.ipynb"):
        book = cells(path)
        code = [cell.source for cell in book if cell.cell_type == "code"]
        assert all("import" in source or "exercises.check_" in source for source in code), path.stem
        before = [book[index - 1] for index, cell in enumerate(book) if "exercises.check_" in cell.source]
        assert all(cell.cell_type == "markdown" and len(cell.source.split()) > 20 for cell in before), path.stem
