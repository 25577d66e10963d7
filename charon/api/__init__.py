"""What the operations of all packages share: the application, errors, parameters, health and events."""
