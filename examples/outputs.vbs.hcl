# Outputs: what other programs need to know. `vbs output`, `vbs output --json`, `vbs output --raw db_path`.

variable "token" {
  type      = string
  default   = "not a real one"
  sensitive = true
}

pool "file" "demo" {
  path   = "vbs-outputs/pool"
  create = true
}

volume "db" {
  pool   = pool.demo
  size   = "32MiB"
}

output "db_path" {
  value       = volume.db.path
  description = "Where the image lies."
}

output "db" {
  value = {
    id     = volume.db.id
    serial = volume.db.serial
    size   = size(volume.db.size_bytes)
  }
}

# Known only once it exists. Where it does not yet, a plan says "(known after apply)".
output "db_status" {
  value = volume.db.status
}

# What comes from something sensitive is sensitive, and has to be said to be: it is never printed, is encrypted in the
# state, and comes out only when it is asked for by name or as JSON.
output "agent_config" {
  value     = "token=${var.token} disk=${volume.db.path}"
  sensitive = true

  precondition {
    condition     = length(var.token) > 8
    error_message = "The agent's token is too short to be one."
  }
}
