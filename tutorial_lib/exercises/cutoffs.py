"""The exercise of notebook 08 on a smooth cut-off: what jumps shows in differences on two grids."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Wrong, close, first_fault, graded, wrong_if

HINTS = {
    "8.3 right": "nothing jumps when an atom leaves.",
    "8.3 start": "At distance zero nothing is cut: the value there is 1.",
    "8.3 beyond": "Beyond the cut-off everything is zero, also at twice the distance.",
    "8.3 not a number": "Infinity times zero is NaN. What does each part of your formula give a little beyond the "
    "cut-off? Make its input harmless there, and not only its output.",
    "8.3 cutoff": "The cut-off is an argument, and another one each time.",
    "8.3 jump": "An atom that crosses a jump changes the answer at once. Look for one at zero, on the way and at the "
    "cut-off.",
    "8.3 kink": "It meets zero at an angle: forces are slopes, and they would jump.",
    "8.3 kink on the way": "Between zero and the cut-off its slope jumps. Is it made of two pieces that meet at an "
    "angle?",
    "8.3 falls": "From zero to the cut-off it should never rise.",
    "8.3 flat": "Between the two ends it should fall everywhere: of two atoms the nearer one counts more.",
}


def _faded(answer: Answer, distance: Tensor, cutoff: float) -> Tensor:
    try:
        return answer(distance, cutoff, shape=distance.shape).detach()
    except Wrong as wrong:
        wrong.hint = "not a number" if wrong.hint == "not finite" else wrong.hint
        raise


def _on_the_way(answer: Answer, n: int, cutoff: float) -> Tensor:
    return _faded(answer, torch.linspace(0, cutoff, n + 1, dtype=torch.float64), cutoff)


@graded(HINTS)
def check_8_3(answer: Answer, generator: Generator) -> None:
    """The verdict on `fading(distance, cutoff)`: (n,) and a number, both angstrom, to (n,) from 1 to 0, no unit."""
    cutoffs = [3.0, *(0.4 * 40 ** torch.rand(4, generator=generator, dtype=torch.float64)).tolist()]
    some = 20 * torch.rand(50, generator=generator, dtype=torch.float64)
    forms = [_faded(answer, some, cutoff) for cutoff in cutoffs]
    wrong_if(all(close(form, forms[0]) for form in forms), "its values do not depend on the cut-off.", "cutoff")
    far = 1 + torch.cat([10.0 ** -torch.arange(0, 13, dtype=torch.float64), torch.tensor([4.0, 30.0])])
    before = 1 - torch.tensor([1e-5, 2e-5], dtype=torch.float64)
    for cutoff in cutoffs:
        beyond, last = (_faded(answer, cutoff * at, cutoff).abs() for at in (far, before))
        few, coarse, fine = (_on_the_way(answer, n, cutoff) for n in (40, 500, 5000))
        # Ten times smaller steps: differences of a smooth function fall to a tenth, second differences to a hundredth.
        jump, kink = (fine.diff(n=n).abs().max() / coarse.diff(n=n).abs().max() for n in (1, 2))
        first_fault(
            (abs(coarse[0] - 1) > 1e-6, f"at distance zero it is {coarse[0]:.2f}.", "start"),
            (beyond.max() > 1e-6, "beyond the cut-off it is not zero.", "beyond"),
            (coarse.diff().max() > 1e-9, "it rises on the way.", "falls"),
            (jump > 0.5 or last.max() > 1e-2, "it jumps.", "jump"),
            (few.diff().max() >= 0, "it stands still on the way.", "flat"),
            (last[0] > 1e-7, "its slope just before the cut-off is not zero.", "kink"),
            (kink > 0.05, "its slope jumps on the way.", "kink on the way"),
        )
