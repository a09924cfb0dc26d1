"""What commands have in common: a client of the API, and a result that people read or programs get as JSON.

A decorator adds its options to the parameters that Typer reads, after the command's own. Commands decide what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from inspect import Signature, signature
from typing import Any, Concatenate, TypeVar

from rich.console import RenderableType

from clearway.cli import output
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, MerchantApi, open_api
from clearway.cli.output import JsonFlag

Answer = TypeVar("Answer")


class Result:
    """What a command found or did.

    data: what --json prints. shown: what people read instead; without it, they read the JSON, too.
    remarks: for people, on stderr. error: raised when all is printed, for the exit code.
    """

    def __init__(
        self, data: Any, *shown: RenderableType, remarks: Sequence[str] = (), error: Exception | None = None
    ) -> None:
        self.data = data
        self.shown = shown
        self.remarks = remarks
        self.error = error

    def print(self, *, as_json: bool) -> None:
        """Print it. Raises `error`."""
        if as_json or not self.shown:
            output.print_json(self.data)
        else:
            for each in self.shown:
                output.out().print(each)
            for remark in self.remarks:
                output.remarks().print(remark)
        if self.error is not None:
            raise self.error


def shows_result(command: Callable[..., Result]) -> Callable[..., None]:
    """Print what the command returns; with --json as JSON."""

    def printing(*client: MerchantApi, as_json: JsonFlag = False, **given: Any) -> None:
        command(*client, **given).print(as_json=as_json)

    return _as_typer_reads(printing, command)


def asks_api(command: Callable[Concatenate[MerchantApi, ...], Answer]) -> Callable[..., Answer]:
    """Give the command a client of the API as its first parameter; the options of the connection say which."""

    def connected(
        *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None, **given: Any
    ) -> Answer:
        with open_api(api_url, api_key, api_secret) as api:
            return command(api, **given)

    return _as_typer_reads(connected, command, without=1)


def _as_typer_reads(
    wrapper: Callable[..., Answer], command: Callable[..., Any], *, without: int = 0
) -> Callable[..., Answer]:
    """Return the wrapper with the command's name, text and parameters but the first ones, then its own options."""
    options = [each for each in signature(wrapper, eval_str=True).parameters.values() if each.kind is each.KEYWORD_ONLY]
    parameters = [*signature(command, eval_str=True).parameters.values()][without:]
    update_wrapper(wrapper, command)
    # Typer calls inspect.signature, which prefers this attribute to the wrapped function; the class of functions has no
    # such field, so that mypy knows it as an item of their namespace only.
    vars(wrapper)["__signature__"] = Signature([*parameters, *options])
    wrapper.__annotations__ = {each.name: each.annotation for each in (*parameters, *options)}
    return wrapper
