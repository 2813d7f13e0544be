"""Mail: mailboxes that seezar can read, the providers behind them, and the reading of codes and links."""
