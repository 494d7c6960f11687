"""What no notebook uses: costs, scale, and what was tried beside the course."""
