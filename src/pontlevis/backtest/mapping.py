"""What a line means here: which kind of act, and how it ended. An operator may say otherwise."""

from dataclasses import dataclass
from zlib import crc32

from pontlevis.backtest.entry import Entry
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.page_part import is_file, names_of, part_of
from pontlevis.brain.setting import setting

_WRITES = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class MappingPolicy:
    """Which paths are which; a path is compared by its end, one for the API by any of its folders."""

    login_paths: tuple[str, ...] = setting(
        (
            "/login", "/signin", "/sign_in", "/sign-in", "/auth", "/session", "/sessions", "/api/sessions", "/user/login",
            "/users/sign_in", "/account/login", "/accounts/login", "/api/login", "/api/auth", "/auth/login",
            "/oauth/token", "/oauth2/token", "/api/token", "/login.php", "/signin.php", "/authenticate",
            "/api/v1/auths/signin", "/user/authenticate",
        ),
        unit="paths",
        doc="Log-ins: what is posted to these.",
        source="choice: OpenID Connect, Devise, Django, LiteLLM and Open WebUI defaults, and Pontlevis' own",
    )  # fmt: skip
    form_login_paths: tuple[str, ...] = setting(
        ("/wp-login.php", "/administrator/index.php", "/user/login", "/users/sign_in", "/accounts/login"),
        unit="paths",
        doc="Log-ins whose form is shown again, with status 200, when they fail; success redirects.",
        source="WordPress, Joomla, Drupal, Devise and Django defaults; CrowdSec http-bf-wordpress_bf counts the same",
    )
    signup_paths: tuple[str, ...] = setting(
        (
            "/register", "/signup", "/sign_up", "/sign-up", "/api/accounts", "/api/register", "/api/signup",
            "/accounts/signup", "/account/register", "/user/register", "/auth/signup", "/auth/register",
            "/api/v1/auths/signup", "/registration",
        ),
        unit="paths",
        doc="Sign-ups: what is posted to these.",
        source="choice: Devise, Django allauth, Drupal, Open WebUI defaults, and Pontlevis' own",
    )  # fmt: skip
    api_paths: tuple[str, ...] = setting(
        (
            "/v1", "/v1beta", "/chat/completions", "/completions", "/embeddings", "/responses", "/models", "/api/generate",
            "/api/chat", "/api/embed", "/openai", "/anthropic",
        ),
        unit="paths",
        doc="Calls of the inference API: these and whatever lies below them.",
        source="OpenAI's, Anthropic's, Ollama's and LiteLLM's paths",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in ("login_paths", "form_login_paths", "signup_paths", "api_paths"):
            for path in getattr(self, name):
                if not isinstance(path, str) or not path.startswith("/") or len(path) < 2:
                    raise ValueError(f"mapping.{name}: a path begins with a slash, {path!r} does not")


class Mapping:
    """Turns entries into observations. Remembers what it said of a path, boundedly."""

    def __init__(self, policy: MappingPolicy) -> None:
        self._login = tuple(path.lower() for path in policy.login_paths)
        self._form = tuple(path.lower() for path in policy.form_login_paths)
        self._signup = tuple(path.lower() for path in policy.signup_paths)
        self._api = tuple(path.lower() for path in policy.api_paths)
        self._places: dict[str, tuple[Kind, bool, bool]] = {}
        self._agents: dict[str, int] = {"": 0}

    def observation(self, entry: Entry, at: float) -> Observation:
        """What the entry means at ``at``; standing is left anonymous."""
        path, _, query = entry.path.partition("?")
        place, form, static = self._place(path)
        kind = entry.kind or self._kind(entry, place)
        outcome = entry.outcome or _outcome(kind, entry, form=form)
        part = part_of(entry.method, path) if kind is Kind.PAGE and entry.kind is None else PagePart.OTHER
        still = static and kind is Kind.PAGE and part is not PagePart.ASSET
        return Observation(
            at=at,
            kind=kind,
            outcome=outcome,
            # A download is the browser's doing, not its user's: it counts for nobody.
            source="" if still else entry.source,
            fingerprint=self._fingerprint(entry.agent),
            account=entry.account,
            domain=entry.domain or _domain(entry.account),
            count=entry.count,
            tokens=entry.tokens,
            credential=entry.credential,
            bytes=entry.size,
            target=crc32(path.encode()) if path else 0,
            parameters=names_of(query) if query else 0,
            part=part,
        )

    def _kind(self, entry: Entry, place: Kind) -> Kind:
        if place is Kind.REQUEST:
            return place
        if place is not Kind.PAGE:
            return place if entry.method in _WRITES else Kind.PAGE
        # HTTP Basic: a name came along and was not believed, or a form somewhere asked for a password.
        asked = entry.challenged or entry.method in _WRITES
        return Kind.LOGIN if entry.status == 401 and asked else Kind.PAGE

    def _place(self, path: str) -> tuple[Kind, bool, bool]:
        """Kind that the path alone speaks for, whether it is a form that is shown again, whether it is static."""
        known = self._places.get(path)
        if known is not None:
            return known
        if len(self._places) >= 8192:
            self._places.clear()
        bare = path.lower().rstrip("/")
        static = is_file(path)
        if bare.endswith(self._form):
            said = Kind.LOGIN, True, False
        elif bare.endswith(self._signup):
            said = Kind.SIGNUP, False, False
        elif bare.endswith(self._login):
            said = Kind.LOGIN, False, False
        elif any(bare == each or bare.startswith(each + "/") for each in self._api):
            said = Kind.REQUEST, False, False
        else:
            said = Kind.PAGE, False, static
        self._places[path] = said
        return said

    def _fingerprint(self, agent: str) -> int:
        known = self._agents.get(agent)
        if known is None:
            if len(self._agents) >= 8192:
                self._agents = {"": 0}
            known = self._agents[agent] = crc32(agent.encode("utf-8", "replace")) or 1
        return known


def _outcome(kind: Kind, entry: Entry, *, form: bool) -> Outcome:
    """How it ended, by status; see docs/backtest.md for the table."""
    status = entry.status
    if status in (429, 503, 444):
        # 503 is what nginx' limit_req answers unless it is told otherwise, 444 its silence.
        return Outcome.REFUSED
    if status >= 500 or status in (0, 499):
        return Outcome.ERROR
    if kind is Kind.LOGIN:
        if status in (400, 401, 403, 422):
            return Outcome.BAD_CREDENTIAL
        if form and status == 200:
            return Outcome.BAD_CREDENTIAL
        return Outcome.OK if status < 400 else Outcome.INVALID
    if kind is Kind.SIGNUP:
        if status == 403:
            return Outcome.REFUSED
        return Outcome.OK if status < 400 else Outcome.INVALID
    if status == 401 and kind is Kind.REQUEST:
        return Outcome.BAD_CREDENTIAL
    if status in (402, 403, 451) and kind is Kind.REQUEST:
        return Outcome.REFUSED
    return Outcome.OK if status < 400 else Outcome.INVALID


def _domain(account: str) -> str:
    return account.rpartition("@")[2].lower()[:128] if "@" in account else ""
