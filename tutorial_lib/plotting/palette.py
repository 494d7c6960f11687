"""One colour and one dash for one thing in every notebook.

From the palette of Okabe and Ito, which colour-blind readers can tell apart.
"""

COLOURS = {
    "real": "#000000",
    "crystal": "#E69F00",
    "model": "#0072B2",
    "baseline": "#D55E00",
    "generated": "#009E73",
    "failure": "#CC79A7",
}
DASHES = {"real": "-", "crystal": "--", "model": "-", "baseline": ":", "generated": "-.", "failure": ":"}
