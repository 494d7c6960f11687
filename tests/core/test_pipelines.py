import pytest
import torch
from ase.build import bulk

from tutorial_lib import pipelines, training

SHORT = training.Recipe(epochs=3, batch_size=128)


def motifs_like(*cells, **options):
    return pipelines.motifs_like(*cells, n_samples=64, recipe=SHORT, progress=False, **options)


def test_a_seed_decides_the_motifs_and_what_is_said_of_them():
    cell = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    cell.rattle(0.1, seed=0)
    (one, table), (again, same), (other, _) = (motifs_like(cell, seed=seed) for seed in (0, 0, 1))
    assert one.shape == (64, 8, 3)
    assert torch.equal(one, again)
    assert table == same
    assert not torch.allclose(one, other)
    assert table.floor["covered (share)"] > 0.9, "real motifs stand in the generator's place"


def test_cells_of_another_element_are_learnt_and_compared_with_others(cell):
    germanium = cell.copy()
    germanium.symbols[:] = "Ge"
    germanium.set_cell(1.04 * cell.cell, scale_atoms=True)
    invented, table = motifs_like([germanium], [cell])
    assert torch.isfinite(invented).all()
    assert table.floor["W_r (A)"] > 0.05, "bonds of germanium are 4% longer"


def test_no_cells_are_refused(cell):
    for cells in ([[]], [cell, []]):
        with pytest.raises(ValueError, match=r"no cell was given: pass one ase\.Atoms"):
            motifs_like(*cells)
