"""A run for other programs: ONNX, LiteRT, TensorFlow, Keras, or a script that trains it."""
