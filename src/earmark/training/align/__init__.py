"""Unsupervised audio-caption alignment: clips and captions in, frame by word correspondence out.

The model of Xie, Räsänen, Drossos & Virtanen, "Unsupervised Audio-Caption Aligning Learns Correspondences
between Individual Sound Events and Textual Phrases", ICASSP 2022 (arXiv 2110.02939), written anew. It
learns from whole captions only, and yet says which frames answer which words.

Known faults of the published code are not repeated; where that changes a result, the docstring of the
function says so (`features`, `model`, `dataset`).
"""
