"""What each notebook, script and benchmark trains with, in one place, so that they cannot drift apart.

Each recipe is a function of the seed; those that are given in steps also need the number of examples. A pair of lengths
is for the quick and the full profile, which TUTORIAL_PROFILE chooses.
"""

from collections.abc import Callable

from tutorial_lib.shapes import check_counts
from tutorial_lib.training.loop import PROFILES, Recipe, profile

ISOMER_NOISE = 0.2  # A, every coordinate of the molecules of notebook 01
ISOMER_WIDTHS = (64, 64)  # hidden layers of their classifiers
DIGIT_WIDTHS = (128, 32)  # hidden layers of the autoencoder of digits
GRAM_VAE_BETA = 0.03  # the smallest error on the validation cell of 0.01, 0.03, 0.1, 0.3 and 1
ALIGNED_BETA = 0.03  # A^2 a nat
ALIGNED_REPULSION = 3.0  # of the squared error, for each A^2 of overlap
ALIGNED_RATTLE = 0.4  # A, at most; the cells are minimised, and notebook 03 asks for a hot crystal
N_TREES = 4000  # random trees to train on, beside polycubes
INPAINTING_LATENT = 12  # numbers of a code: notebook 03's eight leave atoms off by 0.28 A, twelve by 0.18
PLACE_RATTLE = 0.2  # A, at most: 0.1 learns by heart, 0.3 blurs, on the validation cell
N_RANDOM_PLACES = 24  # beside every missing atom
MOLECULES_RATTLE = 0.08  # A
DENOISER_STEPS = 9000  # one cell each
Length = int | tuple[int, int]


def by_profile(length: Length) -> int:
    """The length itself, or that of the profile."""
    return length if isinstance(length, int) else length[PROFILES.index(profile())]


def in_epochs(epochs: Length, batch_size: int, learning_rate: float) -> Callable[..., Recipe]:
    """A recipe that lacks only its seed."""
    return lambda seed=0: Recipe(by_profile(epochs), batch_size, learning_rate, seed)


def in_steps(steps: Length, batch_size: int, learning_rate: float) -> Callable[..., Recipe]:
    """As many epochs as come closest to a number of steps from below, however many examples there are."""

    def recipe(n_examples: int, seed: int = 0) -> Recipe:
        check_counts(n_examples=n_examples)
        return Recipe(max(1, by_profile(steps) // -(-n_examples // batch_size)), batch_size, learning_rate, seed)

    return recipe


digits = in_epochs((150, 600), batch_size=64, learning_rate=0.005)  # notebook 01's autoencoder of handwritten digits
isomers = in_steps(500, batch_size=64, learning_rate=3e-3)  # notebook 01's classifiers of molecules
# notebook 02's variational autoencoder of Gram matrices
gram_vae = in_epochs((300, 2000), batch_size=256, learning_rate=0.01)
# shorter, because a code that says nothing is learnt soon
gram_vae_collapsed = in_epochs(60, batch_size=256, learning_rate=0.01)
# notebook 03's autoencoder from Gram matrices to aligned positions
aligned = in_epochs((250, 1000), batch_size=256, learning_rate=4e-3)
# notebook 04's equivariant network: all eight pieces, in one pose each, in every step
tetris = in_epochs(100, batch_size=8, learning_rate=0.1)
# notebook 05's autoencoder: all eight pieces in every step
hierarchical = in_epochs((600, 2000), batch_size=8, learning_rate=3e-3)
# notebook 06's autoencoder, to reconstruct well rather than to invent
inpainting = in_epochs((160, 1000), batch_size=256, learning_rate=4e-3)
flow = in_epochs((1000, 4000), batch_size=256, learning_rate=4e-3)  # notebook 07's flow from noise to motifs
# notebook 08: an atom is drawn each time that a molecule comes
missing_atom = in_epochs((140, 600), batch_size=32, learning_rate=4e-3)
hamiltonian = in_steps((10_000, 40_000), batch_size=32, learning_rate=0.01)  # notebook 09's network
polycubes = in_steps(3500, batch_size=16, learning_rate=3e-3)  # the pretrained autoencoder of polycubes
# the pretrained network that scores candidate positions of missing atoms
places = in_epochs(120, batch_size=64, learning_rate=3e-3)
g2 = in_epochs(750, batch_size=16, learning_rate=3e-3)  # the pretrained autoencoder of the 118 molecules


def denoiser(n_cells: int, seed: int = 0, steps: int = DENOISER_STEPS) -> Recipe:
    """Notebook 12's network, which learns the noise in whole cells: one cell, and one level of noise, in every step."""
    check_counts(n_cells=n_cells, steps=steps)
    return Recipe(max(1, steps // n_cells), batch_size=1, learning_rate=5e-3, seed=seed)


def octahedra(how: str = "found", seed: int = 0) -> Recipe:
    """The autoencoders of 600 clusters of octahedra, one pretrained: about 200 CPU seconds with any levels."""
    return Recipe({"found": 50, "three": 40, "pairs": 12, "flat": 68}[how], 12, 3e-3, seed)


def growth(n_examples: int, seed: int = 0) -> Recipe:
    """The pretrained head that says where shapes grow: all examples in every step, there are few."""
    return Recipe(1500, batch_size=n_examples, learning_rate=5e-3, seed=seed)
