"""How figures are measured, kept and compared with what notebooks may cost."""
