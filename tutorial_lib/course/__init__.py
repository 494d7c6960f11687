"""A reader's copies of the notebooks, the server that shows them, and runs from top to bottom."""
