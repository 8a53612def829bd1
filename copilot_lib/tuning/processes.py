"""Says which of several processes this one is, and lets the first of them decide for all.

It knows what torchrun and accelerate write into the environment, and torch's group of processes; it does not know what is
decided, or what is trained.

    torchrun --nproc_per_node 2 -m copilot_lib finetune REPO --name NAME
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

Thing = TypeVar("Thing")
WAIT = timedelta(hours=3)
"""For so long the others wait while the first reads a repository and plans; torch's own ten minutes are for a step."""
ELSEWHERE = 2
"""The exit status of a process that ends because the first one could not go on, and has said why."""


@dataclass(frozen=True)
class Processes:
    """A place among the processes of one run, counted over all machines."""

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that decides, writes and speaks."""
        return self.index == 0

    def decided(self, decide: Callable[[], Thing]) -> Thing:
        """What the first process decides, in all of them. Where it fails, it says why, and the others end without a word."""
        if self.count == 1:
            return decide()
        from torch import distributed

        said = [None, False]
        try:
            if self.first:
                said = [decide(), True]
        finally:
            distributed.broadcast_object_list(said, src=0)
        if not said[1]:
            raise SystemExit(ELSEWHERE)
        return said[0]


def launched() -> int:
    """How many processes torchrun started for this run, on all machines; 1 where it started none."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join(device: str) -> Processes:
    """Joins the group that torchrun started this process for; alone where there is none. Each takes its own graphics card."""
    if launched() == 1:
        return Processes()
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu", timeout=WAIT)
    return Processes(state.process_index, state.num_processes)


def check_cards(environment: Mapping[str, str], cards: int) -> None:
    """`ValueError` in a process for which a machine with graphics cards has none left; torchrun then stops the others.

    Two processes on one card would end in an error of NCCL's that names neither. Where a launcher shows each process a card of
    its own, each is the first there.

    >>> check_cards({"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}, cards=1)
    Traceback (most recent call last):
    ValueError: 2 processes were started on a machine with 1 graphics card, and each takes one of its own: \
torchrun --nproc_per_node 1, or CUDA_VISIBLE_DEVICES= to train on processors
    >>> check_cards({"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}, cards=0)
    """
    if not cards or int(environment.get("LOCAL_RANK", "0")) < cards:
        return
    here = environment.get("LOCAL_WORLD_SIZE", "more")
    raise ValueError(
        f"{here} processes were started on a machine with {cards} graphics card{'s' * (cards > 1)}, "
        f"and each takes one of its own: torchrun --nproc_per_node {cards}, or CUDA_VISIBLE_DEVICES= to train on processors"
    )


def leave(processes: Processes) -> None:
    """Leaves the group, so that what the first does alone from here on keeps nobody waiting."""
    if processes.count > 1:
        from torch import distributed

        distributed.destroy_process_group()


def warning(environment: Mapping[str, str], cards: int = 0) -> str | None:
    """What is to be said of a start that makes fewer processes than it seems to; None where all is well.

    `cards` is how many graphics cards there are.

    >>> warning({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"})[:51]
    'accelerate launch was asked for several processes a'
    >>> warning({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500", "WORLD_SIZE": "2", "RANK": "0"})
    >>> warning({}, cards=8)
    '8 graphics cards, and one process, which uses the first: torchrun --nproc_per_node 8 uses all'
    """
    if "WORLD_SIZE" in environment:
        return None
    # accelerate says where to meet only where several processes are to meet, and gives no rank where it starts just one.
    if "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_PORT" in environment:
        return (
            "accelerate launch was asked for several processes and started one, as it does on CPUs: "
            "torchrun --nproc_per_node N starts N"
        )
    if cards > 1:
        return f"{cards} graphics cards, and one process, which uses the first: torchrun --nproc_per_node {cards} uses all"
    return None
