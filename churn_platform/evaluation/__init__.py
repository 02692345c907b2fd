"""How good a model is, where its threshold lies, and whether it may replace the champion."""
