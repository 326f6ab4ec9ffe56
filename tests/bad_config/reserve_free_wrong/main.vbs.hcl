pool "file" "a" {
  path         = "/srv/a"
  reserve_free = "101%"
}

pool "file" "b" {
  path         = "/srv/b"
  reserve_free = "much"
}

pool "file" "c" {
  path           = "/srv/c"
  max_overcommit = -1
}

pool "file" "d" {
  path           = "/srv/d"
  max_overcommit = "a lot"
}

pool "file" "e" {
  path = "/srv/e"
  wipe = "shred"
}
