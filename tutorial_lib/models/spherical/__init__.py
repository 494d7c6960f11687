"""Functions on the sphere: directions come in, coefficients go out, and fields and points out of coefficients.

`signals` are functions on the sphere as rows of coefficients, with their products and their peaks; `fields` are made
of signals and have a value at every place about a centre; `peaks` are the points that a field gives back.
"""

from tutorial_lib.models.spherical.fields import OccupancyField, blobs, excess, places_about
from tutorial_lib.models.spherical.peaks import climbed, merge, peaks
from tutorial_lib.models.spherical.signals import (
    EquivariantLinear,
    EquivariantNonlinearity,
    degrees,
    harmonics,
    normalised,
    product,
    quadrature,
    signal_peaks,
)

__all__ = [
    "EquivariantLinear",
    "EquivariantNonlinearity",
    "OccupancyField",
    "blobs",
    "climbed",
    "degrees",
    "excess",
    "harmonics",
    "merge",
    "normalised",
    "peaks",
    "places_about",
    "product",
    "quadrature",
    "signal_peaks",
]
