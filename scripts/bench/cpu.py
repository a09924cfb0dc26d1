"""CPU-seconds by process: what a program and everything it started have used, living and ended.

A process that has ended and was waited for is in the `children` times of its parent, so the sum over a tree loses
nothing: PostgreSQL's backends come and go. Resolution: one clock tick, usually 10 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

Pids = Mapping[str, int]


def tree_cpu_s(pid: int) -> float:
    """Return the CPU-seconds (user and system) of a process and all its descendants; 0 when it has gone."""
    used = 0.0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
    return used


@dataclass(frozen=True)
class CpuMeter:
    """The CPU that named processes use from its making on."""

    pids: Pids
    before: Mapping[str, float]

    @classmethod
    def start(cls, pids: Pids) -> CpuMeter:
        """Begin to measure."""
        return cls(dict(pids), {name: tree_cpu_s(pid) for name, pid in pids.items()})

    def used_s(self) -> dict[str, float]:
        """Return the CPU-seconds since the start by name."""
        return {name: tree_cpu_s(pid) - self.before[name] for name, pid in self.pids.items()}
