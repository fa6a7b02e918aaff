"""Small problems of which the information in a layer can be estimated: four numbers, twelve bits, spirals, digits."""
