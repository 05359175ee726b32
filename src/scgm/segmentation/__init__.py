"""From an image to its result: options, pipeline, confidence, measurements, files."""
