"""Small changes that no test notices and none has to: what each of them leaves as it was."""

REASONS: dict[str, str] = {}
