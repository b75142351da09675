"""The one exception that means "the user can mend this"."""


class UserError(ValueError):
    """A mistake of the user's, said in one line: the file, the line, what was expected, the fix.

    The command line prints it and exits with 2. Every other exception is a fault of ours
    and exits with 1.
    """
