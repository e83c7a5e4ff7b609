"""Thresholds from a file: the tables ``[detection]``, ``[posture]``, ``[mapping]``, ``[known]`` and ``[knowledge]``
of a TOML file.

A whole ``pontlevis.toml`` may be given: its other tables are passed over.
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pontlevis.backtest.known import KnownPolicy
from pontlevis.backtest.mapping import MappingPolicy
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.knowledge.policy import KnowledgePolicy


class BadPolicy(ValueError):
    """The file is no TOML, or a setting in it is not one, or not of its sort."""


@dataclass(frozen=True)
class Policies:
    """All that steers a backtest."""

    detection: DetectionPolicy = field(default_factory=DetectionPolicy)
    posture: PosturePolicy = field(default_factory=PosturePolicy)
    mapping: MappingPolicy = field(default_factory=MappingPolicy)
    known: KnownPolicy = field(default_factory=KnownPolicy)
    knowledge: KnowledgePolicy = field(default_factory=KnowledgePolicy)


Policy = TypeVar("Policy", DetectionPolicy, PosturePolicy, MappingPolicy, KnownPolicy, KnowledgePolicy)


def load(path: Path) -> Policies:
    """The policies of a file; raises ``BadPolicy`` naming the setting."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadPolicy(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path} is not valid TOML: {error}") from None
    return Policies(
        _policy(DetectionPolicy, "detection", tables),
        _policy(PosturePolicy, "posture", tables),
        _policy(MappingPolicy, "mapping", tables),
        _policy(KnownPolicy, "known", tables),
        _policy(KnowledgePolicy, "knowledge", tables),
    )


def _policy(sort: type[Policy], name: str, tables: dict[str, Any]) -> Policy:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise BadPolicy(f"{name} is a table of settings: [{name}]")
    unknown = sorted(set(table) - {each.name for each in fields(sort)})
    if unknown:
        raise BadPolicy(f"{name}.{unknown[0]}: there is no such setting")
    try:
        return msgspec.convert(table, sort)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadPolicy(f"{name}: {error}") from None
