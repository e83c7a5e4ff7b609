"""The Grafana dashboard and the alerting rules ask for what there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from test_operator import SAMPLE
from web_house import WebHouse

from pontlevis.web.operator_metrics import escaped

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "grafana"
PROMETHEUS_OWN = {"up"}


def dashboard() -> Iterator[str]:
    board = json.loads((FOLDER / "pontlevis.json").read_text("utf-8"))
    places = [each["gridPos"] for each in board["panels"]]
    assert all(each["x"] + each["w"] <= 24 for each in places)
    assert len({each["id"] for each in board["panels"]}) == len(places) >= 16
    for panel in board["panels"]:
        assert panel["title"]
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["expr"] for each in board["annotations"]["list"])


def rules() -> Iterator[str]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert len({each["alert"] for each in found}) == len(found) >= 8
    for rule in found:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1s"))
        yield rule["expr"]


def fits(name: str, matchers: str, lines: list[str]) -> bool:
    """Whether a series that is there answers to these matchers."""
    wanted = re.findall(r'(\w+)(=~|=)"([^"]*)"', matchers)
    for line in lines:
        held = re.match(rf"{name}(?:\{{(.*)\}})? ", line)
        if held is None:
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', held.group(1) or ""))
        if all(
            label in labels
            and (re.fullmatch(value, labels[label]) if how == "=~" else labels[label] == value)
            for label, how, value in wanted
        ):
            return True
    return False


async def test_every_query_names_what_is_there(house: WebHouse) -> None:
    """Metric, labels and their values, in the real answer; also those that a legend or a sum goes by."""
    house.service.samples = [SAMPLE]
    async with house.console() as prometheus:
        lines = (await prometheus.get("/metrics")).text.splitlines()
    asked = [*dashboard(), *rules()]
    for expression in asked:
        named = re.findall(r"\b(pontlevis_\w+|up)(?:\{([^}]*)\})?", re.sub(r"by \([^)]*\)", "", expression))
        assert named, expression
        for name, matchers in named:
            assert name in PROMETHEUS_OWN or fits(name, matchers, lines), (expression, name, matchers)
            for grouped in re.findall(r"by \(([^)]*)\)", expression):
                for label in re.split(r",\s*", grouped):
                    assert fits(name, f'{label}=~".*"', lines), (expression, label)
    assert not fits("pontlevis_posture", 'posture="on_fire"', lines)
    assert not fits("pontlevis_nothing", "", lines)


async def test_counters_count_and_labels_are_escaped(house: WebHouse) -> None:
    """A million is not rounded; a histogram's last bucket is its count."""
    house.service.totals.requests["paid", "admitted"] = 12_345_678
    house.service.totals.waits["paid"] = [1, 2, 3, 0, 0, 0, 0, 4]
    async with house.console() as prometheus:
        text = (await prometheus.get("/metrics")).text
    assert 'pontlevis_requests_total{standing="paid",outcome="admitted"} 12345678' in text
    assert 'pontlevis_wait_seconds_bucket{standing="paid",le="0.02"} 3' in text
    assert 'pontlevis_wait_seconds_bucket{standing="paid",le="+Inf"} 10' in text
    assert 'pontlevis_wait_seconds_count{standing="paid"} 10' in text
    assert escaped('a"b\\c\nd') == 'a\\"b\\\\c\\nd'
