"""Who is invited, as the gateway can tell without asking anybody."""

from pontlevis.brain.credential import CredentialCodec, CredentialKind
from pontlevis.brain.observation import Kind
from pontlevis.brain.vocabulary import Posture
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.gatehouse import STRANGER_POSTS, Invited, Strangers
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


def test_strangers_are_rationed_by_posture() -> None:
    """All pass in calm; while elevated log-ins are slowed and sign-ups not; under attack everything is."""
    policy = GatewayPolicy(stranger_posts_per_s=1.0, stranger_logins_per_s=2.0, stranger_posts_burst=3.0)

    def passed(posture: Posture, kind: Kind) -> int:
        strangers = Strangers(policy)
        return sum(strangers.may_pass(kind, posture, 100.0 + tick / 10) for tick in range(100))

    assert passed(Posture.NORMAL, Kind.LOGIN) == 100
    assert 15 <= passed(Posture.ELEVATED, Kind.LOGIN) <= 23
    assert passed(Posture.ELEVATED, Kind.SIGNUP) == 100
    for kind in set(STRANGER_POSTS.values()):
        assert 8 <= passed(Posture.UNDER_ATTACK, kind) <= 13
        assert passed(Posture.RECOVERING, kind) == passed(Posture.UNDER_ATTACK, kind)
