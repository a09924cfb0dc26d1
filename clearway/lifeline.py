"""Starts a program that must not outlive its parent: ask the kernel to signal us when the parent dies, then exec it.

Run by path with `python -I -S`, so it costs some 20 ms and imports nothing of ours. This is done here, and not in a
`preexec_fn`, because running Python between fork and exec in a process with threads may deadlock.

Linux only (PR_SET_PDEATHSIG). Elsewhere the program is started all the same, and after a kill -9 of the stack the next
start finds what was left behind.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Parse, drop privileges if asked to, tie our life to the parent's, become the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if arguments.user:
        _become(arguments.user)
    if sys.platform == "linux":
        _die_with_parent(arguments.parent, arguments.signal)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606 - the very purpose of this file


def _become(user: str) -> None:
    """PostgreSQL refuses to run as root; the kernel forgets a death signal on a change of user, so this comes first."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _die_with_parent(parent: int, signal_number: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


if __name__ == "__main__":
    main()
