"""Which stages a cleaning has, by its rules.

rules   repeats, unique   [words, word_repeats, without_words]   [signatures ... distinct]   finish
"""

from dataclasses import dataclass, field
from pathlib import Path

from headwater.corpus.cleaning import pages, steps
from headwater.corpus.cleaning.rewriting import Rewriting
from headwater.corpus.cleaning.rules import RulesConfig
from headwater.corpus.executors import Stage
from headwater.corpus.sources import Sources, grouped
from headwater.corpus.store import SourceInfo
from headwater.corpus.work_folder import LAST_STAGE
from headwater.paths import real


def stages_of(
    work: Path,
    output: Path,
    found: Sources,
    text_field: str,
    rules: RulesConfig,
    words: tuple[str, ...] | None,
) -> list[Stage]:
    """Return the stages in their order.

    Args:
        text_field: the field of JSON lines, or the Parquet column, with the text.
        words: the list of bad words; None: no list.
    """
    parts = grouped([real(file) for file in found.files], pages.SHARD)
    apply = steps.ApplyRules(work, parts, text_field, rules, words)
    line = _Line(work, rules, len(parts), [Stage(steps.RULES, apply, len(parts))])
    line.add_unique()
    if rules.repeated_words:
        line.add_words()
    if rules.near_duplicates:
        line.add_near()
    infos = [SourceInfo.of(each) for each in found.sources]
    count = None if words is None else len(words)
    finish = steps.Finish(
        work, tuple(line.counted), output, len(parts), infos, found.passed_over, rules, count
    )
    return [*line.stages, Stage(LAST_STAGE, finish, 1)]


@dataclass
class _Line:
    """Stages, with the names of those that count pages."""

    work: Path
    rules: RulesConfig
    parts: int
    stages: list[Stage]
    counted: list[str] = field(default_factory=lambda: [steps.RULES])

    def add_unique(self) -> None:
        """Take out repeated spans of sentences."""
        last = not (self.rules.repeated_words or self.rules.near_duplicates)
        buckets = self._compare(steps.RULES, "repeats", steps.SHARDS_PER_BUCKET)
        rewriting = self._rewriting("unique", last)
        drop = steps.DropRepeats(rewriting, "repeats", buckets, self.rules.min_sentences)
        self.stages.append(Stage("unique", drop, self.parts))

    def add_words(self) -> None:
        """Take out repeated runs of words."""
        from headwater.corpus.cleaning.word_steps import DropWords, NoteWords

        length, before = self.rules.repeated_words, self.counted[-1]
        note = NoteWords(self.work, before, "words", length)
        self.stages.append(Stage("words", note, self.parts))
        buckets = self._compare("words", "word_repeats", 1)  # some 15 times as many as sentences
        rewriting = self._rewriting("without_words", not self.rules.near_duplicates)
        least = self.rules.min_sentences
        drop = DropWords(rewriting, "word_repeats", buckets, length, least)
        self.stages.append(Stage("without_words", drop, self.parts))

    def add_near(self) -> None:
        """Drop near duplicates."""
        from headwater.corpus.cleaning import near_duplicates as near

        sign = near.SignPages(self.work, self.counted[-1])
        self.stages += [
            Stage("signatures", sign, self.parts),
            Stage("pairs", near.FindPairs(self.work), near.BUCKETS),
            Stage("clusters", near.Cluster(self.work, self.parts), 1),
        ]
        drop = near.DropNear(self._rewriting("distinct", last=True))
        self.stages.append(Stage("distinct", drop, self.parts))

    def _compare(self, spans: str, repeats: str, shards_per_bucket: int) -> int:
        """Compare the spans of all shards; return in how many buckets."""
        buckets = -(-self.parts // shards_per_bucket)
        find = steps.FindRepeats(self.work, self.parts, spans, repeats)
        self.stages.append(Stage(repeats, find, buckets))
        return buckets

    def _rewriting(self, after: str, last: bool) -> Rewriting:
        rewriting = Rewriting(self.work, self.counted[-1], after, last)
        self.counted.append(after)
        return rewriting
