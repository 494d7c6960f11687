"""Missing atoms: the known part of a cloud comes in, candidates for the rest go out, best first.

`holes` takes atoms out and measures answers; `ranking` makes a few good answers of a model's draws, whatever the model.
`library` finds clouds that hold a part, `latent` asks a decoder, `objective` does it the talk's way, and `baselines`
know nothing or remember. Models are handed in; `places` next door is one that was made for this question.
"""

from tutorial_lib.inpainting.baselines import LinearGaussian, RandomPlaces, Retrieval, TemplateCompletion
from tutorial_lib.inpainting.holes import SHELLS, apart, by_cell, closest, restored_error, shell_places, taken_out
from tutorial_lib.inpainting.latent import LatentCompletion
from tutorial_lib.inpainting.library import Library
from tutorial_lib.inpainting.objective import TalkCompletion, from_products
from tutorial_lib.inpainting.ranking import Completer, Completions, Draws, inpaint

__all__ = [
    "SHELLS",
    "Completer",
    "Completions",
    "Draws",
    "LatentCompletion",
    "Library",
    "LinearGaussian",
    "RandomPlaces",
    "Retrieval",
    "TalkCompletion",
    "TemplateCompletion",
    "apart",
    "by_cell",
    "closest",
    "from_products",
    "inpaint",
    "restored_error",
    "shell_places",
    "taken_out",
]
