"""How anything in the extension fails in front of a user: one line, and a hint."""


class PyleakError(Exception):
    """An error the user can do something about."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint

    def __str__(self) -> str:
        return self.text + ("\n  " + self.hint if self.hint else "")
