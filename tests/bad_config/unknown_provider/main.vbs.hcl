pool "fiel" "fast" {
  path = "/srv/fast"
}
