"""``pontlevis keys`` on the database of a service that does not run."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from pontlevis.cli import app


def test_keys_are_made_listed_changed_rotated_and_revoked_where_nothing_runs(tmp_path: Path) -> None:
    """Several are only shown without --apply; secrets are shown when they are made, and no more."""

    def run(*words: str, fails: bool = False) -> Result:
        done = CliRunner().invoke(app, ["keys", *words, "--data", str(tmp_path)])
        assert (done.exit_code != 0) is fails, done.output
        return done

    assert "there is no database" in run("list", fails=True).output
    secret = run("create", "ada@example.com", "--model", "gpt-*", "--concurrent", "3").output.split()[-1]
    run("create", "ada@example.com", "--name", "two", "--days", "2")
    run("create", "bob@example.com")
    keys = json.loads(run("list", "ada@example.com", "--json").output)["keys"]
    ids = {each["name"]: each["id"] for each in keys}
    assert set(ids) == {"two", "command line"}
    said = run("list").output
    assert all(each in said for each in ("bob@example.com", "models gpt-*", "3 concurrent", *ids.values()))
    assert secret not in said
    changed = run("change", ids["two"], "--limit", "tokens-per-day=5", "--days", "0", "--model", "a").output
    assert "tokens_per_day: 0 → 5" in changed
    assert "models: all → a" in changed
    assert "say what to change" in run("change", ids["two"], fails=True).output
    assert "is written as" in run("change", ids["two"], "--limit", "x", fails=True).output
    assert "an endpoint is one of" in run("change", ids["two"], "--endpoint", "x", fails=True).output
    turned = run("rotate", ids["two"], "--overlap-hours", "0").output
    assert "the old one has ended" in turned
    assert turned.split()[-1].startswith("pl-")
    assert "It would revoke: 2 keys" in run("revoke", "--email", "ada@example.com").output
    assert len(json.loads(run("list", "--json").output)["keys"]) == 3
    assert "Revoked: 1 keys" in run("revoke", ids["two"], "--reason", "sold").output
    assert "no such key" in run("revoke", ids["two"], fails=True).output
    assert (
        json.loads(run("revoke", "--email", "ada@example.com", "--apply", "--json").output)["applied"] is True
    )
    assert "ada@example.com has no key" in run("list", "ada@example.com").output
