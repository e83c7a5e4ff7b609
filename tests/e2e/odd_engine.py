"""An engine that does what its model's name says, right or wrong; for what real engines do on bad days."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = ("the", " bridge", " is", " up")


class OddEngine:
    """Serves ``models`` on a port of 127.0.0.1 until ``stop``."""

    def __init__(self, *models: str, port: int = 0) -> None:
        self.models = models
        self.bodies: list[dict[str, object]] = []
        """Of the chat requests that came."""
        self.under_way = 0
        self.most_under_way = 0
        self.gone = threading.Event()
        """Set when a client went away from an endless stream."""
        self.stopped = False
        self.dies = False
        """Whether ``dies-after-head`` does."""
        self.poured = 0
        """Bytes that ``pours`` got rid of."""
        self.release = threading.Event()
        """What ``waits`` waits for."""
        self.raw = b""
        """What ``raw`` answers, byte for byte."""
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Quiet."""

            def do_GET(self) -> None:
                if engine.stopped:
                    self.close_connection = True
                elif self.path == "/v1/models":
                    listed = [
                        {"id": name, "object": "model", "owner": {"odd": True}} for name in engine.models
                    ]
                    self.send(200, {"object": "list", "data": listed, "extra": 1})
                else:
                    self.send(404, {"detail": "Not Found"})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                engine.bodies.append(body)
                engine.under_way += 1
                engine.most_under_way = max(engine.most_under_way, engine.under_way)
                try:
                    engine.answer(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked was cut off meanwhile, as some tests want it
                finally:
                    engine.under_way -= 1

            def send(self, status: int, body: object, kind: str = "application/json") -> None:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(raw)))
                self.send_header("x-ratelimit-limit-requests", "7")
                self.send_header("openai-organization", "the-operators")
                self.end_headers()
                self.wfile.write(raw)

            def begin_stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.send_header("set-cookie", "engine=1")
                self.end_headers()

            def chunk(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                self.wfile.flush()

            def event(self, body: object) -> None:
                self.chunk(b"data: " + json.dumps(body).encode() + b"\n\n")

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._handler = Handler

    def stop(self) -> None:
        self.stopped = True
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, object]) -> None:
        """Acts by the name of the model."""
        assert isinstance(handler, self._handler)
        name, stream = str(body["model"]), bool(body.get("stream"))
        if name == "refuses-stream-options" and "stream_options" in body:
            handler.send(400, {"error": {"message": "unknown field stream_options", "type": "odd"}})
        elif name == "echoes":
            # vLLM's checks say what they were given, whatever that says.
            handler.send(400, {"error": {"message": f"not a number: {body['temperature']}"}})
        elif name == "unwrapped-error":
            handler.send(
                400, {"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}
            )
        elif name == "ends-late":
            handler.begin_stream()
            handler.event(delta(name, "two words"))
            usage = {"prompt_tokens": 12, "completion_tokens": 30}
            handler.event({"choices": [], "usage": usage})
            handler.chunk(b"data: [DONE]\n\n")
            self.release.wait(180)
            handler.wfile.write(b"0\r\n\r\n")
        elif name == "html":
            handler.send(500, b"<html>worker crashed</html>", "text/html")
        elif name == "hangs-up":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        elif name == "dies":
            handler.begin_stream()
            handler.event(delta(name, WORDS[0]))
            time.sleep(0.1)
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        elif name == "endless":
            handler.begin_stream()
            try:
                while not self.release.is_set():
                    handler.event(delta(name, "."))
                    time.sleep(0.02)
            except OSError:
                self.gone.set()
                handler.close_connection = True
        elif name == "dies-in-head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        elif name == "dies-after-head" and self.dies:
            handler.begin_stream()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        elif name in ("unframed-whole", "unframed-cut"):
            handler.wfile.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\nconnection: close\r\n\r\n"
            )
            handler.wfile.write(b"data: " + json.dumps(delta(name, WORDS[0])).encode() + b"\r\n\r\n")
            if name == "unframed-whole":
                handler.wfile.write(b"data: [DONE]\n\n")
            handler.close_connection = True
        elif name == "refuses-key":
            handler.send(401, {"error": {"message": "Incorrect API key provided: sk-the-operators"}})
        elif name == "pours":
            handler.begin_stream()
            try:
                while not self.release.is_set():
                    handler.event(delta(name, "x" * 65_536))
                    self.poured += 65_536
            except OSError:
                self.gone.set()
                handler.close_connection = True
        elif name == "raw":
            handler.wfile.write(self.raw)
        elif name == "waits":
            self.release.wait(180)
            handler.send(200, whole(name))
        elif stream:
            handler.begin_stream()
            for word in WORDS:
                handler.event(delta(name, word))
            handler.chunk(b"data: [DONE]\n\n")
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.send(200, whole(name))


def delta(model: str, word: str) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": word, "reasoning": "hm"}, "finish_reason": None}
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
        "odd": 1,
    }


def whole(model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": "".join(WORDS), "reasoning_content": "hm"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "odd": {"a": [1]},
    }
