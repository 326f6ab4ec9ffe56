attachment "a" {
  device = "vdb"
}

snapshot "s" {}

volume "v" {}

pool "file" "p" {}

output "o" {}
