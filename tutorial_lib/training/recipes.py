"""What notebooks train with: nothing comes in but the profile, a recipe goes out.

Those of flows, growing heads and Hamiltonians stand beside their losses. A notebook and its benchmark call the same
function here, so that they cannot drift apart.
"""

from tutorial_lib.training import Recipe, profile

ISOMER_NOISE = 0.2  # A, every coordinate of the molecules of notebook 01
ISOMER_WIDTHS = (64, 64)  # hidden layers of their classifiers
DIGIT_WIDTHS = (128, 32)  # hidden layers of the autoencoder of digits
GRAM_VAE_BETA = 0.03  # the smallest error on the validation cell of 0.01, 0.03, 0.1, 0.3 and 1
ALIGNED_BETA = 0.03  # A^2 a nat
ALIGNED_REPULSION = 3.0  # of the squared error, for each A^2 of overlap
N_TREES = 4000  # random trees to train on, beside polycubes
INPAINTING_LATENT = 12  # numbers of a code: eight leave each atom off by 0.4 A
PLACE_SHAKE = 0.2  # A, at most: 0.1 learns by heart, 0.3 blurs, on the validation cell
N_RANDOM_PLACES = 24  # beside every missing atom
ALIGNED_SHAKE = 0.4  # A, at most; the cells are minimised, and notebook 03 asks for a hot crystal


def digits(seed: int = 0) -> Recipe:
    """The recipe of notebook 01's autoencoder of handwritten digits.

    Args:
        seed: of the batches.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    return Recipe(epochs={"quick": 150, "full": 600}[profile()], batch_size=64, learning_rate=0.005, seed=seed)


def isomers(n_examples: int, seed: int = 0) -> Recipe:
    """The recipe of notebook 01's classifiers of molecules: about 500 steps, however many examples there are.

    Args:
        n_examples: how many there are to train on.
        seed: of the batches.

    Returns:
        The same under both profiles, because the task is learnt by then.

    Raises:
        ZeroDivisionError: there are no examples.
    """
    steps_an_epoch = -(-n_examples // 64)
    return Recipe(epochs=max(1, 500 // steps_an_epoch), batch_size=64, learning_rate=3e-3, seed=seed)


def gram_vae(seed: int = 0) -> Recipe:
    """The recipe of notebook 02.

    Args:
        seed: of the batches and of the noise in the loss.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    epochs = {"quick": 300, "full": 2000}[profile()]
    return Recipe(epochs=epochs, batch_size=256, learning_rate=0.01, seed=seed)


def gram_vae_collapsed(seed: int = 0) -> Recipe:
    """The recipe of notebook 02's deliberately collapsed run, shorter because silence is learnt soon.

    Args:
        seed: of the batches and of the noise in the loss.

    Returns:
        The same under both profiles.

    Raises:
        Nothing.
    """
    return Recipe(epochs=60, batch_size=256, learning_rate=0.01, seed=seed)


def aligned(seed: int = 0) -> Recipe:
    """The recipe of notebook 03.

    Args:
        seed: of the batches and of the noise in the loss.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    epochs = {"quick": 250, "full": 1000}[profile()]
    return Recipe(epochs=epochs, batch_size=256, learning_rate=4e-3, seed=seed)


def tetris(seed: int = 0) -> Recipe:
    """The recipe of notebook 04's equivariant network: all eight pieces, in one pose each, in every step.

    Args:
        seed: of the order of the pieces, which changes nothing but rounding.

    Returns:
        The same under both profiles, because the task is learnt by then.

    Raises:
        Nothing.
    """
    return Recipe(epochs=100, batch_size=8, learning_rate=0.1, seed=seed)


def hierarchical(seed: int = 0) -> Recipe:
    """The recipe of notebook 05's autoencoder: all eight pieces in every step.

    Args:
        seed: of the order of the pieces and of the places that the loss asks about.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    epochs = {"quick": 600, "full": 2000}[profile()]
    return Recipe(epochs=epochs, batch_size=8, learning_rate=3e-3, seed=seed)


def polycubes(n_examples: int, seed: int = 0) -> Recipe:
    """The recipe of the autoencoder of polycubes: 3,500 steps, however many examples there are.

    Args:
        n_examples: how many there are to train on.
        seed: of the batches and of the places that the loss asks about.

    Returns:
        The same under both profiles, because it is trained by a script and not by a notebook.

    Raises:
        ZeroDivisionError: there are no examples.
    """
    steps_an_epoch = -(-n_examples // 16)
    return Recipe(epochs=max(1, 3500 // steps_an_epoch), batch_size=16, learning_rate=3e-3, seed=seed)


def inpainting(seed: int = 0) -> Recipe:
    """The recipe of notebook 06's autoencoder of clouds, which has to restore well rather than to invent.

    Args:
        seed: of the batches and of the noise in the loss.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    epochs = {"quick": 160, "full": 1000}[profile()]
    return Recipe(epochs=epochs, batch_size=256, learning_rate=4e-3, seed=seed)


def places(seed: int = 0) -> Recipe:
    """The recipe of the network that scores places for missing atoms.

    Args:
        seed: of the batches and of the places that the loss asks about.

    Returns:
        The same under both profiles, because it is trained by a script and not by a notebook.

    Raises:
        Nothing.
    """
    return Recipe(epochs=120, batch_size=64, learning_rate=3e-3, seed=seed)


def octahedra(how: str = "found", seed: int = 0) -> Recipe:
    """The recipe of the autoencoders of 600 clusters of octahedra: about 200 CPU seconds, whatever the levels.

    Args:
        how: the levels, as in `hierarchy.octahedra_levels`.
        seed: of the batches and of the places that the loss asks about.

    Returns:
        The same under both profiles, because it is trained by a script and not by a notebook.

    Raises:
        KeyError: there are no such levels.
    """
    epochs = {"found": 50, "three": 40, "pairs": 12, "flat": 68}[how]
    return Recipe(epochs=epochs, batch_size=12, learning_rate=3e-3, seed=seed)


MOLECULES_SHAKE = 0.08  # A


def g2(seed: int = 0) -> Recipe:
    """The recipe of the autoencoder of the 118 molecules.

    Args:
        seed: of the batches, of the shaking, and of the places that the loss asks about.

    Returns:
        The same under both profiles, because it is trained by a script and not by a notebook.

    Raises:
        Nothing.
    """
    return Recipe(epochs=750, batch_size=16, learning_rate=3e-3, seed=seed)


def missing_atom(seed: int = 0) -> Recipe:
    """The recipe of notebook 08: every time a molecule comes, one of its atoms is drawn and taken out.

    Args:
        seed: of the batches, and of which atom is taken out.

    Returns:
        Shorter under the quick profile, longer under the full one.

    Raises:
        ValueError: TUTORIAL_PROFILE names no profile.
    """
    return Recipe(epochs={"quick": 140, "full": 600}[profile()], batch_size=32, learning_rate=4e-3, seed=seed)


def motifs(seed: int = 0) -> Recipe:
    """The recipe of the autoencoder of eight neighbours as a vector of irreps.

    Args:
        seed: of the batches and of the places that the loss asks about.

    Returns:
        The same under both profiles, because it is trained by a benchmark and not by a notebook.

    Raises:
        Nothing.
    """
    return Recipe(epochs=48, batch_size=64, learning_rate=3e-3, seed=seed)
