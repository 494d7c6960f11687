"""A collection of whole clouds, asked for those in which a part is found: a part comes in, whole clouds go out.

The clouds may be drawn by a model or remembered from training. Every cloud is filed under each of its parts, by sorted
distances, so that a part finds its like quickly, without pose and numbering; the best are then laid upon it.
"""

from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tutorial_lib.metrics.motif_statistics import descriptor
from tutorial_lib.representations.alignment import match_atoms
from tutorial_lib.shapes import Known, Motifs, check, check_counts, check_finite

FILED_AT_MOST = 400_000  # parts; past it every second cloud, every third, ... is filed


@dataclass(frozen=True)
class Found:
    """Whole clouds in which a part was found, best first."""

    item: Int[Tensor, "parts found"]  # which cloud of the library
    order: Int[Tensor, "parts found known"]  # its atoms that are partners of the part's
    others: Int[Tensor, "parts found missing"]  # its other atoms
    rotation: Float[Tensor, "parts found 3 3"]  # cloud[order] @ rotation.mT is nearest to the part
    rmsd: Float[Tensor, "parts found"]  # angstrom, over the atoms of the part

    def flat(self, part: Known) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One row a cloud that was found: the part it was found for, the cloud, `order` and `others`."""
        repeated = part[:, None].expand(-1, self.item.shape[1], -1, -1)
        return tuple(table.flatten(0, 1) for table in (repeated, self.item, self.order, self.others))


class Library:
    """Clouds about their centres, filed under their parts; the atoms that a part lacks are among the nearest eight."""

    def __init__(self, clouds: Motifs):
        descriptor(clouds[:1])  # speaks up where there is nothing
        check_finite(clouds, what="clouds")
        self.clouds, self.among = clouds, min(8, clouds.shape[1])
        self._files: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def find(self, part: Known, n: int) -> Found:
        """The clouds that hold a part, or something like it, best first.

        The nearest `n` by sorted distances of all parts of that size are laid upon it, mirrors included. A cloud may
        come back more than once, with other atoms left over. Fewer than `n` come back where no more are filed.

        Raises:
            ValueError: the part has fewer than three atoms, or as many as the clouds or more.
        """
        n_atoms, n_known = self.clouds.shape[1], part.shape[1]
        least = max(3, n_atoms - self.among)
        check(
            least <= n_known < n_atoms, f"a part has {least} to {n_atoms - 1} atoms here, and one of {n_known} arrived"
        )
        check_counts(n=n)
        features, item, kept = self._filed(n_known)
        nearest = torch.cdist(descriptor(part), features).topk(min(n, len(item)), largest=False).indices
        item, kept = item[nearest], kept[nearest]
        repeated = part[:, None].expand(-1, item.shape[1], -1, -1).flatten(0, 1)
        match = match_atoms(repeated, self.clouds[item[..., None], kept].flatten(0, 1), allow_mirror=True)
        order = kept.flatten(0, 1).gather(1, match.order).view(kept.shape)
        rmsd = match.rmsd.view(item.shape)
        others = torch.ones(*item.shape, n_atoms).scatter(2, kept, 0).nonzero()[:, 2].view(*item.shape, -1)
        best = torch.arange(len(item))[:, None], rmsd.argsort(dim=1)
        return Found(item[best], order[best], others[best], match.rotation.view(*item.shape, 3, 3)[best], rmsd[best])

    def _filed(self, n_known: int) -> tuple[Tensor, Tensor, Tensor]:
        # Features of all parts of a size, the cloud of each, and its atoms.
        if n_known not in self._files:
            n_atoms = self.clouds.shape[1]
            lacking = combinations(range(self.among), n_atoms - n_known)
            parts = torch.tensor([[i for i in range(n_atoms) if i not in lost] for lost in lacking])
            item = torch.arange(0, len(self.clouds), -(-len(self.clouds) * len(parts) // FILED_AT_MOST))
            by_distance = self.clouds[item].norm(dim=2).argsort(dim=1)
            kept = torch.cat([by_distance[:, part] for part in parts])
            item = item.repeat(len(parts))
            self._files[n_known] = (descriptor(self.clouds[item[:, None], kept]), item, kept)
        return self._files[n_known]
