pool "file" "fast" {
  host = host.store1
  path = "/srv/fast"
}
