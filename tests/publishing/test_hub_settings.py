"""The settings that the page about JupyterHub hands out: they load, ask for a password, and say what the page says."""

import re

import pytest
import yaml

from scripts.publish.make_front_page import HUB, TOP

CONFIG = TOP / "docs" / "teaching" / "jupyterhub_config.py"


@pytest.fixture
def values():
    return yaml.safe_load((HUB.parent / "jupyterhub_values.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def running():
    """A hub that has read the configuration and has not started."""
    app = pytest.importorskip("jupyterhub.app", reason="JupyterHub is not installed (extra `teach`)")
    running = app.JupyterHub()
    running.load_config_file(str(CONFIG))
    return running


def test_a_student_is_promised_one_notebook_and_may_take_two(values):
    text = HUB.read_text(encoding="utf-8")
    whole, server = map(float, re.search(r"one notebook open has ([\d.]+) GB: ([\d.]+) of them", text).groups())
    memory = {name: float(size.removesuffix("G")) for name, size in values["singleuser"]["memory"].items()}
    assert whole <= memory["guarantee"] <= 1.1 * whole
    assert 2 * whole - server <= memory["limit"]
    assert "LIMIT = 2 * 2**30" in CONFIG.read_text(encoding="utf-8")
    assert "limits.memory 2G" in text


def test_the_values_ask_for_a_password_and_hold_none(values):
    assert values["hub"]["config"]["JupyterHub"]["authenticator_class"] not in ("dummy", "null", "tmp")
    assert values["proxy"]["https"]["enabled"]
    assert not re.search(r"^\s*\w*(password|client_secret|token)\w*:", yaml.safe_dump(values), flags=re.MULTILINE)
    assert values["singleuser"]["extraEnv"]["OMP_NUM_THREADS"] == "1"


def test_the_configuration_loads_stays_on_loopback_and_asks_for_a_password(running):
    config = running.config
    assert running.bind_url.startswith("http://127.0.0.1:")
    assert running.authenticator_class.__name__ == "PAMAuthenticator"
    assert config.PAMAuthenticator.allowed_groups == {"students"}
    assert "allow_all" not in config.Authenticator
    assert "allow_all" not in config.PAMAuthenticator
    assert config.Spawner.environment == {"OMP_NUM_THREADS": "1"}
    assert "--MappingKernelManager.cull_idle_timeout=3600" in config.Spawner.args


def test_every_name_in_the_configuration_is_one_that_jupyterhub_knows(running):
    from jupyterhub import app, auth, spawner

    local = spawner.LocalProcessSpawner
    kinds = {"JupyterHub": app.JupyterHub, "PAMAuthenticator": auth.PAMAuthenticator, "Spawner": local}
    for name, settings in running.config.items():
        assert set(settings) <= set(kinds[name].class_traits(config=True)), name
