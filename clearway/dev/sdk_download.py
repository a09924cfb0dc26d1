"""`python -m clearway.dev.sdk_download cli|test-server FOLDER`: let the SDK download a server, and start nothing else.

The SDK downloads only as a part of starting, so the server is started once and stopped. A process of its own, because
the download can't be given a time limit from within.
"""

from __future__ import annotations

import asyncio
import os
import sys

from temporalio.testing import WorkflowEnvironment


async def download(kind: str, folder: str) -> None:
    """Leave the executable in `folder`."""
    if kind == "cli":
        environment = await WorkflowEnvironment.start_local(download_dest_dir=folder)
    else:
        environment = await WorkflowEnvironment.start_time_skipping(download_dest_dir=folder)
    await environment.shutdown()


def main() -> int:
    """The exit code; the reason goes to stderr as one line."""
    try:
        asyncio.run(download(sys.argv[1], sys.argv[2]))
    except RuntimeError as error:
        reason = str(error).splitlines()[0].split(" for url", 1)[0].rsplit(": ", 1)[-1]
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the SDK's threads may crash an interpreter that ends by itself
