"""A hierarchical autoencoder of point clouds: clouds come in, one vector of irreps each goes out, and clouds again.

`levels` says which points are pooled into one, level by level, until one point is left; `found_motifs` finds which
points pool their neighbours; `autoencoder` is encoder and decoder, made of `layers` and trained with `losses`; `atoms`
and `materials` apply it to molecules and octahedra; `heads` predict from codes. `growth` learns where points may be
added, `growing` adds them, and `guided` grows a cloud that follows a latent code.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "atoms": ["clouds_of", "decode_atoms", "encode_atoms", "examples", "same_molecule"],
        "autoencoder": ["HierarchicalAutoencoder", "Unfolded"],
        "found_motifs": ["FoundMotifs", "signal_powers"],
        "growing": ["Sites", "edited", "grow", "removable", "sites"],
        "growth": ["GrowthHead", "additions", "free_places", "growth_loss"],
        "guided": ["guided_decode", "led_by"],
        "heads": ["PieceHead", "SlotDecoder", "invariants", "matched_error"],
        "layers": ["codes_of", "signals_of"],
        "levels": ["FLAT", "TETRIS", "Level", "Pooling", "pooled"],
        "losses": ["exact", "reconstruction_errors", "reconstruction_loss", "worst_distance"],
        "materials": [
            "molecule_autoencoder",
            "octahedra_autoencoder",
            "octahedra_levels",
            "octahedra_to_train_on",
            "polycube_autoencoder",
            "trained_on_molecules",
            "trained_on_octahedra",
            "trained_on_polycubes",
            "trained_to_grow",
        ],
        "points": ["Points", "padded", "points_of"],
    },
)
