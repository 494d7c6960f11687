"""A JupyterHub on loopback, with the configuration that we hand out, real accounts and real passwords.

It makes four accounts on this machine and removes them afterwards, so it needs root; and it needs
configurable-http-proxy, which npm installs, and a Python that other accounts may run.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from chromium import CHROMIUM, until

from scripts.publish import make_front_page

TOP = Path(__file__).parent.parent.parent
CONFIG = TOP / "docs" / "teaching" / "jupyterhub_config.py"
FIRST = "notebooks/01_invariance.ipynb"
GIT_DAEMON = Path("/usr/lib/git-core/git-daemon")
OUTSIDERS_RUN = ["runuser", "-u", "nobody", "--", sys.executable, "-c", "import jupyterhub, nbgitpuller, tutorial_lib"]


@pytest.fixture(scope="module", autouse=True)
def nothing_missing():
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("making accounts needs root")
    for name in ("configurable-http-proxy", "git", "useradd", "chpasswd", "runuser"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed (npm install -g configurable-http-proxy)")
    if not GIT_DAEMON.exists() or not (TOP / ".git").exists():
        pytest.skip("a git checkout and git-daemon are needed")
    if subprocess.run(OUTSIDERS_RUN, cwd="/", capture_output=True).returncode:
        pytest.skip("other accounts cannot run this Python with what the course needs: install it where all may read")


pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def free_port():
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


def git(*words, at):
    subprocess.run(["git", "-c", "safe.directory=*", *words], cwd=at, check=True, capture_output=True)


def stop(process):
    """End a process that we started, and its children."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in children:
        if child.is_running():
            child.kill()


@pytest.fixture(scope="module")
def accounts():
    """Names and passwords: three accounts in the group that may come in, and one, eve's, outside it."""
    tag = secrets.token_hex(3)
    # The most careless homes there are: what protects their files has to be the hub's doing.
    roles = {role: (f"hub-{role}-{tag}", secrets.token_urlsafe(12)) for role in ("ada", "bob", "cyd", "eve")}
    had_group = subprocess.run(["getent", "group", "students"], capture_output=True).returncode == 0
    subprocess.run(["groupadd", "-f", "students"], check=True)
    try:
        for role, (name, password) in roles.items():
            groups = [] if role == "eve" else ["-G", "students"]
            subprocess.run(["useradd", "-m", "-K", "HOME_MODE=0755", "-s", "/bin/bash", *groups, name], check=True)
            subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
        yield roles
    finally:
        for name, _ in roles.values():
            subprocess.run(["userdel", "-r", name], capture_output=True)
        if not had_group:
            subprocess.run(["groupdel", "students"], capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The address of the course in a bare repository, served on loopback."""
    folder = tmp_path_factory.mktemp("git")
    git("clone", "--quiet", "--bare", str(TOP), str(folder / "course.git"), at=folder)
    git("update-ref", "refs/heads/main", "HEAD", at=folder / "course.git")
    git("symbolic-ref", "HEAD", "refs/heads/main", at=folder / "course.git")
    port = free_port()
    command = [GIT_DAEMON, "--export-all", f"--base-path={folder}", "--listen=127.0.0.1", f"--port={port}"]
    daemon = subprocess.Popen(command)
    address = f"git://127.0.0.1:{port}/course.git"
    try:
        ask = ["git", "ls-remote", address]
        assert until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, 30), "the repository is silent"
        yield address
    finally:
        stop(daemon)


@pytest.fixture(scope="module")
def hub(tmp_path_factory, accounts):
    """The address of a running hub: our configuration with other ports, and for one student seconds for an hour."""
    folder = tmp_path_factory.mktemp("hub")
    port, proxy, inner = free_port(), free_port(), free_port()
    (folder / "trial.py").write_text(
        f"load_subconfig({str(CONFIG)!r})\n"
        f"c.JupyterHub.bind_url = 'http://127.0.0.1:{port}'\n"
        f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{proxy}'\n"
        f"c.JupyterHub.hub_bind_url = 'http://127.0.0.1:{inner}'\n"
        "c.Spawner.poll_interval = 5\n"
        "def impatient(spawner):\n"
        "    if '-cyd-' in spawner.user.name:\n"
        "        spawner.args = [word.replace('=3600', '=5').replace('=300', '=2') for word in spawner.args]\n"
        "c.Spawner.pre_spawn_hook = impatient\n"
    )
    keep = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
    env = keep | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with open(folder / "log", "w") as log:
        command = [sys.executable, "-m", "jupyterhub", "-f", "trial.py"]
        running = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def answers():
        assert running.poll() is None, (folder / "log").read_text()
        try:
            return requests.get(f"{address}/hub/login", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    try:
        assert until(answers, 60), "the hub does not answer"
        yield address
    finally:
        stop(running)
        print((folder / "log").read_text()[-5000:])


class Student:
    """Somebody with a browser's cookies."""

    def __init__(self, hub, name):
        self.hub, self.name, self.session = hub, name, requests.Session()

    def log_in(self, password):
        self.session.get(f"{self.hub}/hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        return self.session.post(f"{self.hub}/hub/login", params={"next": "/hub/home"}, data=form, timeout=60)

    def start(self):
        self.session.get(f"{self.hub}/hub/spawn", timeout=150)
        own = f"{self.hub}/user/{self.name}/"

        def answers():
            self.session.get(f"{own}lab", timeout=60)  # through its door, and back with a cookie of its own
            return self.session.get(f"{own}api/status", timeout=60).status_code == 200

        assert until(answers, 150), "the server does not answer"

    def ask(self, method, path, name=None, **options):
        """A request to a server, one's own if no name is given."""
        name = name or self.name
        token = self.session.cookies.get("_xsrf", path=f"/user/{name}/")
        headers = {"X-XSRFToken": token} if token else {}
        return self.session.request(method, f"{self.hub}/user/{name}/{path}", headers=headers, timeout=150, **options)

    def open_notebook(self):
        """Start a kernel, as JupyterLab does when a notebook is opened."""
        notebook = {"path": "mine.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        assert self.ask("POST", "api/sessions", json=notebook).status_code == 201

    def processes(self):
        return [one for one in psutil.process_iter(["username", "cmdline"]) if one.info["username"] == self.name]


@pytest.fixture(scope="module")
def started(hub, accounts):
    """A function that logs a student in, by role, and starts the server."""

    def start(role):
        name, password = accounts[role]
        student = Student(hub, name)
        assert student.log_in(password).status_code == 200
        student.start()
        return student

    return start


@pytest.mark.parametrize(("role", "whose", "message"), [("ada", "bob", "Invalid username"), ("eve", "eve", "")])
def test_a_wrong_password_and_an_account_outside_the_group_are_refused(hub, accounts, role, whose, message):
    student = Student(hub, accounts[role][0])
    answer = student.log_in(accounts[whose][1])
    assert answer.status_code == 403
    assert message in answer.text
    assert student.session.get(f"{hub}/hub/home").url.startswith(f"{hub}/hub/login")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)")
def test_the_link_leads_through_the_form_to_notebook_00_in_a_browser(hub, accounts, repository, browser):
    name, password = accounts["bob"]
    tab = browser.new_page()
    tab.set_default_timeout(150_000)
    tab.goto(make_front_page.hub(repository, hub))
    tab.fill("#username_input", name)
    tab.fill("#password_input", password)
    tab.click("#login_submit")
    tab.get_by_role("heading", name="Ten minutes").or_(tab.locator(".jp-Notebook h1")).first.wait_for()
    assert "/lab/tree/course/notebooks/00_ten_minutes.ipynb" in tab.url
    assert Path(f"~{name}/course/{FIRST}").expanduser().read_bytes() == (TOP / FIRST).read_bytes()


def test_a_kernel_has_one_thread_a_memory_limit_and_files_of_its_own(started):
    student = started("ada")
    student.open_notebook()
    (kernel,) = [one for one in student.processes() if "ipykernel" in " ".join(one.info["cmdline"])]
    assert kernel.environ()["OMP_NUM_THREADS"] == "1"
    limits, status = (Path(f"/proc/{kernel.pid}/{name}").read_text() for name in ("limits", "status"))
    assert re.search(rf"Max data size +{2 * 2**30} +{2 * 2**30} ", limits)
    assert "Umask:\t0077\n" in status


def test_a_student_does_not_reach_the_server_of_another(started):
    ada, bob = started("ada"), started("bob")
    assert bob.ask("GET", "api/contents").status_code == 200
    assert bob.ask("GET", "api/contents", ada.name).status_code == 403


def test_a_server_that_is_left_alone_stops(started):
    student = started("cyd")
    student.open_notebook()
    assert until(lambda: not student.processes(), 240), "a process of the student is left"
    assert Path(f"~{student.name}").expanduser().exists()
