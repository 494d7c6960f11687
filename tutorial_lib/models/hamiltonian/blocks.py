"""A symmetric matrix as irreps: matrices come in, one column of coefficients goes out, and exactly the way back.

Two shells of angular momenta a and b span a block of (2a + 1)(2b + 1) entries, which transforms by D_a x D_b: it holds
one irrep of each l from |a - b| to a + b, and Wigner's 3j symbols say which combination of entries that is. All blocks
above the diagonal, and on the diagonal the symmetric part of each, make n (n + 1) / 2 coefficients w_k with

    H = sum_k w_k Q_k,    w_k = tr(Q_k H),    tr(Q_k Q_m) = 1 if k = m, else 0.

Each Q_k is symmetric, so H is, whatever the coefficients. Nothing is lost. Blocks of the same element, or of the same
pair of elements, have the same irreps and share one output head of a network.
"""

from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise

import torch
from e3nn import o3
from torch import Tensor

from tutorial_lib.datasets.hamiltonians import Shells
from tutorial_lib.representations.gram import from_upper_triangle
from tutorial_lib.shapes import check, check_indices, check_shapes

LARGEST_L = 5  # two such shells couple to l = 10, and e3nn knows the symbols up to 11


@dataclass(frozen=True)
class Kind:
    """Blocks of the same elements.

    Attributes:
        elements: one atomic number, of an atom with itself, or two, the larger first.
        sites: the atoms of each block, (i, i) or (i, j).
        copies: for each irrep in a block: l, parity, and which of the shells of the two atoms it couples.
    """

    elements: tuple[int, ...]
    sites: list[tuple[int, int]]
    copies: list[tuple[int, int, int, int]]

    @property
    def irreps(self) -> o3.Irreps:
        """What a block holds, in the order of the coefficients."""
        return o3.Irreps([(1, (degree, p)) for degree, p, _, _ in self.copies]).simplify()

    @property
    def alike(self) -> bool:
        """Whether these are pairs of atoms of one element, of which none is the first."""
        return len(set(self.elements)) < len(self.elements)

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The pairs of shells, as indices into those of the two atoms: each is a part of a block with its own trace."""
        return sorted({(a, b) for _, _, a, b in self.copies})


class Blocks:
    """How the matrices of one molecule fall into irreps, of its atomic numbers (atoms,) and shells in their order."""

    def __init__(self, numbers: Tensor, shells: Shells):
        check_indices(119, numbers=numbers)
        check(
            all(0 <= degree <= LARGEST_L for _, degree in shells),
            f"l is from 0 to {LARGEST_L}: shells {shells} arrived, as (atom, l)",
        )
        self.numbers, self.shells = tuple(numbers.tolist()), shells
        *starts, self.n_orbitals = accumulate((2 * degree + 1 for _, degree in shells), initial=0)
        # Of each atom: where each of its shells begins, and its l.
        self.of_atom = [
            [(start, degree) for (atom, degree), start in zip(shells, starts, strict=True) if atom == i]
            for i in range(len(self.numbers))
        ]
        if not all(self.of_atom):
            raise ValueError(f"atom {self.of_atom.index([])} has no shells: {shells} arrived for {self.numbers}")
        bases = {(z, *[degree for _, degree in own]) for z, own in zip(self.numbers, self.of_atom, strict=True)}
        check(
            len(bases) == len(set(self.numbers)),
            f"atoms of one element have different shells, as (element, l, ...): {sorted(bases)}",
        )
        self.kinds = self._kinds()
        blocks = [(at, kind, site) for at, kind in enumerate(self.kinds) for site in kind.sites]
        self.parts = [(at, site, *pair) for at, kind, site in blocks for pair in kind.parts]
        irreps = [(at, site, copy, *kind.copies[copy]) for at, kind, site in blocks for copy in range(len(kind.copies))]
        components = [irrep for irrep in irreps for _ in range(2 * irrep[3] + 1)]
        self.copy = [(at, copy) for at, _, copy, *_ in components]
        # The trace of a part times its transpose is a sum over squares of coefficients. Off the diagonal, half of the
        # square of w_k is in either of the two places of the block.
        part = [self.parts.index((at, site, a, b)) for at, site, *_, a, b in components]
        weight = [1.0 if site[0] == site[1] and a == b else 0.5 for _, site, *_, a, b in components]
        self.to_traces = torch.zeros(len(part), len(self.parts), dtype=torch.float64)
        self.to_traces[range(len(part)), part] = torch.tensor(weight).double()
        self.upper = row, column = torch.triu_indices(self.n_orbitals, self.n_orbitals)
        rows = [self._symmetric(site, degree, a, b) for _, site, _, degree, _, a, b in irreps]
        self.to_matrix = torch.cat(rows)[:, row, column]
        # tr(Q_k H) meets every entry above the diagonal twice.
        self.to_coefficients = (self.to_matrix * torch.where(row == column, 1.0, 2.0)).mT.contiguous()

    def __len__(self) -> int:
        """How many coefficients there are: n (n + 1) / 2."""
        return len(self.copy)

    def coefficients(self, matrices: Tensor) -> Tensor:
        """What symmetric matrices (..., orbitals, orbitals) hold of each Q_k; only the entries i <= j are read."""
        check_shapes(matrices=(matrices, f"*batch {self.n_orbitals} {self.n_orbitals}"))
        return matrices[..., *self.upper] @ self.to_coefficients.to(matrices.dtype)

    def matrices(self, coefficients: Tensor) -> Tensor:
        """The sum of all w_k Q_k, symmetric to the last bit because entries i <= j are computed and copied."""
        check_shapes(coefficients=(coefficients, f"*batch {len(self)}"))
        return from_upper_triangle(coefficients @ self.to_matrix.to(coefficients.dtype))

    def swap(self, kind: Kind) -> Tensor:
        """What transposing does to the coefficients of a block between equal atoms: w of B^T is w of B times this.

        A matrix with one entry of 1 or -1 a row; for other blocks it is the unit matrix.
        """
        if not kind.alike:
            return torch.eye(kind.irreps.dim, dtype=torch.float64)
        i, j = kind.sites[0]
        ends = accumulate((2 * degree + 1 for degree, *_ in kind.copies), initial=0)
        components = [slice(*span) for span in pairwise(ends)]
        matrix = torch.zeros(kind.irreps.dim, kind.irreps.dim, dtype=torch.float64)
        for here, (degree, p, a, b) in zip(components, kind.copies, strict=True):
            l_a, l_b = self.of_atom[i][a][1], self.of_atom[j][b][1]
            symbol = o3.wigner_3j(degree, l_a, l_b, dtype=torch.float64)
            other = o3.wigner_3j(degree, l_b, l_a, dtype=torch.float64).transpose(1, 2)
            there = components[kind.copies.index((degree, p, b, a))]
            matrix[here, there] = torch.sign((symbol * other).sum()) * torch.eye(2 * degree + 1).double()
        return matrix

    def _kinds(self) -> list[Kind]:
        atoms = range(len(self.numbers))
        found: dict[tuple[int, ...], list] = {
            (z,): [(i, i) for i in atoms if self.numbers[i] == z] for z in self.numbers
        }
        # The order of the atoms must not matter: the heavier one has the rows.
        for i, j in (sorted(pair, key=lambda atom: -self.numbers[atom]) for pair in combinations(atoms, 2)):
            found.setdefault((self.numbers[i], self.numbers[j]), []).append((i, j))
        return [Kind(elements, sites, self._copies(*sites[0])) for elements, sites in found.items()]

    def _copies(self, i: int, j: int) -> list[tuple[int, int, int, int]]:
        copies = (
            (degree, (-1) ** (l_a + l_b), a, b)
            for a, (_, l_a) in enumerate(self.of_atom[i])
            for b, (_, l_b) in enumerate(self.of_atom[j])
            for degree in range(abs(l_a - l_b), l_a + l_b + 1)
            # Of a shell with itself the antisymmetric part is zero, as the matrix is symmetric.
            if i != j or a < b or (a == b and degree % 2 == 0)
        )
        return sorted(copies, key=lambda copy: (o3.Irrep(*copy[:2]), copy[2:]))

    def _symmetric(self, site: tuple[int, int], degree: int, a: int, b: int) -> Tensor:
        """The Q_k of one irrep, (2 l + 1, orbitals, orbitals)."""
        (start_a, l_a), (start_b, l_b) = self.of_atom[site[0]][a], self.of_atom[site[1]][b]
        coupling = (2 * degree + 1) ** 0.5 * o3.wigner_3j(degree, l_a, l_b, dtype=torch.float64)
        whole = torch.zeros(2 * degree + 1, self.n_orbitals, self.n_orbitals, dtype=torch.float64)
        whole[:, start_a : start_a + 2 * l_a + 1, start_b : start_b + 2 * l_b + 1] = coupling
        return whole if start_a == start_b else (whole + whole.mT) / 2**0.5


def needed_irreps(blocks: Blocks) -> str:
    """The irreps, each once and 0e among them, that features must hold so that every block can be made of them."""
    needed = {o3.Irrep(0, 1)} | {ir for kind in blocks.kinds for _, ir in kind.irreps}
    return " + ".join(str(ir) for ir in sorted(needed))


def check_reachable(blocks: Blocks, irreps: str, harmonics: str) -> None:
    """Refuse features that would leave a part of the matrix zero without a word.

    e3nn gives zeros for what cannot be made, and says nothing: features that lack 1e lose the antisymmetric part of
    every block of two different p shells. An irrep of a block must be among those of the features, and within two
    messages (atoms) or three (pairs).
    """
    held = [ir for _, ir in o3.Irreps(irreps)]
    check(
        held[0] == o3.Irrep(0, 1) and len(set(held)) == len(held),
        f"the features hold {irreps}: name each irrep once, and 0e first",
    )
    reached = [{o3.Irrep(0, 1)}]
    for _ in range(3):
        made = {ir for a in reached[-1] for _, b in o3.Irreps(harmonics) for ir in a * b}
        reached.append((reached[-1] | made) & set(held))
    for kind in blocks.kinds:
        for degree, p, a, b in kind.copies:
            ir = o3.Irrep(degree, p)
            if ir not in reached[1 + len(kind.elements)]:
                shells = " and ".join(
                    "spdfgh"[blocks.of_atom[atom][shell][1]] for atom, shell in zip(kind.sites[0], (a, b), strict=True)
                )
                more = f"add {ir} to the features, or take a smaller basis"
                raise ValueError(
                    f"the {shells} functions of elements {' and '.join(map(str, kind.elements))} make a block with "
                    f"{ir}, which features of {irreps} and harmonics {harmonics} do not reach; it would stay zero: "
                    f"{'raise lmax of the harmonics' if ir in held else more}"
                )
