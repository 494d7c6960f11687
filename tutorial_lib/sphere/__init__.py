"""Functions on the sphere: directions come in, coefficients go out, and fields and points out of coefficients.

`signals` are functions on the sphere as rows of coefficients, with their products and their peaks; `fields` are made
of signals, have a value at every place about a centre, and give points back as their peaks.
"""

from tutorial_lib.sphere.fields import Field, blobs, climbed, merge, peaks, places_about
from tutorial_lib.sphere.signals import Bend, Mix, degrees, harmonics, normalised, product, quadrature, signal_peaks

__all__ = [
    "Bend",
    "Field",
    "Mix",
    "blobs",
    "climbed",
    "degrees",
    "harmonics",
    "merge",
    "normalised",
    "peaks",
    "places_about",
    "product",
    "quadrature",
    "signal_peaks",
]
