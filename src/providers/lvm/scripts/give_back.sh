# Takes the marks away again; the logical volume stays.
same_group
look "$name"
if at "$name" && is "$id"; then retag "$name" ""; fi
