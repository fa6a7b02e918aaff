"""Maps of whole sets of pictures: a plan, the machines that answer it, and the table of what came out."""
