"""The exercises of notebook 07: interpolation, Heun's step, copies of training data, and a classifier's AUC."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Trials, close, compared, nearest_in_turn, normal, wrong_if

HINTS = {
    "7.1 right": "straight, from noise to data.",
    "7.1 wrong": "it is another point.",
    "7.1 reversed": "At time 0 there is noise, at time 1 there are data. Put in 0 and look what is left.",
    "7.1 velocity": "This is how fast the point moves. Where is it after the time, if it starts from the noise?",
    "7.1 ends": "Times go from 0 to 1, and both belong to them. What does yours give there, and just beside them?",
    "7.1 one time": "Each pair has a time of its own. Which shape has to meet (n, d), so that row i meets time i?",
    "7.1 arc": "Its speed changes on the way. On a straight line both weights are linear in time, and sum to one.",
    "7.1 sum": "If noise and data are one point, all between are that point: do your weights sum to one?",
    "7.1 other": "Half-way is the mean of both. A quarter of the way?",
    "7.2 right": "twice the looks, and an error that falls with the square of the step.",
    "7.2 wrong": "it leads elsewhere.",
    "7.2 euler": "This is Euler's step: it looks once, at the beginning. Heun's looks again, where that step has led.",
    "7.2 midpoint": "This is the midpoint rule, as exact, but another. Heun's second look is at the end of the step.",
    "7.2 time": "The second look is at a later time, too: the velocity is a function of both.",
    "7.2 place": "The second look is at another place, too: where Euler's step has led.",
    "7.2 end": "The velocity at the end alone overshoots as Euler's undershoots. What about both?",
    "7.2 half": "Two velocities are added and then one step is taken: what did the mean lose?",
    "7.2 clamped": "A velocity may be asked for at any time: the second look is a whole step later, wherever that is.",
    "7.2 ralston": "This is Ralston's rule, as exact, but another. Heun's second look is at the end of the step.",
    "7.2 four": "This is Runge and Kutta's classical rule: better, and four looks. Heun's takes two.",
    "7.2 implicit": "This is the trapezoidal rule, whose second look is at its own end. Heun's is where Euler's leads.",
    "7.2 start": "The step is added to where it starts from.",
    "7.2 other": "Try a velocity that is 1 everywhere: x moves by the step. Then one that is time itself.",
    "7.3 right": "whoever copies is found out.",
    "7.3 wrong": "it is another share.",
    "7.3 against": "What is held out is a yardstick only. Copies are copies of training examples.",
    "7.3 mean": "A copy is near *one* example, and as far from the rest as anything else.",
    "7.3 own": "By that yardstick half are always copies. The yardstick is made with what is held out.",
    "7.3 average": "Half of what is held out is nearer than the median; a few outliers move a mean.",
    "7.3 some": "All held-out examples make the yardstick, however many there are.",
    "7.3 scaled": "The distance is asked for in the units that come in: no column is stretched.",
    "7.3 city": "This distance adds up the sides of a box. The Euclidean one is its diagonal.",
    "7.3 far": "These are the ones that are *not* suspicious.",
    "7.3 share": "A share lies between 0 and 1: neither a number nor per cent.",
    "7.3 other": "Try it with samples that are training examples, then with what is held out: 1, and about one half.",
    "7.4 right": "a half means that nobody can tell.",
    "7.4 wrong": "it is another share.",
    "7.4 reversed": "It asks for how often the *fake* one looks more suspicious.",
    "7.4 ties": "A coin decides between equal scores: count half.",
    "7.4 folded": "A chance below a half is possible: the real ones may look more suspicious.",
    "7.4 single": "Two numbers that differ in a late digit have become equal: in which precision are they compared?",
    "7.4 same": "All pairs are asked for, one of each kind, and not only those of the same place in the list.",
    "7.4 threshold": "This depends on one threshold. Over all pairs there is none.",
    "7.4 share": "It is a chance: divide by the number of pairs.",
    "7.4 mean": "How much higher does not matter, only whether.",
    "7.4 other": "Try two real scores and one fake: three cases, and the chance is 0, a half or 1.",
    "7.s right": "the least that has to be moved, per number: the Wasserstein distance of two lists.",
    "7.s wrong": "less or more has to be moved than it says.",
    "7.s order": "Nobody has paired them: put one list into another order, and the answer should stay. Which pairing "
    "moves the numbers least?",
    "7.s mean": "0 and 2 have the same mean as 1 and 1. Is nothing to be moved?",
    "7.s signed": "What is moved to the left does not make up for what is moved to the right.",
    "7.s square": "It is asked how far, and not how far squared: an unusual number should count as far as it is off.",
    "7.s largest": "All of them have to be moved, not only the one that has the longest way.",
    "7.s sum": "Twice the data should not be twice as far. Is yours per number?",
    "7.s nearest": "Two numbers may not move to one place while another place stays empty.",
    "7.s greedy": "Whoever chooses first may leave the last one a long way. Are all ways together the shortest?",
    "7.s other": "Try it on 0 and 1 against 5 and 1, by hand, with both pairings.",
}


def _what_point(answer: Answer, found: Tensor, noise: Tensor, data: Tensor, time: Tensor) -> None:
    inner = (time > 0.1) & (time < 0.75)
    right = noise + time[:, None] * (data - noise)
    here = close(found[inner], right[inner])
    wrong_if(here and len(time) > 1 and inner.any(), "in the middle it is right, and not at the ends.", "ends")
    moved = time + torch.linspace(0, 0.1, len(time), dtype=torch.float64)
    changed = (answer(noise, data, moved, shape=found.shape).detach() - found).abs().amax(dim=1) > 1e-12
    wrong_if(len(time) > 1 and (changed[0] or not changed[1:].all()), "rows do not meet their own times.", "one time")
    wrong_if(
        not close(answer(noise, noise.clone(), time, shape=found.shape), noise),
        "from a point to itself it leaves the point.",
        "sum",
    )


@compared(HINTS, explain=_what_point)
def check_7_1(generator: Generator) -> Trials:
    """The verdict on `between(noise, data, time)`: (n, d), (n, d) and (n,), no unit, to (n, d)."""
    for n, d, scale in ((5, 3, 1.0), (4, 4, 30.0), (1, 6, 1e-3), (40, 2, 1.0), (8, 6, 1.0)):
        noise, data = scale * normal(generator, 2, n, d)
        time = torch.rand(n, generator=generator, dtype=torch.float64)
        time[0] = 0.4  # in the middle
        if n == 8:  # the ends themselves, and what is near them
            time = torch.tensor([0.0, 1.0, 1e-6, 1 - 1e-6, 0.004, 0.996, 0.3, 0.6], dtype=torch.float64)
        t, angle = time[:, None], torch.pi / 2 * time[:, None]
        yield (
            (noise, data, time),
            (1 - t) * noise + t * data,
            ("reversed", "it goes from data to noise.", t * noise + (1 - t) * data),
            ("velocity", "it gives the velocity and not the point.", data - noise),
            ("arc", "from a point to itself it leaves the point.", angle.cos() * noise + angle.sin() * data),
        )


def _velocity(x: Tensor, time: Tensor) -> Tensor:
    t = time[:, None]  # fails for a number, as the notebook's networks do
    return (x + 2 * t).sin() + t * x.roll(1, dims=1)


@compared(HINTS)
def check_7_2(generator: Generator) -> Trials:
    """The verdict on `heun(velocity, x, time, step)`: a function of (n, d) and (n,), (n, d), (n,), a number, to (n, d).

    No unit is asked for: space and time have those of the flow.
    """
    sizes = ((3, 2, 0.2, 0.3), (1, 4, 0.5, 0.1), (5, 3, 0.0, 0.25), (17, 1, 0.9, 0.4), (4, 21, 1.0, -0.5))
    for n, d, since, step in sizes:
        x, time = normal(generator, n, d), since + 0.01 * torch.rand(n, generator=generator, dtype=torch.float64)
        first = _velocity(x, time)
        there = x + step * first
        second = _velocity(there, time + step)
        middle = _velocity((x + there) / 2, time + step / 2)
        third = _velocity(x + step / 2 * middle, time + step / 2)
        fourth = _velocity(x + step * third, time + step)
        later = _velocity(x + 2 / 3 * step * first, time + 2 / 3 * step)
        end = there
        for _ in range(100):
            end = x + step * (first + _velocity(end, time + step)) / 2
        clamped = _velocity(there, (time + step).clamp(0, 1))
        yield (
            (_velocity, x, time, step),
            x + step * (first + second) / 2,
            ("euler", "it looks once.", there),
            ("midpoint", "it looks half-way.", x + step * middle),
            ("ralston", "it looks two thirds of the way.", x + step * (first + 3 * later) / 4),
            ("four", "it looks four times.", x + step * (first + 2 * middle + 2 * third + fourth) / 6),
            ("implicit", "it looks where it ends itself.", end),
            ("time", "both looks are at one time.", x + step * (first + _velocity(there, time)) / 2),
            ("place", "both looks are at one place.", x + step * (first + _velocity(x, time + step)) / 2),
            ("end", "only the second look counts.", x + step * second),
            ("clamped", "it does not look beyond time 1.", x + step * (first + clamped) / 2),
            ("half", "it goes twice as far.", x + step * (first + second)),
            ("start", "it gives the way and not the place.", step * (first + second) / 2),
        )


@compared(HINTS, every=True)
def check_7_3(generator: Generator) -> Trials:
    """The verdict on `copied(samples, train, held_out)`: (n, d), (m, d) and (k, d), in one unit, to a share, ()."""
    for n, m, k, d in ((20, 30, 11, 3), (7, 9, 15, 2), (30, 25, 21, 5), (90, 70, 151, 2), (61, 40, 201, 3)):
        stretch = torch.logspace(-1, 1, d, dtype=torch.float64)
        train, held_out = (stretch * normal(generator, size, d) for size in (m, k))
        held_out[: k // 2] *= 1.5
        copies = train[: n // 3] + 0.01 * stretch
        samples = torch.cat([copies, stretch * (0.3 + 1.2 * normal(generator, n - len(copies), d))])
        here, there = torch.cdist(samples, train), torch.cdist(held_out, train)
        near, yardstick, other = here.amin(dim=1), there.amin(dim=1), torch.cdist(samples, held_out).amin(dim=1)
        right = (near < yardstick.median()).double().mean()
        city, cities = (torch.cdist(x, train, p=1).amin(dim=1) for x in (samples, held_out))
        scaled, scales = (torch.cdist(x / train.std(0), train / train.std(0)).amin(dim=1) for x in (samples, held_out))
        yield (
            (samples, train, held_out),
            right,
            ("against", "it looks for copies of what is held out.", (other < yardstick.median()).double().mean()),
            (
                "mean",
                "it asks for the mean distance to all.",
                (here.mean(dim=1) < there.mean(dim=1).median()).double().mean(),
            ),
            ("own", "the samples are their own yardstick.", (near < near.median()).double().mean()),
            ("average", "its yardstick is a mean.", (near < yardstick.mean()).double().mean()),
            ("some", "only some held-out examples count.", (near < yardstick[:10].median()).double().mean()),
            ("scaled", "its columns are divided by their widths.", (scaled < scales.median()).double().mean()),
            ("city", "it has another distance.", (city < cities.median()).double().mean()),
            ("far", "it counts the others.", 1 - right),
            ("share", "it is no share.", 100 * right, n * right),
        )


def _coarse(*lists: Tensor) -> list[list[Tensor]]:
    return [[x.to(kind) for x in lists] for kind in (torch.float32, torch.float16, torch.bfloat16)]


@compared(HINTS, every=True)
def check_7_4(generator: Generator) -> Trials:
    """The verdict on `told(real, fake)`: suspicions (n,) and (m,), no unit, to the chance, ()."""
    for n, m, shift, unit in ((6, 9, 1, 1.0), (5, 5, 1, 1.0), (12, 4, 1, 1.0), (30, 41, -2, 1e-3), (8, 7, 0, 1e-12)):
        real, fake = (torch.randint(0, 7, (size,), generator=generator).double() for size in (n, m))
        real, fake, k = 1 + unit * real, 1 + unit * (fake + shift), min(n, m)
        more, equal = (fake[:, None] > real).double(), (fake[:, None] == real).double()
        middle, right = torch.cat([real, fake]).mean(), (more + equal / 2).mean()
        coarse = [((y[:, None] > x).double() + (y[:, None] == x).double() / 2).mean() for x, y in _coarse(real, fake)]
        yield (
            (real, fake),
            right,
            ("reversed", "it asks for the opposite.", 1 - right),
            ("ties", "equal scores are lost.", more.mean()),
            ("ties", "equal scores all count.", (more + equal).mean()),
            ("folded", "it is never below a half.", torch.maximum(right, 1 - right)),
            ("single", "close numbers have become equal.", *coarse),
            ("same", "it compares one with one.", (fake[:k] > real[:k]).double().mean()),
            ("threshold", "it draws a line.", torch.cat([real <= middle, fake > middle]).double().mean()),
            ("mean", "it compares means.", fake.mean() - real.mean()),
            ("share", "it is no share.", 100 * right, n * m * right),
        )


@compared(HINTS)
def check_7_s(generator: Generator) -> Trials:
    """The verdict on `moved(one, other)`: the mean distance () in the best pairing of two lists of numbers (n,)."""
    for n in (7, 5, 12, 2):
        one, other = normal(generator, n), 0.5 * normal(generator, n).exp() + 0.2
        distance, off = (one[:, None] - other).abs(), one.sort().values - other.sort().values
        there, back = distance.amin(dim=1).mean(), distance.amin(dim=0).mean()
        squares = off.square().mean()
        yield (
            (one, other),
            off.abs().mean(),
            ("order", "it pairs the numbers as they stand in the lists.", (one - other).abs().mean()),
            ("mean", "it compares the means only.", (one.mean() - other.mean()).abs()),
            ("signed", "ways to the left are taken off those to the right.", off.mean()),
            ("square", "distances are squared before they are averaged.", squares.sqrt(), squares),
            ("largest", "this is the longest of all ways.", off.abs().max()),
            ("sum", "all ways are added up.", off.abs().sum()),
            ("nearest", "each number moves to its nearest.", there, back, (there + back) / 2),
            (
                "greedy",
                "each number in turn takes the nearest that is left.",
                distance[range(n), nearest_in_turn(distance)].mean(),
            ),
        )
