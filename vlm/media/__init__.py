"""Videos and images in, frames and their times out: nothing here needs torch."""
