"""The exercises of notebook 12: Tweedie's formula, a level of a quench, a structure factor, a crystal of springs."""

import math

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Trials, close, compared, normal, random_cloud, wrong_if

STEP = 0.3  # of a Langevin step, in units of the variance of the noise
HINTS = {
    "12.1 right": "of all numbers it has the least mean square error.",
    "12.1 wrong": "the mean of what could have been is another number.",
    "12.1 nearest": "Only one value counts. How probable are the others?",
    "12.1 exponent": "Look up the normal distribution: what is squared in its exponent, and by what is it divided?",
    "12.1 weights": "Two values are equally near, and one of them is nine times as common. Which was it?",
    "12.1 logits": "A softmax takes exponentials. What do you add to an exponent in order to multiply by a weight?",
    "12.1 sum": "See what you get if all values are 1. What do the probabilities have to sum to?",
    "12.1 axis": "For each noisy number the probabilities of all values sum to one. Over which axis is that?",
    "12.1 blind": "This is the mean before anything is seen.",
    "12.1 noise": "This is the noise that was added. What is left of the noisy number without it?",
    "12.1 far": "All densities are 0 in double precision here. Which number may you subtract from all exponents?",
    "12.1 other": "Try one value only, then two equally common ones and a number half-way between them.",
    "12.2 right": "down by what the noise has to lose, and then one warm step at the new level.",
    "12.2 wrong": "the atoms should be elsewhere.",
    "12.2 up": "Noise leads away from what is clean, and the score points to what is more probable. Check both signs.",
    "12.2 flow": "How much noise has to go from one level to the next, and by how much do the atoms move for it?",
    "12.2 langevin": "A flow step alone keeps the mistakes of earlier levels. Where is the Langevin step?",
    "12.2 drift": "Kicks alone only heat. A Langevin step also follows the score.",
    "12.2 root": "Kicks add up like a random walk: how does its variance grow with the step, and by which factor?",
    "12.2 temperature": "The temperature multiplies the kick, as it is, and nothing else.",
    "12.2 level": "Before the Langevin step the noise has fallen already. For which level is the step made?",
    "12.2 unit": "`clean` is in angstrom. How does it give the noise in units of the noise, and that the score?",
    "12.2 random": "The same input gives two outputs. The kick is given: no other random numbers are needed.",
    "12.2 other": "Set the temperature to 0 and `below` to half of `noise`: how much noise is left after each step?",
    "12.3 right": "for any cell, and for any number of atoms.",
    "12.3 wrong": "the waves add up to something else.",
    "12.3 number": "A gas of points has about 1, however many points there are. By what do you divide?",
    "12.3 real": "Move all atoms by the same vector: does your number stay? A wave has a cosine and a sine.",
    "12.3 square": "The structure factor is an intensity, the square of an amplitude.",
    "12.3 each": "What is the absolute value of exp(iφ)? All atoms are added up before it is taken.",
    "12.3 skewed": "The cell vectors are not along x, y and z. How many of each of them lead to an atom?",
    "12.3 transpose": "An atom is a sum of cell vectors, which are rows. On which side does the inverse stand?",
    "12.3 two pi": "A wave fits once into the cell. By how much does its phase grow from one end to the other?",
    "12.3 direct": "The longer the cell, the longer the wave that fits once, and the smaller its q.",
    "12.3 self": "The square of a sum over n atoms has n terms in which an atom meets itself.",
    "12.3 dtype": "A number times its own conjugate is real. It should have the precision of the positions, too.",
    "12.3 other": "Try one atom, at any place: 1 for every wave. Then the wave of three zeros: all atoms add up.",
    "12.4 right": "stiff directions are healed, soft ones keep much of their noise, and free ones keep all of it.",
    "12.4 wrong": "the mean of what could have been is elsewhere.",
    "12.4 rest": "This forgets what was seen. Above zero temperature atoms are not at rest.",
    "12.4 reversed": "Which directions of the noisy coordinates may be trusted, the stiff ones or the soft ones?",
    "12.4 small": "One step along the force is right where the noise is small. Where it is large, does it overshoot?",
    "12.4 temperature": "How far does a spring spread at the temperature kT? The hotter, the farther.",
    "12.4 noise": "The exponent of a normal distribution has the variance of the noise. What have you put there?",
    "12.4 half": "Two exponents are added, that of the energy and that of the noise. Each has a factor of one half.",
    "12.4 diagonal": "Atoms pull at each other: one coordinate alone does not say where it would rest.",
    "12.4 covariance": "The stiffer a spring, the smaller its spread. Is the matrix of springs a covariance?",
    "12.4 soft": "A shift of all atoms costs nothing: K has no inverse. Which equation needs none and keeps the shift?",
    "12.4 other": "Try one coordinate: a spring of 2 eV/A^2, kT = 0.02 eV, a noise of 0.1 A. It goes half of the way.",
    "12.s right": "far enough for every peak, and no farther.",
    "12.s wrong": "it should be shaken by another length.",
    "12.s gas": "Shaken without end, the structure factor goes to that of a gas. What has to fade is what is above it.",
    "12.s half": "The wave of one atom fades by this factor. A pair has two atoms, and both are shaken.",
    "12.s square": "In which unit is your answer? In the exponent q and s are squared.",
    "12.s all": "No peak may be higher. Which of them decides, and is it the first, the mean or the highest of them?",
    "12.s low": "Some peaks are low enough already. How far would you shake for them?",
    "12.s other": "Try a single peak: how high is it after your shake, by the formula of the notebook?",
}


def _far_off(answer: Answer, found: Tensor, seen: Tensor, values: Tensor, weights: Tensor, noise: float) -> None:
    wrong_if(((seen[:, None] - values).abs() > 38 * noise).all(), "it fails far from all values.", "far")


@compared(HINTS, tolerance=1e-5, errors=(("NaN", "far"),), explain=_far_off)
def check_12_1(generator: Generator) -> Trials:
    """The verdict on `denoised(seen, values, weights, noise)`: (n,), (k,), (k,) and a number, to means (n,)."""
    for n, k, noise, off in ((5, 3, 0.5, 0), (4, 4, 1.3, 0), (1, 6, 0.2, 0), (3, 5, 0.1, 60), (3, 2, 10.0, 500)):
        values, weights, seen = normal(generator, k), normal(generator, k).softmax(dim=0), normal(generator, n) + off
        log, square = weights.log(), ((seen[:, None] - values) / noise).square() / 2
        exponents = (square, square * noise, 2 * square, (2 * square).sqrt(), -square)
        mean, *others = ((log - exponent).softmax(dim=1) @ values for exponent in exponents)
        sums = weights * (-square).exp() @ values + off  # far away, where the first is 0, it is another mistake
        yield (
            (seen, values, weights, noise),
            mean,
            ("nearest", "it is one of the values.", *(values[x.argmin(dim=1)] for x in (square, square - log))),
            ("exponent", "the noise is not normal, or another one.", *others),
            ("weights", "all values are equally common to it.", (-square).softmax(dim=1) @ values),
            ("logits", "weights do not count as they should.", (weights - square).softmax(dim=1) @ values),
            ("sum", "probabilities do not sum to one.", sums, sums / noise, sums / noise / math.sqrt(2 * math.pi)),
            ("axis", "it compares noisy numbers with each other.", (log - square).softmax(dim=0) @ values),
            ("blind", "it does not look at what is seen.", (weights @ values).expand(n), values.mean().expand(n)),
            ("noise", "it is the noise and not the value.", seen - mean, (seen - mean) / noise, mean - seen),
        )


def _draws(answer: Answer, found: Tensor, *inputs: object) -> None:
    wrong_if(not close(answer(*inputs, shape=found.shape), found), "it draws random numbers of its own.", "random")


@compared(HINTS, tolerance=1e-5, explain=_draws)
def check_12_2(generator: Generator) -> Trials:
    """The verdict on `next_level(x, clean, noise, below, temperature, kick)`: (n, 3) in angstrom, to (n, 3)."""
    for n, s, b, t in ((5, 0.8, 0.45, 0.6), (1, 0.5, 0.4, 1.5), (4, 0.3, 0.1, 0.0)):
        x, found, z = random_cloud(n, generator), normal(generator, n, 3), normal(generator, n, 3)
        r, d, g = math.sqrt(2 * STEP), STEP * found, (s - b) * found
        flow, clean, w = x - g, x - s * found, t * r * z  # a drift d and a warm kick w, both over the noise
        kicks, warm = [p * b**2 for p in (STEP, 2 * STEP)], ((1, 1), (t**2, 1), (t**0.5, 1), (t, t))
        yield (
            (x, clean, s, b, t, z),
            flow - b * d + b * w,
            ("up", "a sign is wrong.", *(x + b * w + p * g + q * b * d for p, q in ((1, -1), (-1, 1), (1, 1)))),
            ("flow", "the flow step goes elsewhere.", *(x + b * w - p for p in (b * d, s * found + b * d, s * found))),
            ("langevin", "there is no Langevin step.", flow),
            ("drift", "the Langevin step only kicks.", flow + b * w),
            ("root", "its kicks are too short.", *(flow - b * d + p * t * z for p in (b * r / 2**0.5, *kicks))),
            ("temperature", "the temperature counts otherwise.", *(flow + b * (p * r * z - q * d) for p, q in warm)),
            ("level", "it is not at the new level.", *(flow - p * d + q * w for p, q in ((s, s), (b, s), (s, b)))),
            ("unit", "a unit is wrong.", *(flow - p * d + q * w for p, q in ((b**2, b), (1, b), (1 / b, 1)))),
            ("unit", "a unit is wrong.", *(x + b * w - (s - b + STEP * b) * off for off in (s * found, clean))),
        )


@compared(HINTS, tolerance=1e-5)
def check_12_3(generator: Generator) -> Trials:
    """The verdict on `structure_factor(x, cell, waves)`: (n, 3) and (3, 3) in angstrom, (m, 3), to (m,), no unit."""
    for n, m in ((6, 4), (1, 5), (3, 1), (40, 7)):
        x, cell = 3 * random_cloud(n, generator), 7 * torch.eye(3) + 1.5 * normal(generator, 3, 3)
        first = torch.zeros(1, 3) if m > 1 else torch.tensor([[1, 2, -1]])
        waves = torch.cat([first, torch.randint(-3, 4, (m - 1, 3), generator=generator)]).double()
        back, sides = torch.linalg.inv(cell), (x / cell.norm(dim=1), x / cell.diagonal())
        shares = (x @ back, *sides, x @ back.mT, x @ back / (2 * math.pi), x @ cell, x @ cell.mT)
        sums = [torch.exp(2j * math.pi * (waves @ share.mT)).sum(dim=1) for share in shares]
        size, real = sums[0].abs(), sums[0].real
        right, lengths, diagonal, transpose, once, *direct = (one.abs().square() / n for one in sums)
        yield (
            (x, cell, waves),
            right,
            ("number", "it depends on the number of atoms.", size**2, size**2 / n**2),
            ("real", "it depends on where the origin is.", real**2 / n, real / n, (real / n) ** 2, real),
            ("square", "it is an amplitude.", size / n, size / math.sqrt(n), size),
            ("each", "it is the same of all waves.", torch.ones(m).double()),
            ("skewed", "it takes all cells for boxes along x, y and z.", lengths, diagonal),
            ("transpose", "it takes columns for the cell vectors.", transpose),
            ("two pi", "its waves do not fit into the cell.", once),
            ("direct", "it multiplies by the cell.", *direct),
            ("self", "no atom meets itself.", right - 1, (right - 1) / 2),
        )


def _pulled_back(answer: Answer, found: Tensor, noisy: Tensor, rest: Tensor, springs: Tensor, *numbers: float) -> None:
    wrong_if(not springs.sum(dim=1).any(), "a crystal that moves as a whole is pulled back.", "soft")


@compared(HINTS, tolerance=1e-5, errors=(("ingular", "soft"), ("definite", "soft")), explain=_pulled_back)
def check_12_4(generator: Generator) -> Trials:
    """The verdict on `without_noise(noisy, rest, springs, kT, noise)`: (d,) in A, (d, d) in eV/A^2, eV, to (d,)."""
    tried = ((4, 0.05, 0.1, 16), (7, 0.2, 0.3, 16), (1, 0.03, 0.05, 16), (5, 0.1, 0.2, 16), (3, 0.02, 1.0, 0.02))
    for d, kT, s, stiff in tried:
        one, links = torch.eye(d).double(), normal(generator, d + 1, d)
        links = one[1:] - one[:-1] if d in (3, 5) else links  # a chain with free ends, stiff or soft
        springs, rest, off = stiff * links.mT @ links, 3 * normal(generator, d), 3 * s * normal(generator, d)
        noisy, weight = rest + off, s**2 / kT * springs
        factors = (1, kT, kT**2, 1 / s, s**-2, 0.5, 2)
        mean, *hot, one_s, no_s, half, twice = (rest + torch.linalg.solve(one + p * weight, off) for p in factors)
        spreads = (springs, kT * springs, springs / kT, kT * torch.linalg.pinv(springs, hermitian=True))
        *taken, back = (rest + c @ torch.linalg.solve(c + s**2 * one, off) for c in spreads)
        yield (
            (noisy, rest, springs, kT, s),
            mean,
            ("rest", "it forgets what was seen.", rest),
            ("reversed", "it keeps the noise.", rest + noisy - mean, noisy - mean, noisy),
            ("small", "it goes one step along the force.", noisy - weight @ off),
            ("temperature", "kT counts otherwise.", *hot),
            ("noise", "the noise counts otherwise.", one_s, no_s),
            ("half", "a spring counts half or double.", half, twice),
            ("diagonal", "each coordinate stands alone.", rest + off / (1 + weight.diagonal())),
            ("covariance", "springs are taken for a covariance.", *taken),
            ("soft", "a crystal that moves as a whole is pulled back.", back),
        )


@compared(HINTS, tolerance=1e-5, errors=(("NaN", "low"),))
def check_12_s(generator: Generator) -> Trials:
    """The verdict on `how_far(before, q, height)`: (m,) without a unit, (m,) in 1/angstrom, to angstrom, ()."""
    for m, height, first in ((6, 3.0, 3.5), (1, 1.2, 0.0), (9, 2.0, 1.0001)):
        q, before = 2 + 0.3 * torch.arange(m).double(), 20 + 40 * torch.rand(m, generator=generator).double()
        before[0], before[2:3], before[-1] = first, 0.4 if first < 3 else 20, 150
        over, gas = (before - 1) / (height - 1), (before / height).clamp(min=1).log()
        log, low = over.clamp(min=1).log(), over.abs().log().abs()
        way = log.sqrt() / q
        yield (
            (before, q, height),
            way.max(),
            ("gas", "the peak goes to nothing.", (gas.sqrt() / q).max()),
            ("half", "pairs fade otherwise.", way.max() * 2**0.5, way.max() / 2**0.5),
            ("square", "its unit is wrong.", (log / q).max(), (log / q**2).max(), (log.sqrt() / q**2).max()),
            ("all", "a peak is too high.", way.mean(), way.min(), way[before.argmax()], way[0]),
            ("low", "a peak that is low enough counts.", (low.sqrt() / q).max()),
        )
