"""Every setting of the service, typed. ``pontlevis.toml`` < environment ``PONTLEVIS_…`` < flags.

The settings that steer behaviour live with the room that they steer, as frozen dataclasses whose
fields carry unit, meaning and source; this module only gathers them.
"""

import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.oidc_settings import IssuerSettings
from pontlevis.accounts.policy import AccountPolicy
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.standing.policy import StandingPolicy
from pontlevis.evidence.policy import JournalPolicy
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.incidents.page_policy import StatusPolicy
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.notices.policy import AlertPolicy, NoticePolicy
from pontlevis.policy_file import with_policy_file
from pontlevis.storage.safety_policy import SafetyPolicy
from pontlevis.tracing import TracingPolicy

Port = Annotated[int, Field(ge=1, le=65_535)]


class UnreadableConfig(ValueError):
    """The configuration file is no TOML."""


class EngineSettings(BaseModel):
    """One engine behind the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Base address with or without ``/v1``."""
    api_key: str = Field(default="", repr=False)
    """Sent to the engine as its bearer token; empty: none."""
    simulated: bool = False
    """Whether it is the engine simulator; pages and logs say so."""


class Settings(BaseSettings):
    """The whole configuration of one machine."""

    model_config = SettingsConfigDict(
        env_prefix="PONTLEVIS_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    name: str = "Pontlevis"
    """What pages call the service."""
    public_url: str = ""
    """Address under which users reach the service; empty: taken from host and port."""
    host: str = "127.0.0.1"
    port: Port = 8080
    operator_host: str = "127.0.0.1"
    operator_port: Port = 8081
    data: Path = Path("var/pontlevis")
    """Directory for database, keys and sockets; made private to its owner."""
    database_url: str = Field(default="", repr=False)
    """SQLAlchemy address; empty: SQLite in ``data``."""
    defence: bool = True
    """False switches the brain off: no limits, no detection, no posture. For comparison in drills."""
    anonymous: bool = False
    """Whether the inference API answers without a key, with a small quota."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or prefixes whose X-Forwarded-For is believed."""
    engines: tuple[EngineSettings, ...] = ()
    oidc: tuple[IssuerSettings, ...] = ()
    policy_file: Path | None = None
    """TOML file of thresholds that has the last word on them and is read again on demand; none by default."""

    gateway: GatewayPolicy = GatewayPolicy()
    accounts: AccountPolicy = AccountPolicy()
    challenge: ChallengePolicy = ChallengePolicy()
    mail: MailPolicy = MailPolicy()
    admission: AdmissionPolicy = AdmissionPolicy()
    standing: StandingPolicy = StandingPolicy()
    detection: DetectionPolicy = DetectionPolicy()
    knowledge: KnowledgePolicy = KnowledgePolicy()
    posture: PosturePolicy = PosturePolicy()
    incidents: IncidentPolicy = IncidentPolicy()
    status: StatusPolicy = StatusPolicy()
    notices: NoticePolicy = NoticePolicy()
    alerts: AlertPolicy = AlertPolicy()
    journal: JournalPolicy = JournalPolicy()
    safety: SafetyPolicy = SafetyPolicy()
    evidence: EvidencePolicy = EvidencePolicy()
    investigation: InvestigationPolicy = InvestigationPolicy()
    tracing: TracingPolicy = TracingPolicy()

    _unruled: "Settings | None" = PrivateAttr(default=None)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for each in proxies:
            ip_network(each, strict=False)
        return proxies

    @field_validator("oidc")
    @classmethod
    def _have_ids_of_their_own(cls, issuers: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
        if len({each.id for each in issuers}) < len(issuers):
            raise ValueError("two issuers have the same id")
        return issuers

    @property
    def base_url(self) -> str:
        """Public address without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def operator_url(self) -> str:
        return f"http://{self.operator_host}:{self.operator_port}"

    @property
    def console_url(self) -> str:
        """The same under the only name for which browsers offer passkeys without HTTPS (W3C Secure Contexts §3.1)."""
        return f"http://localhost:{self.operator_port}"

    @property
    def unruled(self) -> "Settings":
        """As they would be without the policy file."""
        return self._unruled or self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file)


_config_file: Path | None = None


def load(config: Path | None = None, **flags: Any) -> Settings:
    """Settings from ``config`` (default ``pontlevis.toml`` here, where it exists), environment and flags.

    Flags that are None are left out. Raises ``pydantic.ValidationError`` naming each bad setting, and
    ``FileNotFoundError`` for a named file that is not there, ``UnreadableConfig`` for one that is no TOML,
    and ``BadPolicyFile`` for a policy file that is refused.
    """
    global _config_file
    if config is not None and not config.is_file():
        raise FileNotFoundError(f"no configuration file at {config}")
    _config_file = config or Path("pontlevis.toml")
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableConfig(f"{_config_file} is not valid TOML: {error}") from None
    finally:
        # Settings made without ``load`` know nothing of a file.
        _config_file = None
    if settings.policy_file is None:
        return settings
    settings = settings.model_copy(update={"policy_file": settings.policy_file.absolute()})
    under = with_policy_file(settings)
    under._unruled = settings
    return under
