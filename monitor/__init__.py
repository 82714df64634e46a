"""Crystal Monitor's daemon: from camera frames to trails of crystals in SQL."""
