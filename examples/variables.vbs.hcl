# Variables: types, defaults, descriptions and checks of one's own.
#
# Values come, the later winning, from the defaults below, VBS_VAR_<name> in the environment, vbs.vars.hcl,
# *.auto.vars.hcl, and --var / --var-file:
#
#     vbs -f examples/variables.vbs.hcl plan --var db_size=2GiB

variable "db_size" {
  type        = string
  default     = "64MiB"
  description = "How large the database's volume is."

  validation {
    condition     = bytes(var.db_size) >= bytes("16MiB")
    error_message = "The database needs at least 16 MiB."
  }
}

variable "environment" {
  type    = string
  default = "staging"

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment is staging or production."
  }
}

# An object with a field that may be left out.
variable "scratch" {
  type    = object({ size = string, enabled = optional(bool, true) })
  default = { size = "16MiB" }
}

pool "file" "demo" {
  path   = "vbs-variables/pool"
  create = true
}

volume "db" {
  pool   = pool.demo
  size   = var.db_size
  labels = { environment = var.environment }
}

volume "scratch" {
  count = var.scratch.enabled ? 1 : 0
  pool  = pool.demo
  size  = var.scratch.size
}

output "db_bytes" {
  value = volume.db.size_bytes
}
