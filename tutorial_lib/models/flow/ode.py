"""From noise to motifs on straight lines: a velocity comes in, a loss, samples and likelihoods go out.

Noise x_0 and a motif x_1 are joined by the straight line x_t = (1 - t) x_0 + t x_1. Many lines cross at a point; the
velocity that a network learns there is their mean, v(x, t) = E[x_1 - x_0 | x_t = x], and following it carries the
distribution of noise into that of motifs (Lipman et al. and Liu et al., both ICLR 2023). The velocity is handed in as a
function of x (N, ...) and t (N,), from 0 (noise) to 1 (motifs); what x means is not known here, and nothing has a unit.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from tutorial_lib.shapes import Scalars, check_counts, check_shapes, differentiating

Velocity = Callable[[Tensor, Tensor], Tensor]
N_STEPS = 6  # of Runge and Kutta, from noise to motifs
N_STEPS_OF_DENSITY = 20  # of the midpoint rule


class Normal(NamedTuple):
    """What is known of the velocity where motifs are normal, with standard deviations w, at time t.

    A point x_t then has the standard deviation s = sqrt(t^2 w^2 + (1 - t)^2), the mean of x_1 - x_0 is slope times x_t,
    slope = (t w^2 - (1 - t)) / s^2, and what is left of it has the standard deviation w / s. The mean of x_1 itself is
    guess times x_t, guess = t w^2 / s^2. Where noise and motifs are paired, with the covariance c, these are
    s^2 = t^2 w^2 + (1 - t)^2 + 2 t (1 - t) c, slope = (t w^2 - (1 - t) + (1 - 2 t) c) / s^2,
    left = sqrt(w^2 - c^2) / s and guess = (t w^2 + (1 - t) c) / s^2.
    """

    slope: Tensor
    width: Tensor  # s
    left: Tensor
    guess: Tensor


def normal(time: Scalars, like: Tensor, widths: Tensor, covariance: float = 0.0) -> Normal:
    """The velocity of normal motifs, in terms that can be broadcast to the points `like` (N, ...) and multiply them.

    `widths` are the standard deviations (...) of motifs, or one number, and above the covariance with their noise.
    """
    check_shapes(time=(time, "points"), widths=(widths, " ".join(map(str, like.shape[1:])) if widths.ndim else ""))
    t = time.view(-1, *[1] * (like.ndim - 1))
    variance = widths.square()
    square = t.square() * variance + (1 - t).square() + 2 * t * (1 - t) * covariance
    return Normal(
        slope=(t * variance - (1 - t) + (1 - 2 * t) * covariance) / square,
        width=square.sqrt(),
        left=(variance - covariance**2).sqrt() / square.sqrt(),
        guess=(t * variance + (1 - t) * covariance) / square,
    )


def matching_error(
    velocity: Velocity,
    motifs: Tensor,
    widths: Tensor,
    generator: Generator,
    pair: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """The mean squared error of a velocity on random lines from noise to motifs, relative to that of a normal model.

    If motifs followed a normal distribution, the best velocity would be the mean that `normal` returns, and an error of
    (w / s)^2 would remain. Each error is divided by w / s, so that below 1 is better than a normal distribution.
    `widths` are as for `normal`; the generator is on the device of the motifs. `pair` is given the noise and the
    motifs, and returns the motifs that the lines lead to, such as `pairing.laid_towards`; less is left then than 1.
    """
    kind = {"generator": generator, "device": motifs.device, "dtype": motifs.dtype}
    noise, time = torch.randn(motifs.shape, **kind), torch.rand(len(motifs), **kind)
    if pair is not None:
        motifs = pair(noise, motifs)
    t = time.view(-1, *[1] * (motifs.ndim - 1))
    point, line = (1 - t) * noise + t * motifs, motifs - noise
    return ((velocity(point, time) - line) / normal(time, point, widths).left).square().mean()


def integrate(velocity: Velocity, start: Tensor, n_steps: int = N_STEPS, *, since: float = 0.0, until: float = 1.0):
    """Where points are carried, by Runge and Kutta's classical method with a fixed number of steps.

    Four velocities a step, and the error falls with the fourth power of the step: six steps do about as well as twenty
    of Heun's method, with 24 velocities instead of 40. `since` 1 `until` 0 goes from motifs back to noise.
    """
    check_counts(n_steps=n_steps)
    step, point = (until - since) / n_steps, start

    def at(place: Tensor, time: float) -> Tensor:
        return velocity(place, start.new_full((len(start),), time))

    for now in (since + step * k for k in range(n_steps)):
        first = at(point, now)
        second = at(point + step / 2 * first, now + step / 2)
        third = at(point + step / 2 * second, now + step / 2)
        fourth = at(point + step * third, now + step)
        point = point + step / 6 * (first + 2 * second + 2 * third + fourth)
    return point


def interpolate(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Noise between two pieces of noise, on the great circle that joins them.

    A straight line would pass where noise hardly ever is: half-way its norm is smaller by the square root of two. A
    share of 0 is the first, 1 the second.

    Raises:
        ValueError: a share is not between 0 and 1.
    """
    check_shapes(one=(one, "*batch"), other=(other, "*batch"), share=(share, str(len(one))))
    if ((share < 0) | (share > 1)).any():
        raise ValueError(f"shares are from 0 to 1, and some from {share.min():.3g} to {share.max():.3g} arrived")
    a, b = one.flatten(1), other.flatten(1)
    check_shapes(one=(a, "_ numbers+"))
    largest = [x.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) for x in (a, b)]
    lengths = [
        (x / most).norm(dim=1, keepdim=True).clamp(min=1) * most for x, most in zip((a, b), largest, strict=True)
    ]
    cosine = ((a / lengths[0]) * (b / lengths[1])).sum(1, keepdim=True).clamp(-1 + 1e-6, 1 - 1e-6)
    angle, share = cosine.arccos(), share[:, None]
    turned = ((1 - share) * angle).sin() * a / lengths[0] + (share * angle).sin() * b / lengths[1]
    return (((1 - share) * lengths[0] + share * lengths[1]) * turned / angle.sin()).view(one.shape)


@differentiating
def log_likelihood(velocity: Velocity, motifs: Tensor, n_steps: int = N_STEPS_OF_DENSITY) -> Scalars:
    """The logarithm of the probability density of motifs, in the coordinates of the flow, nats.

    Points are carried back to noise, whose density is known; on the way the density thins by the divergence of the
    velocity, which is summed exactly, one derivative a coordinate. Midpoint steps.
    """
    check_counts(n_steps=n_steps)
    point, thinned = motifs.detach(), motifs.new_zeros(len(motifs))
    for at in reversed(range(n_steps)):
        end, middle = (motifs.new_full((len(motifs),), (at + share) / n_steps) for share in (1.0, 0.5))
        half = point - velocity(point, end).detach() / (2 * n_steps)
        speed, divergence = _divergence(velocity, half, middle)
        point, thinned = point - speed / n_steps, thinned + divergence / n_steps
    return -0.5 * (point.flatten(1).square().sum(1) + motifs.flatten(1).shape[1] * math.log(2 * math.pi)) - thinned


def _divergence(velocity: Velocity, point: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        point = point.detach().requires_grad_()
        speed = velocity(point, time)
        flat, total = speed.flatten(1), point.new_zeros(len(point))
        for at in range(flat.shape[1]):
            (slope,) = torch.autograd.grad(flat[:, at].sum(), point, retain_graph=True)
            total = total + slope.flatten(1)[:, at]
    return speed.detach(), total
