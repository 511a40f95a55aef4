"""mltk: Tekton-based CI/CD for machine learning, from data to a proven TensorFlow.js model."""
