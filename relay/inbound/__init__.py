"""What providers tell becomes entries: the front door, the fetching of the rest, and what follows from each fact."""
