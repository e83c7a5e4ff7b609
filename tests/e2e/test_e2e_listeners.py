"""Nothing of the operator's listener is reached through the public port, however the request is spelled."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from .conftest import Running
from .test_e2e_hostile_input import talk

OPERATORS = ("/metrics", "/api/posture", "/api/audit", "/api/decisions", "/setup", "/readyz")


def _targets(service: Running, path: str) -> list[str]:
    inner = path[1:]
    return [
        path, f"/{path}", f"//127.0.0.1:{service.operator_port}{path}", f"/./{inner}", f"/status/../{inner}",
        f"/static/../{inner}", f"/static/..%2f{inner}", f"/%2e%2e/{inner}", f"/v1/..{path}", f"/v1/%2e%2e{path}",
        "/" + inner.replace("/", "%2f"), f"/{inner}%00", f"{path}#", f"{path};x", f"/..%5c{inner}",
        f"http://127.0.0.1:{service.operator_port}{path}", f"http://localhost{path}", f"unix:operator.sock:{path}",
    ]  # fmt: skip


@pytest.mark.parametrize("path", OPERATORS)
def test_an_operators_path_is_not_there_on_the_public_port(service: Running, path: str) -> None:
    """Dot segments, encoded slashes, absolute targets, fragments; with our own Host and with the other listener's."""
    there = service.operate("GET", path)
    assert there.status_code in (200, 403), "the operator's listener has it"
    for target in _targets(service, path):
        for host in ("x", f"127.0.0.1:{service.operator_port}", "operator.sock"):
            request = (
                f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Pontlevis-Actor: me\r\nConnection: close\r\n\r\n"
            )
            got = talk(service, request.encode())
            status = re.match(rb"HTTP/1.1 (\d+)", got)
            assert status, (target, got[:200])
            assert status[1] in (b"400", b"401", b"404", b"405"), (target, host, got[:200])


def test_the_operators_port_does_not_answer_to_the_public_name(service: Running) -> None:
    """Nor does the public one take what only the private socket may say of a caller."""
    for host in (f"127.0.0.1:{service.port}", "evil.example"):
        answer = httpx.get(f"{service.operator_url}/metrics", headers={"host": host})
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "wrong_host")
    body = {"email": "eve@example.com", "paid": True}
    answer = httpx.post(f"{service.url}/api/keys", json=body, headers={"x-pontlevis-actor": "me"})
    assert answer.status_code in (400, 401)


def test_doctor_asks_the_port_that_the_service_was_started_with(service: Running) -> None:
    """Found by its data directory, whatever the configuration says."""
    asked = subprocess.run(
        [sys.executable, "-m", "pontlevis", "doctor", "--data", str(service.data), "--last", "0", "--json"],
        capture_output=True, cwd=service.data.parent, check=False,
    )  # fmt: skip
    says = {each["name"]: each["says"] for each in json.loads(asked.stdout)["checks"]}
    assert f"not on the public port ({service.url})" in says["public_port"]
    assert service.url in says["service"]
