"""Completes with a model that another program serves: prompt, rules and clean-up stay here, the tokens come over HTTP.

It knows OpenAI's streaming protocol from the client's side; it does not know which engine answers, or who asks.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from copilot_lib.adapter_files import AdapterRefused
from copilot_lib.codec import Codec
from copilot_lib.completer import Pipeline
from copilot_lib.cursor import Cursor
from copilot_lib.engine import Cancel, Generation
from copilot_lib.fim import Prompt
from copilot_lib.registry import Entry, checked
from copilot_lib.sampling import Sampling
from copilot_lib.snippet import Place
from copilot_lib.stream import until

CONNECT_S, SILENCE_S, CONNECTIONS_TRIED = 2.0, 10.0, 3
LOOK_S = 0.01
"""How often a waiting request looks whether it is still wanted."""
STOPPED = {"stop": "end", "length": "length"}


class EngineFailed(Exception):
    """The engine cannot be reached, refuses, or says nothing; the message says what to do."""


@dataclass(frozen=True)
class Remote:
    """What is known here of a model that runs elsewhere."""

    name: str
    codec: Codec
    context_tokens: int
    device: str = "remote"


class Gateway(Pipeline):
    """A completer whose engine is an address, such as vLLM's or that of llama.cpp's server. Not for several threads at once.

    Prompts are sent as token ids, so that no text in a file is taken for a sentinel. An engine that only takes text gets the
    same prompt spelled out (`as_text`), and files that spell a sentinel are refused. There is no token healing, and no
    n-grams count: both need the model's scores. Connecting is tried again; a request that an engine has begun to answer is not.
    """

    def __init__(
        self,
        url: str,
        model: Remote,
        key: str | None = None,
        as_text: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        super().__init__(model, clock)
        self._url, self._as_text = url.rstrip("/"), as_text
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
            transport=httpx.AsyncHTTPTransport(retries=CONNECTIONS_TRIED - 1),
            headers=authorization(key),
        )

    def begin(
        self,
        cursor: Cursor,
        max_new_tokens: int = 64,
        order: str | None = None,
        place: Place | None = None,
        adapter: Entry | None = None,
        *,
        sampling: Sampling = Sampling(),  # noqa: B008 - frozen
        cancel: Cancel | None = None,
        prefill_ms: float | None = None,
        decode_ms: float | None = None,
    ) -> tuple[Prompt, Generation, Iterator[str]]:
        """Asks the engine at the cursor; options and answer as `Completer.begin`.

        An adapter is the engine's own: its name is sent as the model's, as vLLM wants it.
        """
        prompt = self.prompt(cursor, max_new_tokens, order, place)
        name = adapter.name if adapter else self.model.name
        body = {"model": name, "prompt": self._spelled(prompt), "max_tokens": max_new_tokens, "stream": True}
        body |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
        body |= {"seed": sampling.seed} if sampling.seed is not None else {}
        run = Generation(len(prompt.ids))
        coming = self._pieces(run, body, cancel or Cancel(), prefill_ms, decode_ms) if max_new_tokens else iter(())
        return prompt, run, until(coming, sorted(self.model.codec.format.spellings))

    def _spelled(self, prompt: Prompt) -> str | list[int]:
        if not self._as_text:
            return list(prompt.ids)
        try:
            return self.model.codec.spelled(prompt.ids)
        except ValueError as error:
            raise EngineFailed(f"{error}: use an engine that takes token ids, as vLLM does") from None

    def close(self) -> None:
        """Hangs up."""
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    def _pieces(
        self, run: Generation, body: dict, cancel: Cancel, prefill_ms: float | None, decode_ms: float | None
    ) -> Iterator[str]:
        """The text as it arrives; what is known about the run goes into its fields."""
        stream, text, began = self._stream(body), "", self._clock()
        limit, name = prefill_ms, "prefill time"
        try:
            while True:
                end = None if limit is None else began + limit / 1000
                stopped, piece = self._loop.run_until_complete(self._next(stream, cancel, end))
                if stopped:
                    run.stopped = name if stopped == "time" else stopped
                    return
                if not text and piece:
                    run.prefill_ms = (self._clock() - began) * 1000
                    began, limit, name = self._clock(), decode_ms, "decode time"
                text += piece
                yield piece
        finally:
            self._loop.run_until_complete(stream.aclose())  # the engine sees that nobody listens any more
            run.decode_ms = (self._clock() - began) * 1000
            run.ids += self.model.codec.encode(text)

    async def _next(self, stream: AsyncIterator[tuple[str, str]], cancel: Cancel, end: float | None) -> tuple[str, str]:
        """Why the stream is over, or an empty word and the next piece."""
        coming = asyncio.ensure_future(anext(stream, ("end", "")))
        while not coming.done():
            await asyncio.wait({coming}, timeout=LOOK_S)
            late = end is not None and self._clock() > end
            if not coming.done() and (cancel.cancelled or late):
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
                return ("cancelled" if cancel.cancelled else "time"), ""
        return coming.result()

    async def _stream(self, body: dict) -> AsyncIterator[tuple[str, str]]:
        """Pieces of text with an empty word, and at the end why it ended."""
        with answering(self._url):
            async with self._client.stream("POST", f"{self._url}/v1/completions", json=body) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise refusal(self._url, response)
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or data == "[DONE]":
                        continue
                    for choice in choices(data):
                        yield "", choice.get("text") or ""
                        if reason := choice.get("finish_reason"):
                            yield STOPPED.get(reason, reason), ""


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Says of an engine that does not answer what is wrong with it; `EngineFailed`."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise EngineFailed(f"{url!r} is no address ({error}): expected one such as http://127.0.0.1:8000") from None
    except httpx.ConnectError as error:
        raise EngineFailed(f"no engine at {url} ({error}): start it, or correct --url") from None
    except httpx.TimeoutException:
        raise EngineFailed(f"the engine at {url} said nothing for {SILENCE_S:g} s") from None
    except httpx.HTTPError as error:
        raise EngineFailed(f"the engine at {url} broke off: {error or type(error).__name__}") from None


def refusal(url: str, response: httpx.Response) -> EngineFailed:
    """What an engine says that does not want to; its answer has been read."""
    said = response.content.decode(errors="replace")[:200]
    return EngineFailed(f"the engine at {url} answered {response.status_code}: {said}")


def authorization(key: str | None) -> dict[str, str]:
    """The header that an engine with a key asks for."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def adapter(name: str, scale: float = 1.0) -> Entry:
    """An adapter that the engine may have; `AdapterRefused` for what can be no adapter's name, or a scale of its own."""
    if scale != 1:
        raise AdapterRefused(f"the engine takes adapters as they were trained, and not {scale:g} times as strong: leave it out")
    return Entry(checked(name), Path(), "elsewhere")


def choices(data: str) -> list[dict]:
    """What one event says; `EngineFailed` where it is an error, or no event of this protocol.

    >>> choices('{"choices": [{"text": "x"}]}')
    [{'text': 'x'}]
    """
    try:
        event = json.loads(data)
        return event["choices"]
    except (ValueError, KeyError, TypeError):
        raise EngineFailed(f"the engine said {data[:200]}: expected events of OpenAI's completions") from None


def engine_key() -> str | None:
    """The key that the engine asks for: `COPILOT_ENGINE_KEY`."""
    return os.environ.get("COPILOT_ENGINE_KEY") or None
