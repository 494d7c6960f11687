"""A molecule of RDKit comes in, the positions of its atoms go out, checked.

MMFF94 makes up the length of a bond that it does not know, that of a single one: 1.4 A for carbon dioxide. Where that
shows, the shape is of UFF, whose multiple bonds may be 0.1 A off, and seven molecules of two or three atoms have the
shape of the G2 set.
"""

import numpy as np
from ase.build import molecule
from ase.data import covalent_radii
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolTransforms
from scipy.spatial.distance import pdist

SMALL = {"[H][H]": "H2", "N#N": "N2", "O=O": "O2", "FF": "F2", "O=C=O": "CO2", "S=C=S": "CS2", "O=S=O": "SO2"}  # in G2
SHORTER = 0.955  # than a single bond: a double one of C and P or Si is 0.95, what MMFF94 makes up 0.97 and more
AT_RANDOM = {"useRandomCoords": True, "maxAttempts": 50}
# The last attempt is for cages, whose rings cannot be as flat as others.
CURVED = AT_RANDOM | {"useBasicKnowledge": False, "useExpTorsionAnglePrefs": False, "ignoreSmoothingFailures": True}
CLOSEST = 0.5  # A: H2 has 0.74


def shape(full: Chem.Mol, name: str) -> np.ndarray | None:
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
