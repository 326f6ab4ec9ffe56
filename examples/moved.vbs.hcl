# Renaming a block. Without the `moved` blocks, vbs would see one volume too many and one too few, and would ask whether
# this was a rename. With them it knows: the volume, its data and its name on disk stay where they are.
#
# They may stay in the file for as long as somebody has a state with the old addresses, and do nothing in a new one.

pool "file" "demo" {
  path   = "vbs-moved/pool"
  create = true
}

volume "orders" {
  pool = pool.demo
  size = "32MiB"
}

moved {
  from = volume.db
  to   = volume.orders
}

# A single volume became one of several.
volume "log" {
  for_each = toset(["web", "mail"])
  pool     = pool.demo
  size     = "16MiB"
}

moved {
  from = volume.log
  to   = volume.log["web"]
}
