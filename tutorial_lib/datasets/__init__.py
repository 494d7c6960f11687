"""The data that come with the course: atoms in angstrom, polycubes in edges of a cube, and handwritten digits.

`silicon` are the amorphous cells, `g2` and `qm9` molecules, `hamiltonians` their matrices, `isomers` molecules of one
formula, `octahedra` clusters of them, `polycubes` the Tetris pieces and their kin. `structures` reads other people's
files. Nothing is loaded before it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {"digits", "g2", "hamiltonians", "isomers", "octahedra", "polycubes", "qm9", "structures"},
    {"silicon": ["load_amorphous", "load_silica", "crystal"]},
)
