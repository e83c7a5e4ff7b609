"""What a gateway knows by heart: accounts, credentials, decisions in force, posture.

Filled by the controller over the link; answers without awaiting anything. When the controller is
away it goes on with what it last knew.
"""

from collections import deque
from hmac import compare_digest
from ipaddress import ip_address, ip_network
from typing import TypeVar

import msgspec

from pontlevis.brain.credential import Credential, CredentialCodec, CredentialKind
from pontlevis.brain.key_scope import KeyLimits, KeyScope
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Standing
from pontlevis.link.messages import AccountRecord, Changes, CredentialRecord, DecisionRecord

FRESH_CREDENTIAL_S = 10.0  # a credential may arrive before the message that announces it
REVOKED_REMEMBERED = 100_000  # far more than can be revoked within ``FRESH_CREDENTIAL_S``
DAY_S = 86_400.0
PROVISIONAL = "credential:"
"""What the name of an account begins with that is not known yet."""
PROVISIONAL_ESTABLISHED_S = 7 * DAY_S  # standing policy's tenure, for keys met before the first sync

_Key = TypeVar("_Key", str, int)


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks."""

    account: str
    credential: str
    standing: Standing
    unlimited: bool = False
    disabled: str = ""
    scope: KeyScope | None = None
    """None: the key may all that its account may."""
    limits: KeyLimits | None = None
    """The scope's."""
    proof: bytes = b""
    """The hash of the secret that was shown; empty where nothing was known to compare it with."""


class Directory:
    """The gateway's memory. Times are Unix seconds."""

    def __init__(self, codec: CredentialCodec) -> None:
        self._codec = codec
        self._accounts: dict[str, AccountRecord] = {}
        self._credentials: dict[str, CredentialRecord] = {}
        self._decisions: dict[int, DecisionRecord] = {}
        self._addresses: dict[str, tuple[DecisionRecord, ...]] = {}
        self._banned_accounts: dict[str, DecisionRecord] = {}
        self._banned_credentials: dict[str, DecisionRecord] = {}
        self._prefixes: dict[tuple[int, int], dict[int, tuple[DecisionRecord, ...]]] = {}
        self._revoked: deque[str] = deque()
        self._arriving: Changes | None = None
        self.posture = PostureState()
        self.turn = 0
        """Counts what was told: what was found out in an earlier turn may hold no more."""
        self.synced = False
        """Whether a whole state has ever arrived."""

    def recognise(self, token: str, now: float) -> Caller | None:
        """Who holds this token; None for one that was made up, revoked, expired or erased."""
        return self.holder(self.judge(token), now)

    def judge(self, token: str) -> Credential | None:
        """What is in a token whose MAC holds, so that it is computed once for all that is asked about it."""
        return self._codec.judge(token)

    def holder(self, credential: Credential | None, now: float) -> Caller | None:
        """As ``recognise``, of a token that was judged."""
        if credential is None:
            return None
        record = self._credentials.get(credential.id)
        if record is None:
            if not self.synced:
                return _provisional(credential.id, now - credential.issued_at)
            if 0 <= now - credential.issued_at < FRESH_CREDENTIAL_S:
                return Caller(f"fresh:{credential.id}", credential.id, Standing.NEW)
            return None
        if record.revoked or (record.expires_at is not None and record.expires_at <= now):
            return None
        proof = self._codec.secret_hash(credential.secret)
        if not compare_digest(record.secret_hash, proof) and not _is_former(record, proof, now):
            return None
        account = self._accounts.get(record.account)
        if account is None:
            return None
        scope = record.scope
        limits = scope.limits if scope is not None else None
        return Caller(account.id, record.id, Standing(account.standing), account.unlimited, account.disabled,
                      scope, limits, proof)  # fmt: skip

    def past(self, credential: Credential | None, now: float) -> str:
        """Why what was ours holds no more: ``expired``, ``rotated``; empty where it was none, or is revoked."""
        record = self._credentials.get(credential.id) if credential is not None else None
        if credential is None or record is None or record.revoked:
            return ""
        proof = self._codec.secret_hash(credential.secret)
        if compare_digest(record.secret_hash, proof):
            return "expired" if record.expires_at is not None and record.expires_at <= now else ""
        return "rotated" if record.former_hash and compare_digest(record.former_hash, proof) else ""

    def stands(self, caller: Caller, now: float) -> str:
        """Why what a caller began must end: ``gone``, ``expired``, ``disabled``; empty while it may go on."""
        record = self._credentials.get(caller.credential)
        if record is None:
            # Nobody; or somebody who was met before the message that announces them; or one that was known.
            known = bool(caller.proof) or caller.account.startswith(PROVISIONAL)
            return "gone" if known and self.synced else ""
        if record.revoked:
            return "gone"
        if record.expires_at is not None and record.expires_at <= now:
            return "expired"
        if caller.proof and caller.proof != record.secret_hash and not _is_former(record, caller.proof, now):
            return "gone" if caller.proof != record.former_hash else "expired"
        account = self._accounts.get(record.account)
        if account is None:
            return "gone"
        return "disabled" if account.disabled else ""

    def scope_of(self, credential: str) -> KeyScope | None:
        """What a key may now; None: all that its account may, or it is not known."""
        record = self._credentials.get(credential)
        return record.scope if record is not None else None

    def former(self, credential: Credential | None) -> Caller | None:
        """Whose key this was that holds no more, for the record: a revoked or expired key of an account above ``new`` is
        not a made-up one. None where that is not known."""
        record = self._credentials.get(credential.id) if credential is not None else None
        account = self._accounts.get(record.account) if record is not None else None
        if account is None or account.standing <= Standing.NEW:
            return None
        return Caller(account.id, "", Standing(account.standing), disabled=account.disabled)

    def is_home(self, device: str) -> bool:
        """Whether this device token speaks for an account of some standing; it opens nothing."""
        credential = self._codec.judge_device(device)
        account = self._accounts.get(credential.id) if credential is not None else None
        return account is not None and account.standing >= Standing.RECENT and not account.disabled

    def is_invitation(self, token: str) -> bool:
        """Whether this is an invitation of ours; whether it was used already is not known here."""
        return self._codec.judge_ticket(token, CredentialKind.INVITATION) is not None

    def is_ticket(self, token: str) -> bool:
        """Whether this is the ticket of a half-finished log-in of ours; whether it still holds is not known here."""
        return self._codec.judge_ticket(token, CredentialKind.TICKET) is not None

    def at(self, now: float) -> None:
        """Lets go of peppers whose time is over; to be called now and then."""
        self._codec.at(now)

    def challenge_key(self) -> bytes:
        """Under which challenges are set, as the account rooms derive it."""
        return self._codec.fresh_hash(b"challenges")

    def banned_source(self, address: str, now: float) -> tuple[DecisionRecord, ...]:
        """The decisions in force against an address or prefixes around it, whatever they reach."""
        found = self._addresses.get(address, ())
        if self._prefixes:
            found = (*found, *self._banned_prefixes(address))
        return tuple(each for each in found if each.expires_at > now) if found else found

    def is_existing(self, token: str, now: float) -> bool:
        """Whether this key or session is a valid one of an account above ``new`` against which nothing is in force."""
        caller = self.recognise(token, now) if token else None
        if caller is None or caller.standing <= Standing.NEW or caller.disabled:
            return False
        banned = self.banned_account(caller.account, now) or self.banned_credential(caller.credential, now)
        return banned is None

    def banned_account(self, account: str, now: float) -> DecisionRecord | None:
        found = self._banned_accounts.get(account)
        return found if found is not None and found.expires_at > now else None

    def banned_credential(self, credential: str, now: float) -> DecisionRecord | None:
        """The decision in force against one API key or session."""
        found = self._banned_credentials.get(credential)
        return found if found is not None and found.expires_at > now else None

    def apply(self, changes: Changes) -> None:
        """Takes over what is new. The parts of a whole state replace what was known when the last is there."""
        self.turn += 1
        if changes.whole:
            self._pending_accounts: dict[str, AccountRecord] = {}
            self._pending_credentials: dict[str, CredentialRecord] = {}
            self._pending_decisions: list[DecisionRecord] = []
            self._arriving = changes
        if self._arriving is not None:
            self._pending_accounts.update((each.id, each) for each in changes.accounts)
            self._pending_credentials.update((each.id, each) for each in changes.credentials)
            self._pending_decisions.extend(changes.decisions)
            if changes.posture is not None:
                self.posture = changes.posture
            if changes.complete:
                self._arriving = None
                self._accounts = self._pending_accounts
                self._credentials = self._pending_credentials
                self._replace_decisions(self._pending_decisions)
                self.synced = True
            return
        self._accounts.update((each.id, each) for each in changes.accounts)
        for credential in changes.credentials:
            known = self._credentials.get(credential.id)
            if known is not None and known.revoked and not credential.revoked:
                # Nothing is given back that was revoked: this was read before, and overtaken on its way.
                continue
            # A revoked one stays for a while, or a fresh one would pass as not yet announced.
            self._credentials[credential.id] = credential
            if credential.revoked:
                self._revoked.append(credential.id)
                if len(self._revoked) > REVOKED_REMEMBERED:
                    self._credentials.pop(self._revoked.popleft(), None)
        for decision in changes.decisions:
            self._enter_decision(decision)
        if changes.posture is not None:
            self.posture = changes.posture

    def expire(self, now: float) -> None:
        """Forgets decisions that have ended; call every few seconds."""
        for decision in [each for each in self._decisions.values() if each.expires_at <= now]:
            self._remove_decision(decision)

    @property
    def decisions(self) -> int:
        return len(self._decisions)

    def _replace_decisions(self, decisions: list[DecisionRecord]) -> None:
        self._decisions.clear()
        self._addresses.clear()
        self._banned_accounts.clear()
        self._banned_credentials.clear()
        self._prefixes.clear()
        for decision in decisions:
            self._enter_decision(decision)

    def _enter_decision(self, decision: DecisionRecord) -> None:
        known = self._decisions.get(decision.id)
        if known is not None:
            self._remove_decision(known)
        if decision.lifted:
            return
        self._decisions[decision.id] = decision
        if decision.scope == "address":
            self._addresses[decision.value] = (*self._addresses.get(decision.value, ()), decision)
        elif decision.scope == "account":
            self._banned_accounts[decision.value] = decision
        elif decision.scope == "credential":
            self._banned_credentials[decision.value] = decision
        else:
            network = ip_network(decision.value, strict=False)
            table = self._prefixes.setdefault((network.version, network.prefixlen), {})
            lowest = int(network.network_address)
            table[lowest] = (*table.get(lowest, ()), decision)

    def _remove_decision(self, decision: DecisionRecord) -> None:
        self._decisions.pop(decision.id, None)
        for table in (self._banned_accounts, self._banned_credentials):
            if table.get(decision.value) is decision:
                del table[decision.value]
        if decision.scope == "address":
            _drop(self._addresses, decision.value, decision)
        elif decision.scope == "prefix":
            network = ip_network(decision.value, strict=False)
            key = (network.version, network.prefixlen)
            table_of = self._prefixes.get(key, {})
            _drop(table_of, int(network.network_address), decision)
            if not table_of:
                self._prefixes.pop(key, None)

    def _banned_prefixes(self, address: str) -> list[DecisionRecord]:
        try:
            parsed = ip_address(address)
        except ValueError:
            return []
        bits = parsed.max_prefixlen
        found: list[DecisionRecord] = []
        for (version, length), table in self._prefixes.items():
            if version == parsed.version:
                found += table.get(int(parsed) >> (bits - length) << (bits - length), ())
        return found


def _drop(table: dict[_Key, tuple[DecisionRecord, ...]], key: _Key, decision: DecisionRecord) -> None:
    left = tuple(each for each in table.get(key, ()) if each is not decision)
    if left:
        table[key] = left
    else:
        table.pop(key, None)


def _provisional(credential: str, age_s: float) -> Caller:
    """Before the first sync the token's own time of issue is all there is to go by."""
    if age_s >= PROVISIONAL_ESTABLISHED_S:
        standing = Standing.ESTABLISHED
    elif age_s >= DAY_S:
        standing = Standing.RECENT
    else:
        standing = Standing.NEW
    return Caller(f"{PROVISIONAL}{credential}", credential, standing)


def _is_former(record: CredentialRecord, proof: bytes, now: float) -> bool:
    """Whether this is the secret before the last rotation, while both hold."""
    return (
        bool(record.former_hash) and now < record.former_until and compare_digest(record.former_hash, proof)
    )
