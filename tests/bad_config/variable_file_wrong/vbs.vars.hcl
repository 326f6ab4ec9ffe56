a = volume.db
a = "y"
b {}
