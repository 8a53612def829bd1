"""Answers the requests that pygls passes over in silence: those that cannot be read, and those before hello or after goodbye.

It knows JSON-RPC's messages; it does not know what a request asks for.
"""

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcMethodNotFound, JsonRpcServerNotInitialized
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import JsonRPCNotification, RPCMessage, RPCRequest

ANSWERED = "$/answered"
"""Stands for a message of which nothing is left to do; what begins with `$/` may be ignored."""


class Answering(LanguageServerProtocol):
    """pygls's protocol, except that every request has its answer: an editor waits for it."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message from its JSON."""
        try:
            return super().structure_message(data)
        except JsonRpcException as unreadable:
            if not {"id", "method"} <= data.keys():
                raise
            known = self.get_message_type(data["method"])
            refused = unreadable if known else JsonRpcMethodNotFound.of(data["method"])
            self._send_response(data["id"], error=refused.to_response_error())
            return JsonRPCNotification(ANSWERED, self.VERSION, None)

    def handle_message(self, message: RPCMessage) -> None:
        """Does what a message asks for, if this is the time for it."""
        if isinstance(message, RPCRequest) and (refused := self._out_of_time(message.method)):
            self._send_response(message.id, error=refused.to_response_error())
        else:
            super().handle_message(message)

    def _out_of_time(self, method: str) -> JsonRpcException | None:
        if self._workspace is None and method != types.INITIALIZE:
            return JsonRpcServerNotInitialized(f"{method} came too early: send {types.INITIALIZE} first")
        if self._shutdown:
            return JsonRpcInvalidRequest(f"{method} came after {types.SHUTDOWN}: send {types.EXIT} only")
        return None
