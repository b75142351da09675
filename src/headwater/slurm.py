"""The batch script by which Slurm trains a recipe, one `torchrun` on each node.

    sbatch          starts the script on the first node, again after a node fails (--requeue)
    srun            starts torchrun on every node, which meets the others at the first one
    torchrun        starts a process for each GPU, and all of them again when one dies
    headwater       goes on from the last saved state (--resume)

Before the time is over Slurm sends USR1 to the script. It sends TERM to each torchrun, by which a
run saves and ends, and puts the job into the queue again.
"""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.errors import UserError

RESTARTS = 3
MOST_NODES = 65_536
MOST_DAYS = 366
_WORD = re.compile(r"[\w.,:+@%&|\[\]*=-]+", re.ASCII)
_TIME = re.compile(r"(?:(?P<d>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
_LEAST = 2  # times the notice: less would be no training


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is asked of Slurm; what is left out is the cluster's default.

    Attributes:
        name: shown by `squeue`.
        nodes: how many.
        gpus: of each node, a process for each; 0: one process on its processors.
        notice: seconds before the end of the time in which a run saves its state.
        time: of the job in Slurm's form, such as 24:00:00 or 2-00:00:00.
    """

    name: str
    nodes: int = 1
    gpus: int = 1
    notice: int = 300
    time: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    mem: str | None = None
    cpus_per_task: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.nodes <= MOST_NODES:
            raise UserError(f"--nodes {self.nodes}: expected 1 to {MOST_NODES}")
        for key in ("time", "partition", "account", "qos", "mem"):
            value = getattr(self, key)
            if value is not None and not _WORD.fullmatch(value):
                raise UserError(f"--{key} {value!r}: one word was expected, as Slurm has it")
        if self.time is not None and (seconds := _seconds(self.time)) < _LEAST * self.notice:
            raise UserError(
                f"--time {self.time} is {seconds} s, of which --notice {self.notice} are for "
                "saving; give more time or a shorter notice"
            )


def batch_script(job: Job, arguments: Sequence[str]) -> str:
    """Return the script; `arguments` are those of `headwater`, without `--resume`."""
    return _SCRIPT.format(
        options="\n".join(f"#SBATCH --{key}={value}" for key, value in _options(job)),
        python=shlex.quote(sys.executable),
        processes=max(1, job.gpus),
        restarts=RESTARTS,
        patience=max(1, job.notice - job.notice // 5),
        arguments=shlex.join([*arguments, "--resume"]),
    )


def _options(job: Job) -> list[tuple[str, object]]:
    name = re.sub(r"[^\w.-]+", "-", job.name, flags=re.ASCII).strip("-") or "headwater"
    asked: list[tuple[str, object]] = [
        ("job-name", name),
        ("nodes", job.nodes),
        ("ntasks-per-node", 1),
        ("gpus-per-node", job.gpus or None),
        ("cpus-per-task", job.cpus_per_task),
        *((key, getattr(job, key)) for key in ("mem", "time", "partition", "account", "qos")),
        ("signal", f"B:USR1@{job.notice}"),
        ("open-mode", "append"),
    ]
    return [(key, value) for key, value in asked if value is not None]


def _seconds(time: str) -> int:
    """Return the seconds of a time in one of Slurm's forms."""
    found = _TIME.fullmatch(time)
    if found is None or any(int(each) > 59 for each in _small(found)):
        raise UserError(
            f"--time {time}: expected minutes, HH:MM:SS or DAYS-HH:MM:SS, "
            "with no more than 59 after a colon"
        )
    seconds = _counted(found)
    if seconds > 24 * 60 * 60 * MOST_DAYS:
        raise UserError(f"--time {time}: more than {MOST_DAYS} days; give what the job needs")
    return seconds


def _small(time: re.Match[str]) -> list[str]:
    """Return the numbers after a colon."""
    return [each for each in time.group("second", "third") if each is not None]


def _counted(found: re.Match[str]) -> int:
    numbers = [int(each) for each in found.group("first", "second", "third") if each is not None]
    if found["d"] is not None:  # days-hours[:minutes[:seconds]]
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
        return ((24 * int(found["d"]) + hours) * 60 + minutes) * 60 + seconds
    if len(numbers) < 3:  # minutes[:seconds]
        minutes, seconds = (*numbers, 0)[:2]
        return 60 * minutes + seconds
    hours, minutes, seconds = numbers
    return (60 * hours + minutes) * 60 + seconds


_SCRIPT = """\
#!/bin/bash
{options}
#SBATCH --requeue

processes={processes}  # of each node, which share its processors
threads=$((${{SLURM_CPUS_PER_TASK:-1}} / processes))
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-$((threads > 0 ? threads : 1))}}"
if [ -n "${{SLURM_CPUS_PER_TASK:-}}" ]; then  # since Slurm 22.05 srun does not take sbatch's
  export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
fi
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1  # after a restart it still has the addresses of before
export HEADWATER_AGENT="$PWD/.headwater-$SLURM_JOB_ID"  # a file of each node, in our own folder
rm -f "$HEADWATER_AGENT".*
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000))

srun bash -c 'echo $$ > "$HEADWATER_AGENT.$SLURMD_NODENAME"
  exec "$0" -m torch.distributed.run --local-addr "$SLURMD_NODENAME" "$@"' {python} \\
  --nnodes "$SLURM_JOB_NUM_NODES" --nproc-per-node "$processes" \\
  --rdzv-backend c10d --rdzv-endpoint "$first:$port" --rdzv-id "$SLURM_JOB_ID" \\
  --max-restarts {restarts} --shutdown-timeout {patience} \\
  -m headwater {arguments} &
step=$!

over=
save_and_end() {{  # torchrun passes it on: Slurm would signal every process, and torchrun again
  over=1
  srun --overlap --ntasks-per-node 1 bash -c 'kill -TERM "$(< "$HEADWATER_AGENT.$SLURMD_NODENAME")"'
}}
trap save_and_end USR1
wait "$step"
code=$?
while kill -0 "$step" 2>/dev/null; do  # a signal ended the waiting, not the step
  wait "$step"
  code=$?
done
rm -f "$HEADWATER_AGENT".*

if [ -n "$over" ] && [ "$code" -ne 0 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""
