a = volume.db
b {}
