"""What `docker-compose.yml` must keep, whatever is added to it: loopback only, pinned images, health checks."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
services = pytest.mark.parametrize("name", sorted(SERVICES))


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
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    tag = service["image"].rpartition(":")[2]
    assert tag == "local" or tag.removeprefix("v")[0].isdigit(), service["image"]


@services
def test_health_is_checked(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@services
def test_only_the_stack_of_the_user_s_choice_starts(name: str) -> None:
    expected = {"postgres": [], "worker": [], "web": [], "api": [], "litellm": ["gateway"]}
    assert SERVICES[name].get("profiles", []) == expected.get(name, ["observability"])


@pytest.mark.parametrize("name", ["web", "api"])
def test_agents_listen_on_loopback_inside_too(name: str) -> None:
    # ADK's guard against DNS rebinding works for a server that is bound to loopback only.
    assert "0.0.0.0" not in str(SERVICES[name])  # noqa: S104


def test_the_files_that_are_mounted_exist() -> None:
    mounts = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    # Docker would make a folder of a file that is missing.
    assert [mount for mount in mounts if mount.startswith("./") and not (ROOT / mount).is_file()] == []


def test_the_image_holds_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*", "the build context is an allow-list"
    assert "!.env" not in lines
    assert "!." not in lines
