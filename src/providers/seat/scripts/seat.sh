# Marks of what lives in a tool: see `providers/seat`. Behind `store/scripts/store.sh`, with `card` set.

# The mark of object $id into $seated: the beginning that scripts read, and $mark, which only vbs itself reads.
the_mark() { seated="{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$id\",$mark"; }

save_seated() {
    the_mark
    save_mark "$id" "$seated"
}

# The object is gone from the tool, and its mark goes.
forget_seated() {
    rm -f -- "$store/$id.json.new" "$store/$id.json"
    vbs_sync "$store"
}

# For `release.sh`: a mark that is there says that its object may be there, whatever the tool shows at this moment.
still_there() { :; }

last_one_leaves() { :; }
