"""All works, in the order in which they are measured."""

from benchmarks.works import (
    ask_cold,
    cbow,
    elmo,
    embedding,
    finetune_spans,
    finetune_t5,
    memory,
    pretraining,
    reader_batch,
    reader_one,
    t5_writing,
)

WORKS = (
    reader_batch.WORK,
    reader_one.WORK,
    ask_cold.WORK,
    embedding.WORK,
    t5_writing.GREEDY,
    t5_writing.ONE,
    t5_writing.BEAM,
    finetune_spans.WORK,
    finetune_t5.WORK,
    pretraining.MLM,
    pretraining.SPANS,
    pretraining.CAUSAL,
    cbow.WORK,
    elmo.WORK,
    memory.WORK,
)
