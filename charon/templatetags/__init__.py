"""Tags for templates: libraries from a CDN."""
