pool "file" "fast" {
  path = ""
}

pool "file" "slow" {
  path = "a\nb"
}

pool "file" "none" {
  path = null
}
