"""A Slurm of its own on this machine: munge, the controller and nodes with two slots each.

All of it runs on virtual machines, which the end of the block, or of this process, takes away.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import machines
from machines import PATH, Machine

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
READY = ("idle", "mixed", "allocated", "completing")

_CONF = """\
ClusterName=headwater
SlurmctldHost=head
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=60
SlurmdTimeout=30
NodeName=n[1-{nodes}] CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Say what keeps a Slurm from being started here; empty where nothing does."""
    absent = [each for each in PROGRAMS if shutil.which(each, path=PATH) is None]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)} (Debian: slurm-wlm)"
    if os.geteuid() != 0:
        return "starting Slurm's daemons asks for root"
    return machines.missing()


class Cluster:
    """A controller and its nodes n1, n2, ..., which can be cut off and come back."""

    def __init__(self, folder: Path, environment: dict[str, str], nodes: int, loopback: bool):
        self.folder = folder
        self._environment = environment
        names = ["head", *(f"n{number}" for number in range(1, nodes + 1))]
        self._addresses = {name: f"10.0.0.{place}" for place, name in enumerate(names, 1)}
        self._head = self._machine("head", "")
        own = "127.0.1.1 {}\n" if loopback else ""
        self._nodes = {name: self._machine(name, own, self._head) for name in names[1:]}

    def _machine(self, name: str, own: str, switch: Machine | None = None) -> Machine:
        others = "".join(f"{address} {other}\n" for other, address in self._addresses.items())
        hosts = self.folder / name / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{own.format(name)}{others}")
        return Machine(name, self._addresses[name], hosts, switch)

    def start(self) -> None:
        """Start it, and wait until all nodes are there."""
        munge = self.folder / "munge"
        self._head.on()
        self._daemon(
            self._head, "munged", "--foreground", "--force", f"--key-file={munge / 'key'}",
            f"--socket={munge / 'socket'}", f"--pid-file={munge / 'pid'}",
            f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}",
        )  # fmt: skip
        until((munge / "socket").exists, self.logs)
        self._daemon(self._head, "slurmctld", "-D", "-i")
        for name in self._nodes:
            self.switch_on(name)

    def end(self) -> None:
        """End it, with all that runs on it."""
        for machine in (self._head, *self._nodes.values()):
            machine.off()

    def switch_on(self, node: str) -> None:
        """Start a node, and wait until it can be given work."""
        self._nodes[node].on()
        self._daemon(self._nodes[node], "slurmd", "-D")
        until(lambda: self._state(node) in READY, self.logs)

    def cut(self, node: str) -> None:
        """End a node as if its power were cut."""
        self._nodes[node].off()

    def kill(self, node: str, words: str) -> None:
        """Kill the processes of a node whose command line matches some words."""
        command = self._nodes[node].here(["pkill", "-KILL", "-f", "--", words])
        subprocess.run(command, check=True)

    def says(self, *command: str, given: str | None = None, **environment: str) -> str:
        """Return what a command prints, run on the controller in the folder of the cluster."""
        done = subprocess.run(
            self._head.here(command), input=given, env=self._environment | environment,
            cwd=self.folder, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def _state(self, node: str) -> str:
        return self.says("sinfo", "-h", "-n", node, "-o", "%T").strip()

    def logs(self) -> str:
        """Return the ends of what the daemons printed."""
        return "\n".join(log.read_text()[-2000:] for log in self.folder.glob("*.out"))

    def _daemon(self, machine: Machine, *command: str) -> None:
        log = self.folder / f"{command[0]}-{machine.name}.out"
        machine.start(command, self._environment, log)


@contextmanager
def cluster(folder: Path, nodes: int, *, loopback: bool = False) -> Iterator[Cluster]:
    """Start one in a new folder; with `loopback` the name of a node means 127.0.1.1 on itself."""
    for name in ("munge", "state", "head", *(f"n{number}" for number in range(1, nodes + 1))):
        (folder / name).mkdir(mode=0o700, parents=True)
    (folder / "munge" / "key").write_bytes(os.urandom(128))
    (folder / "munge" / "key").chmod(0o600)
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(folder=folder, nodes=nodes))
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(conf), "PYTHONPATH": source}
    one = Cluster(folder, environment, nodes, loopback)
    try:
        one.start()
        yield one
    finally:
        one.end()


def until(ready: Callable[[], bool], told: Callable[[], str], seconds: float = 600) -> None:
    """Wait until something is so; otherwise say what is told."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"not so within {seconds} s: {told()}"
        time.sleep(0.5)
