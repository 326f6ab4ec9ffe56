pool "file" "fast" {
  path   = "/srv/fast"
  craete = true
}
