pool "file" "a" {
  path = "/srv/a"
}

pool "file" "b" {
  path = "/srv/x/../a/"
}

pool "file" "c" {
  path = "/srv/a/.vbs/trash"
}
