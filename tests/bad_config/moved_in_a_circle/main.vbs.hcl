moved {
  from = volume.a
  to   = volume.b
}

moved {
  from = volume.b
  to   = volume.c
}

moved {
  from = volume.c
  to   = volume.a
}
