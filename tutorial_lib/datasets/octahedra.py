"""Octahedra that share corners, as in WO3: a number and a generator come in, positions of metal and oxygen go out.

Octahedra are rigid and tilted at random where they join, so no two clusters are alike. `layer` is a piece of a
crystal in which they share edges. The distance from the middle of an octahedron to its corners is the unit of length.
"""

from dataclasses import dataclass

import torch
from ase import Atoms
from ase.spacegroup import crystal
from scipy.spatial.transform import Rotation
from torch import Generator, Tensor

from tutorial_lib.shapes import check, check_counts

METAL_OXYGEN = 1.92  # A in WO3, the mean of P. M. Woodward et al., J. Phys. Chem. Solids 56, 1305 (1995)
TILT = 15.0  # degrees, at most, in each of two angles at a joint
MIDDLES_APART, CORNERS_APART = 1.75, 0.75  # nearest middles, and corners that are not shared
FOREIGN = 1.35  # no corner of another octahedron comes nearer to a middle


@dataclass(frozen=True)
class Octahedra:
    """A cluster of octahedra; the metal-oxygen distance is the unit of length."""

    middles: Tensor  # (n, 3), where the metal is
    corners: Tensor  # (m, 3), where the oxygen is; a shared corner stands once

    @property
    def points(self) -> Tensor:
        """Middles and corners, (n + m, 3)."""
        return torch.cat([self.middles, self.corners])

    def atoms(self) -> Atoms:
        """Tungsten and oxygen, in angstrom."""
        return Atoms(["W"] * len(self.middles) + ["O"] * len(self.corners), (METAL_OXYGEN * self.points).tolist())


def cluster(n: int, generator: Generator, *, tilt: float = TILT) -> Octahedra:
    """Octahedra joined by shared corners, each joint tilted at random.

    Grown one by one, at a corner that is drawn; a growth that leads into a wall begins again. `tilt` is the largest
    angle at a joint, in degrees: of the bend, and of the turn about the joint.
    """
    check_counts(n=n)
    check(0 <= tilt <= 30, f"a tilt of {tilt} degrees: 0 to 30 leave octahedra apart")
    tries = (_grown(n, generator, tilt) for _ in range(400))
    grown = next((one for one in tries if one is not None), None)
    check(grown is not None, f"no room for {n} octahedra after 400 tries: take fewer, or a smaller tilt")
    return grown


def layer(n: int = 7) -> Octahedra:
    """A piece of a layer of TiS2, in which octahedra share edges and their middles form a hexagonal lattice.

    Cut from the crystal: a metal atom, its nearest in the layer (n = 7 is one with all its neighbours), and all sulphur
    bonded to them. The octahedra are a little flattened, as in nature; the metal-sulphur distance is the unit.
    """
    check(1 <= n <= 19, f"a piece of {n} octahedra: 1 to 19 can be cut")
    # R. R. Chianelli et al., J. Inorg. Nucl. Chem. 37, 1691 (1975): a = 3.407 A, c = 5.695 A, z = 0.2501
    cell = (3.407, 3.407, 5.695, 90, 90, 120)
    sites = [(0, 0, 0), (1 / 3, 2 / 3, 0.2501)]
    sheet = crystal(["Ti", "S"], sites, spacegroup=164, cellpar=cell).repeat((9, 9, 1))
    places = torch.tensor(sheet.positions, dtype=torch.get_default_dtype())
    metal = torch.tensor(sheet.numbers) == 22
    # Sulphur above the metal belongs to this layer; that of the upper half of the cell lies below it, one cell down.
    sulphur = places[~metal] - torch.tensor([0, 0, 5.695]) * (places[~metal][:, 2:] > 2.8)
    titanium = places[metal]
    start = titanium[(titanium - titanium.mean(dim=0)).norm(dim=1).argmin()]
    middles = titanium[((titanium - start).norm(dim=1) + 1e-4 * titanium[:, 0]).argsort()[:n]]
    bond = torch.cdist(sulphur, start[None]).min().item()
    corners = sulphur[torch.cdist(sulphur, middles).amin(dim=1) < 1.1 * bond]
    return Octahedra((middles - start) / bond, (corners - start) / bond)


def _grown(n: int, generator: Generator, tilt: float) -> Octahedra | None:
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))  # the first one stands anyhow
    middles, frames = [torch.zeros(3)], [(q * r.diagonal().sign()).to(torch.get_default_dtype())]
    for _ in range(40 * n):
        if len(middles) == n:
            break
        k, axis, side = (int(torch.randint(most, (), generator=generator)) for most in (len(middles), 3, 2))
        out = frames[k][:, axis] * (1 - 2 * side)
        bend, turn = (2 * torch.rand(2, generator=generator) - 1) * torch.pi * tilt / 180
        across = torch.linalg.cross(out, torch.randn(3, generator=generator))
        tilted = _rotation(across / across.norm() * bend)
        middle = middles[k] + out + tilted @ out
        if min((middle - other).norm() for other in middles) > MIDDLES_APART:
            middles.append(middle)
            frames.append(_rotation(tilted @ out * turn) @ tilted @ frames[k])
    if len(middles) < n:
        return None
    corners = torch.cat(
        [middle + sign * frame.mT for middle, frame in zip(middles, frames, strict=True) for sign in (1, -1)]
    )
    shared = torch.cdist(corners, corners) < 1e-3
    corners = corners[~shared.tril(-1).any(dim=1)]
    cluster = Octahedra(torch.stack(middles), corners)
    distance = torch.cdist(cluster.middles, corners)
    clash = (distance < 0.95) | (distance > 1.05) & (distance < FOREIGN)
    return None if clash.any() or torch.pdist(corners).min() < CORNERS_APART else cluster


def _rotation(vector: Tensor) -> Tensor:
    return torch.tensor(Rotation.from_rotvec(vector.tolist()).as_matrix(), dtype=vector.dtype)
