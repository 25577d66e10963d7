"""How processes are started, watched and ended, and how the task queue delivers."""
