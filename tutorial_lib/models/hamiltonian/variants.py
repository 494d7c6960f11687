"""Four networks of one size: a name comes in, and a network with that non-linearity goes out."""

import bisect

from torch import nn

from tutorial_lib.models.hamiltonian.blocks import Blocks
from tutorial_lib.models.hamiltonian.network import CHANNELS, WIDTH, HamiltonianNetwork
from tutorial_lib.models.hamiltonian.nonlinear import Gate, Gradient, TensorSquare

NONLINEARITIES = {"tensor products": TensorSquare, "gate": Gate, "gradient": Gradient, "gradient and trace": Gradient}


def network(
    name: str, blocks: Blocks, *, channels: int = CHANNELS, irreps: str | None = None, seed: int = 0
) -> HamiltonianNetwork:
    """One of `NONLINEARITIES`, with the width at which its number of parameters is nearest to that of the gates."""
    if name not in NONLINEARITIES:
        raise ValueError(f"there is no variant {name!r}: the known ones are {', '.join(NONLINEARITIES)}")

    def made(name: str, width: int) -> HamiltonianNetwork:
        traces = name == "gradient and trace"
        return HamiltonianNetwork(
            blocks, NONLINEARITIES[name], irreps, channels=channels, width=width, traces=traces, seed=seed
        )

    if name == "gate":
        return made(name, WIDTH)
    meant, widths = size(made("gate", WIDTH)), range(2, 3 * WIDTH)
    # The number of parameters grows with the width.
    at = bisect.bisect_left(widths, meant, key=lambda width: size(made(name, width)))
    near = [made(name, width) for width in widths[max(0, at - 1) : at + 1]]
    return min(near, key=lambda model: abs(size(model) - meant))


def size(model: nn.Module) -> int:
    """How many parameters there are."""
    return sum(weights.numel() for weights in model.parameters())
