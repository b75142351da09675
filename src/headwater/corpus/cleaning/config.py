"""The values of the cleaning rules; the defaults are those of the T5 paper."""

from typing import Annotated, Any

from pydantic import Field

from headwater.config import Config


class RulesConfig(Config):
    """What a page must be like (Raffel et al. 2020, section 2.2).

    min_words: a line with fewer words goes.
    min_sentences: a page with fewer sentences in the lines that stay goes; so does one that
        loses its sentences to other pages that have them too.
    whole_page: "lorem ipsum", curly brackets and words of the list drop a page wherever in it they
        stand, as the paper says it; false: only in lines that stay, as C4's published code does.
    language: the code of the language wanted, of those that `langdetect` knows.
    language_probability: a page less certain to be in that language goes.
    """

    min_words: Annotated[int, Field(ge=0)] = 3
    min_sentences: Annotated[int, Field(ge=0)] = 5
    whole_page: bool = True
    language: str = "en"
    language_probability: Annotated[float, Field(ge=0, le=1)] = 0.99


class CleaningConfig(Config):
    """The rules, and what `datatrove` must know of a cluster (such as a Slurm partition)."""

    rules: RulesConfig = RulesConfig()
    executor: dict[str, Any] = Field(default_factory=dict)
