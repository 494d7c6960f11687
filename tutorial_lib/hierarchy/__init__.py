"""A hierarchical autoencoder of point clouds: clouds come in, one vector of irreps each goes out, and clouds again.

`levels` says which points are gathered into one, level by level, until one point is left; `autoencoder` learns what
to carry along, and to undo it.
"""

from tutorial_lib.hierarchy.atoms import clouds_of, decode_atoms, encode_atoms, examples, same_molecule
from tutorial_lib.hierarchy.autoencoder import HierarchicalAutoencoder
from tutorial_lib.hierarchy.growing import edited, grow, removable, sites
from tutorial_lib.hierarchy.growth import GrowthHead, growth_loss
from tutorial_lib.hierarchy.guided import guided_decode, led_by
from tutorial_lib.hierarchy.heads import PieceHead, SlotDecoder, invariants, matched_error
from tutorial_lib.hierarchy.joints import bends, steps_of, topology
from tutorial_lib.hierarchy.levels import FLAT, TETRIS, Gathering, Level, gathered
from tutorial_lib.hierarchy.materials import (
    molecule_autoencoder,
    motif_autoencoder,
    octahedra_autoencoder,
    octahedra_levels,
    octahedra_to_train_on,
    trained_on_molecules,
    trained_on_octahedra,
)
from tutorial_lib.hierarchy.motifs import Motifs, signal_powers
from tutorial_lib.hierarchy.networks import attachments, gaps, more_octahedra, network_heads
from tutorial_lib.hierarchy.points import Points, padded, points_of
from tutorial_lib.hierarchy.polycubes import additions, free_places, polycube_autoencoder, trained_on_polycubes
from tutorial_lib.hierarchy.training import exact, reconstruction_errors, reconstruction_loss, worst_distance
from tutorial_lib.hierarchy.unfolding import Unfolded

__all__ = [
    "FLAT",
    "TETRIS",
    "Gathering",
    "GrowthHead",
    "HierarchicalAutoencoder",
    "Level",
    "Motifs",
    "PieceHead",
    "Points",
    "SlotDecoder",
    "Unfolded",
    "additions",
    "attachments",
    "bends",
    "clouds_of",
    "decode_atoms",
    "edited",
    "encode_atoms",
    "exact",
    "examples",
    "free_places",
    "gaps",
    "gathered",
    "grow",
    "growth_loss",
    "guided_decode",
    "invariants",
    "led_by",
    "matched_error",
    "molecule_autoencoder",
    "more_octahedra",
    "motif_autoencoder",
    "network_heads",
    "octahedra_autoencoder",
    "octahedra_levels",
    "octahedra_to_train_on",
    "padded",
    "points_of",
    "polycube_autoencoder",
    "reconstruction_errors",
    "reconstruction_loss",
    "removable",
    "same_molecule",
    "signal_powers",
    "sites",
    "steps_of",
    "topology",
    "trained_on_molecules",
    "trained_on_octahedra",
    "trained_on_polycubes",
    "worst_distance",
]
