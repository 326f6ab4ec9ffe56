# Logs out: flush, delete the disk, log out, forget the records, and the mark last.
same_store
read_mark "$id"
leave
forget_seated
