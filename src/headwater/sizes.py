"""Numbers of bytes as people read them."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def byte_size(count: float) -> str:
    """Return a number of bytes in the unit that shows it.

    >>> byte_size(0), byte_size(1536), byte_size(97_400_000), byte_size(1.2e12)
    ('0 B', '1.5 KiB', '93 MiB', '1.1 TiB')
    """
    unit = 0
    while unit + 1 < len(_UNITS) and count >= 1024:
        count, unit = count / 1024, unit + 1
    digits = 1 if unit and count < 10 else 0
    return f"{count:,.{digits}f} {_UNITS[unit]}"
