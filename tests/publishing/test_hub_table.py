"""The page about JupyterHub: a table that is computed and grows as it should, and settings that load."""

import json
import re

import pytest
import yaml

from scripts.publish import make_front_page
from scripts.teach import make_hub_table as hub


@pytest.fixture(scope="module")
def text():
    return hub.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured():
    return json.loads(hub.MEASURED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def need(measured):
    return hub.needs(hub.stored("notebooks"), measured)


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load((hub.PAGE.parent / "jupyterhub_values.yaml").read_text(encoding="utf-8"))


each_pattern = pytest.mark.parametrize("pattern", [hub.in_class, hub.at_home])


def test_the_tables_on_the_page_are_the_computed_ones(text):
    assert hub.with_blocks(text, hub.blocks()) == text, "run python scripts/teach/make_hub_table.py"


def test_the_longest_of_all_is_taken():
    costs = {
        "01_a": {"cpu_seconds": 5, "gigabytes": 0.5, "seconds": {"x": 1, "y": 3}},
        "09_b": {"cpu_seconds": 99, "gigabytes": 0.7, "seconds": {"z": 90}},
    }
    need = hub.needs(costs, {"server_gigabytes": 0.1})
    assert need == pytest.approx({"memory": 0.8, "cell": 3, "notebook": 5})


def test_a_class_has_the_fewest_cores_with_which_nobody_waits_too_long(need):
    cores = hub.class_cores(30, need["cell"])
    allowed = hub.ASSUMED["slower"] + 0.01
    assert hub.class_cores(30, need["cell"], 300) < cores
    assert hub.slowest(30, cores, need["cell"], 60) <= allowed < hub.slowest(30, cores - 1, need["cell"], 60)


def test_waiting_is_what_a_queue_says_where_the_answer_is_known():
    assert hub.slowest(8, 8, 20, 0) == pytest.approx(1, abs=0.01)
    assert hub.slowest(8, 2, 20, 0) == pytest.approx(4, abs=0.02), "all at the same second on a quarter of the cores"
    assert hub.slowest(4, 1, 20, 1000) == pytest.approx(1, abs=0.01), "one after the other"


def test_homework_needs_fewer_seats_and_cores_than_a_class(need):
    for students in (100, 1000):
        at_home, in_class = hub.at_home(students, need), hub.in_class(students, need)
        assert at_home["present"] < in_class["present"]
        assert at_home["cores"] < in_class["cores"]
    assert hub.at_home(3, need)["present"] <= 3


def test_one_machine_ends_where_the_page_says(need, text):
    most = hub.largest_class(need)
    assert f"carries a class of {most}." in text
    assert hub.carrier(most, hub.in_class(most, need)["cores"], hub.memory(most, need)) == "one machine"
    more = hub.in_class(most + 1, need)["cores"]
    assert "Kubernetes" in hub.carrier(most + 1, more, hub.memory(most + 1, need))


@each_pattern
def test_a_cluster_has_seats_for_what_the_values_promise_and_cores_for_what_is_used(pattern, need, values):
    promised = {name: values["singleuser"][name]["guarantee"] for name in ("cpu", "memory")}
    memory = float(promised["memory"].removesuffix("G"))
    assert {"cores": promised["cpu"], "memory": memory} == hub.PROMISED
    found = pattern(1000, need)
    gigabytes = hub.memory(found["present"], need)
    nodes = int(re.search(r"(\d+) nodes", hub.carrier(found["present"], found["cores"], gigabytes))[1])
    assert nodes * hub.NODE["cores"] >= max(found["cores"], found["present"] * hub.PROMISED["cores"])
    assert nodes * hub.NODE["memory"] >= max(gigabytes, found["present"] * hub.PROMISED["memory"])
    assert (nodes - 1) * hub.seats() < found["present"], "and no node more"


def test_cores_run_out_first_in_class_and_memory_for_homework(need, text):
    assert "In class cores run out first, for homework memory" in text
    for pattern, first, later in ((hub.in_class, "cores", "memory"), (hub.at_home, "memory", "cores")):
        found = pattern(100, need)
        found["memory"] = hub.memory(found["present"], need)
        assert found[first] / hub.MACHINE[first] > found[later] / hub.MACHINE[later]


def test_limits_are_two_notebooks_and_guarantees_are_one(need, text, values, measured):
    notebook = need["memory"] - measured["server_gigabytes"]
    config = (hub.PAGE.parent / "jupyterhub_config.py").read_text(encoding="utf-8")
    memory = {name: float(size.removesuffix("G")) for name, size in values["singleuser"]["memory"].items()}
    assert need["memory"] <= memory["guarantee"] <= 1.1 * need["memory"]
    assert 2 * notebook + measured["server_gigabytes"] <= memory["limit"]
    assert "LIMIT = 2 * 2**30" in config
    assert "limits.memory 2G" in text


def test_a_promised_share_of_a_core_is_that_of_the_table(need, values):
    share = hub.in_class(1000, need)["cores"] / 1000
    assert share <= values["singleuser"]["cpu"]["guarantee"] <= 1.3 * share


def test_the_values_ask_for_a_password_and_hold_none(values):
    authenticator = values["hub"]["config"]["JupyterHub"]["authenticator_class"]
    assert authenticator not in ("dummy", "null", "tmp")
    assert values["proxy"]["https"]["enabled"]
    assert not re.search(r"^\s*\w*(password|client_secret|token)\w*:", yaml.safe_dump(values), flags=re.MULTILINE)
    assert values["singleuser"]["extraEnv"]["OMP_NUM_THREADS"] == "1"


def test_the_configuration_loads_stays_on_loopback_and_asks_for_a_password():
    app = pytest.importorskip("jupyterhub.app", reason="JupyterHub is not installed (extra `teach`)")
    running = app.JupyterHub()
    running.load_config_file(str(hub.PAGE.parent / "jupyterhub_config.py"))
    config = running.config
    assert running.bind_url.startswith("http://127.0.0.1:")
    assert running.authenticator_class.__name__ == "PAMAuthenticator"
    assert config.PAMAuthenticator.allowed_groups == {"students"}
    assert "allow_all" not in config.Authenticator
    assert "allow_all" not in config.PAMAuthenticator
    assert config.Spawner.environment == {"OMP_NUM_THREADS": "1"}
    assert f"--MappingKernelManager.cull_idle_timeout={hub.ASSUMED['hours until culled'] * 3600}" in config.Spawner.args


def test_every_name_in_the_configuration_is_one_that_jupyterhub_knows():
    app = pytest.importorskip("jupyterhub.app", reason="JupyterHub is not installed (extra `teach`)")
    auth, spawner = (pytest.importorskip(f"jupyterhub.{name}") for name in ("auth", "spawner"))
    running = app.JupyterHub()
    running.load_config_file(str(hub.PAGE.parent / "jupyterhub_config.py"))
    kinds = {
        "JupyterHub": app.JupyterHub,
        "PAMAuthenticator": auth.PAMAuthenticator,
        "Spawner": spawner.LocalProcessSpawner,
    }
    for name, settings in running.config.items():
        assert set(settings) <= set(kinds[name].class_traits(config=True)), name


def test_the_link_is_the_one_that_the_trial_follows():
    query = make_front_page.hub("https://example.org/a/b", "http://127.0.0.1:1").split("?")[1]
    assert query.startswith("repo=https://example.org/a/b&branch=main&targetpath=course&urlpath=")
