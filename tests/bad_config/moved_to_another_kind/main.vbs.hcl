moved {
  from = volume.a
  to   = snapshot.b
}

moved {
  from = pool.a
  to   = pool.b
}

moved {
  from = "volume.a"
  to   = volume.b[1 + 1]
}
