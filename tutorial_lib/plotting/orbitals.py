"""Orbitals as pictures: a molecule and one column of coefficients come in, the orbital's values in a plane go out.

The functions of the basis are those of STO-3G: sums of three Gaussians that resemble exp(-zeta r), with a zeta for each
element and shell. What the plane does not cut is lost: an orbital with a node in it is zero there.
"""

from collections import Counter

import torch
from ase.data import chemical_symbols
from ase.units import Bohr
from matplotlib.axes import Axes
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import Hamiltonians
from tutorial_lib.plotting.palette import COLOURS
from tutorial_lib.shapes import check, check_shapes

# Exponents for zeta = 1 and coefficients of normalised Gaussians, and the zetas of Hehre, Stewart and Pople,
# J. Chem. Phys. 51, 2657 (1969), https://doi.org/10.1063/1.1672392: of 1s, and of 2s and 2p.
GAUSSIANS = {
    "1s": ((2.227660584, 0.405771156, 0.109818036), (0.154328967, 0.535328142, 0.444634542)),
    "2s": ((0.994203, 0.231031, 0.0751386), (-0.0999672292, 0.399512826, 0.700115469)),
    "2p": ((0.994203, 0.231031, 0.0751386), (0.155916275, 0.607683719, 0.391957393)),
}
ZETAS = {1: (1.24,), 6: (5.67, 1.72), 7: (6.67, 1.95), 8: (7.66, 2.25)}
LEVELS = (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5)  # bohr^-3/2, of contour lines


def basis_values(molecule: Hamiltonians, points: Tensor) -> Tensor:
    """The functions of STO-3G at points (n, 3), angstrom, as (n, functions), bohr^-3/2, of the molecule's first shape.

    Elements are H, C, N and O.
    """
    check_shapes(points=(points, "n 3"))
    numbers = molecule.numbers.tolist()
    check(set(numbers) <= ZETAS.keys(), f"elements {sorted(set(numbers))} arrived, and {sorted(ZETAS)} are known")
    found, seen = [], Counter()
    for atom, degree in molecule.shells:
        seen[atom, degree] += 1
        n = degree + seen[atom, degree]
        check(n <= len(ZETAS[numbers[atom]]), "a basis larger than STO-3G arrived: its functions are not known here")
        exponents, weights = (torch.tensor(part, dtype=torch.float64) for part in GAUSSIANS[f"{n}{'sp'[degree]}"])
        exponents = exponents * ZETAS[numbers[atom]][n - 1] ** 2
        r = (points.double() - molecule.positions[0, atom]) / Bohr
        size = weights * (2 * exponents / torch.pi) ** 0.75 * (4 * exponents) ** (degree / 2)
        radial = (-exponents * r.square().sum(dim=1, keepdim=True)).exp() @ size
        found.append(radial[:, None] * (r if degree else torch.ones_like(r[:, :1])))
    return torch.cat(found, dim=1)


def orbital(ax: Axes, molecule: Hamiltonians, c: Tensor, *, title: str, reach: float = 1.8) -> Axes:
    """An orbital, of coefficients (functions,), in the plane of the first three atoms of the molecule's first shape.

    The picture goes `reach` (angstrom) to each side of their middle, with the bisector at the first atom upwards.
    """
    check_shapes(c=(c, "functions"))
    atoms = molecule.positions[0, :3]
    up = torch.nn.functional.normalize(2 * atoms[0] - atoms[1] - atoms[2], dim=0)
    side = (atoms[2] - atoms[1]) - (atoms[2] - atoms[1]) @ up * up
    plane = torch.stack([torch.nn.functional.normalize(side, dim=0), up])
    line, middle = torch.linspace(-reach, reach, 121, dtype=torch.float64), atoms.mean(dim=0)
    x, y = torch.meshgrid(line, line, indexing="xy")
    values = basis_values(molecule, middle + torch.stack([x, y], dim=-1).flatten(0, 1) @ plane) @ c.double()
    values = values.view(x.shape)
    values = values * (values * (1 + x - y)).sum().sign()  # an orbital and its negative are one
    shown = {"cmap": "RdBu_r", "vmin": min(LEVELS), "vmax": max(LEVELS)}
    ax.imshow(values.numpy(), origin="lower", extent=2 * (-reach, reach), **shown)
    ax.contour(x.numpy(), y.numpy(), values.numpy(), levels=LEVELS, colors="0.3", linewidths=0.7)
    for number, place in zip(molecule.numbers.tolist(), ((atoms - middle) @ plane.mT).tolist(), strict=False):
        ax.text(*place, chemical_symbols[number], ha="center", va="center", color=COLOURS["real"], weight="bold")
    ax.set(title=title, xlabel="Å", ylabel="Å", xticks=range(-1, 2), yticks=range(-1, 2))
    return ax
