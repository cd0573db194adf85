"""The only code that knows containers and codecs: what a file is, its samples, cuts from it, its spectrum."""
