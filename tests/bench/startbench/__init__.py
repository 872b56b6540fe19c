"""Side by side with the reference: memory, start, processor time, requests, stop, size."""
