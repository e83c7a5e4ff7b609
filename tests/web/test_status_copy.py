"""The status page as files, and an existing Statuspage client that reads them and the page itself."""

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_status_page import NORMAL, change, rows
from test_status_site import announced
from web_house import SUSPENDED, WebHouse

from pontlevis.incidents.files import MARK, NotOurs, write_files
from pontlevis.web.status_copy import StatusCopy, files_of
from pontlevis.web.status_site import StatusSite
from surroundings import PATIENCE_S


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def web_host(directory: Path) -> Iterator[str]:
    """Any web host: it only knows files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_the_exporter_reads(url: str, folder: Path) -> dict[str, object]:
    """statuspage-prometheus-exporter's own reader of ``summary.json``, in a process of its own."""
    services = {"heron": {"url": f"{url}/api/v2/summary.json", "name": "Heron", "type": "status_page"}}
    (folder / "services.json").write_text(json.dumps(services))
    program = (
        "import json\n"
        "from statuspage_prometheus_exporter.service_checker import SERVICES, check_status_page_service\n"
        "print(json.dumps(check_status_page_service('heron', SERVICES['heron'])))\n"
    )
    environment = {**os.environ, "SERVICES_JSON_PATH": str(folder / "services.json")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


async def test_an_existing_client_reads_incidents_maintenance_and_components(
    house: WebHouse, tmp_path: Path
) -> None:
    """Names, states, impact, links and times, as they would be of a page at Statuspage."""
    await change(house, NORMAL, SUSPENDED)
    work = await announced(house)
    directory = tmp_path / "copy"
    write_files(directory, await files_of(StatusSite(house.context)))
    (tmp_path / "client").mkdir()
    with web_host(directory) as url:
        found = as_the_exporter_reads(url, tmp_path / "client")
    assert found["success"] is True, found
    # This client takes the worst incident's impact for the whole.
    assert (found["raw_status"], found["status"]) == ("major", 0)
    async with house.client() as visitor:
        live = await visitor.get("/api/v2/summary.json")
    assert live.content == (directory / "api/v2/summary.json").read_bytes()
    (incident,) = rows(found, "incident_metadata")
    assert incident["name"] == "Registrations limited during an attack"
    assert (incident["impact"], incident["status"]) == ("major", "identified")
    assert incident["affected_components"] == ["Registration"]
    (maintenance,) = rows(found, "maintenance_metadata")
    assert maintenance["id"] == work.id
    assert maintenance["affected_components"] == ["API"]
    assert maintenance["scheduled_start"] == "2025-01-27T18:47:43.000Z"
    assert [each["status_value"] for each in rows(found, "component_metadata")] == [1, 1, 1, 0]


async def test_the_copy_is_written_on_every_change_and_else_each_minute(
    house: WebHouse, tmp_path: Path
) -> None:
    """Whole files only, nothing written that has not changed, links that work in any folder."""
    directory = tmp_path / "copy"
    copy = StatusCopy(StatusSite(house.context), directory, lambda: house.now)
    await copy.tick()
    index = directory / "index.html"
    calm = index.read_text()
    house.now += 5
    await copy.tick()
    assert index.read_text() == calm
    await change(house, NORMAL, SUSPENDED)
    await copy.tick()
    attacked = index.read_text()
    assert "Registrations limited during an attack" in attacked
    house.now += 60
    await copy.tick()
    assert index.read_text() != attacked
    for name in ("index.html", "index.fr.html", "history.html", "history.fr.html"):
        html = (directory / name).read_text()
        assert 'href="/' not in html
        assert 'src="/' not in html
        for target in html.split('"'):
            if target.startswith(("static/", "api/", "history", "index")) and " " not in target:
                assert (directory / target).is_file(), target
    assert [each for each in directory.rglob(".*") if each.name != MARK] == []
    assert copy.failed == ""


async def test_what_cannot_be_written_is_said_once_and_tried_again(
    house: WebHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full costs the copy, nothing else."""
    directory = tmp_path / "copy"
    directory.mkdir()
    (directory / "precious.txt").write_text("mine")
    copy = StatusCopy(StatusSite(house.context), directory, lambda: house.now)
    for _ in range(3):
        await copy.tick()
        house.now += 60
    assert "files that are not a status page" in copy.failed
    assert caplog.text.count("status:copy:not_written") == 1
    assert [each.name for each in directory.iterdir()] == ["precious.txt"]
    (directory / "precious.txt").unlink()
    await copy.tick()
    assert copy.failed == ""


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """Nobody's home page is overwritten by a typing error."""
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(NotOurs):
        write_files(tmp_path, {"index.html": b"ours"})
    assert (tmp_path / "index.html").read_text() == "mine"
