"""The autoencoder of polycubes, untrained or pretrained, and how they grow: examples, and a pretrained head.

weights/SOURCES.md says how the pretrained ones were trained, and on what. All are in edges of a cube.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tutorial_lib.datasets.polycubes import polycube_of
from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.growth import GrowthHead
from tutorial_lib.models.hierarchical.points import padded
from tutorial_lib.shapes import Places, check_shapes
from tutorial_lib.storage import WEIGHTS, with_weights


def polycube_autoencoder(seed: int = 0) -> HierarchicalAutoencoder:
    """An untrained autoencoder for clouds of up to six points, with 100 numbers in its code."""
    return HierarchicalAutoencoder(latent_channels=4, seed=seed)


def trained_on_polycubes(folder: Path = WEIGHTS) -> HierarchicalAutoencoder:
    """The same after its training on `polycubes.held_out(0)[0]` and random trees; 28 hexacubes it has not seen."""
    return with_weights(polycube_autoencoder(), folder / "polycubes.pt")


def trained_to_grow(folder: Path = WEIGHTS) -> GrowthHead:
    """A head after its training on `additions(polycubes.held_out(0)[0])`: where pieces of that training may grow."""
    return with_weights(GrowthHead(), folder / "growth.pt")


def free_places(cells: Places) -> Tensor:
    """The places (n, 3), each once, where one more cube shares a face with a polycube on the lattice."""
    check_shapes(cells=(cells, "cubes+ 3"))
    steps = torch.cat([torch.eye(3), -torch.eye(3)]).to(cells)
    beside = torch.unique((cells[:, None] + steps).flatten(0, 1), dim=0)
    return beside[torch.cdist(beside, cells).amin(dim=1) > 0.5]


def additions(known: Sequence[Tensor], *, most: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each known shape the places where one more cube makes another known shape: a batch for `growth_loss`.

    A shape that is not known counts as forbidden, as everything does that nobody has shown. The single cube is known.
    Shapes of more than `most` cubes do not grow.
    """
    shapes = {polycube_of(shape, mirrors_equal=True) for shape in (*known, torch.zeros(1, 3))}
    clouds, places = [], []
    for shape in sorted((shape for shape in shapes if shape and len(shape) <= most), key=sorted):
        cells = torch.tensor(sorted(shape), dtype=torch.get_default_dtype())
        allowed = [
            place
            for place in free_places(cells)
            if polycube_of(torch.cat([cells, place[None]]), mirrors_equal=True) in shapes
        ]
        if allowed:
            clouds.append(cells)
            places.append(torch.stack(allowed))
    return (*padded(clouds), *padded(places))
