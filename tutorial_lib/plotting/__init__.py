"""Every figure of the course: numbers come in, and an axis with its labels and units goes out.

The only folder that imports matplotlib. `axes` draws figures with two axes and units, `space` and `stills` show things
in three dimensions, and `palette` holds the colours of what is real, a model, a baseline or a failure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "axes": [
            "bars",
            "curve",
            "distributions",
            "panels",
            "points",
            "rows",
            "sample_paths",
            "seeds",
            "training_history",
            "arrows",
            "digits",
            "flow_chart",
            "gallery",
            "latent_map",
            "matrix",
            "orbital_matrix",
        ],
        "orbitals": ["basis_values", "orbital"],
        "palette": ["COLOURS", "DASHES"],
        "space": ["Hole", "candidates", "cross_section", "density", "lobes", "signals"],
        "stills": ["CAMERA", "SILICON", "Arrow", "bonds", "coordination", "film", "scatter_map", "still", "strip"],
        "viewer": ["animate", "linked_map", "view"],
    },
)
