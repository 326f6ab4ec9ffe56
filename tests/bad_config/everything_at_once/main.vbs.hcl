volume "a" {
  pool = pool.x
  sise = "1GiB"
}

volume "a" {
  pool = pool.x
  size = "1 GB B"
}

output "o" {
  value = upper(1, 2) + nope.x
}
