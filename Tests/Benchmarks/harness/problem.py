"""The one error that a user sees."""

FAILED, USAGE, MISSING = 1, 64, 69


class Problem(Exception):
    """A sentence for the user, and the exit code that it ends with."""

    def __init__(self, text, code=FAILED):
        super().__init__(text)
        self.code = code
