"""`python -m docs.reference` writes the pages of this folder from the code: `make reference`."""

from docs.reference.pages import FOLDER, pages

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
    print(FOLDER / name)
