"""One seeded loop: a model, its data, a loss and a recipe come in, a trained model and its history go out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    {"batches", "recipes", "streaming"},
    {
        "loop": ["Diverged", "History", "Recipe", "best_device", "load_history", "profile", "threads", "train"],
    },
)
