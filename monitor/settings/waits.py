"""Times that more than one part must agree on; nothing heavy is imported for them."""

COMMIT_HELD_S = 10.0
"""How long SQLite's commits may be held for old readers, seconds: twice what a slow question takes."""
ANSWER_WITHIN_S = COMMIT_HELD_S + 5.0
"""A daemon that answers between two frames does so within this time even while a commit is held, seconds; one that does
not is frozen, or its frames take longer than the difference."""
LONGEST_MUTE_S = 7 * 86_400
"""For so long alerts may be muted at once, seconds."""
