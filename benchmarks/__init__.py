"""How fast, how lean and how exact the sound stage is, beside the ways people do the same today. Run by ``make bench-audio``."""
