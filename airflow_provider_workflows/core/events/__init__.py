"""What happens again and again at a vendor, as events that schedule DAGs."""
