# With the last one who uses the seat go our notes about the file of saved targets.
last_one_leaves() { rm -f -- "$store/saved.made" "$store/saved.path"; }
