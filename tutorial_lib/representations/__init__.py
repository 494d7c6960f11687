"""What a network is shown: atoms come in, arrays go out that do or do not change when the atoms turn.

`neighbours` cuts local environments out of cells; `gram` are Gram matrices; `molecules` strings, graphs, fingerprints
and images; `radial` and `rotations` help; `alignment` brings clouds into one order and pose, `synchronisation` many at
once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {"molecules", "radial"},
    {
        "alignment.matching": ["Match", "Template", "aligned_rmsd", "match_atoms"],
        "alignment.procrustes": ["best_rotation"],
        "gram": [
            "gram_matrix",
            "upper_triangle",
            "from_upper_triangle",
            "permuted",
            "Standardiser",
            "nearest_rank3",
            "positions_from_gram",
        ],
        "neighbours": ["Environments", "neighbour_pairs", "nearest_neighbours"],
        "rotations": ["random_orthogonal", "random_rotation"],
        "synchronisation": ["synchronise", "chained", "rotation_error"],
    },
)
