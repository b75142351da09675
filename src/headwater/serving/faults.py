"""What is logged of a fault of ours."""

import logging
import traceback

logger = logging.getLogger(__name__)


def log_fault(error: BaseException) -> None:
    """Log where a fault happened, without its text, which may quote a caller's."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-6:])
    logger.error(f"a fault: {type(error).__name__}\n{frames}")
