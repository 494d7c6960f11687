"""The shape and the unit of every array that passes between rooms, each written down once.

Nothing comes in and nothing goes out: these are annotations. They cost nothing at run time and are
checked in the tests. Rows are atoms and a rotation acts as `x @ Q.mT`.
"""

from jaxtyping import Float, Int
from torch import Tensor

Positions = Float[Tensor, "*batch atoms 3"]  # angstrom, one atom a row
Motifs = Float[Tensor, "_ atoms 3"]  # angstrom, about the centre; two sets need not be of one size
Gram = Float[Tensor, "*batch atoms atoms"]  # angstrom^2, inner products x_i . x_j
Orthogonal = Float[Tensor, "*batch 3 3"]  # Q^T Q = 1, det +1 or -1; acts as x @ Q.mT
UpperTriangle = Float[Tensor, "*batch pairs"]  # angstrom^2, entries i <= j of a Gram matrix, row by row
Features = Float[Tensor, "batch features"]  # no unit: standardised numbers, what a network reads
Examples = Float[Tensor, "_ features"]  # features again, of another set than the one in question
Decoded = Float[Tensor, "batch *output"]  # features again, or angstrom where clouds come out
Latent = Float[Tensor, "batch latent"]  # no unit: codes, compared with N(0, 1)
Scalars = Float[Tensor, "*batch"]  # one number a batch entry
Indices = Int[Tensor, " batch"]  # whole numbers that point at cells or atoms
Order = Int[Tensor, "*batch atoms"]  # which atom comes first, second, ...
Coefficients = Float[Tensor, "_"]  # no unit: one function on the sphere, in spherical harmonics
Signals = Float[Tensor, "_ _ _"]  # no unit: coefficients, points, channels; functions on the sphere at points
Places = Float[Tensor, "_ 3"]  # in the unit of positions: anywhere, not only where points are
Known = Float[Tensor, "queries known 3"]  # angstrom, about the centre: the atoms that are there
Missing = Float[Tensor, "queries missing 3"]  # angstrom, about the same centre: the atoms that were taken out
Candidates = Float[Tensor, "queries candidates missing 3"]  # angstrom: answers to each query, best first
PerCandidate = Float[Tensor, "queries candidates"]  # one number an answer
