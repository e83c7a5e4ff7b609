"""Who is invited, as the gateway can tell without asking anybody."""

from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.gatehouse import Invited
from pontlevis.gateway.policy import GatewayPolicy

CODEC = CredentialCodec(bytes(range(32)))


def target(token: str) -> bytes:
    return f"/api/accounts?x=1&invitation={token}".encode()


def test_only_invitations_of_ours_pass_and_only_so_many() -> None:
    """Nobody makes one up, no other credential is one, and one that is sent again and again is rationed."""
    policy = GatewayPolicy(stranger_posts_per_s=1.0, stranger_posts_burst=3.0)
    invited = Invited(Directory(CODEC), policy)
    token = CODEC.mint(CredentialKind.INVITATION, "ab" * 8, 1_738_000_000, bytes(20))
    others = [
        CODEC.mint(kind, "ab" * 8, 1_738_000_000, bytes(20))
        for kind in CredentialKind
        if kind is not CredentialKind.INVITATION
    ]
    foreign = CredentialCodec(b"another pepper of thirty-two byte").mint(
        CredentialKind.INVITATION, "ab" * 8, 1_738_000_000, bytes(20)
    )
    for wrong in [*others, foreign, "pi-", "pi-" + "A" * 60, token[:-1]]:
        assert not invited.may_pass(target(wrong), 10.0)
    assert not invited.may_pass(b"/api/accounts", 10.0)
    assert not invited.may_pass(b"/api/accounts?" + b"a=1&" * 100 + b"invitation=" + token.encode(), 10.0)
    assert [invited.may_pass(target(token), 10.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert invited.may_pass(target(token), 11.0)


def test_invitations_and_links_open_nothing() -> None:
    """They are judged apart from what does."""
    directory = Directory(CODEC)
    for kind in (CredentialKind.INVITATION, CredentialKind.LINK):
        token = CODEC.mint(kind, "ab" * 8, 1_738_000_000, bytes(20))
        assert CODEC.judge(token) is None
        assert directory.recognise(token, 1_738_000_000.0) is None
        assert not directory.is_home(token)
        assert CODEC.judge_ticket(token, CredentialKind.API_KEY) is None
    assert not directory.is_invitation(CODEC.mint(CredentialKind.LINK, "ab" * 8, 1_738_000_000, bytes(20)))
