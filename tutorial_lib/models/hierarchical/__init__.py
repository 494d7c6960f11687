"""A hierarchical autoencoder of point clouds: clouds come in, one vector of irreps each goes out, and clouds again.

`levels` says which points are pooled into one, level by level, until one point is left; `autoencoder` learns what
to carry along, and to undo it. `growth` learns where points may be added, `growing` adds them, `guided` lets a code
lead.
"""

from tutorial_lib.models.hierarchical.atoms import clouds_of, decode_atoms, encode_atoms, examples, same_molecule
from tutorial_lib.models.hierarchical.autoencoder import HierarchicalAutoencoder
from tutorial_lib.models.hierarchical.codes import codes_of, signals_of
from tutorial_lib.models.hierarchical.found_motifs import FoundMotifs, signal_powers
from tutorial_lib.models.hierarchical.growing import Sites, edited, grow, removable, sites
from tutorial_lib.models.hierarchical.growth import GrowthHead, growth_loss
from tutorial_lib.models.hierarchical.guided import guided_decode, led_by
from tutorial_lib.models.hierarchical.heads import PieceHead, SlotDecoder, invariants, matched_error
from tutorial_lib.models.hierarchical.levels import FLAT, TETRIS, Level, Pooling, pooled
from tutorial_lib.models.hierarchical.losses import exact, reconstruction_errors, reconstruction_loss, worst_distance
from tutorial_lib.models.hierarchical.materials import (
    molecule_autoencoder,
    motif_autoencoder,
    octahedra_autoencoder,
    octahedra_levels,
    octahedra_to_train_on,
    trained_on_molecules,
    trained_on_octahedra,
)
from tutorial_lib.models.hierarchical.points import Points, padded, points_of
from tutorial_lib.models.hierarchical.polycubes import (
    additions,
    free_places,
    polycube_autoencoder,
    trained_on_polycubes,
    trained_to_grow,
)
from tutorial_lib.models.hierarchical.unfolding import Unfolded

__all__ = [
    "FLAT",
    "TETRIS",
    "FoundMotifs",
    "GrowthHead",
    "HierarchicalAutoencoder",
    "Level",
    "PieceHead",
    "Points",
    "Pooling",
    "Sites",
    "SlotDecoder",
    "Unfolded",
    "additions",
    "clouds_of",
    "codes_of",
    "decode_atoms",
    "edited",
    "encode_atoms",
    "exact",
    "examples",
    "free_places",
    "grow",
    "growth_loss",
    "guided_decode",
    "invariants",
    "led_by",
    "matched_error",
    "molecule_autoencoder",
    "motif_autoencoder",
    "octahedra_autoencoder",
    "octahedra_levels",
    "octahedra_to_train_on",
    "padded",
    "points_of",
    "polycube_autoencoder",
    "pooled",
    "reconstruction_errors",
    "reconstruction_loss",
    "removable",
    "same_molecule",
    "signal_powers",
    "signals_of",
    "sites",
    "trained_on_molecules",
    "trained_on_octahedra",
    "trained_on_polycubes",
    "trained_to_grow",
    "worst_distance",
]
