"""A server runs with the allocator set for it, however it was started."""

import os
import subprocess
import sys

import pytest

from sovrium_tui.process.allocator import SETTING, VARIABLE

SCRIPT = (
    "import os, sys; from sovrium_tui.process.allocator import start_tuned; "
    "start_tuned(); print(os.environ[sys.argv[1]], sys.argv[2], os.getppid())"
)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's setting")
@pytest.mark.parametrize("given", [None, "glibc.malloc.check=0"])
def test_the_same_command_runs_once_more_with_the_setting(given: str | None) -> None:
    """What somebody has set stays; arguments and process stay the same."""
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    if given is not None:
        environment[VARIABLE] = given
    command = [sys.executable, "-P", "-c", SCRIPT, VARIABLE, "an argument"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{given or SETTING} an argument {os.getpid()}\n"
