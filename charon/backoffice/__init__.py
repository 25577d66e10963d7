"""What the admin shows of several packages at once: its front page, its order, its groups, the message log."""
