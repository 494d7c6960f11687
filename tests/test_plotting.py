import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from ase import Atoms

from tutorial_lib import plotting


@pytest.fixture
def ax():
    (axis,) = plotting.panels(1)
    yield axis
    plt.close("all")


def test_panels_are_as_many_as_asked():
    assert len(plotting.panels(3)) == 3
    plt.close("all")


def test_every_figure_returns_its_axis_with_labels(ax):
    sample = torch.randn(30, generator=torch.Generator().manual_seed(0))
    history = {"run": {"kl": [3.0, 2.0]}}
    drawn = [
        plotting.curve(ax, [1, 2], [3, 4], colour="model", label="a", xlabel="r (Å)", ylabel="g"),
        plotting.distributions(ax, {"a": ("real", sample)}, xlabel="angle (degree)"),
        plotting.matrix(ax, torch.eye(3), title="one", limit=1.0),
        plotting.training_history(ax, history, term="kl"),
        plotting.bars(ax, {"a": ("baseline", 1.0)}, ylabel="error (Å²)"),
        plotting.seeds(ax, [0.1, 1], [[1, 2], [3, 4]], xlabel="β", ylabel="error (Å²)"),
    ]
    for axis in drawn:
        assert axis is ax
        assert axis.get_ylabel()


def test_a_curve_has_the_colour_of_its_object(ax):
    plotting.curve(ax, [1, 2], [3, 4], colour="generated", label="a", xlabel="x", ylabel="y")
    assert ax.lines[0].get_color() == plotting.COLOURS["generated"]


def test_a_histogram_is_a_density(ax):
    sample = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    plotting.distributions(ax, {"a": ("real", sample)}, xlabel="x")
    values, edges, _ = ax.patches[0].get_data()
    assert np.sum(values * np.diff(edges)) == pytest.approx(1)


def test_nothing_to_draw_is_refused(ax):
    with pytest.raises(ValueError, match="no sample"):
        plotting.distributions(ax, {}, xlabel="x")
    with pytest.raises(ValueError, match="one matrix"):
        plotting.matrix(ax, torch.zeros(2, 3, 3), title="two", limit=1.0)
    with pytest.raises(ValueError, match="no atoms"):
        plotting.still(Atoms(), 2.85, None)


def test_a_still_is_a_png_that_shows_atoms_bonds_and_the_cell():
    pair = Atoms("Si2", [[0, 0, 0], [2.4, 0, 0]])
    apart, joined = plotting.still(pair, 2.0, None), plotting.still(pair, 2.85, None)
    marked = plotting.still(pair, 2.85, 0)
    pair.cell = [6, 6, 6]
    assert joined.startswith(b"\x89PNG")
    assert len({apart, joined, marked, plotting.still(pair, 2.85, None)}) == 4
