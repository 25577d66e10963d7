"""Which official rate Polish law asks for: one file a rule. Product research and no tax advice."""
