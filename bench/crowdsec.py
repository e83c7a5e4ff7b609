"""CrowdSec's stock scenarios and the backtest on the same logs: ``python3 -m bench.crowdsec``.

Needs the Debian package ``crowdsec`` with its offline hub, and the logs in ``$PONTLEVIS_DATA``; says so and
stops where one is missing. CrowdSec runs in its time machine, as a process of its own with its own
configuration, database and API on loopback in a temporary directory; the installed service is not touched.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.replay import ReplayOptions, replay
from pontlevis.controller.supervisor import free_port

HUB = Path("/usr/share/crowdsec/hub")
INSTALLED = Path("/etc/crowdsec")
PERFORMED = re.compile(r"Ip (\S+) performed '([^']+)' \((\d+) events over ([^)]+)\)")
LEFT_OUT = ("whitelists.yaml",)
"""Parsers that are left out: the logs' attackers have loopback addresses, which CrowdSec forgives."""
ADDED = ("http-bf-wordpress_bf.yaml",)
"""Scenarios of the package that its default collections do not hold."""


@dataclass
class Row:
    """One log."""

    name: str
    expected: list[str]
    """Sources that the log's ``scenario.assert`` names, where it has one."""
    crowdsec: dict[str, set[str]] = field(default_factory=dict)
    """Scenario and sources, as CrowdSec says them."""
    findings: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    first_act: int | None = None
    """Acts read by the time of our first hostile finding."""
    first_s: float | None = None
    acts: int = 0


def main() -> int:
    """Prints the table; 0 also where something is missing."""
    data = os.environ.get("PONTLEVIS_DATA")
    if data is None:
        print("PONTLEVIS_DATA does not name the directory with the logs: nothing compared.")
        return 0
    if shutil.which("crowdsec") is None or shutil.which("cscli") is None or not HUB.is_dir():
        print("The Debian package crowdsec is not installed: nothing compared.")
        return 0
    logs = sorted((Path(data) / "crowdsec-hub").glob("*/*.log"))
    logs += sorted((Path(data) / "access-logs").glob("*.log"))
    with _crowdsec() as configuration:
        rows = [_row(log, configuration) for log in logs]
    print(_version())
    print("\n".join(table(rows)))
    missed = [row.name for row in rows if row.expected and not set(row.expected) <= row.sources]
    print(f"\nSources expected by a scenario.assert that we do not name: {', '.join(missed) or 'none'}")
    return 0


def table(rows: list[Row]) -> list[str]:
    """As Markdown."""
    lines = [
        "| log | lines | asserted | CrowdSec's stock scenarios find | Pontlevis finds | after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        theirs = (
            "; ".join(f"{name}: {_some(found)}" for name, found in sorted(row.crowdsec.items())) or "nothing"
        )
        ours = f"{', '.join(row.findings)}: {_some(row.sources)}" if row.findings else "nothing"
        after = f"{row.first_act} acts, {row.first_s:.0f} s" if row.first_s is not None else ""
        lines.append(
            f"| {row.name} | {row.acts:,} | {_some(set(row.expected)) if row.expected else ''} | {theirs} | {ours} | {after} |"
        )
    return lines


def _some(sources: set[str]) -> str:
    listed = sorted(sources)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _row(log: Path, configuration: Path) -> Row:
    row = Row(log.parent.name if log.parent.name != "access-logs" else log.stem, _expected(log))
    kind = "apache2" if "apache" in log.name else "nginx"
    done = subprocess.run(
        ["crowdsec", "-c", str(configuration), "-type", kind, "-dsn", f"file://{log.resolve()}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    for source, scenario, _, _ in PERFORMED.findall(done.stdout + done.stderr):
        row.crowdsec.setdefault(scenario, set()).add(source)
    reading = LogReading([log], ReadOptions())
    result = replay(reading.observations(), ReplayOptions())
    row.acts = result.observations
    hostile = result.hostile
    row.findings = sorted({each.detector for each in hostile})
    row.sources = {source for each in hostile for source in each.sources}
    if hostile and result.first_at is not None:
        row.first_act = hostile[0].lines
        row.first_s = hostile[0].since_s - result.first_at
    return row


def _expected(log: Path) -> list[str]:
    asserted = log.parent / "scenario.assert"
    text = asserted.read_text("utf-8") if asserted.is_file() else ""
    return sorted(set(re.findall(r'"([0-9a-f.:]+)" in results\[\d+\]\.Overflow\.GetSources', text)))


@contextmanager
def _crowdsec() -> Iterator[Path]:
    """A configuration of the stock scenarios in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="pontlevis-crowdsec-") as name:
        home = Path(name)
        shutil.copytree(INSTALLED, home / "etc", symlinks=True)
        shutil.copytree("/var/lib/crowdsec/data", home / "data", ignore=shutil.ignore_patterns("*.db*"))
        shutil.rmtree(home / "etc" / "postoverflows", ignore_errors=True)
        (home / "etc" / "config.yaml.local").unlink(missing_ok=True)
        for each in LEFT_OUT:
            (home / "etc" / "parsers" / "s02-enrich" / each).unlink(missing_ok=True)
        for each in ADDED:
            place = home / "etc" / "scenarios" / each
            if not place.exists():
                place.symlink_to(HUB / "scenarios" / "crowdsecurity" / each)
        url = f"http://127.0.0.1:{free_port()}"
        configuration = home / "config.yaml"
        configuration.write_text(_configuration(home, url), "utf-8")
        (home / "credentials.yaml").write_text(f"url: {url}\n", "utf-8")
        subprocess.run(
            [
                "cscli", "-c", str(configuration), "machines", "add", "bench", "--password", "only-here-and-now",
                "--file", str(home / "credentials.yaml"), "--url", url,
            ],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        yield configuration


def _configuration(home: Path, url: str) -> str:
    hub = "/var/lib/crowdsec/hub/"
    return f"""\
common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: {home}}}
config_paths:
  config_dir: {home}/etc/
  data_dir: {home}/data/
  simulation_path: {home}/etc/simulation.yaml
  hub_dir: {hub}
  index_path: {hub}.index.json
crowdsec_service: {{parser_routines: 1}}
cscli: {{output: human}}
prometheus: {{enabled: false}}
db_config: {{type: sqlite, db_path: {home}/data/bench.db, log_level: warning, use_wal: false}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {home}/credentials.yaml}}
  server: {{log_level: warning, listen_uri: "{url.removeprefix("http://")}", profiles_path: {home}/etc/profiles.yaml}}
"""


def _version() -> str:
    done = subprocess.run(["crowdsec", "-version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"version: (\S+)", done.stdout + done.stderr)
    return f"CrowdSec {found[1] if found else '?'}, stock scenarios of the Debian package\n"


if __name__ == "__main__":
    sys.exit(main())
