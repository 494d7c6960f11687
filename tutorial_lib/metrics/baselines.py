"""How good a reconstruction is, and what it has to beat: matrices or features come in, the same go out.

Beside every error of a model stands the same error of the baselines here, none of which needs a gradient.
"""

import torch
from torch import Tensor

from tutorial_lib.metrics.motif_statistics import descriptor
from tutorial_lib.representations.alignment import match_atoms
from tutorial_lib.shapes import (
    Examples,
    Features,
    Latent,
    Motifs,
    Scalars,
    check,
    check_counts,
    check_finite,
    check_shapes,
)


def gram_error(reconstructed: Tensor, gram: Tensor) -> Scalars:
    """The root-mean-square error of the entries of each Gram matrix, angstrom^2."""
    check_shapes(reconstructed=(reconstructed, "*batch atoms+ atoms+"), gram=(gram, "*batch atoms+ atoms+"))
    return (reconstructed - gram).square().mean((-2, -1)).sqrt()


class PrincipalComponents:
    """The best linear autoencoder: the baseline that a network has to beat.

    Example:
        As many components as features restore everything.

        >>> features = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
        >>> torch.allclose(PrincipalComponents(features, 3).reconstruct(features), features, atol=1e-5)
        True
    """

    def __init__(self, features: Features, n_components: int = 8):
        check_shapes(features=(features, "inputs features"))
        check_finite(features, what="features")
        check_counts(n_components=n_components)
        check(
            n_components <= min(features.shape),
            f"{n_components} components from {features.shape[0]} inputs of {features.shape[1]} "
            "features: ask for fewer components or pass more inputs",
        )
        self.centre = features.mean(0)
        self.directions = torch.linalg.svd(features - self.centre, full_matrices=False).Vh[:n_components]

    def encode(self, features: Features) -> Latent:
        """The coordinates along the components, from the mean of the inputs that they were fitted on."""
        check_shapes(features=(features, f"inputs {len(self.centre)}"))
        return (features - self.centre) @ self.directions.mT

    def reconstruct(self, features: Features) -> Features:
        """The projection of inputs onto the components."""
        return self.centre + self.encode(features) @ self.directions


def nearest_training(features: Features, training: Examples) -> Features:
    """For each input the closest training example: a memory instead of a model."""
    check_shapes(features=(features, "inputs features"), training=(training, "examples+ features"))
    distance = torch.cdist(features, training)
    check_finite(distance, what="distances")
    return training[distance.argmin(1)]


def nearest_motif_rmsd(positions: Motifs, training: Motifs, n_candidates: int = 15) -> Scalars:
    """The distance of each motif to the training motif that lies upon it best: the error of a memory.

    The `n_candidates` training motifs with the most similar sorted distances are laid upon each; atoms are matched
    and the pose is chosen, mirrors included.
    """
    check_shapes(positions=(positions, "_ atoms 3"), training=(training, "_ atoms 3"))
    check_counts(n_candidates=n_candidates)
    difference = torch.cdist(descriptor(positions), descriptor(training))
    candidates = difference.topk(min(n_candidates, len(training)), dim=1, largest=False).indices
    whole = training[candidates].flatten(0, 1)
    part = positions[:, None].expand(-1, candidates.shape[1], -1, -1).flatten(0, 1)
    return match_atoms(part, whole, allow_mirror=True).rmsd.view(candidates.shape).amin(1)
