"""Every figure of the course: numbers and an axis come in, the axis goes out with its labels and units.

The only room that imports matplotlib. `curves` has two axes with units; `pictures`, `spheres`, `holes` and `stills`
show things, and `palette` holds the colours of what is real, a model, a baseline or a failure.
"""

from tutorial_lib.plotting.curves import bars, curve, distributions, panels, points, seeds, training_history
from tutorial_lib.plotting.holes import Hole, candidates, density
from tutorial_lib.plotting.palette import COLOURS, DASHES
from tutorial_lib.plotting.pictures import arrows, digits, gallery, latent_map, lobes, matrix, orbital_matrix
from tutorial_lib.plotting.spheres import cross_section, signals
from tutorial_lib.plotting.stills import CAMERA, SILICON, Arrow, bonds, scatter_map, still, strip

__all__ = [
    "CAMERA",
    "COLOURS",
    "DASHES",
    "SILICON",
    "Arrow",
    "Hole",
    "arrows",
    "bars",
    "bonds",
    "candidates",
    "cross_section",
    "curve",
    "density",
    "digits",
    "distributions",
    "gallery",
    "latent_map",
    "lobes",
    "matrix",
    "orbital_matrix",
    "panels",
    "points",
    "scatter_map",
    "seeds",
    "signals",
    "still",
    "strip",
    "training_history",
]
