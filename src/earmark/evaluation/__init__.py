"""How good an answer is: grounding, detection, retrieval, spoken terms and segmentation in one place.

Every task is one function from a reference and an estimate to a list of `Score`: a value, what chance
would reach, and a 95 % confidence interval. The conventions hold everywhere:

- *chance* is what the same answers are worth when they are dealt to the wrong questions at random, or the
  closed form where there is one;
- the interval comes from resampling whole recordings, never frames or pairs: what lies in one recording
  is not independent;
- where a threshold is chosen from data, it is chosen on other recordings than those it is measured on;
- perfect answers score 1 and empty ones 0, except where a column says "lower is better".
"""
