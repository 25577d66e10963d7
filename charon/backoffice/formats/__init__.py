"""How Django's own pages write days and moments: as `markets.formats` does."""
