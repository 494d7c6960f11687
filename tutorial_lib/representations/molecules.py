"""Molecules, and five ways of writing one down: atoms come in; a string, a graph, a picture, bits or numbers go out.

What each loses is measured in notebook 01. The sixth, the Gram matrix, is in `gram`. Atoms are neutral molecules with
their hydrogens; chemistry (bond orders, canonical strings, fingerprints) is RDKit's.

A shape is MMFF94's, which makes up the length of a bond that it does not know, that of a single one: 1.4 A for carbon
dioxide. Where that shows, the shape is of UFF, whose multiple bonds may be 0.1 A off, and seven molecules of two or
three atoms have the shape of the G2 set.
"""

import io

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.data import covalent_radii
from ase.io import write
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds, rdDistGeom, rdFingerprintGenerator, rdForceFieldHelpers, rdMolTransforms
from scipy.spatial.distance import pdist

from tutorial_lib.shapes import check, check_counts

SMALL = {"[H][H]": "H2", "N#N": "N2", "O=O": "O2", "FF": "F2", "O=C=O": "CO2", "S=C=S": "CS2", "O=S=O": "SO2"}  # in G2
SHORTER = 0.955  # than a single bond: a double one of C and P or Si is 0.95, what MMFF94 makes up 0.97 and more
AT_RANDOM = {"useRandomCoords": True, "maxAttempts": 50}
# The last attempt is for cages, whose rings cannot be as flat as others.
CURVED = AT_RANDOM | {"useBasicKnowledge": False, "useExpTorsionAnglePrefs": False, "ignoreSmoothingFailures": True}
CLOSEST = 0.5  # A: H2 has 0.74


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

    Not the shape that density-functional theory gives: bonds differ by a few hundredths of an angstrom; the module's
    first lines have the exceptions. It lies widest along x, its broad side half upwards, half forwards.
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
        positions = _shape(full, Chem.MolToSmiles(plain))
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


def _shape(full: Chem.Mol, name: str) -> np.ndarray | None:
    """Positions of the atoms, widest along x and narrowest along z; None if no shape stands the checks.

    The molecule has its hydrogens; by its canonical SMILES, `name`, the small ones are known.
    """
    embedded = any(rdDistGeom.EmbedMolecule(full, randomSeed=0, **how) == 0 for how in ({}, AT_RANDOM, CURVED))
    if not embedded or not (_from_g2(full, name) or _relax(full)):
        return None
    # It looks at heavy atoms only: there may be none.
    heavy = any(atom.GetAtomicNum() > 1 for atom in full.GetAtoms())
    rdMolTransforms.CanonicalizeConformer(full.GetConformer(), ignoreHs=heavy)
    positions = full.GetConformer().GetPositions()
    return positions if np.isfinite(positions).all() and pdist(positions).min(initial=np.inf) > CLOSEST else None


def _from_g2(full: Chem.Mol, name: str) -> bool:
    """Whether the molecule is one that force fields know badly, and has got its shape of the G2 set."""
    if name not in SMALL:
        return False
    known = molecule(SMALL[name])
    numbers = [atom.GetAtomicNum() for atom in full.GetAtoms()]
    for mine, other in zip(np.argsort(numbers, stable=True), np.argsort(known.numbers, stable=True), strict=True):
        full.GetConformer().SetAtomPosition(int(mine), known.positions[other])
    return True


def _relax(full: Chem.Mol) -> bool:
    """Whether a force field has found a shape with multiple bonds that are shorter than single ones."""
    if not full.GetNumBonds():
        return True
    begin = full.GetConformer().GetPositions()
    for knows, optimise in (
        (rdForceFieldHelpers.MMFFHasAllMoleculeParams, rdForceFieldHelpers.MMFFOptimizeMolecule),
        (rdForceFieldHelpers.UFFHasAllMoleculeParams, rdForceFieldHelpers.UFFOptimizeMolecule),
    ):
        full.GetConformer().SetPositions(begin)
        if knows(full) and 0 in (optimise(full, maxIters=n) for n in (2000, 20000)) and _short(full):
            return True
    return False


def _short(full: Chem.Mol) -> bool:
    """Whether multiple bonds, and those between two atoms of two neighbours, are shorter than single ones."""
    positions = full.GetConformer().GetPositions()
    for bond in full.GetBonds():
        ends = bond.GetBeginAtom(), bond.GetEndAtom()
        linear = all(atom.GetHybridization() == Chem.HybridizationType.SP for atom in ends)
        if linear or bond.GetBondType() in (Chem.BondType.DOUBLE, Chem.BondType.TRIPLE):
            single = sum(covalent_radii[atom.GetAtomicNum()] for atom in ends)
            if np.linalg.norm(np.subtract(*positions[[atom.GetIdx() for atom in ends]])) > SHORTER * single:
                return False
    return True
