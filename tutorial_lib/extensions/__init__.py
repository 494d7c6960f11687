"""What notebooks 07 to 09 stand on, one folder each. The course's own rooms import nothing from here."""
