"""One order and one pose for all motifs: training motifs come in, a template goes out that gives both."""

from dataclasses import dataclass

import torch
from torch import Generator

from tutorial_lib.representations.alignment.matching import match_atoms
from tutorial_lib.representations.alignment.procrustes import best_rotation
from tutorial_lib.shapes import Motifs, Positions, check_counts, check_shapes


@dataclass(frozen=True)
class Template:
    """A mean motif that gives every other motif an order and a pose."""

    positions: Positions

    @classmethod
    def fit(cls, positions: Motifs, n_starts: int = 8, n_rounds: int = 6, seed: int = 0) -> "Template":
        """The template of a set of training motifs, some hundred: match all to one of them, take the mean, repeat.

        Where that ends depends on where it starts. So it starts from several motifs, and keeps the template whose
        canonical motifs differ least beyond the eight directions in which they differ most, which is the error of the
        best linear autoencoder with eight numbers. Fit it on training cells only.
        """
        check_counts(n_starts=n_starts)
        check_shapes(positions=(positions, "motifs+ atoms 3"))
        chosen = torch.randperm(len(positions), generator=Generator().manual_seed(seed))[:n_starts]
        found = [cls(positions[start])._settled(positions, n_rounds) for start in chosen]
        return min(found, key=lambda template: _left_over(template.canonical(positions)))

    def _settled(self, positions: Motifs, n_rounds: int) -> "Template":
        template = self
        for _ in range(n_rounds):
            template = Template(template.canonical(positions).mean(0))
        return template

    def canonical(self, positions: Motifs) -> Motifs:
        """Motifs in the order and pose in which they are nearest to the template, mirrored where that is nearer."""
        check_shapes(positions=(positions, f"motifs+ {len(self.positions)} 3"))
        template = self.positions.to(positions).expand_as(positions)
        order = match_atoms(template, positions, allow_mirror=True).order
        ordered = positions.gather(1, order[..., None].expand_as(positions))
        return ordered @ best_rotation(ordered, template, allow_mirror=True).mT


def _left_over(canonical: Motifs, n_directions: int = 8) -> float:
    flat = canonical.flatten(1)
    return torch.linalg.svdvals(flat - flat.mean(0))[n_directions:].square().sum().item()
