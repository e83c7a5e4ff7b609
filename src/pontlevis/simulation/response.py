"""Writes an answer in the shape of the responses API, whole or as its named events."""

from pontlevis.simulation.call import Call
from pontlevis.simulation.text import words
from pontlevis.simulation.wire import encode


class ResponseAnswer:
    """One response with one message of text."""

    def __init__(
        self, id_: str, created: int, call: Call, seed: int, prompt_tokens: int, tokens: int
    ) -> None:
        self.tokens = tokens
        self._id = id_
        self._seed = seed
        self._said = 0
        self._sequence = 0
        limit = call.limit
        cut = limit is not None and tokens >= limit
        self._status = "incomplete" if cut else "completed"
        self._usage = {
            "input_tokens": prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt_tokens + tokens,
        }
        self._base: dict[str, object] = {
            "id": f"resp_{id_}",
            "object": "response",
            "created_at": created,
            "model": call.model,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "service_tier": "auto",
        }
        self._item = {"output_index": 0, "item_id": f"msg_{id_}", "content_index": 0}

    def more(self, tokens: int) -> bytes:
        start = self._said
        self._said += tokens
        # The opening first: events are numbered as they are written.
        opening = self._opening() if start == 0 else b""
        text = words(self._seed, start, tokens)
        return opening + self._event("output_text.delta", {**self._item, "delta": text, "logprobs": []})

    def last(self) -> bytes:
        text = words(self._seed, 0, self.tokens)
        return b"".join(
            (
                self._event("output_text.done", {**self._item, "text": text, "logprobs": []}),
                self._event("content_part.done", {**self._item, "part": self._part(text)}),
                self._event(
                    "output_item.done", {"output_index": 0, "item": self._message(text, self._status)}
                ),
                self._event(self._status, {"response": self._whole(text)}),
            )
        )

    def whole(self) -> bytes:
        return encode(self._whole(words(self._seed, 0, self.tokens)))

    def _opening(self) -> bytes:
        begun = {**self._base, "incomplete_details": None, "status": "in_progress", "output": [], "usage": None}  # fmt: skip
        item = self._message(None, "in_progress")
        return b"".join(
            (
                self._event("created", {"response": begun}),
                self._event("in_progress", {"response": begun}),
                self._event("output_item.added", {"output_index": 0, "item": item}),
                self._event("content_part.added", {**self._item, "part": self._part("")}),
            )
        )

    def _whole(self, text: str) -> dict[str, object]:
        return {
            **self._base,
            "status": self._status,
            "output": [self._message(text, self._status)],
            "usage": self._usage,
        }

    def _message(self, text: str | None, status: str) -> dict[str, object]:
        content = [] if text is None else [self._part(text)]
        return {
            "type": "message",
            "id": f"msg_{self._id}",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    @staticmethod
    def _part(text: str) -> dict[str, object]:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _event(self, name: str, body: dict[str, object]) -> bytes:
        kind = f"response.{name}"
        data = encode({"type": kind, "sequence_number": self._sequence, **body})
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
