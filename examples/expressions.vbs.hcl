# A tour of the expressions. They are those of Terraform, without anything that reads the clock, the network or the
# environment: the same files and variables give the same plan, always.

locals {
  # Sizes are strings with a unit; arithmetic is exact, in whole bytes.
  base   = bytes("16MiB")
  double = size(local.base * 2)

  # Conditionals and logic evaluate only what they need.
  mirrored = false
  copies   = local.mirrored && local.base > 0 ? 2 : 1

  # for: a list, a map, a filter, and grouping with `...`.
  names = ["alpha", "beta", "gamma"]
  upper = [for name in local.names : upper(name)]
  sizes = { for index, name in local.names : name => local.base * (index + 1) }
  short = [for name in local.names : name if length(name) < 5]
  disks = [
    { vm = "web", disk = "root" },
    { vm = "web", disk = "data" },
    { vm = "db", disk = "root" },
  ]
  by_vm = { for disk in local.disks : disk.vm => disk.disk... }

  # Templates, with directives, and a heredoc.
  title = "%{if local.mirrored}mirrored%{else}plain%{endif} ${join("-", local.names)}"
  note  = <<EOT
Volumes:
%{for name in local.names~}
- ${name}: ${size(local.sizes[name])}
%{endfor~}
EOT

  # Splat, indexing, functions in functions, and a fallback for what may fail.
  vms     = distinct(local.disks[*].vm)
  merged  = merge({ tier = "gold" }, { tier = "silver", zone = "a" })
  checked = try(local.merged.missing, "fallback")
}

pool "file" "demo" {
  path   = "vbs-expressions/pool"
  create = true
}

volume "data" {
  for_each = local.sizes
  pool     = pool.demo
  size     = each.value
  labels   = merge(local.merged, { title = local.title })
}

volume "copy" {
  count = local.copies
  pool  = pool.demo
  size  = local.double
}

output "by_vm" { value = local.by_vm }
output "note" { value = local.note }
output "short" { value = local.short }
output "upper" { value = local.upper }
output "vms" { value = local.vms }
output "checked" { value = local.checked }
