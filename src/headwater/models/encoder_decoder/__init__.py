"""An encoder and a decoder of BERT's blocks, which map text to text: Rothe et al. 2020."""
