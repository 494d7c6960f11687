"""How a function treats turned, mirrored, shifted and renumbered clouds: measured, never believed.

A function and some clouds come in, errors go out, each relative to the size of the function's own
output. `symmetry_ledger` is the table of all of them. Which symmetries a model *should* have is not
decided here.
"""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor, nn

from tutorial_lib.representations.rotations import random_rotation
from tutorial_lib.shapes import Positions, check, check_finite

HOLDS = {torch.float32: 1e-5, torch.float64: 1e-10}  # below it an error is rounding
BROKEN = 1e-2  # above it a symmetry is absent; in between, look closer
COLUMNS = ("rotation", "mirror", "shift", "permutation")
N_TRANSFORMATIONS = 100
CONTROL = "control (broken)"


@dataclass(frozen=True)
class Transformation:
    """What is done to each of N clouds: renumber, rotate or mirror, then shift.

    Attributes:
        orthogonal: (N, 3, 3).
        shift: (N, 1, 3), angstrom.
        order: (N, n), which atom comes first, second, ...
    """

    orthogonal: Tensor
    shift: Tensor
    order: Tensor

    def __call__(self, positions: Tensor) -> Positions:
        """The transformed clouds."""
        renumbered = positions.gather(1, self.order[..., None].expand_as(positions))
        return renumbered @ self.orthogonal.to(positions).mT + self.shift.to(positions)


def equivariance_error(f: Callable, x: Tensor, act_in: Callable, act_out: Callable) -> float:
    """The largest |f(g x) - g f(x)|, over the root mean square of f(x).

    It is rounding if f is equivariant, and about 1 if not at all. f takes and returns batches, at least two of which
    differ: of a constant, any symmetry would seem to hold. `act_in` and `act_out` are g on inputs and on outputs.
    """
    with torch.no_grad():
        plain, moved = f(x), f(act_in(x))
        expected = act_out(plain)
    check_finite(plain, what="outputs before anything is transformed")
    check_finite(moved, what="outputs for transformed inputs")
    check(
        moved.shape == expected.shape,
        f"f(g x) has shape {tuple(moved.shape)} and g f(x) has {tuple(expected.shape)}",
    )
    size = plain.double().square().mean().sqrt().item()
    spread = (plain - plain[:1]).abs().amax().item() if len(plain) else 0.0
    check(
        spread > math.sqrt(torch.finfo(plain.dtype).eps) * size,
        "f gives one answer for all of these inputs. A constant has every symmetry and no use, and its error "
        "would say nothing: pass inputs that differ, or a function that sees the difference",
    )
    return (moved - expected).abs().amax().item() / size


def invariance_error(f: Callable[[Tensor], Tensor], x: Tensor, transform: Callable[[Tensor], Tensor]) -> float:
    """The largest |f(g x) - f(x)|, over the root mean square of f(x), for the g of `transform`."""
    return equivariance_error(f, x, transform, lambda y: y)


@dataclass(frozen=True)
class Ledger:
    """What `symmetry_ledger` found, by model, column and dtype; it prints as a table of errors, float32 / float64."""

    errors: dict[str, dict[str, dict[torch.dtype, float]]]

    def verdict(self, model: str, column: str) -> str:
        """Whether a symmetry "holds" as both errors are rounding, is "broken" as both are large, or is "unclear"."""
        errors = self.errors[model][column]
        if all(error < HOLDS[dtype] for dtype, error in errors.items()):
            return "holds"
        return "broken" if all(error > BROKEN for error in errors.values()) else "unclear"

    def verdicts(self) -> str:
        """The table in words, which no processor's last bits can touch."""
        return self._table(self.verdict)

    def __str__(self) -> str:
        return self._table(lambda *at: " / ".join(f"{error:.0e}" for error in self.errors[at[0]][at[1]].values()))

    __repr__ = __str__

    def _table(self, entry: Callable[[str, str], str]) -> str:
        width = max(map(len, self.errors))
        rows = {"": COLUMNS} | {model: [entry(model, column) for column in COLUMNS] for model in self.errors}
        return "\n".join("  ".join([f"{name:{width}}", *(f"{x:>15}" for x in row)]) for name, row in rows.items())


def symmetry_ledger(models: Mapping[str, Callable | tuple[Callable, Callable]], clouds: Positions) -> Ledger:
    """The errors of models under 100 random rotations, mirrors, shifts and permutations, in two precisions.

    A model that should not change stands alone; one whose output should transform as well stands with the
    action on its output, `(model, act)`, where `act(output, transformation)` is what ought to come out. A
    model that has no symmetry at all is measured along: if *it* seems to hold, the clouds are at fault.

    Args:
        models: name to a function of (N, n, 3), angstrom, with (N, ...) coming out. An `nn.Module` is copied
            to each precision; any other function must work in the precision of its input.
        clouds: (N, n, 3), angstrom; at least two that differ.
    """
    check(
        clouds.ndim == 3 and len(clouds) >= 2 and clouds.shape[1] >= 2,
        f"at least two clouds of at least two atoms are needed: shape {tuple(clouds.shape)} arrived",
    )
    clouds = clouds.double()[torch.arange(max(N_TRANSFORMATIONS, len(clouds))) % len(clouds)]
    moves = _transformations(clouds)
    errors: dict = {}
    for name, model in {**models, CONTROL: _no_symmetry}.items():
        f, act = model if isinstance(model, tuple) else (model, lambda y, **_: y)
        errors[name] = {column: {} for column in COLUMNS}
        for dtype in HOLDS:
            g = copy.deepcopy(f).to(dtype).eval() if isinstance(f, nn.Module) else f
            for column, move in moves.items():
                try:
                    act_out = partial(act, transformation=move)
                    errors[name][column][dtype] = equivariance_error(g, clouds.to(dtype), move, act_out)
                except Exception as problem:
                    raise ValueError(f"model {name!r}, column {column!r}, {dtype}: {problem}") from problem
    ledger = Ledger(errors)
    for column in COLUMNS:
        check(
            ledger.verdict(CONTROL, column) == "broken",
            f"these clouds cannot show a broken {column}: are they all alike, or at the origin?",
        )
    return ledger


def _transformations(clouds: Tensor) -> dict[str, Transformation]:
    n_clouds, n_atoms, _ = clouds.shape
    generator = Generator().manual_seed(0)
    unturned, unmoved = torch.eye(3).expand(n_clouds, 3, 3), torch.zeros(n_clouds, 1, 3)
    order = torch.arange(n_atoms).expand(n_clouds, n_atoms)
    # A shift of the size of the clouds: a larger one would only make float32 look worse.
    shift = clouds.square().mean().sqrt() * torch.randn(n_clouds, 1, 3, generator=generator, dtype=torch.float64)
    shuffled = torch.rand(n_clouds, n_atoms, generator=generator).argsort(1)
    return {
        "rotation": Transformation(random_rotation(generator, (n_clouds,)), unmoved, order),
        "mirror": Transformation(-random_rotation(generator, (n_clouds,)), unmoved, order),
        "shift": Transformation(unturned, shift, order),
        "permutation": Transformation(unturned, unmoved, shuffled),
    }


def _no_symmetry(positions: Tensor) -> Tensor:
    weights = torch.arange(1, positions[0].numel() + 1, dtype=positions.dtype, device=positions.device).cos()
    return positions.flatten(1) @ weights[:, None]
