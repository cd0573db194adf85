"""Training the contrastive speech–text model: speech and texts into one space.

settings   the one config
sources    manifests of data sets and lists of sentences -> utterances
voices     sentences -> synthetic speech
features   utterances -> frames of a speech encoder, kept on the disk
batches    utterances -> batches with hard negatives, and the texts they are asked by
model      the two towers
loss       InfoNCE in both directions, NT-Xent
loop       one loop, a checkpoint that carries everything
export     the files the engine reads
job        from a config to these files
"""
