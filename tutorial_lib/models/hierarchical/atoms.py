"""Molecules in and out of an autoencoder: ASE's atoms come in, codes go out, and atoms again."""

import warnings
from collections.abc import Sequence

import torch
from ase import Atoms
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.points import padded
from tutorial_lib.shapes import Features, check_counts


def clouds_of(
    model: HierarchicalAutoencoder, molecules: Sequence[Atoms], dtype: torch.dtype = torch.float32
) -> tuple[list[Tensor], list[Tensor]]:
    """Positions (n, 3), in angstrom, and species (n,), as a model numbers them, of each molecule.

    Raises:
        ValueError: an element is none of the model's species.
    """
    number = {symbol: n for n, symbol in enumerate(model.species)}
    for at, atoms in enumerate(molecules):
        if unknown := sorted(set(atoms.symbols) - set(number)):
            raise ValueError(
                f"molecule {at} ({atoms.get_chemical_formula()}) holds {', '.join(unknown)}: this model knows "
                f"{', '.join(model.species)}. Leave it out, or train a model with its elements among the species"
            )
    positions = [torch.tensor(atoms.positions, dtype=dtype) for atoms in molecules]
    return positions, [torch.tensor([number[symbol] for symbol in atoms.symbols]) for atoms in molecules]


def examples(model: HierarchicalAutoencoder, molecules: Sequence[Atoms]) -> tuple[Tensor, Tensor, Tensor]:
    """Molecules as `reconstruction_loss` wants them: positions (N, most, 3), padded, counts (N,), species (N, most)."""
    positions, species = clouds_of(model, molecules)
    return *padded(positions), pad_sequence(species, batch_first=True)


@torch.no_grad()
def encode_atoms(model: HierarchicalAutoencoder, molecules: Sequence[Atoms]) -> Features:
    """The codes of molecules, with a warning where one is larger than any that the model was trained on."""
    for atoms in molecules:
        if model.largest is not None and len(atoms) > model.largest:
            warnings.warn(
                f"{atoms.get_chemical_formula()} has {len(atoms)} atoms, and nothing above {model.largest} was "
                "trained on: its code is a guess, look at what it decodes to",
                stacklevel=2,
            )
    return model.encode(*clouds_of(model, molecules, next(model.parameters()).dtype))


def decode_atoms(model: HierarchicalAutoencoder, latent: Tensor) -> list[Atoms]:
    """The molecules of codes, in angstrom, about their centroids; without an atom where no field has a peak."""
    points = model.unfold(latent)[-1].points
    symbols = [model.species[k] for k in points.species.tolist()]
    everyone = Atoms(symbols, positions=points.positions.cpu().numpy())
    return [everyone[(points.cloud == n).cpu().numpy()] for n in range(len(latent))]


def same_molecule(found: Atoms, true: Atoms, *, within: float = 0.2) -> bool:
    """Whether every atom of `true` came back, of its element, nearer than `within` angstrom, about the centroids.

    The pose has to be the same; not so the order of the atoms.
    """
    check_counts(atoms=len(true))
    if len(found) != len(true):
        return False
    places = torch.tensor(true.positions - true.positions.mean(axis=0))
    distance, partner = torch.cdist(places, torch.tensor(found.positions)).min(dim=1)
    symbols = [found.symbols[k] for k in partner.tolist()]
    return bool(len(partner.unique()) == len(true) and distance.max() < within and symbols == list(true.symbols))
