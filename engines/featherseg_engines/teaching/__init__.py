"""One click teaches: learning from a person's own cases, judged on cases held out, adopted only where better."""
