"""Kept answers: public pages and answers of the API as bytes, given out by the front before Django is asked."""
