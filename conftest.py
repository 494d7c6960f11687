"""How nbval compares: what differs between two machines that agree is not looked at."""


def pytest_collectstart(collector):
    """Leave progress bars and the HTML twin of a compared text out of the comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr", "text/html", "application/javascript")
