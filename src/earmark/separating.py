"""Pulling a described sound out of a recording: find it, then separate it where it is, and only there.

    separate(path, text, target) -> Separated

The sound engine finds the moments first; the separator then hears these, with context on both sides, and everything
else is silence. An hour costs what its moments cost. Outputs have the recording's own rate, channels and length,
sample for sample, and what is left over (`residual`) is the mixture minus the target.
"""
