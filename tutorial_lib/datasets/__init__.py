"""Atoms that come with the course: the name of a split comes in, structures go out, positions in angstrom.

Nothing is loaded before it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {"digits", "g2", "hamiltonians", "isomers", "octahedra", "polycubes", "qm9", "structures"},
    {"silicon": ["load_amorphous", "crystal"]},
)
