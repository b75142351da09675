"""A Slurm of its own on this machine: munge, the controller and one node with two slots."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

_CONF = """\
ClusterName=headwater
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=60
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Say what keeps a Slurm from being started here; empty where nothing does."""
    absent = [each for each in PROGRAMS if shutil.which(each, path=PATH) is None]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)} (Debian: slurm-wlm)"
    return "" if os.geteuid() == 0 else "starting Slurm's daemons asks for root"


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start it in a folder; yield the environment in which its commands find it."""
    host = socket.gethostname().split(".")[0]
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    (folder / "munge" / "key").write_bytes(os.urandom(128))
    (folder / "munge" / "key").chmod(0o600)
    conf = folder / "slurm.conf"
    ports = {"controller": _free_port(), "node": _free_port()}
    conf.write_text(_CONF.format(host=host, folder=folder, **ports))
    environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(conf)}
    munge = folder / "munge"
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={munge / 'key'}",
         f"--socket={munge / 'socket'}", f"--pid-file={munge / 'pid'}",
         f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}"],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    ]  # fmt: skip
    with ExitStack() as stack:
        for command in daemons:
            log = stack.enter_context((folder / f"{command[0]}.out").open("w"))
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            stack.callback(_end, process)
            if command[0] == "munged":
                _until(lambda: (munge / "socket").exists(), "munge")
        _until(lambda: "idle" in _said(["sinfo", "-h", "-o", "%T"], environment), "the node")
        yield environment


def _said(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


def _until(ready: Callable[[], bool], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"{what} did not come up in {seconds} s"
        time.sleep(0.2)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
