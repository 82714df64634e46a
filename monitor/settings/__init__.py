"""What a user may tell a station: frozen models, every field described with its unit.

Import a topic's model from its own module (`monitor.settings.tracking`): rooms below the root's need theirs alone.
"""
