"""A colour, a dash and a marker for what a thing is in a figure: real, made by a model, a baseline, a failure.

The colours are from the palette of Okabe and Ito, which colour-blind readers can tell apart; dashes and markers
say the same again for whoever sees no colours. In a notebook all figures have two pixels for one, for today's screens.
"""

import sys

if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("retina")

COLOURS = {
    "real": "#000000",
    "crystal": "#E69F00",
    "model": "#0072B2",
    "baseline": "#D55E00",
    "generated": "#009E73",
    "failure": "#CC79A7",
}
DASHES = {
    "real": "-",
    "crystal": "--",
    "model": (0, (7, 1.5)),
    "baseline": ":",
    "generated": "-.",
    "failure": (0, (1, 3)),
}
KINDS = tuple(COLOURS[name] for name in ("crystal", "model", "generated", "failure", "baseline", "real"))
MARKERS = {"real": "o", "crystal": "s", "model": "^", "baseline": "x", "generated": "D", "failure": "v"}
