"""What all vendors have in common; no vendor is named below here."""
