"""Recipes that train the project's test models and export them to ONNX."""
