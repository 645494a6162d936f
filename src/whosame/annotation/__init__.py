"""Everything that serves the people who answer: store, task queue, accounts, quality, exchange, web page."""
