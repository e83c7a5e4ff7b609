"""Reference pages written from the code, so that they cannot say anything else than it does."""

from dataclasses import fields
from enum import Enum

from pontlevis.brain.setting import notes
from pontlevis.config import Settings

SECTIONS = (
    "gateway", "accounts", "challenge", "mail", "admission", "standing", "detection", "knowledge", "posture",
    "incidents", "status", "notices", "alerts", "journal", "evidence", "investigation", "safety", "tracing",
)  # fmt: skip


def settings_page() -> str:
    """``docs/settings.md``: every setting that steers behaviour, with unit, default, meaning and source."""
    lines = [
        "# Settings",
        "",
        "Written by `python3 tasks.py docs` from the code. `pontlevis.toml` < environment < flags:",
        "`[gateway] page_slots = 16` in the file is `PONTLEVIS_GATEWAY__PAGE_SLOTS=16` in the environment.",
        "",
        "## The service",
        "",
        "| setting | default |",
        "| --- | --- |",
    ]
    lines.extend(
        f"| `{name}` | `{_shown(field.default)}` |"
        for name, field in Settings.model_fields.items()
        if name not in SECTIONS
    )
    lines.extend(
        (
            "",
            '`engines` is a list: `engines = [{ url = "http://127.0.0.1:8000", api_key = "…" }]`.',
        )
    )
    for section in SECTIONS:
        policy = Settings.model_fields[section].default
        said = notes(type(policy))
        lines.extend(
            (
                "",
                f"## [{section}]",
                "",
                "| setting | default | unit | meaning | source |",
                "| --- | --- | --- | --- | --- |",
            )
        )
        for field in fields(policy):
            note = said[field.name]
            value = _shown(getattr(policy, field.name))
            lines.append(f"| `{field.name}` | `{value}` | {note.unit} | {note.doc} | {note.source} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value)
