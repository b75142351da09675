"""Which language a text is in, by `langdetect`, as the T5 paper does it (section 2.2).

It brings its profiles of 55 languages along and needs no network. It draws some of the text's
n-grams at random; here always the same ones, so that a page is judged alike in every run.
"""

from functools import cache
from typing import Any

from headwater.errors import UserError, did_you_mean

_LOOKED_AT = 100_000  # characters; the detector itself stops after the first 10,000 or so


def language_of(text: str) -> tuple[str, float]:
    """Return the most probable language of a text and its probability; ("none", 0) of no words."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.append(text[:_LOOKED_AT])
    try:
        found = detector.get_probabilities()
    except LangDetectException:
        return "none", 0.0
    return (found[0].lang, found[0].prob) if found else ("none", 0.0)


def check_language(code: str) -> None:
    """Refuse a language that cannot be recognized."""
    known = sorted(_factory().get_lang_list())
    if code not in known:
        raise UserError(f"rules.language: {code!r} is not known; {did_you_mean(code, known)}")


@cache
def _factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
