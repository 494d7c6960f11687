"""The autoencoder of polycubes: a seed comes in, an untrained one goes out; or the one that was trained and shipped.

models/SOURCES.md says how it was trained, and on what.
"""

from pathlib import Path

from tutorial_lib.hierarchy.autoencoder import HierarchicalAutoencoder
from tutorial_lib.shipped import MODELS, with_weights


def polycube_autoencoder(seed: int = 0) -> HierarchicalAutoencoder:
    """An untrained autoencoder for clouds of up to six points, with 100 numbers in its code.

    Args:
        seed: of the weights.

    Returns:
        The autoencoder, in edges of a cube.

    Raises:
        Nothing.
    """
    return HierarchicalAutoencoder(latent_channels=4, seed=seed)


def trained_on_polycubes(models: Path = MODELS) -> HierarchicalAutoencoder:
    """The same after its training on `tetris.held_out(0)[0]` and random trees; 28 shapes of six cubes it has not seen.

    Args:
        models: the folder of the shipped weights.

    Returns:
        The autoencoder, in evaluation mode.

    Raises:
        ValueError: the shipped file is not the one that its checksum names.
    """
    return with_weights(polycube_autoencoder(), models / "polycubes.pt")
