"""What every side imports, imported once. Nothing here may start a thread or run a kernel."""

import contextlib
import logging
import os
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch  # noqa: F401

import headwater  # noqa: F401

with contextlib.suppress(ImportError):  # its sides are skipped
    import transformers
    from transformers.models.bert import modeling_bert  # noqa: F401
    from transformers.models.gpt2 import modeling_gpt2  # noqa: F401
    from transformers.models.t5 import modeling_t5  # noqa: F401

    transformers.utils.logging.disable_progress_bar()

warnings.filterwarnings("ignore")
logging.getLogger("headwater").setLevel(logging.WARNING)
