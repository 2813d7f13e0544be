"""The commands of `seezar`, one subject a module. Importing them is cheap: what one needs it imports when it runs."""
