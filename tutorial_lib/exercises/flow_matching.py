"""The exercises of notebook 07: a point on a straight line, a step that looks twice, copies, and how one can tell."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge

HINTS = {
    "7.1 reversed": "At time 0 there is noise, at time 1 there are data. Put in 0 and look what is left.",
    "7.1 one time": "Each pair has a time of its own. Which shape has to meet (n, d), so that row i meets time i?",
    "7.1 arc": "Its speed changes on the way. On a straight line both weights are linear in time, and sum to one.",
    "7.1 sum": "If noise and data are one point, all between are that point: do your weights sum to one?",
    "7.1 other": "Half-way is the mean of both. A quarter of the way?",
    "7.2 euler": "This is Euler's step: it looks once, at the beginning. Heun's looks again, where that step has led.",
    "7.2 midpoint": "This is the midpoint rule, as exact, but another. Heun's second look is at the end of the step.",
    "7.2 time": "The second look is at a later time, too: the velocity is a function of both.",
    "7.2 place": "The second look is at another place, too: where Euler's step has led.",
    "7.2 end": "The velocity at the end alone overshoots as Euler's undershoots. What about both?",
    "7.2 half": "Two velocities are added and then one step is taken: what did the mean lose?",
    "7.2 start": "The step is added to where it starts from.",
    "7.2 other": "Try a velocity that is 1 everywhere: x moves by the step. Then one that is time itself.",
    "7.3 against": "What is held out is a yardstick only. Copies are copies of training examples.",
    "7.3 mean": "A copy is near *one* example, and as far from the rest as anything else.",
    "7.3 own": "By that yardstick half are always copies. The yardstick is made with what is held out.",
    "7.3 average": "Half of what is held out is nearer than the median; a few outliers move a mean.",
    "7.3 far": "These are the ones that are *not* suspicious.",
    "7.3 share": "A share lies between 0 and 1: neither a number nor per cent.",
    "7.3 other": "Try it with samples that are training examples, then with what is held out: 1, and about one half.",
    "7.4 reversed": "It asks for how often the *fake* one looks more suspicious.",
    "7.4 ties": "A coin decides between equal scores: count half.",
    "7.4 same": "All pairs are asked for, one of each kind, and not only those of the same place in the list.",
    "7.4 threshold": "This depends on one threshold. Over all pairs there is none.",
    "7.4 share": "It is a chance: divide by the number of pairs.",
    "7.4 mean": "How much higher does not matter, only whether.",
    "7.4 other": "Try two real scores and one fake: three cases, and the chance is 0, a half or 1.",
}
RIGHT = {
    "7.1": "straight, from noise to data.",
    "7.2": "twice the looks, and an error that falls with the square of the step.",
    "7.3": "whoever copies is found out.",
    "7.4": "a half means that nobody can tell.",
}


def check_7_1(answer: object) -> Verdict:
    """The verdict on `between(noise, data, time)`: (n, d), (n, d) and (n,), no unit, to (n, d).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("7.1", answer, _lies_between, RIGHT["7.1"])


def _lies_between(answer: Answer, generator: Generator) -> None:
    for n, d in ((5, 3), (4, 4), (1, 6)):
        noise, data = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        time = 0.1 + 0.7 * torch.rand(n, generator=generator, dtype=torch.float64)
        found, t = answer(noise, data, time, shape=(n, d)).detach(), time[:, None]
        if close(found, (1 - t) * noise + t * data):
            continue
        if close(found, t * noise + (1 - t) * data):
            raise Wrong("it goes from data to noise.", HINTS["7.1 reversed"])
        moved = time + torch.linspace(0, 0.1, n, dtype=torch.float64)
        after = answer(noise, data, moved, shape=(n, d)).detach()
        rows = (after - found).abs().amax(dim=1) > 1e-12
        if n > 1 and (rows[0] or not rows[1:].all()):
            raise Wrong("rows do not meet their own times.", HINTS["7.1 one time"])
        if not close(answer(noise, noise.clone(), time, shape=(n, d)).detach(), noise):
            arc = (torch.pi / 2 * t).cos() * noise + (torch.pi / 2 * t).sin() * data
            kind = "arc" if close(found, arc) else "sum"
            raise Wrong("from a point to itself it leaves the point.", HINTS[f"7.1 {kind}"])
        raise Wrong("it is another point.", HINTS["7.1 other"])


def check_7_2(answer: object) -> Verdict:
    """The verdict on `heun(velocity, x, time, step)`: a function of (n, d) and time, (n, d), two numbers, to (n, d).

    No unit is asked for: space and time have those of the flow.

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("7.2", answer, _steps, RIGHT["7.2"])


def _velocity(x: Tensor, time: float) -> Tensor:
    return (x + 2 * time).sin() + time * x.roll(1, dims=1)


def _steps(answer: Answer, generator: Generator) -> None:
    for n, d, time, step in ((3, 2, 0.2, 0.3), (1, 4, 0.5, 0.1), (5, 3, 0.0, 0.25)):
        x = torch.randn(n, d, generator=generator, dtype=torch.float64)
        found = answer(_velocity, x, time, step, shape=(n, d)).detach()
        first = _velocity(x, time)
        second = _velocity(x + step * first, time + step)
        if not close(found, x + step * (first + second) / 2):
            _what_step(found, _velocity, x, time, step)


def _what_step(found: Tensor, velocity: Callable, x: Tensor, time: float, step: float) -> None:
    first = velocity(x, time)
    second = velocity(x + step * first, time + step)
    tempting = [
        ("it looks once.", x + step * first, "euler"),
        ("it looks half-way.", x + step * velocity(x + step * first / 2, time + step / 2), "midpoint"),
        ("both looks are at one time.", x + step * (first + velocity(x + step * first, time)) / 2, "time"),
        ("both looks are at one place.", x + step * (first + velocity(x, time + step)) / 2, "place"),
        ("only the second look counts.", x + step * second, "end"),
        ("it goes twice as far.", x + step * (first + second), "half"),
        ("it gives the way and not the place.", step * (first + second) / 2, "start"),
    ]
    for sentence, wrong, hint in tempting:
        if close(found, wrong):
            raise Wrong(sentence, HINTS[f"7.2 {hint}"])
    raise Wrong("it leads elsewhere.", HINTS["7.2 other"])


def check_7_3(answer: object) -> Verdict:
    """The verdict on `copied(samples, train, held_out)`: (n, d), (m, d) and (k, d), in one unit, to a share, ().

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("7.3", answer, _finds_copies, RIGHT["7.3"])


def _finds_copies(answer: Answer, generator: Generator) -> None:
    for n, m, k in ((20, 30, 11), (7, 9, 15), (30, 25, 21)):
        train, held_out = (torch.randn(size, 3, generator=generator, dtype=torch.float64) for size in (m, k))
        near = train[: n // 3] + 0.01
        samples = torch.cat([near, 0.3 + 1.2 * torch.randn(n - len(near), 3, generator=generator, dtype=torch.float64)])
        found = answer(samples, train, held_out, shape=()).detach()
        here, there = (torch.cdist(some, train).amin(dim=1) for some in (samples, held_out))
        if close(found, (here < there.median()).double().mean()):
            continue
        other = torch.cdist(samples, held_out).amin(dim=1)
        mean, mean_there = (torch.cdist(some, train).mean(dim=1) for some in (samples, held_out))
        tempting = [
            ("it looks for copies of what is held out.", other < there.median(), "against"),
            ("it asks for the mean distance to all.", mean < mean_there.median(), "mean"),
            ("the samples are their own yardstick.", here < here.median(), "own"),
            ("its yardstick is a mean.", here < there.mean(), "average"),
            ("it counts the others.", here >= there.median(), "far"),
        ]
        _shares(found, tempting, here < there.median(), "7.3")


def _shares(found: Tensor, tempting: list[tuple[str, Tensor, str]], right: Tensor, exercise: str) -> None:
    for sentence, some, hint in tempting:
        if close(found, some.double().mean()):
            raise Wrong(sentence, HINTS[f"{exercise} {hint}"])
    if any(close(found, factor * right.double().mean()) for factor in (100, right.numel())):
        raise Wrong("it is no share.", HINTS[f"{exercise} share"])
    raise Wrong("it is another share.", HINTS[f"{exercise} other"])


def check_7_4(answer: object) -> Verdict:
    """The verdict on `told(real, fake)`: suspicions (n,) and (m,), no unit, to the chance, ().

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("7.4", answer, _tells, RIGHT["7.4"])


def _tells(answer: Answer, generator: Generator) -> None:
    for n, m in ((6, 9), (5, 5), (12, 4)):
        real, fake = (torch.randint(0, 7, (size,), generator=generator).double() for size in (n, m))
        fake = fake + 1
        found = answer(real, fake, shape=()).detach()
        more, equal = fake[:, None] > real, fake[:, None] == real
        right = more.double() + equal.double() / 2
        if close(found, right.mean()):
            continue
        k, middle = min(n, m), torch.cat([real, fake]).mean()
        by_middle = torch.cat([real <= middle, fake > middle])
        tempting = [
            ("it asks for the opposite.", 1 - right, "reversed"),
            ("equal scores are lost.", more, "ties"),
            ("equal scores all count.", more | equal, "ties"),
            ("it compares one with one.", right.diagonal(), "same"),
            ("it compares one with one.", fake[:k] > real[:k], "same"),
            ("it draws a line.", by_middle, "threshold"),
            ("it compares means.", fake.mean() - real.mean(), "mean"),
        ]
        _shares(found, tempting, right, "7.4")
