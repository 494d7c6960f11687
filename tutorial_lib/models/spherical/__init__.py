"""Functions on the sphere: directions come in, coefficients go out, and fields and points out of coefficients.

`signals` are functions on the sphere as rows of coefficients, with their products and their peaks; `fields` are made of
signals and have a value at every position about a centre; `ascents` decodes points as the peaks of a field.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "ascents": ["climbed", "merge", "peaks", "uphill"],
        "fields": ["OccupancyField", "gaussian_targets", "excess_cross_entropy", "places_about"],
        "signals": [
            "EquivariantLinear",
            "EquivariantNonlinearity",
            "degrees",
            "harmonics",
            "normalised",
            "product",
            "quadrature",
            "signal_peaks",
        ],
    },
)
