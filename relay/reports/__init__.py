"""What people read: stories, searches, sums, advice, exports, metrics.."""
