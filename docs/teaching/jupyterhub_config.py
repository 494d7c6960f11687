"""A JupyterHub for one machine and a class: the accounts are the machine's own, and nothing is reached from outside.

cd /srv/hub && jupyterhub -f jupyterhub_config.py     as root, in a folder that only root reads: it gets keys

JupyterHub, configurable-http-proxy and the course's environment are installed; docs/teaching/jupyterhub.md says how.
Passwords stand nowhere in this file: they are those of the accounts.
"""

import os
import resource

from jupyterhub.spawner import LocalProcessSpawner

c = get_config()  # noqa: F821

# Loopback, until something in front of it speaks https: a password must not travel in the clear.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# Who has an account on this machine and is in this group may come in; all others, root too, may not.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"students"}

# Two notebooks open at once, and the server: the page says from which measurements.
LIMIT = 2 * 2**30
c.Spawner.mem_limit = LIMIT
# No more servers than memory holds, so that the last who comes is refused and the others go on.
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
c.JupyterHub.active_server_limit = max(1, int(0.8 * MEMORY / 2**30))


class LimitedSpawner(LocalProcessSpawner):
    """Servers as ordinary processes of their users, each of whose processes keeps to `mem_limit`.

    JupyterHub only tells such a server its limit; here Linux enforces it, process by process: a cell that asks for more
    gets a MemoryError, and its notebook lives. It is no limit for a user as a whole: systemd and containers have that.
    """

    def make_preexec_fn(self, name: str):
        """What a new process does before it is a server."""
        become_the_user, limit = super().make_preexec_fn(name), self.mem_limit

        def confine() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
            become_the_user()
            os.umask(0o077)  # what a student writes, other students do not read

        return confine


c.JupyterHub.spawner_class = LimitedSpawner

# One thread each. PyTorch would take one a core, and thirty students' threads would wait for each other.
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}
c.Spawner.default_url = "/lab"

# An hour without a running cell ends a kernel, even if its tab is open; a server without kernels ends after another.
# Files stay, variables do not. What computes is left alone.
IDLE = 3600
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    "--MappingKernelManager.cull_connected=True",
    f"--MappingKernelManager.cull_interval={IDLE // 12}",
    f"--ServerApp.shutdown_no_activity_timeout={IDLE}",
]

# PyTorch is read from the disk once for all, but thirty servers at the same second would queue for it.
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.start_timeout = 120
