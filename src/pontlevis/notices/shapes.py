"""An alert in the shapes that other programs read."""

from datetime import UTC, datetime

import msgspec

from pontlevis.accounts.mail.letter import Letter
from pontlevis.notices.alert import Action, Alert, Change

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
ALERTMANAGER_PATH = "/api/v2/alerts"
_SLACK_HEADER = 150  # characters, Block Kit's limit of a header
_SLACK_TEXT = 3_000  # of a section
_PAGERDUTY_SUMMARY = 1_024  # Events API v2
_SIGNS = {"critical": ":red_circle:", "warning": ":large_orange_circle:"}

Json = dict[str, object]


def moment(seconds: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def webhook_body(change: Change, *, service: str, url: str) -> bytes:
    """Our own, in Standard Webhooks' envelope."""
    return msgspec.json.encode(
        {
            "type": f"alert.{_PAST[change.action]}",
            "timestamp": moment(change.at),
            "data": {"service": service, "url": url, **_alert(change.alert), "by": change.by},
        }
    )


def slack_body(change: Change, *, service: str, url: str) -> bytes:
    """For an incoming webhook: a text for notifications, blocks for the channel."""
    alert = change.alert
    sign = _SIGNS[alert.severity] if change.action is Action.TRIGGER else ":white_check_mark:"
    head = f"{service}: {_TITLES[change.action]}"
    by = f" by {change.by}" if change.by else ""
    lines: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": head[:_SLACK_HEADER], "emoji": True}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f"{sign} {_mrkdwn(alert.summary)}{by}"[:_SLACK_TEXT]},
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": f"*{alert.severity}* · `{alert.key}` · since {moment(alert.since)}",
                },
                {"type": "mrkdwn", "text": f"<{url}|Console>"},
            ],
        },
    ]
    return msgspec.json.encode({"text": f"{head}: {_mrkdwn(alert.summary)}"[:_SLACK_TEXT], "blocks": lines})


def pagerduty_body(change: Change, *, routing_key: str, service: str, url: str) -> bytes:
    """Events API v2; PagerDuty joins what has one ``dedup_key``."""
    body: Json = {
        "routing_key": routing_key,
        "event_action": change.action.value,
        "dedup_key": _dedup(service, change.alert),
    }
    if change.action is Action.TRIGGER:
        alert = change.alert
        body |= {
            "payload": {
                "summary": f"{service}: {alert.summary}"[:_PAGERDUTY_SUMMARY],
                "source": service,
                "severity": alert.severity,
                "timestamp": moment(alert.since),
                "component": alert.name,
                "class": alert.name,
                "custom_details": dict(alert.details),
            },
            "client": "Pontlevis",
            "client_url": url,
        }
    return msgspec.json.encode(body)


def alertmanager_body(alerts: list[tuple[Alert, float]], *, service: str, url: str) -> bytes:
    """Prometheus Alertmanager's ``POST /api/v2/alerts``: each with the time (Unix seconds) at which it ends."""
    return msgspec.json.encode(
        [
            {
                "labels": {
                    "alertname": f"Pontlevis{alert.name.capitalize()}",
                    "severity": alert.severity,
                    "service": service,
                    "key": alert.key,
                },
                "annotations": {"summary": alert.summary, **dict(alert.details)},
                "startsAt": moment(alert.since),
                "endsAt": moment(ends),
                "generatorURL": url,
            }
            for alert, ends in alerts
        ]
    )


def letter(change: Change, *, service: str, url: str) -> Letter:
    """English: operators' own."""
    alert = change.alert
    subject = " ".join(f"[{alert.severity}] {service}: {_TITLES[change.action]}: {alert.summary}".split())
    lines = [alert.summary, "", f"Since {moment(alert.since)}, severity {alert.severity}, key {alert.key}."]
    if change.by:
        lines.append(f"{_TITLES[change.action]} by {change.by}.")
    lines.extend(f"{name}: {value}" for name, value in alert.details.items())
    return Letter(subject[:200], "\n".join([*lines, "", url, ""]))


_PAST = {Action.TRIGGER: "triggered", Action.ACKNOWLEDGE: "acknowledged", Action.RESOLVE: "resolved"}
_TITLES = {Action.TRIGGER: "alert", Action.ACKNOWLEDGE: "acknowledged", Action.RESOLVE: "resolved"}


def _alert(alert: Alert) -> Json:
    return {
        "key": alert.key,
        "name": alert.name,
        "severity": alert.severity,
        "summary": alert.summary,
        "since": moment(alert.since),
        "details": dict(alert.details),
    }


def _dedup(service: str, alert: Alert) -> str:
    return f"pontlevis/{service}/{alert.key}"[:255]


def _mrkdwn(text: str) -> str:
    """Slack's three characters; without them nobody can be mentioned and no link be made."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
