"""The top layer: settings, addresses, pages that show two packages at once, and the processes of one installation."""
