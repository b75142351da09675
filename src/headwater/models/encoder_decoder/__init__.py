"""An encoder, and a decoder of pre-trained blocks on it: text to text, by Rothe et al. 2020."""
