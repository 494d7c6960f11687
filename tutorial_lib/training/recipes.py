"""What each notebook, script and benchmark trains with, in one place, so that they cannot drift apart.

A seed comes in, a `Recipe` goes out. Where a notebook trains, the profile says for how long: `by_profile` raises a
ValueError if TUTORIAL_PROFILE names none. What scripts and benchmarks train is the same under both profiles.
"""

from tutorial_lib.training.loop import Recipe, profile

ISOMER_NOISE = 0.2  # A, every coordinate of the molecules of notebook 01
ISOMER_WIDTHS = (64, 64)  # hidden layers of their classifiers
DIGIT_WIDTHS = (128, 32)  # hidden layers of the autoencoder of digits
GRAM_VAE_BETA = 0.03  # the smallest error on the validation cell of 0.01, 0.03, 0.1, 0.3 and 1
ALIGNED_BETA = 0.03  # A^2 a nat
ALIGNED_REPULSION = 3.0  # of the squared error, for each A^2 of overlap
ALIGNED_RATTLE = 0.4  # A, at most; the cells are minimised, and notebook 03 asks for a hot crystal
N_TREES = 4000  # random trees to train on, beside polycubes
INPAINTING_LATENT = 12  # numbers of a code: eight leave each atom off by 0.4 A
PLACE_RATTLE = 0.2  # A, at most: 0.1 learns by heart, 0.3 blurs, on the validation cell
N_RANDOM_PLACES = 24  # beside every missing atom
MOLECULES_RATTLE = 0.08  # A


def by_profile(quick: int, full: int) -> int:
    """The first number under the quick profile, the second under the full one."""
    return {"quick": quick, "full": full}[profile()]


def in_steps(steps: int, n_examples: int, batch_size: int, learning_rate: float, seed: int) -> Recipe:
    """As many epochs as come closest to a number of steps from below, however many examples there are.

    Raises:
        ValueError: there are no examples.
    """
    if n_examples < 1:
        raise ValueError(f"{n_examples} examples arrived to train on: at least one is needed")
    return Recipe(max(1, steps // -(-n_examples // batch_size)), batch_size, learning_rate, seed)


def digits(seed: int = 0) -> Recipe:
    """Notebook 01's autoencoder of handwritten digits."""
    return Recipe(by_profile(150, 600), batch_size=64, learning_rate=0.005, seed=seed)


def isomers(n_examples: int, seed: int = 0) -> Recipe:
    """Notebook 01's classifiers of molecules."""
    return in_steps(500, n_examples, 64, 3e-3, seed)


def gram_vae(seed: int = 0) -> Recipe:
    """Notebook 02's variational autoencoder of Gram matrices."""
    return Recipe(by_profile(300, 2000), batch_size=256, learning_rate=0.01, seed=seed)


def gram_vae_collapsed(seed: int = 0) -> Recipe:
    """Notebook 02's collapsed run, shorter because a code that says nothing is learnt soon."""
    return Recipe(60, batch_size=256, learning_rate=0.01, seed=seed)


def aligned(seed: int = 0) -> Recipe:
    """Notebook 03's autoencoder from Gram matrices to aligned positions."""
    return Recipe(by_profile(250, 1000), batch_size=256, learning_rate=4e-3, seed=seed)


def tetris(seed: int = 0) -> Recipe:
    """Notebook 04's equivariant network: all eight pieces, in one pose each, in every step."""
    return Recipe(100, batch_size=8, learning_rate=0.1, seed=seed)


def hierarchical(seed: int = 0) -> Recipe:
    """Notebook 05's autoencoder: all eight pieces in every step."""
    return Recipe(by_profile(600, 2000), batch_size=8, learning_rate=3e-3, seed=seed)


def inpainting(seed: int = 0) -> Recipe:
    """Notebook 06's autoencoder, which has to reconstruct well rather than to invent."""
    return Recipe(by_profile(160, 1000), batch_size=256, learning_rate=4e-3, seed=seed)


def flow(seed: int = 0) -> Recipe:
    """Notebook 07's flow from noise to motifs."""
    return Recipe(by_profile(1000, 4000), batch_size=256, learning_rate=4e-3, seed=seed)


def missing_atom(seed: int = 0) -> Recipe:
    """Notebook 08's network: every time a molecule comes, one of its atoms is drawn and taken out."""
    return Recipe(by_profile(140, 600), batch_size=32, learning_rate=4e-3, seed=seed)


def hamiltonian(n_examples: int, seed: int = 0) -> Recipe:
    """Notebook 09's network."""
    return in_steps(by_profile(10_000, 40_000), n_examples, 32, 0.01, seed)


def polycubes(n_examples: int, seed: int = 0) -> Recipe:
    """The autoencoder of polycubes, shipped."""
    return in_steps(3500, n_examples, 16, 3e-3, seed)


def places(seed: int = 0) -> Recipe:
    """The network that scores candidate positions of missing atoms, shipped."""
    return Recipe(120, batch_size=64, learning_rate=3e-3, seed=seed)


def octahedra(how: str = "found", seed: int = 0) -> Recipe:
    """The autoencoders of 600 clusters of octahedra, one shipped: about 200 CPU seconds with any levels.

    Raises:
        KeyError: `hierarchical.octahedra_levels` has no such levels.
    """
    epochs = {"found": 50, "three": 40, "pairs": 12, "flat": 68}[how]
    return Recipe(epochs, batch_size=12, learning_rate=3e-3, seed=seed)


def g2(seed: int = 0) -> Recipe:
    """The autoencoder of the 118 molecules, shipped."""
    return Recipe(750, batch_size=16, learning_rate=3e-3, seed=seed)


def growth(n_examples: int, seed: int = 0) -> Recipe:
    """A head that says where shapes grow, shipped: all examples in every step, there are few."""
    return Recipe(1500, batch_size=n_examples, learning_rate=5e-3, seed=seed)


def motifs(seed: int = 0) -> Recipe:
    """The autoencoder of eight neighbours as a vector of irreps, of a benchmark."""
    return Recipe(48, batch_size=64, learning_rate=3e-3, seed=seed)
