"""The books: places, storage points, devices, placements, incidents, users."""
