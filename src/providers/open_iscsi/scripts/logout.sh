# Logs out: flush, delete the disk, log out, forget the records, and the mark last.
same_store
read_mark "$id"
leave
rm -f -- "$store/$id.record.new"
forget_seated
