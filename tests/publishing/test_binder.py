"""What the public service makes of the repository, as far as that shows without Docker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parent.parent.parent
BINDER = TOP / "binder"


@pytest.mark.slow
def test_repo2docker_reads_our_folder_and_nothing_else(monkeypatch):
    repo2docker = pytest.importorskip("repo2docker.app", reason="repo2docker does not run on Windows")
    app = repo2docker.Repo2Docker()
    monkeypatch.chdir(TOP)
    pack = next(pack for pack in (kind(app.base_image) for kind in app.buildpacks) if pack.detect())
    pack.platform = "linux/amd64"
    dockerfile = pack.render()
    assert type(pack).__name__ == "CondaBuildPack"
    assert pack.python_version == "3.12"
    assert '--file "binder/environment.yml"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


def test_the_two_environment_files_agree():
    ours, conda = (yaml.safe_load(path.read_text()) for path in (BINDER / "environment.yml", TOP / "environment.yml"))
    assert ours["channels"] == conda["channels"] == ["conda-forge", "nodefaults"]
    assert ours["dependencies"] == [line for line in conda["dependencies"] if isinstance(line, str)]


def stand_ins(folder, *names):
    """An environment in which these commands print what they are given."""
    for name in names:
        (folder / name).write_text(f'#!/usr/bin/env bash\necho {name} "$@"\n')
        (folder / name).chmod(0o755)
    return os.environ | {"PATH": os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])}


def test_post_build_installs_the_pins_without_cuda_and_makes_the_working_copies(tmp_path):
    env = stand_ins(tmp_path, "pip", "python")
    done = subprocess.run([BINDER / "postBuild"], cwd=TOP, env=env, capture_output=True, text=True)
    words = done.stdout.split()
    assert done.stdout.splitlines()[-1] == "python -m tutorial_lib update"
    assert done.returncode == 0, done.stderr
    assert words[words.index("-c") + 1] == "constraints.txt"
    assert words[words.index("-e") + 1] == "."
    assert words[words.index("--extra-index-url") + 1] in (TOP / "docs" / "install.md").read_text(), "so does the page"


def test_start_gives_one_thread_and_runs_what_it_is_given():
    command = [BINDER / "start", "bash", "-c", "echo $OMP_NUM_THREADS"]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "7"}, capture_output=True, text=True)
    assert done.stdout == "1\n"


@pytest.mark.parametrize("path", sorted((TOP / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_a_workflow_may_do_little_and_not_for_long(path):
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in flow[True]  # YAML reads the key `on` as true
    for job in flow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/none@v1"))
            if "checkout" in step.get("uses", ""):
                assert step.get("with") == {"persist-credentials": False} or path.stem == "address"
    writing = [job["permissions"] for job in flow["jobs"].values() if "permissions" in job]
    assert writing == [{"contents": "write"}] * (path.stem == "address")


@pytest.mark.slow
def test_the_first_push_to_a_repository_writes_its_address_and_the_second_writes_nothing(tmp_path):
    if not (TOP / ".git").exists():
        pytest.skip("not a git checkout")
    flow = yaml.safe_load((TOP / ".github" / "workflows" / "address.yml").read_text())
    env = stand_ins(tmp_path, "pip") | {"GITHUB_REPOSITORY": "some/one"}
    here, there = tmp_path / "here", tmp_path / "there"
    subprocess.run(["git", "clone", "-q", "--bare", TOP, there], check=True)
    subprocess.run(["git", "clone", "-q", there, here], check=True)
    subprocess.run([sys.executable, "scripts/publish/make_front_page.py", "--address", ""], cwd=here, check=True)
    for _ in range(2):
        subprocess.run(["bash", "-e", "-c", flow["jobs"]["write"]["steps"][-1]["run"]], cwd=here, env=env, check=True)
    command = ["git", "log", "--format=%an", "-p", "HEAD~1..", "--", "README.md"]
    log = subprocess.run(command, cwd=there, capture_output=True)
    assert log.stdout.startswith(b"github-actions[bot]\n")
    assert b"\n+git clone https://github.com/some/one course\n" in log.stdout


def test_workflows_run_on_every_push_on_every_python_of_the_project_and_every_week():
    folder = TOP / ".github" / "workflows"
    pinned, newest = (yaml.safe_load((folder / f"{name}.yml").read_text()) for name in ("tests", "newest"))
    assert set(pinned[True]) >= {"push", "pull_request"}
    assert ".ci/run" in [step.get("run") for step in pinned["jobs"]["pinned"]["steps"]]
    minors = [int(version.split(".")[1]) for version in pinned["jobs"]["pinned"]["strategy"]["matrix"]["python"]]
    low, high = re.search(r'">=3\.(\d+),<3\.(\d+)"', (TOP / "pyproject.toml").read_text()).groups()
    assert minors == list(range(int(low), int(high)))
    assert "schedule" in newest[True]
    assert not any("constraints" in step.get("run", "") for step in newest["jobs"]["newest"]["steps"])
