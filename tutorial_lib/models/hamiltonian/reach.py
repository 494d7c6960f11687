"""Which irreps a network can make: blocks and features come in, and an error goes out where a block would stay zero.

e3nn gives zeros for what cannot be made, and says nothing: features that lack 1e lose the antisymmetric part of every
block of two different p shells.
"""

from e3nn import o3

from tutorial_lib.models.hamiltonian.blocks import Blocks

LETTERS = "spdfghiklmno"  # of l


def needed_irreps(blocks: Blocks) -> str:
    """The irreps, each once and 0e among them, that features must hold so that every block can be made of them."""
    needed = {o3.Irrep(0, 1)} | {ir for kind in blocks.kinds for _, ir in kind.irreps}
    return " + ".join(str(ir) for ir in sorted(needed))


def check_reachable(blocks: Blocks, irreps: str, harmonics: str) -> None:
    """Refuse features that would leave a part of the matrix zero without a word.

    An irrep of a block must be among those of the features, and within two messages (atoms) or three (pairs).
    """
    held = [ir for _, ir in o3.Irreps(irreps)]
    if held[0] != o3.Irrep(0, 1) or len(set(held)) < len(held):
        raise ValueError(f"the features hold {irreps}: name each irrep once, and 0e first")
    reached = [{o3.Irrep(0, 1)}]
    for _ in range(3):
        made = {ir for a in reached[-1] for _, b in o3.Irreps(harmonics) for ir in a * b}
        reached.append((reached[-1] | made) & set(held))
    for kind in blocks.kinds:
        for degree, p, a, b in kind.copies:
            ir = o3.Irrep(degree, p)
            if ir not in reached[1 + len(kind.elements)]:
                shells = " and ".join(
                    LETTERS[blocks.of_atom[atom][shell][1]] for atom, shell in zip(kind.sites[0], (a, b), strict=True)
                )
                more = f"add {ir} to the features, or take a smaller basis"
                raise ValueError(
                    f"the {shells} functions of elements {' and '.join(map(str, kind.elements))} make a block with "
                    f"{ir}, which features of {irreps} and harmonics {harmonics} do not reach; it would stay zero: "
                    f"{'raise lmax of the harmonics' if ir in held else more}"
                )
