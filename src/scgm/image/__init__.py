"""Voxels in memory: volumes, axial slices, patches around the cord."""
