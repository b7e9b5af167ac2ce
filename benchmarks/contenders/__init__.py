"""What the webhook intake is compared with: floors, and the same work written with Powertools."""
