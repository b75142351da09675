"""Virtual machines on a network of their own: namespaces of Linux, joined by a bridge.

A machine is a shell that waits in namespaces of its own: network, host name, mounts, process ids.
It ends when its input does, so it outlives neither `off` nor this process, however that ends.
With it the kernel kills all that was started on it, and takes its network away.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = ("unshare", "nsenter", "ip", "mount", "bash")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_ENVIRONMENT = {**os.environ, "PATH": PATH}
_NAMESPACES = ["--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def missing() -> str:
    """Say what keeps machines from being made here; empty where nothing does."""
    absent = [each for each in PROGRAMS if shutil.which(each, path=PATH) is None]
    if absent:
        return f"no {', '.join(absent)} for namespaces (Debian: util-linux, iproute2)"
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "ip", "link", "add", "type", "bridge"],
        env=_ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


class Machine:
    """One of them; `switch` is the one with the bridge that it is plugged into."""

    def __init__(self, name: str, address: str, hosts: Path, switch: "Machine | None" = None):
        self.name = name
        self._address = address
        self._hosts = hosts
        self._switch = switch
        self._shell: subprocess.Popen[str] | None = None
        self._daemons: list[subprocess.Popen[bytes]] = []

    def on(self) -> None:
        """Start it, with its name and the file of everyone's names."""
        start = f'hostname {self.name}; mount --bind "$0" /etc/hosts; echo; read'
        self._shell = subprocess.Popen(
            ["unshare", *_NAMESPACES, "bash", "-ec", start, str(self._hosts)],
            env=_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._shell.stdout is not None
        assert self._shell.stdout.readline() == "\n", f"{self.name} did not start"
        self._connect()

    def off(self) -> None:
        """End it as if its power were cut: nobody is told."""
        if self._shell is not None:
            if self._switch is not None and self._switch._shell is not None:
                self._switch._ip(f"link del {self.name}")
            self._shell.communicate()
            self._shell = None
        while self._daemons:
            self._daemons.pop().wait()

    def here(self, command: Sequence[str]) -> list[str]:
        """Return what runs a command on it."""
        ids = f"--pid=/proc/{self._process}/ns/pid_for_children"
        namespaces = ["--net", "--uts", "--mount", ids, "--wd=."]
        return ["nsenter", "--target", str(self._process), *namespaces, *command]

    def start(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        """Start a command on it that runs until the machine is off."""
        with log.open("a") as output:
            self._daemons.append(
                subprocess.Popen(
                    self.here(command), env=environment, stdout=output, stderr=output,
                    stdin=subprocess.DEVNULL,
                )
            )  # fmt: skip

    @property
    def _process(self) -> int:
        """Return the process that holds its namespaces, as the outside counts them."""
        assert self._shell is not None, f"{self.name} is off"
        return self._shell.pid

    def _ip(self, words: str) -> None:
        """Change its network; process ids in the words are those of the outside."""
        command = ["nsenter", "--target", str(self._process), "--net", "ip", *words.split()]
        subprocess.run(command, env=_ENVIRONMENT, check=True)

    def _connect(self) -> None:
        self._ip("link set lo up")
        if self._switch is None:
            self._ip("link add eth0 type bridge")
        else:
            peer = f"type veth peer name eth0 netns {self._process}"
            self._switch._ip(f"link add {self.name} {peer}")
            self._switch._ip(f"link set {self.name} master eth0 up")
        self._ip(f"addr add {self._address}/24 dev eth0")
        self._ip("link set eth0 up")
