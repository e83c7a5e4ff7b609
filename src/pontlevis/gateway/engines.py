"""The engines behind this gateway: addresses, what they serve, whether they are well."""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from pontlevis.config import EngineSettings
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.upstream import Sending, Server, Unreachable, UpstreamError

PROBE_LIMIT = 4_194_304  # bytes of a models list or a metrics page that are read
METRICS_PATH = "/metrics"
_METRIC = re.compile(
    rb"^(?:vllm:|sglang:|llamacpp:|lmdeploy:|aphrodite:|tgi_)(num_requests_running|num_running_reqs|"
    rb"requests_processing|batch_current_size|num_requests_waiting|num_queue_reqs|requests_deferred|queue_size|"
    rb"kv_cache_usage_perc|gpu_cache_usage_perc|token_usage|kv_cache_usage_ratio)(?:\{[^}]*\})? ([0-9.eE+-]+)",
    re.MULTILINE,
)
_RUNNING = frozenset({b"num_requests_running", b"num_running_reqs", b"requests_processing", b"batch_current_size"})  # fmt: skip
_WAITING = frozenset({b"num_requests_waiting", b"num_queue_reqs", b"requests_deferred", b"queue_size"})
USUAL_TAG = ":latest"  # Ollama's, and of what names models as it does; a name without a tag means this one


class _ModelList(msgspec.Struct):
    data: list[dict[str, object]] | None = None
    """Null where Ollama has no model yet."""


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """What an engine says of itself. ``kv_usage`` is 0 to 1."""

    running: int
    waiting: int
    kv_usage: float


@dataclass(slots=True)
class Engine:
    """One engine."""

    name: str
    """Its base address without ``/v1``; also what admission calls it."""
    server: Server
    host_header: bytes
    base_path: str
    authorization: bytes
    up: bool = False
    models: dict[str, dict[str, object]] = field(default_factory=dict)
    """What ``/v1/models`` said, by model id."""
    refuses_stream_options: bool = False
    failures: int = 0
    """Probes that failed in a row."""
    metrics_path: str | None = METRICS_PATH
    """None once the engine was found to have none."""
    error: str = "not probed yet"

    @property
    def serves(self) -> frozenset[str]:
        """The names by which its models may be asked for."""
        return frozenset(self.models).union(name.removesuffix(USUAL_TAG) for name in self.models)

    def is_up(self) -> None:
        """Where it was away, it may be another version now, or have been started with other options."""
        if not self.up:
            self.metrics_path = METRICS_PATH
            self.refuses_stream_options = False
        self.up = True

    def takes(self, model: str) -> bool:
        """Whether a request for ``model`` may be sent to it; one that lists no model is sent all."""
        return not self.models or model in self.models or model + USUAL_TAG in self.models

    def head(self, method: str, path: str, fields: bytes, length: int) -> bytes:
        """Request line and headers. ``path`` begins with ``/v1`` or stands at the server's root."""
        return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b%bcontent-length: %d\r\n\r\n" % (
            method.encode(),
            (self.base_path + path).encode(),
            self.host_header,
            self.authorization,
            fields,
            length,
        )


def make_engine(settings: EngineSettings, policy: GatewayPolicy, clock: Callable[[], float]) -> Engine:
    """Raises ``ValueError`` for an address that is no http or https URL."""
    parts = urlsplit(settings.url if "://" in settings.url else f"http://{settings.url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"an engine's address must be an http or https URL, not {settings.url!r}")
    path = parts.path.rstrip("/").removesuffix("/v1")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    key = settings.api_key
    if any(ord(each) < 33 or ord(each) > 126 for each in key):
        raise ValueError(f"the API key for engine {settings.url!r} holds characters that no header can carry")
    return Engine(
        name=f"{parts.scheme}://{parts.netloc}{path}",
        server=Server(
            host=parts.hostname,
            port=port,
            tls=tls,
            most=policy.engine_connections,
            connect_timeout_s=policy.engine_connect_timeout_s,
            clock=clock,
        ),
        host_header=parts.netloc.rpartition("@")[2].encode(),
        base_path=path,
        authorization=f"authorization: Bearer {key}\r\n".encode() if key else b"",
    )


class Probe:
    """One small request whose whole answer is awaited."""

    def __init__(self) -> None:
        self._done: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._parts: list[bytes] = []
        self._size = 0

    async def get(self, engine: Engine, path: str, timeout_s: float) -> tuple[int, bytes]:
        """Status and body. Raises ``UpstreamError`` or ``TimeoutError``."""
        sending: Sending = engine.server.send(engine.head("GET", path, b"accept: */*\r\n", 0), self)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._done
        finally:
            sending.cancel()

    def answer_begins(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._status = status

    def answer_data(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > PROBE_LIMIT:
            if not self._done.done():
                self._done.set_exception(UpstreamError("the answer is too large"))
            return
        self._parts.append(data)

    def answer_ends(self) -> None:
        if not self._done.done():
            self._done.set_result((self._status, b"".join(self._parts)))

    def answer_fails(self, error: Exception, begun: bool) -> None:
        if not self._done.done():
            self._done.set_exception(error if isinstance(error, UpstreamError) else UpstreamError(str(error)))


async def probe_models(engine: Engine, timeout_s: float) -> None:
    """Asks for the list of models and notes the engine's health; never raises for what an engine does."""
    try:
        status, body = await Probe().get(engine, "/v1/models", timeout_s)
        if status != 200:
            raise UpstreamError(f"/v1/models answers {status}")
        listed = msgspec.json.decode(body, type=_ModelList).data or []
        models = {str(each["id"]): each for each in listed if isinstance(each.get("id"), str)}
    except (UpstreamError, TimeoutError, msgspec.DecodeError, OSError) as error:
        engine.failures += 1
        engine.error = str(error) or "timed out"
        # One probe that fails is a hiccup; a refused connection or two failures are an outage.
        if engine.failures >= 2 or isinstance(error, Unreachable):
            engine.up = False
        return
    engine.failures = 0
    engine.error = ""
    engine.is_up()
    engine.models = models


async def probe_metrics(engine: Engine, timeout_s: float) -> EngineMetrics | None:
    """Reads the metrics of those engines that have some; None where there are none."""
    if engine.metrics_path is None or not engine.up:
        return None
    try:
        status, body = await Probe().get(engine, engine.metrics_path, timeout_s)
    except (UpstreamError, TimeoutError, OSError):
        return None
    if status == 404:
        engine.metrics_path = None
    elif 300 < status < 309 and engine.metrics_path == METRICS_PATH:
        engine.metrics_path = METRICS_PATH + "/"  # where FastAPI mounts them, and then redirects to
    if status != 200:
        return None
    return read_metrics(body)


def read_metrics(body: bytes) -> EngineMetrics | None:
    """Running and waiting summed over the engine's ranks, KV-cache use as the highest of them."""
    running = waiting = 0
    usage = 0.0
    seen = False
    for name, text in _METRIC.findall(body):
        try:
            value = float(text)
        except ValueError:
            continue
        if not 0 <= value < 1e9:
            continue
        seen = True
        if name in _RUNNING:
            running += int(value)
        elif name in _WAITING:
            waiting += int(value)
        else:
            usage = max(usage, min(1.0, value))
    return EngineMetrics(running, waiting, usage) if seen else None
