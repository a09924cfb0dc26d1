"""Waiting for other processes by polling, because they send no signal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil


async def eventually(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    """Return as soon as the condition holds; fail after the limit."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.02)


async def written(path: Path, words: str = "") -> str:
    """Wait for a file to say something; return all that it says."""
    await eventually(lambda: path.exists() and path.read_text() and words in path.read_text())
    return read(path)


def read(path: Path) -> str:
    """Everything a file says."""
    return path.read_text()


def has_ended(pid: int) -> bool:
    """Whether the process has ended; a zombie counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
