"""How slides are made: `reading` takes a notebook apart, `look` gives its parts sizes and a page to stand on."""
