"""`vault:MOUNT/data/PATH#FIELD`: the KV secrets engine, version 2, of HashiCorp Vault and of what speaks its API.

API: `GET /v1/MOUNT/data/PATH` with `X-Vault-Token`; the fields are `data.data` of the answer
(https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version).
"""

import json
import re
from http import HTTPStatus
from typing import Any, cast

from seezar.errors import BackendUnavailable, InvalidInput, SecretMissing
from seezar.settings import Settings

_REST = re.compile(r"(?P<path>[^\s#?%\\]+/data/[^\s#?%\\]+)#(?P<field>[^\s#]+)")
_TIMEOUT_S = 10.0
_LARGEST = 1024 * 1024


class HashicorpBackend:
    """A server that speaks the API of Vault, at `SEEZAR_VAULT_ADDR`."""

    scheme = "vault"

    def __init__(self, settings: Settings) -> None:
        self._address = (settings.vault_addr or "").rstrip("/")
        self._token = settings.vault_token

    def check(self, rest: str) -> None:
        """See `SecretBackend.check`."""
        found = _REST.fullmatch(rest)
        # The path goes into an address: it may not climb out of what the operator's token is meant for.
        if found is None or any(part in ("", ".", "..") for part in found["path"].split("/")):
            raise InvalidInput(
                "That is no place in a vault.",
                kept="Nothing was stored.",
                next_step="Give it as vault:MOUNT/data/PATH#FIELD, for instance vault:secret/data/ops#password.",
            )

    async def fetch(self, rest: str) -> str:
        """See `SecretBackend.fetch`."""
        self.check(rest)
        path, _, field = rest.partition("#")
        if not self._address or self._token is None:
            raise BackendUnavailable(
                "There is no vault to ask.",
                kept="Nothing was used.",
                next_step="Set SEEZAR_VAULT_ADDR and SEEZAR_VAULT_TOKEN where the worker runs.",
            )
        fields = _fields(path, *await self._get(path))
        value = fields.get(field)
        if not isinstance(value, str):
            raise SecretMissing(
                f"The vault holds no text named {field!r} at {path}.",
                next_step="Correct the reference, or put it there.",
            )
        return value

    async def _get(self, path: str) -> tuple[int, bytes]:
        # Most commands ask no vault, and its modules take long to load.
        import httpx

        assert self._token is not None
        headers = {"X-Vault-Token": self._token.get_secret_value(), "X-Vault-Request": "true"}
        body = b""
        try:
            # A redirect would take the token elsewhere: none is followed.
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client,
                client.stream("GET", f"{self._address}/v1/{path}", headers=headers) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise _unavailable("The vault answered with more than a secret.")
                return answer.status_code, body
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(f"The vault cannot be reached ({type(error).__name__}).") from None


def _fields(path: str, status: int, body: bytes) -> dict[str, Any]:
    if status == HTTPStatus.NOT_FOUND:
        raise SecretMissing(
            f"The vault holds nothing at {path}, or not any more.",
            next_step="Correct the reference, or put it there.",
        )
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED):
        raise BackendUnavailable(
            f"The vault refuses the token ({status}).",
            kept="Nothing was used.",
            next_step="Give a token whose policy may read there: SEEZAR_VAULT_TOKEN.",
        )
    if status != HTTPStatus.OK:
        sealed = " It is sealed, or starting." if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        raise _unavailable(f"The vault answered with {status}.{sealed}")
    try:
        fields: Any = json.loads(body)["data"]["data"]
    except (ValueError, KeyError, TypeError):
        raise _unavailable("The vault answered with something else than a secret of its KV engine.") from None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def _unavailable(what: str) -> BackendUnavailable:
    return BackendUnavailable(what, kept="Nothing was used.", next_step="Check SEEZAR_VAULT_ADDR, and try again.")
