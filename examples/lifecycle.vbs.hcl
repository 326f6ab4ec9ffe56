# Lifecycle: what may not be destroyed, what others may change, what has to hold before and after.

pool "file" "demo" {
  path   = "vbs-lifecycle/pool"
  create = true
}

variable "keep_db" {
  type        = bool
  default     = true
  description = "Set to false, and apply, before the database's volume may be destroyed."
}

volume "db" {
  pool = pool.demo
  size = "64MiB"

  lifecycle {
    # Kept in the state, so that it outlives the block: to lift it, set it to false, apply, then remove the block.
    prevent_destroy = var.keep_db

    # Looked at before anything runs. Another pool's free space, a size, a variable.
    precondition {
      condition     = pool.demo.free > bytes("128MiB")
      error_message = "Twice the database's size must be free before it is made."
    }

    # Looked at when everything else is done, and while it can still be reverted: if it is false, it is.
    postcondition {
      condition     = volume.db.status == "available"
      error_message = "The database's volume is not there after all."
    }
  }
}

# Labels are somebody else's business here: a change of them in this file is not carried out.
volume "scratch" {
  pool   = pool.demo
  size   = "16MiB"
  labels = { owner = "nobody" }

  lifecycle {
    ignore_changes = [labels]
  }
}
