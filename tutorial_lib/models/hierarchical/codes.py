"""Codes and signals: a vector of irreps comes in, the same numbers go out as functions on the sphere, and back.

Irreps are of natural parity, equally many of each l, and those of one l stand together: 4x0e+4x1o+4x2e.
"""

import torch

from tutorial_lib.shapes import Features, Signals, check_shapes


def signals_of(codes: Features, lmax: int) -> Signals:
    """Codes (N, channels * (lmax + 1)^2), all of l = 0 first, as signals ((lmax + 1)^2, N, channels).

    Raises:
        ValueError: the codes have another size.
    """
    n = (lmax + 1) ** 2
    if lmax < 0 or codes.ndim != 2 or codes.shape[1] % n or not codes.shape[1]:
        raise ValueError(
            f"codes have shape {tuple(codes.shape)}: (N, k * {n}) is needed, for irreps up to l = {lmax}, 0 or more"
        )
    channels = codes.shape[1] // n
    parts = codes.split([channels * (2 * l_of + 1) for l_of in range(lmax + 1)], dim=1)
    return torch.cat([part.unflatten(1, (channels, part.shape[1] // channels)).permute(2, 0, 1) for part in parts])


def codes_of(signals: Signals) -> Features:
    """Signals as codes: the way back from `signals_of`."""
    lmax = round(len(signals) ** 0.5) - 1
    check_shapes(signals=(signals, f"{max(1, lmax + 1) ** 2} codes channels"))
    sizes = [2 * l_of + 1 for l_of in range(round(len(signals) ** 0.5))]
    return torch.cat([part.permute(1, 2, 0).flatten(1) for part in signals.split(sizes)], dim=1)
