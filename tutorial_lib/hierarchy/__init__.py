"""A hierarchical autoencoder of point clouds: clouds come in, one vector of irreps each goes out, and clouds again.

`levels` says which points are gathered into one, level by level, until one point is left; `autoencoder` learns what
to carry along, and to undo it.
"""

from tutorial_lib.hierarchy.autoencoder import HierarchicalAutoencoder, Unfolded
from tutorial_lib.hierarchy.heads import PieceHead, SlotDecoder, matched_error
from tutorial_lib.hierarchy.levels import FLAT, TETRIS, Gathering, Level, Points, gathered, padded, points_of
from tutorial_lib.hierarchy.polycubes import polycube_autoencoder, trained_on_polycubes
from tutorial_lib.hierarchy.training import exact, reconstruction_errors, reconstruction_loss, worst_distance

__all__ = [
    "FLAT",
    "TETRIS",
    "Gathering",
    "HierarchicalAutoencoder",
    "Level",
    "PieceHead",
    "Points",
    "SlotDecoder",
    "Unfolded",
    "exact",
    "gathered",
    "matched_error",
    "padded",
    "points_of",
    "polycube_autoencoder",
    "reconstruction_errors",
    "reconstruction_loss",
    "trained_on_polycubes",
    "worst_distance",
]
