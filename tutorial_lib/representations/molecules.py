"""Molecules, and five ways of writing one down: atoms come in; a string, a graph, a picture, bits or numbers go out.

What each loses is measured in notebook 01. The sixth, the Gram matrix, is in `gram`. Atoms are neutral molecules with
their hydrogens; chemistry (bond orders, canonical strings, fingerprints) is RDKit's.
"""

import io

import numpy as np
from ase import Atoms
from ase.io import write
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds, rdFingerprintGenerator

from tutorial_lib.representations.conformers import shape
from tutorial_lib.shapes import check, check_counts


def bonded(atoms: Atoms) -> Chem.Mol:
    """The molecule with the bonds that RDKit finds from distances and valences."""
    check(
        np.isfinite(atoms.positions).all() and (atoms.numbers >= 1).all(),
        "positions hold NaN or infinity, or an atom is of no element: look at where they came from",
    )
    text = io.StringIO()
    write(text, atoms, format="xyz")
    found = Chem.MolFromXYZBlock(text.getvalue())
    try:
        with rdBase.BlockLogs():  # it would write to stderr what our error says
            rdDetermineBonds.DetermineBonds(found)
    except ValueError as problem:
        raise ValueError(f"no valences fit {atoms.get_chemical_formula()}: {str(problem).splitlines()[0]}") from None
    return found


def _plain(atoms: Atoms) -> Chem.Mol:
    """The molecule without hydrogens, and without left and right, cis and trans."""
    found = bonded(atoms)
    Chem.RemoveStereochemistry(found)  # first: a hydrogen that says cis or trans would stay
    return Chem.RemoveHs(found)


def smiles(atoms: Atoms) -> str:
    """The canonical SMILES string, without hydrogens: one string a molecule, whatever the order of its atoms."""
    return Chem.MolToSmiles(_plain(atoms))


def from_smiles(text: str) -> Atoms:
    """A molecule with hydrogens, from a string such as "CCO", in a shape that a force field (MMFF94) finds good.

    Not the shape that density-functional theory gives: bonds differ by a few hundredths of an angstrom. `conformers`
    has the exceptions. It lies widest along x, its broad side half upwards, half forwards.
    """
    with rdBase.BlockLogs():
        plain = Chem.MolFromSmiles(text)
    check(
        plain is not None and plain.GetNumAtoms(),
        f"{text!r} is no SMILES that RDKit can read: ethanol is 'CCO', benzene 'c1ccccc1'",
    )
    if (n := len(Chem.GetMolFrags(plain))) > 1:
        raise ValueError(f"{text!r} is of {n} molecules, and nothing says how they lie: take them one at a time")
    check(
        all(atom.GetAtomicNum() for atom in plain.GetAtoms()),
        f"{text!r} holds '*', which is no element: put a symbol such as C in its place",
    )
    full = Chem.AddHs(plain)
    with rdBase.BlockLogs():
        positions = shape(full, Chem.MolToSmiles(plain))
    check(positions is not None, f"no shape was found for {text!r}: try a smaller molecule, or one of common elements")
    atoms = Atoms([atom.GetSymbol() for atom in full.GetAtoms()], positions, info={"smiles": text})
    atoms.rotate(45, "x")  # seen well along z, as viewers look at first, and along y, as our stills do
    return atoms


def bond_graph(atoms: Atoms) -> np.ndarray:
    """The matrix of bond orders: 1, 1.5 in an aromatic ring, 2 or 3, and 0 without a bond."""
    return Chem.GetAdjacencyMatrix(bonded(atoms), useBO=True)


def fingerprint(atoms: Atoms, n_bits: int = 2048) -> np.ndarray:
    """The Morgan fingerprint, n_bits / 8 bytes: one bit for every kind of surroundings within two bonds.

    Different surroundings may share a bit: D. Rogers, M. Hahn, J. Chem. Inf. Model. 50, 742 (2010).
    """
    check_counts(n_bits=n_bits)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=n_bits)
    return np.packbits(generator.GetFingerprintAsNumPy(_plain(atoms)))


def image(atoms: Atoms, n_pixels: int = 64, width: float = 8.0) -> np.ndarray:
    """A square picture of the atoms along z, about their centroid: a blurred dot for each, brighter for more electrons.

    `width` is that of an edge, angstrom.
    """
    check_counts(n_pixels=n_pixels)
    check(len(atoms), "there are no atoms to draw")
    pixels = np.linspace(-width / 2, width / 2, n_pixels)
    x, y, _ = (atoms.positions - atoms.positions.mean(axis=0)).T
    along_x, along_y = (np.exp(-((pixels - at[:, None]) ** 2) / (2 * 0.3**2)) for at in (x, y))
    return np.einsum("a,ai,aj->ij", atoms.numbers, along_y, along_x).astype(np.float32)
