vbs {
  name             = "a b"
  required_version = "new"
  trash_retention  = "soon"
  state "postgres" {
    path = "x"
  }
}
