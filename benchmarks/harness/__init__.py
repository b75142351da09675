"""What all works share: turns, processes, the table, the history and the page."""
