"""Finding what runs: the development stack by its state folder, and the settings that fit it.

A variable of the environment or of `.env` always wins over the stack that runs on this machine.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from clearway.cli.problems import CommandError
from clearway.local_stack import NETWORKS, read_description, state_dir
from clearway.setting_values import MailSecurity
from clearway.settings import Settings


@dataclass(frozen=True)
class RunningStack:
    """The addresses of the development stack that runs on this machine's state folder."""

    state_dir: Path
    api_url: str
    receiver_url: str
    simulator_url: str
    temporal_address: str
    temporal_ui_url: str | None
    database_url: str
    owner_url: str
    smtp_port: int | None
    """Of the mail catcher; None: it does not run."""


def running_stack() -> RunningStack | None:
    """Return the development stack that runs, or None."""
    folder = state_dir()
    found = read_description(folder)
    if found is None:
        return None
    return RunningStack(
        state_dir=folder,
        api_url=found["api_url"],
        receiver_url=found["receiver_url"],
        simulator_url=found["simulator_url"],
        temporal_address=found["temporal_address"],
        temporal_ui_url=found["temporal_ui_url"],
        database_url=found["database_url"],
        owner_url=found["owner_url"],
        smtp_port=found.get("smtp_port"),
    )


def settings_in_use() -> Settings:
    """Return the settings; where the environment is silent, those of the stack that runs here."""
    settings = Settings()
    stack = running_stack()
    if stack is None:
        return settings
    of_stack: dict[str, object] = {
        "database_url": stack.database_url,
        "temporal_address": stack.temporal_address,
        "simulator_url": stack.simulator_url,
        "webhook_allowed_networks": NETWORKS,
    }
    if stack.smtp_port is not None and settings.smtp_host is None:
        of_stack |= {"smtp_host": "127.0.0.1", "smtp_port": stack.smtp_port, "smtp_security": MailSecurity.NONE}
        of_stack |= {"mail_from": "Clearway <no-reply@clearway.test>"}
    silent = {name: value for name, value in of_stack.items() if name not in settings.model_fields_set}
    if "database_url" in silent and "migrations_database_url" not in settings.model_fields_set:
        silent["migrations_database_url"] = stack.owner_url
    return settings.model_copy(update=silent) if silent else settings


def login() -> str:
    """Return the login name, for the audit log. Raises CommandError where there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("Your login name is not known. Give your name with --operator NAME.") from None
