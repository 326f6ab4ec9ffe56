vbs {
  name = "a"
}

vbs {
  name = "b"
}
