# What happens to data when its block goes.
#
# A destroyed volume goes to the trash, where `vbs trash list` shows it and `vbs trash restore` brings it back, until
# somebody purges it. `on_destroy = "purge"` is for data that nobody will miss: it is removed for good, in a step of its
# own after everything else has succeeded. The plan says which.

vbs {
  # How old trash has to be for `vbs trash purge --expired`. Nothing is ever purged by age alone: somebody has to ask.
  trash_retention = "30d"
}

pool "file" "demo" {
  path   = "vbs-purge/pool"
  create = true
}

volume "orders" {
  pool = pool.demo
  size = "32MiB"
}

volume "cache" {
  pool       = pool.demo
  size       = "32MiB"
  on_destroy = "purge"
}
