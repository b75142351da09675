"""Other engines that run exported models: ONNX Runtime and CTranslate2, imported when one is used.

`folder.py` says what an export is on disk; of each engine, one file writes its model and one runs
it as a network of ours.
"""
