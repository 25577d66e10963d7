"""How requests leave: what the environment says, public addresses alone, deadlines, and the words of an error."""
