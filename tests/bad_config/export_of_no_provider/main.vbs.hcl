pool "file" "fast" {
  path = "/srv/fast"

  export "scst" {
    portal = "10.0.0.2:3260"
  }
}
