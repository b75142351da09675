"""Opening a vocabulary, whatever its family: its files tell which it is."""

from pathlib import Path

from headwater.arguments import check_name
from headwater.errors import UserError
from headwater.text.settings import Settings
from headwater.text.tokenizer_classes import ALBERT, BYTES, check_class, reads, refuse_unread
from headwater.text.vocabulary import Vocabulary

ENCODER_MODELS = ("sentencepiece.bpe.model", "spm.model")
VOCABULARY_FILES = ("spiece.model", "tokenizer.json", *ENCODER_MODELS, "vocab.txt", "vocab.json")


def load_vocabulary(path: Path | str) -> Vocabulary:
    """Load the vocabulary of a folder, or of one file (its neighbors' settings are read too).

    In a folder `spiece.model` comes first where it is T5's, because it defines T5's ids, then
    `tokenizer.json`, the SentencePiece models of encoders (`sentencepiece.bpe.model`,
    `spm.model`, ALBERT's `spiece.model`), `vocab.txt` and `vocab.json` with `merges.txt`. What
    `tokenizer_config.json` and `special_tokens_map.json` say of lower case, accents or the special
    tokens is followed, and so are the tokens that they and `added_tokens.json` add. A class of
    `transformers` that reads its files in a way of its own is refused by name. ByT5's has no file.
    Of a run folder it is that of its `model/`, of a token store that of its `vocabulary/`.

    Args:
        path: the folder or the file.
    """
    path = Path(check_name(path, "vocabulary"))
    if not path.is_dir():
        return _load_file(path, Settings.read(path.parent))
    folders = (path, path / "model", path / "vocabulary")
    for folder in folders:
        if _has_bytes(folder):
            from headwater.text.byte_tokens import ByteVocabulary

            return ByteVocabulary(Settings.read(folder))
        names = [name for name in VOCABULARY_FILES if (folder / name).exists()]
        if names:
            settings = Settings.read(folder)
            unread = settings.tokenizer_class == ALBERT or not reads(settings.named, names[0])
            whole = "tokenizer.json" in names and unread
            return _load_file(folder / ("tokenizer.json" if whole else names[0]), settings)
    for folder in folders:
        refuse_unread(Settings.read(folder).named)
    raise UserError(
        f"{path}: no vocabulary here; expected spiece.model, tokenizer.json, "
        "sentencepiece.bpe.model, spm.model, vocab.txt, or vocab.json with merges.txt"
    )


def holds_vocabulary(folder: Path) -> bool:
    """Tell whether a folder has a vocabulary of its own, as files or by name."""
    return _has_bytes(folder) or any((folder / name).exists() for name in VOCABULARY_FILES)


def _has_bytes(folder: Path) -> bool:
    """Tell whether a folder's class is the one that reads no file."""
    stated = (folder / "tokenizer_config.json").exists()
    return stated and Settings.read(folder).tokenizer_class == BYTES


def _load_file(file: Path, settings: Settings) -> Vocabulary:
    """Each family's library is imported only when a file of it is opened."""
    check_class(settings.named, file)
    encoder = file.suffix == ".model" and settings.tokenizer_class == ALBERT
    if file.name in ENCODER_MODELS or encoder:
        from headwater.text.encoder_models import read_encoder_model

        return read_encoder_model(file, settings)
    if file.suffix == ".model":
        from headwater.text.unigram import read_sentencepiece

        return read_sentencepiece(file, settings)
    if file.name == "vocab.json" or file.name.endswith("merges.txt"):
        from headwater.text.bpe import read_bpe

        return read_bpe(file.parent, settings)
    if file.suffix == ".json":
        from headwater.text.tokenizer import read_tokenizer_json

        return read_tokenizer_json(file, settings)
    if file.suffix == ".txt" or not file.exists():
        from headwater.text.wordpiece import read_wordpiece

        return read_wordpiece(file, settings)
    raise UserError(
        f"{file}: not a vocabulary file; expected spiece.model, tokenizer.json, vocab.txt "
        "or vocab.json"
    )
