"""Builds the images of this folder; images/build is the way in."""
