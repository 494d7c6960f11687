"""Missing atoms: the known part of a cloud comes in, candidates for the rest go out, best first.

`holes` takes atoms out and measures answers; `ranking` makes a few good answers of a model's draws, whatever the model.
`library` finds clouds that hold a part, `latent` asks a decoder, also the talk's way, and `baselines`
know nothing or remember. Models are handed in; `places` is one that was made for this question.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "baselines": ["LinearGaussian", "RandomPlaces", "Retrieval", "TemplateCompletion"],
        "holes": ["apart", "by_cell", "closest", "restored_error", "shell_places", "taken_out"],
        "latent": ["LatentCompletion", "TalkCompletion", "from_products"],
        "library": ["Library"],
        "ranking": ["Completer", "Completions", "Draws", "inpaint"],
    },
)
