import pytest

from tutorial_lib.training import recipes


@pytest.mark.parametrize("recipe", [recipes.gram_vae, recipes.gram_vae_collapsed])
def test_a_seed_is_all_that_a_seed_changes(recipe):
    one, other = recipe(1), recipe(2)
    assert (one.seed, other.seed) == (1, 2)
    assert one.epochs == other.epochs


def test_the_full_profile_trains_longer(monkeypatch):
    quick = recipes.gram_vae()
    monkeypatch.setenv("TUTORIAL_PROFILE", "full")
    assert recipes.gram_vae().epochs > 2 * quick.epochs
