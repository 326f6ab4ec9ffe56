db_sise = "2GiB"
