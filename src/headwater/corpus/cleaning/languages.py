"""Which language a text is in, by `langdetect` as in the T5 paper or by `py3langid`.

    detector("langdetect")("The mill stood by the river.")      ("en", 0.99...)

Both have their models in their packages and need no network. `langdetect` has 55 languages and
samples the n-grams of a text; a fixed seed makes every run judge a page alike. `py3langid` (Lui &
Baldwin 2012) has more languages, looks at the whole text, and is far quicker.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

from headwater.errors import UserError, did_you_mean

Detector = Literal["langdetect", "py3langid"]
LOOKED_AT: Final = 100_000  # characters; langdetect itself stops after the first 10,000 or so


def detector(name: Detector) -> Callable[[str], tuple[str, float]]:
    """Return a function from a text to its language and the probability of that."""
    return language_of if name == "langdetect" else _by_langid


def language_of(text: str) -> tuple[str, float]:
    """Return the most probable language by langdetect; ("none", 0) of no words."""
    from langdetect.lang_detect_exception import LangDetectException

    found = _factory().create()
    found.append(text[:LOOKED_AT])
    try:
        languages = found.get_probabilities()
    except LangDetectException:
        return "none", 0.0
    return (languages[0].lang, languages[0].prob) if languages else ("none", 0.0)


def check_language(code: str, name: Detector = "langdetect") -> None:
    """Refuse a language that cannot be recognized."""
    known = sorted(_factory().get_lang_list() if name == "langdetect" else _identifier().labels)
    if code not in known:
        raise UserError(f"rules.language: {code!r} is not known; {did_you_mean(code, known)}")


def _by_langid(text: str) -> tuple[str, float]:
    if not any(map(str.isalpha, text[:LOOKED_AT])):
        return "none", 0.0
    language, probability = _identifier().classify(text[:LOOKED_AT])
    return str(language), float(probability)


@cache
def _factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
