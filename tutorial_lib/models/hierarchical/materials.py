"""The models of polycubes, octahedra and molecules, untrained or pretrained.

models/weights/SOURCES.md says how the pretrained ones were trained, and on what.
"""

import math
from pathlib import Path

from torch import Generator, Tensor

from tutorial_lib.datasets import g2, octahedra
from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.found_motifs import FoundMotifs
from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.models.hierarchical.levels import Level, pooled
from tutorial_lib.models.hierarchical.points import padded, points_of
from tutorial_lib.storage import WEIGHTS, with_weights

N_FOR_MOTIFS = 120  # clusters
REACH, NEXT_REACH = 1.25, 2.3  # metal-oxygen distances: to the corners, and from middle to middle
HOW = ("found", "three", "pairs", "flat")


def polycube_autoencoder(seed: int = 0) -> HierarchicalAutoencoder:
    """An untrained autoencoder for clouds of up to six points, in edges of a cube, with 100 numbers in its code."""
    return HierarchicalAutoencoder(latent_channels=4, seed=seed)


def trained_on_polycubes(folder: Path = WEIGHTS) -> HierarchicalAutoencoder:
    """The same after its training on `polycubes.held_out(0)[0]` and random trees; 28 hexacubes it has not seen."""
    return with_weights(polycube_autoencoder(), folder / "polycubes.pt")


def trained_to_grow(folder: Path = WEIGHTS) -> GrowthHead:
    """A head after its training on `additions(polycubes.held_out(0)[0])`: where pieces of that training may grow."""
    return with_weights(GrowthHead(), folder / "growth.pt")


def octahedra_to_train_on(seed: int = 0, n: int = 600) -> list[Tensor]:
    """Clusters of one to six octahedra, as bare points, in metal-oxygen distances; fewer are the first of more."""
    generator = Generator().manual_seed(seed)
    return [octahedra.cluster(1 + k % 6, generator).points for k in range(n)]


def octahedra_levels(clouds: list[Tensor], how: str = "found") -> tuple[Level, ...]:
    """Levels of clusters of octahedra, in metal-oxygen distances.

    Args:
        clouds: (n, 3) each, in which motifs are looked for.
        how: "found", points, motifs, one point; "three", with motifs of motifs between; "pairs", points, bonds, one
            point; "flat", points, one point.

    Raises:
        ValueError: `how` is none of these.
    """
    if how not in HOW:
        raise ValueError(f"levels {how!r}: there are {', '.join(HOW)}")
    if how in ("flat", "pairs"):
        atoms = Level(math.inf, width=0.25, radius=6.6, unit=2.0, cutoff=2.2)
        return (atoms,) if how == "flat" else (Level(REACH, width=0.25, radius=1.0, cutoff=REACH), atoms)
    points = points_of(*padded(clouds[:N_FOR_MOTIFS]))
    first = Level(REACH, width=0.25, radius=1.5, cutoff=REACH, motifs=FoundMotifs.fit(points, REACH))
    top = Level(math.inf, width=0.4, radius=5.6, unit=2.0)
    if how == "found":
        return first, top
    motifs = FoundMotifs.fit(pooled(points, (first,))[0].centres, NEXT_REACH)
    return first, Level(NEXT_REACH, width=0.4, radius=2.6, unit=2.0, cutoff=NEXT_REACH, motifs=motifs), top


def octahedra_autoencoder(
    clouds: list[Tensor], how: str = "found", *, judges: bool = False, seed: int = 0
) -> HierarchicalAutoencoder:
    """An untrained autoencoder of up to six octahedra, with 400 numbers in its code, whatever its `octahedra_levels`.

    With `judges` it learns to delete middles that are found and should not have been.
    """
    return HierarchicalAutoencoder(octahedra_levels(clouds, how), latent_channels=16, judges=judges, seed=seed)


def trained_on_octahedra(folder: Path = WEIGHTS) -> HierarchicalAutoencoder:
    """The autoencoder with found levels, after its training on `octahedra_to_train_on()`."""
    return with_weights(octahedra_autoencoder(octahedra_to_train_on(n=N_FOR_MOTIFS)), folder / "octahedra.pt")


def molecule_autoencoder(seed: int = 0) -> HierarchicalAutoencoder:
    """An untrained autoencoder for molecules of the elements of G2/97, in angstrom: up to fourteen atoms, 588 numbers.

    They go up to l = 6, because benzene is not round only from there on.
    """
    levels = (Level(math.inf, width=0.25, radius=3.6, unit=1.2, cutoff=3.0),)
    species = g2.elements(g2.molecules())
    model = HierarchicalAutoencoder(levels, latent_lmax=6, latent_channels=12, lmax=4, species=species, seed=seed)
    model.largest = g2.LARGEST
    return model


def trained_on_molecules(folder: Path = WEIGHTS) -> HierarchicalAutoencoder:
    """The same after its training on the 118 molecules of `g2.split()[0]`."""
    return with_weights(molecule_autoencoder(), folder / "molecules.pt")
