"""What several sources say of one thing: how far they lie apart, in basis points, and whether that is usual."""
