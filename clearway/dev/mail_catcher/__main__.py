"""`python -m clearway.dev.mail_catcher`; MAIL_PORT and MAIL_SMTP_PORT replace the defaults."""

from __future__ import annotations

import os

import uvicorn

from clearway.dev.mail_catcher.app import create_app
from clearway.dev.ports import HOST, Ports

ports = Ports.from_environment(os.environ)
uvicorn.run(create_app(ports.mail_smtp), host=HOST, port=ports.mail, log_level="warning", timeout_graceful_shutdown=2)
