"""Random rotations and mirrors: a generator comes in, orthogonal matrices go out.

The generator is on the CPU, and the draw is the same in every dtype.
"""

import torch
from torch import Generator

from tutorial_lib.shapes import Orthogonal


def random_orthogonal(generator: Generator, batch: tuple[int, ...] = (), dtype=torch.float64) -> Orthogonal:
    """Orthogonal matrices drawn evenly (by the Haar measure), half of them mirrors.

    The Q of a QR decomposition of normal numbers, made unique by a positive diagonal of R; without that
    the draw is not even (Mezzadri, Notices of the AMS 54, 592 (2007)).
    """
    q, r = torch.linalg.qr(torch.randn(*batch, 3, 3, generator=generator, dtype=torch.float64))
    return (q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)).to(dtype)


def random_rotation(generator: Generator, batch: tuple[int, ...] = (), dtype=torch.float64) -> Orthogonal:
    """Rotations drawn evenly (by the Haar measure): no mirror among them."""
    q = random_orthogonal(generator, batch)
    return (q * torch.linalg.det(q).sign()[..., None, None]).to(dtype)  # in three dimensions, det(-Q) = -det(Q)
