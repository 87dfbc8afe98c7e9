"""``heliograph doctor``: what is wrong with this set-up, why, and the fix."""
