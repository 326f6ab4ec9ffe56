hypervisor "directory" "local" {
  path      = "/srv/vms"
  initiator = "builtin"
}
