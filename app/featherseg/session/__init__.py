"""The product without a screen: state, threads, undo, commands."""
