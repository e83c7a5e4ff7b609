"""The doctor: what is wrong is said with what to do, and yesterday is replayed as it was recorded."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.cli import app
from pontlevis.config import EngineSettings, Settings
from pontlevis.doctor.check import Check, Level
from pontlevis.doctor.machine import check_machine, check_services
from pontlevis.doctor.thresholds import check_thresholds
from pontlevis.doctor.yesterday import replay_journal
from pontlevis.evidence.journal import Journal
from pontlevis.evidence.policy import JournalPolicy
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.runtime import DataDirectory
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from ports import free_port

sys.path.append(str(Path(__file__).resolve().parents[1] / "brain" / "detection"))
from virtual_traffic import START, Town


def levels(checks: list[Check]) -> dict[str, Level]:
    return {each.name: each.level for each in checks}


def thresholds(**sections: object) -> dict[str, Level]:
    return levels(list(check_thresholds(Settings().model_copy(update=sections))))


def test_the_defaults_contradict_nothing() -> None:
    """One line."""
    assert thresholds() == {"thresholds": Level.OK}


@pytest.mark.parametrize(
    ("policy", "name", "level"),
    [
        (PosturePolicy(under_attack_dwell_s=0.5), "posture.under_attack_dwell_s", Level.FAIL),
        (PosturePolicy(time_scale=0.001), "posture.stage_s", Level.FAIL),
        (PosturePolicy(evidence_gone_max_s=3600), "posture.reopening", Level.WARN),
        (PosturePolicy(hostile_sustained_s=8), "posture.alarm", Level.WARN),
        (
            PosturePolicy(elevated_registration=RegistrationMode.WAITLIST),
            "posture.elevated_registration",
            Level.WARN,
        ),
        (
            PosturePolicy(elevated_registration_accused=RegistrationMode.SUSPENDED),
            "posture.elevated_registration_accused",
            Level.WARN,
        ),
        (PosturePolicy(dry_run=True), "posture.dry_run", Level.WARN),
        (PosturePolicy(enabled=False), "posture.enabled", Level.WARN),
    ],
)
def test_contradictions_of_the_posture(policy: PosturePolicy, name: str, level: Level) -> None:
    """Each is named with its setting."""
    assert thresholds(posture=policy)[name] is level


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (AdmissionPolicy(ceilings_elevated=(1.0, 0.4, 0.7, 0.1)), "admission.ceilings_elevated"),
        (AdmissionPolicy(ceilings_normal=(0.5, 0.4, 0.3, 0.1)), "admission.ceilings_normal"),
        (AdmissionPolicy(ceilings_under_attack=(1.0, 0.9, 0.15, 0.0)), "admission.ceilings_under_attack"),
        (AdmissionPolicy(new_share=0.9), "admission.shares"),
        (AdmissionPolicy(new_share_elevated=0.4), "admission.new_share_elevated"),
    ],
)
def test_contradictions_of_admission(policy: AdmissionPolicy, name: str) -> None:
    """Whoever has earned less would be given more."""
    assert thresholds(admission=policy)[name] is Level.FAIL


async def test_a_service_that_has_run_is_well(tmp_path: Path) -> None:
    """Private files, a whole pepper, a migrated database."""
    settings = await a_service(tmp_path)
    found = [*check_machine(settings, 1.8e9), *[each async for each in check_services(settings)]]
    failed = [each for each in found if each.level is Level.FAIL]
    assert failed == []
    assert levels(found)["database"] is Level.OK


async def test_what_is_wrong_with_the_files_is_said(tmp_path: Path) -> None:
    """Modes, a pepper that is short or gone, a clock that went back, listeners for everybody."""
    settings = await a_service(tmp_path)
    directory = settings.data

    def look(now: float = 1.8e9) -> dict[str, Level]:
        return levels(list(check_machine(settings, now)))

    (directory / "pontlevis.db").chmod(0o644)
    assert look()["data.modes"] is Level.FAIL
    (directory / "pontlevis.db").chmod(0o600)
    (directory / "pepper").write_bytes(b"short")
    assert look()["pepper"] is Level.FAIL
    (directory / "pepper").unlink()
    assert look()["pepper"] is Level.FAIL
    assert look(1.6e9)["clock"] is Level.FAIL
    assert look(5.0)["clock"] is Level.FAIL
    settings = settings.model_copy(
        update={"operator_host": "0.0.0.0", "host": "0.0.0.0", "trusted_proxies": ("0.0.0.0/0",)}
    )
    found = look()
    assert (found["operator"], found["public_url"], found["trusted_proxies"]) == (
        Level.FAIL,
        Level.WARN,
        Level.FAIL,
    )


async def test_a_database_or_an_engine_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """With its address, within seconds; a database of another version as well."""
    settings = await a_service(tmp_path)
    dead = f"http://127.0.0.1:{free_port()}"
    settings = settings.model_copy(update={"engines": (EngineSettings(url=dead),)})
    found = levels([each async for each in check_services(settings)])
    assert found[f"engine {dead}"] is Level.FAIL
    (settings.data / "pontlevis.db").write_bytes(b"no database" * 500)
    assert levels([each async for each in check_services(settings)])["database"] is Level.FAIL


async def a_service(tmp_path: Path) -> Settings:
    """A data directory as a service leaves it."""
    directory = DataDirectory(tmp_path / "data")
    directory.path.mkdir(mode=0o700)
    directory.pepper()
    database = Database.in_directory(directory.path)
    await upgrade(database)
    await database.close()
    for each in directory.path.iterdir():
        each.chmod(0o600)
    return Settings(data=directory.path)


# -- yesterday


SETTLED = DetectionPolicy(young_s=0.0)
"""As ``Town`` plays it: a service that has been up for a while."""


def recorded(folder: Path, *, posture: PosturePolicy | None = None) -> float:
    """A quarter of an hour of a town: calm, then a flood and stuffing; returns when it ends."""
    journal = Journal(folder, JournalPolicy(queue_s=100_000))
    town = Town(3, posture=posture or PosturePolicy(time_scale=0.05))
    journal.start()
    journal.stood(START, town.machine.state, reason="The service started.", actor="start")
    watched, tick = town.detection, town.machine.tick
    see, take = watched.observe, watched.sample

    def observe(observation: Observation) -> None:
        journal.observe(observation)
        see(observation)

    def sample(sample: ServiceSample) -> None:
        journal.sample(sample)
        take(sample)

    watched.observe = observe  # type: ignore[method-assign]
    watched.sample = sample  # type: ignore[method-assign]

    def ticked(now: float, judgement: object) -> object:
        journal.tick(now, town.machine.state.posture.value)
        changes = tick(now, judgement)  # type: ignore[arg-type]
        for each in changes:
            if not each.dry_run:
                journal.stood(now, each.after, reason=each.reason, actor=each.actor)
        return changes

    town.machine.tick = ticked  # type: ignore[method-assign, assignment]
    town.calm()
    town.flood(60.0, 100.0, rate=60)
    town.stuffing(60.0, 100.0, rate=15)
    town.run(240)
    journal.close()
    return START + 240


def test_yesterday_under_the_policy_that_ran_is_yesterday(tmp_path: Path) -> None:
    """The same changes within a second or two, the same minutes of suspension."""
    end = recorded(tmp_path)
    settings = Settings().model_copy(update={"detection": SETTLED, "posture": PosturePolicy(time_scale=0.05)})
    shares: list[float] = []
    found = replay_journal(tmp_path, settings, since=START, until=end, progress=shares.append)
    assert found is not None
    really = [(each.posture, each.at) for each in found.really.changes[1:]]
    would = [(each.posture, each.at_s) for each in found.postures]
    assert [name for name, _ in really] == [name for name, _ in would]
    assert all(abs(one - other) <= 2 for (_, one), (_, other) in zip(really, would, strict=True))
    assert found.suspended_s == pytest.approx(found.really.suspended_s, abs=3)
    assert found.really.suspended_s > 30
    assert {each.detector for each in found.findings if each.hostile} >= {
        "rotating_flood",
        "credential_stuffing",
    }
    assert found.decisions_made > 50
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_another_policy_would_have_done_something_else(tmp_path: Path) -> None:
    """Without detectors nothing; recorded on a dry run, what it would have done."""
    end = recorded(tmp_path, posture=PosturePolicy(time_scale=0.05, dry_run=True))
    settings = Settings().model_copy(update={"posture": PosturePolicy(time_scale=0.05, dry_run=True)})
    found = replay_journal(tmp_path, settings, since=START, until=end)
    assert found is not None
    assert (found.really.suspended_s, len(found.really.changes)) == (0, 1)
    assert found.suspended_s > 30
    blind = settings.model_copy(update={"detection": replace(settings.detection, enabled=False)})
    found = replay_journal(tmp_path, blind, since=START, until=end)
    assert found is not None
    assert (found.suspended_s, found.findings, found.postures) == (0.0, [], [])


def test_an_empty_journal_says_nothing(tmp_path: Path) -> None:
    """None, not zeros."""
    assert replay_journal(tmp_path, Settings(), since=0.0, until=2e9) is None


def test_the_command_prints_data_and_fails_where_a_check_fails(tmp_path: Path) -> None:
    """For people, for programs, and by its status."""
    runner = CliRunner()
    data = ["--data", str(tmp_path / "data")]
    well = runner.invoke(app, ["doctor", *data, "--json"])
    assert well.exit_code == 0, well.output
    body = json.loads(well.stdout)
    assert body["yesterday"] is None
    assert {each["level"] for each in body["checks"]} <= {"ok", "warn"}
    bad = tmp_path / "policy.toml"
    bad.write_text("[posture]\nrampp = 1\n[admission]\nnew_shar = 2\n")
    ill = runner.invoke(app, ["doctor", *data, "--policy", str(bad)])
    assert ill.exit_code == 1
    assert "did you mean ramp?" in ill.output
    assert "did you mean new_share?" in ill.output
    bad.write_text("[admission]\nnew_share = 0.9\n")
    torn = runner.invoke(app, ["doctor", *data, "--policy", str(bad)])
    assert torn.exit_code == 1
    assert "admission.shares" in torn.output
    assert not (tmp_path / "data").exists()


def test_yesterday_is_replayed_with_what_is_known_of_addresses(tmp_path: Path) -> None:
    """As the service ran: a sign that rests on knowledge is found again, and not without it."""
    end = recorded(tmp_path)
    everywhere = tmp_path / "centres.txt"
    everywhere.write_text("0.0.0.0/0\n")
    settings = Settings().model_copy(update={"detection": SETTLED})
    knowing = settings.model_copy(update={"knowledge": KnowledgePolicy(data_centre_files=(str(everywhere),))})
    said = []
    for each in (settings, knowing):
        found = replay_journal(tmp_path, each, since=START, until=end)
        assert found is not None
        said.append(any("data centres" in finding.reason for finding in found.findings))
    assert said == [False, True]
