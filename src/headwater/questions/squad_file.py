"""Questions as a file of SQuAD's format: v1.1, or v2.0 where some have no answer.

An article is a document, a paragraph a passage. A question has `score`, the reader's probability of
its answer, which other programs pass over.
"""

import json
from collections.abc import Iterable
from typing import Any

from headwater.questions.round_trip import Question
from headwater.questions.unanswerable import Unanswerable

_Json = dict[str, Any]


def squad_json(questions: Iterable[Question], without_answer: Iterable[Unanswerable]) -> str:
    """Return the content of the file."""
    articles: dict[str, dict[str, list[_Json]]] = {}
    for each in questions:
        answer = {"text": each.answer.text, "answer_start": each.answer.start}
        record = {"id": each.id, "question": each.question, "answers": [answer]}
        paragraphs = articles.setdefault(each.passage.title, {})
        paragraphs.setdefault(each.passage.text, []).append({**record, "score": each.score})
    found = list(without_answer)
    for no_answer in found:
        record = {"id": no_answer.id, "question": no_answer.question, "answers": []}
        paragraphs = articles.setdefault(no_answer.passage.title, {})
        paragraphs.setdefault(no_answer.text, []).append(record)
    data = [
        {
            "title": title,
            "paragraphs": [
                {"context": context, "qas": [_versioned(each, bool(found)) for each in records]}
                for context, records in paragraphs.items()
            ],
        }
        for title, paragraphs in articles.items()
    ]
    version = "v2.0" if found else "1.1"
    return json.dumps({"version": version, "data": data}, ensure_ascii=False) + "\n"


def _versioned(record: _Json, version_2: bool) -> _Json:
    return {**record, "is_impossible": not record["answers"]} if version_2 else record
