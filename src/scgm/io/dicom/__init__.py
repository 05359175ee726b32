"""DICOM in and out, through pydicom and highdicom; no other module imports them."""
