"""``pontlevis keys``: make API keys for people and load tests; find, rotate, change and revoke everybody's."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pontlevis.accounts.errors import AccountError
from pontlevis.cli.common import By, Config, Data, Json, Running, fail, settings_from, who
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory

app = typer.Typer(help="Make, find, rotate, change and revoke API keys.", no_args_is_help=True)
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]
NOTHING_DONE = "Nothing was done. Look at it, then say the same with --apply; it cannot be undone."


@app.command()
def create(
    email: str,
    data: Data = None,
    config: Config = None,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "command line",
    paid: Annotated[bool, typer.Option("--paid", help="The account has paid.")] = False,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="The account has no limits of its own.")
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="A model, or a pattern with *, that the key may use; repeatable. None: all."
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", help="For instance chat/completions; repeatable. None: all of inference."),
    ] = None,
    days: Annotated[float, typer.Option("--days", help="Until it expires; 0: never.")] = 0.0,
    requests_per_minute: Annotated[
        int, typer.Option("--requests-per-minute", help="The key's own limit; 0: the account's.")
    ] = 0,
    tokens_per_minute: Annotated[
        int, typer.Option("--tokens-per-minute", help="The key's own limit; 0: the account's.")
    ] = 0,
    requests_per_day: Annotated[
        int, typer.Option("--requests-per-day", help="The key's own limit; 0: the account's.")
    ] = 0,
    tokens_per_day: Annotated[
        int, typer.Option("--tokens-per-day", help="The key's own limit; 0: the account's.")
    ] = 0,
    concurrent: Annotated[
        int, typer.Option("--concurrent", help="The key's requests at once; 0: the account's.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Make a key, and the account if need be; the key stands alone on the last line.

    Example: `pontlevis keys create ada@example.com --paid --model "llama*" --days 90`
    """
    own = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute,
           "requests_per_day": requests_per_day, "tokens_per_day": tokens_per_day, "concurrent": concurrent}  # fmt: skip
    limits = {name: most for name, most in own.items() if most}
    body: dict[str, object] = {"email": email, "name": name, "paid": paid, "unlimited": unlimited,
                               "models": model or [], "endpoints": endpoint or []}  # fmt: skip
    if limits:
        body["limits"] = limits
    if days:
        body["expires_in_s"] = days * 86_400.0
    settings = settings_from(config=config, data=data)
    if DataDirectory(settings.data).running() is not None:
        made = Running(settings.data).call("POST", "/api/keys", body)
        key = str(made["key"]) if isinstance(made, dict) else ""
    else:
        from pontlevis.cli.keys_offline import make_key

        try:
            key = asyncio.run(make_key(settings, body))
        except (ValueError, AccountError) as error:
            fail(str(error))
    if as_json:
        typer.echo(json.dumps({"email": email, "name": name, "key": key}))
    else:
        typer.echo(f"A key for {email}; it is shown this once:")
        typer.echo(key)


@app.command("list")
def list_(
    email: Annotated[str, typer.Argument(help="Their owner's exact address; none: everybody's.")] = "",
    data: Data = None,
    config: Config = None,
    most: Annotated[int, typer.Option("--most", min=1, max=500, help="How many, newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List keys with what they may, their last use and their end; never their secrets.

    Example: `pontlevis keys list ada@example.com`
    """
    query = {"email": email, "limit": str(most)}
    found = _at_desk(settings_from(config=config, data=data), "GET", "/api/keys", query=query)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["keys"]:
        typer.echo(f"{email} has no key." if email else "No key yet.")
    for each in found["keys"]:
        _show(each)


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    data: Data = None,
    config: Config = None,
    by: By = None,
    reason: Reason = "rotated by hand",
    overlap_hours: Annotated[
        float | None,
        typer.Option(
            "--overlap-hours", min=0, help="How long the old secret works as well; 0: it ends at once."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a key a new secret, to be handed to its owner; it stands alone on the last line.

    Example: `pontlevis keys rotate 0123456789abcdef --overlap-hours 24 --reason "asked by telephone"`
    """
    body: dict[str, object] = {"reason": reason}
    if overlap_hours is not None:
        body["overlap_s"] = overlap_hours * 3_600.0
    settings = settings_from(config=config, data=data)
    made = _at_desk(settings, "POST", f"/api/keys/{key}/rotate", body, by=by)
    if as_json:
        typer.echo(json.dumps(made, indent=2))
        return
    until = made["former_until"]
    old = f"the old one works until {_when(until)}" if until else "the old one has ended"
    typer.echo(f"The new secret of {made['name']}; it is shown this once, and {old}:")
    typer.echo(made["key"])


@app.command()
def change(
    key: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    data: Data = None,
    config: Config = None,
    by: By = None,
    reason: Reason = "changed by hand",
    name: Annotated[str, typer.Option("--name", help="Its new name.")] = "",
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="The models, or patterns with *, that it may use; * alone: all."),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", help="The endpoints that it may use; * alone: all of inference."),
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", min=0, help="Until it expires, from now; 0: never.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit", help="A limit of its own, as tokens_per_day=100000; =0: the account's. Repeatable."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a key's name, scope, limits or expiry; never beyond the key that made it.

    Example: `pontlevis keys change 0123456789abcdef --model "qwen*" --limit requests_per_minute=30 --days 30`
    """
    body: dict[str, object] = {"reason": reason}
    if name:
        body["name"] = name
    if model:
        body["models"] = [] if model == ["*"] else model
    if endpoint:
        body["endpoints"] = [] if endpoint == ["*"] else endpoint
    if days is not None:
        body["expires_in_s"] = days * 86_400.0 if days else None
    if limit:
        body["limits"] = dict(_limit(each) for each in limit)
    if len(body) == 1:
        fail("say what to change; see --help")
    settings = settings_from(config=config, data=data)
    done = _at_desk(settings, "PATCH", f"/api/keys/{key}", body, by=by)
    if as_json:
        typer.echo(json.dumps(done, indent=2))
        return
    for each in done["differences"] or ["Nothing changed."]:
        typer.echo(each)
    for what in ("narrowed", "revoked"):
        if done[what]:
            typer.echo(f"Of the keys that it made, {what} with it: {', '.join(done[what])}")


@app.command()
def revoke(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys by id.")] = None,
    data: Data = None,
    config: Config = None,
    by: By = None,
    email: Annotated[str, typer.Option("--email", help="Every key of this account.")] = "",
    reason: Reason = "revoked by hand",
    apply: Annotated[bool, typer.Option("--apply", help="Do it, where more than one is named.")] = False,
    as_json: Json = False,
) -> None:
    """Revoke a key at once, with those that it made, streams under way included. Several are only shown unless --apply.

    Example: `pontlevis keys revoke --email ada@example.com --reason "left the company" --apply`
    """
    named = keys or []
    if not named and not email:
        fail("name keys, or an account with --email")
    body: dict[str, object] = {
        "keys": named, "email": email, "reason": reason, "apply": apply or (len(named) == 1 and not email),
    }  # fmt: skip
    done = _at_desk(settings_from(config=config, data=data), "POST", "/api/keys/revoke", body, by=by)
    if as_json:
        typer.echo(json.dumps(done, indent=2))
    else:
        for each in done["keys"]:
            _show(each)
        for each in done["unknown"]:
            typer.secho(f"{each}: no such key or account", fg=typer.colors.YELLOW)
        typer.echo(f"{'Revoked' if done['applied'] else 'It would revoke'}: {len(done['keys'])} keys.")
        if not done["applied"]:
            typer.echo(NOTHING_DONE)
    if done["applied"] and not done["keys"]:
        raise typer.Exit(1)


def _at_desk(
    settings: Settings,
    method: str,
    path: str,
    body: dict[str, object] | None = None,
    *,
    query: dict[str, str] | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """What the operator's API says: of the running service, or the same from its database where it does not run."""
    if DataDirectory(settings.data).running() is not None:
        found = Running(settings.data, by).call(method, path, body, query=query)
        return found if isinstance(found, dict) else {}
    # Only now: everything behind it takes a second to import.
    from pontlevis.cli.keys_offline import answer

    return answer(settings, method, path, body or {}, query or {}, by or who())


def _limit(text: str) -> tuple[str, int | None]:
    name, _, most = text.partition("=")
    if not most.isdecimal():
        fail(f"{text}: a limit is written as requests_per_minute=30")
    return name.strip().replace("-", "_"), int(most) or None


def _show(key: dict[str, object]) -> None:
    """Two lines for people."""
    end = key["expires_at"]
    state = (
        "leaked"
        if key["leaked_at"]
        else "expired"
        if isinstance(end, float) and end <= time.time()
        else "active"
    )
    scope = [
        *([f"models {', '.join(_words(key['models']))}"] if key["models"] else []),
        *([f"endpoints {', '.join(_words(key['endpoints']))}"] if key["endpoints"] else []),
        *([f"made by {key['made_by']}"] if key["made_by"] else []),
    ]
    limits = key["limits"]
    if isinstance(limits, dict):
        scope += [f"{most} {name.replace('_', ' ')}" for name, most in limits.items() if most]
    typer.echo(f"{key['id']}  {state:<8} {key['email']:<32} {key['name']}")
    typer.echo(
        f"    used {_when(key['last_used_at'])}, expires {_when(end)}"
        f"{'; ' + '; '.join(scope) if scope else ''}"
    )


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _when(at: object) -> str:
    return (
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(at, (int, float)) else "never"
    )
