"""What claims of speed are measured with: ``make bench``."""
