"""What each notebook trains with: nothing comes in but the profile, a recipe goes out.

A notebook and its benchmark call the same function here, so that they cannot drift apart.
"""

from tutorial_lib.training import Recipe, profile

GRAM_VAE_BETA = 0.03  # the smallest error on the validation cell of 0.01, 0.03, 0.1, 0.3 and 1


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
