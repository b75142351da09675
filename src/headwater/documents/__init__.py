"""Documents: files converted to passages, kept in one SQLite file, found again by a question.

    folder -> walk -> converter (in a child process) -> Document -> passages -> index -> search

Each step is a file of its own. `index.open_index` is what others call.
"""
