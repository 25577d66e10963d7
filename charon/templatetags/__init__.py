"""Tags for templates: libraries from a CDN, the menu, parts of pages that are kept as markup."""
