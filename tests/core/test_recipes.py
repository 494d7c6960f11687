import pytest

from tutorial_lib.training import Recipe, recipes


def test_the_seed_comes_in_and_the_full_profile_trains_longer(monkeypatch):
    monkeypatch.delenv("TUTORIAL_PROFILE", raising=False)
    assert recipes.gram_vae(1) == Recipe(300, 256, 0.01, seed=1)
    assert recipes.gram_vae_collapsed() == Recipe(60, 256, 0.01)
    monkeypatch.setenv("TUTORIAL_PROFILE", "full")
    assert recipes.gram_vae() == Recipe(2000, 256, 0.01)
    assert recipes.gram_vae_collapsed() == Recipe(60, 256, 0.01)
    monkeypatch.setenv("TUTORIAL_PROFILE", "fast")
    with pytest.raises(ValueError, match="no TUTORIAL_PROFILE 'fast': choose one of quick, full"):
        recipes.gram_vae()


def test_a_recipe_takes_as_many_steps_however_many_examples_there_are(monkeypatch):
    steps = [recipes.hamiltonian(n).epochs * -(-n // 32) for n in (50, 200, 500)]
    assert min(steps) > 9_900
    assert max(steps) <= 10_000
    monkeypatch.setenv("TUTORIAL_PROFILE", "full")
    assert recipes.hamiltonian(500, 3) == Recipe(40_000 // 16, 32, 0.01, seed=3)
    with pytest.raises(ValueError, match="n_examples must be a whole number"):
        recipes.hamiltonian(0)
