"""No record shows a secret when it is printed: every class of the package with a field that is one by its name."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import msgspec
import pytest
from pydantic import BaseModel

import pontlevis
from pontlevis.config import EngineSettings, Settings

NAMES = frozenset({"password", "token", "secret", "api_key", "pepper", "lookup_key", "smtp_password"})
CANARY = "canary-5f0c21"


def classes() -> Iterator[type]:
    seen: set[type] = set()
    for module in pkgutil.walk_packages(pontlevis.__path__, "pontlevis."):
        # Of a drill and a simulation all secrets are made up.
        if re.match(r"pontlevis\.(drill|simulation|__main__)|.*\.migrations\.", module.name):
            continue
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__.startswith("pontlevis") and found not in seen:
                seen.add(found)
                yield found


def holds(kind: type) -> bool:
    """Whether a field is a secret by its name; a yes or no is none."""
    said = inspect.get_annotations(kind)
    return any(name in NAMES and said.get(name) not in (bool, "bool") for name in fields_of(kind))


def fields_of(kind: type) -> list[str]:
    if dataclasses.is_dataclass(kind):
        return [each.name for each in dataclasses.fields(kind)]
    if issubclass(kind, msgspec.Struct):
        return list(kind.__struct_fields__)
    return list(kind.model_fields) if issubclass(kind, BaseModel) else []


def printed(kind: type, names: list[str]) -> str:
    """Its ``repr`` with the canary in every field that is a secret."""
    values = {name: CANARY if name in NAMES else None for name in names}
    if issubclass(kind, BaseModel):
        return repr(kind.model_construct(None, **values))
    if issubclass(kind, msgspec.Struct):
        return repr(kind(**values))
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    try:
        return repr(made)
    except (AttributeError, TypeError):  # its own repr looks into another field, and so shows no other
        return ""


HOLDERS = sorted(
    (each for each in classes() if holds(each)),
    key=lambda each: f"{each.__module__}.{each.__qualname__}",
)


def test_there_are_such_records() -> None:
    """The walk finds those that are known to hold one."""
    found = {each.__name__ for each in HOLDERS}
    assert {"Newcomer", "SessionGrant", "MailPolicy", "EngineSettings", "Credential"} <= found


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_record_shows_no_secret(kind: type) -> None:
    """However it is printed."""
    assert CANARY not in printed(kind, fields_of(kind))


def test_settings_show_no_secret() -> None:
    """Whole, with a secret wherever one can be set."""
    settings = Settings(
        database_url=f"postgresql+asyncpg://u:{CANARY}@127.0.0.1/d",
        engines=(EngineSettings(url="http://127.0.0.1:9", api_key=CANARY),),
        mail=dataclasses.replace(Settings().mail, password=CANARY),
    )
    assert CANARY not in repr(settings) + str(settings)
