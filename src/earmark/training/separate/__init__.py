"""Training the separator: clips mixed on the fly, a text that asks for one of them, a mask that keeps it."""
