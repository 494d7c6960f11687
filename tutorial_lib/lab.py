"""Who may come into the JupyterLab that `python -m tutorial_lib` starts: who has its token, in any configuration."""

import secrets

from jupyter_server.auth.identity import PasswordIdentityProvider
from traitlets import validate


class NeverOpen(PasswordIdentityProvider):
    """Jupyter's own door, but that a configuration with an empty token and no password gets a new token."""

    @validate("token")
    def _never_empty(self, proposal):
        if proposal["value"] or self.hashed_password:
            return proposal["value"]
        self.token_generated = True  # so that it is printed, as one of Jupyter's own
        return secrets.token_hex(24)
