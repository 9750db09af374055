"""Uses a trained model: measures it, predicts with it, with TensorFlow or without."""
