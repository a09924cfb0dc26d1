"""The simulator's switches and test values, by its HTTP API: it is a program of its own."""

from __future__ import annotations

from typing import Any, Final

import httpx

from clearway.domain.errors import UnavailableError, UnprocessableError

TIMEOUT_S: Final = 5.0


async def ask(url: str, method: str, path: str, **request: Any) -> Any:
    """Send a request to the simulator at this address and return its answer.

    Raises UnavailableError, or UnprocessableError for what the simulator refuses.
    """
    try:
        async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.request(method, path, **request)
    except httpx.TransportError as error:
        raise _unavailable() from error
    if answer.status_code == httpx.codes.BAD_REQUEST:
        detail = f"The simulator refused the fault: {_reasons(answer)}. Nothing was changed."
        raise UnprocessableError("fault_invalid", detail)
    if answer.is_error:
        raise _unavailable()
    return answer.json() if answer.content else None


def _unavailable() -> UnavailableError:
    detail = "The simulator does not answer, so its faults and test values are not known. Nothing was done. Repeat."
    return UnavailableError("simulator_unavailable", detail)


def _reasons(answer: httpx.Response) -> str:
    problems = answer.json()["error"].get("problems", [])
    return "; ".join(f"{each['param']}: {each['message']}" for each in problems) or "it did not say why"
