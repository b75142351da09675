"""Memory that is used up, on the processor or on a GPU: the machine's limit and no fault."""

import re

from headwater.sizes import byte_size

_ON_CPU = re.compile(r"tried to allocate (\d+) bytes")
_SAID = re.compile(r"(?:Tried|Unable) to allocate ([\d.]+ [KMGT]?i?B)")
_ADVICE = "smaller batches or shorter inputs need less (training.batch, max_length)"


def memory_fault(error: BaseException) -> str | None:
    """Return a line on an error that means "no memory left": how much was asked for; else None.

    >>> memory_fault(RuntimeError("DefaultCPUAllocator: you tried to allocate 2048 bytes."))[:40]
    'out of memory, 2.0 KiB more were needed;'
    """
    text = str(error)
    if found := _ON_CPU.search(text):
        asked = byte_size(int(found[1]))
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        said = _SAID.search(text)
        asked = said[1] if said else ""
    else:
        return None
    return f"out of memory{f', {asked} more were needed' if asked else ''}; {_ADVICE}"
