# For swap and swap_back: two files and two marks, $file and $made of `id`, $waiting_file and $waiting_made of `trash`.

# When the file that was just stamped was made, as the marks remember it. Where neither does, because one was already
# overwritten, nothing: it then counts as written into.
when_made() {
    then=
    if [ "$now_file" = "$file" ]; then
        then=$made
    elif [ "$now_file" = "$waiting_file" ]; then
        then=$waiting_made
    fi
}

# Refuses a content of the volume that neither mark speaks of.
known_live() {
    stamp "$live"
    [ "$now_file" = "$file" ] || [ "$now_file" = "$waiting_file" ] ||
        vbs_refuse "$live is neither the content of $id nor the copy that was made for it"
}

# Writes both marks as the files now are: $live is the content of `id`, $1 that of `trash`, known by its own name. The
# volume's mark goes first: until the other one follows, both know the file that is in use.
settle() {
    known_live
    when_made
    one=$now_file one_made=$then
    stamp "$1"
    when_made
    two=$now_file two_made=$then
    if [ "$one" != "$file" ]; then save "$id" "$one" "$one_made" "$called" "$rest"; fi
    if [ "$two" != "$waiting_file" ]; then save "$trash" "$two" "$two_made" "$name" "$waiting_rest"; fi
    file=$one made=$one_made waiting_file=$two waiting_made=$two_made
}

# Reads both marks. Where both speak of one file, a frame was killed between writing them: what it was about to write
# is written first, $1 or $2 being what `trash` lies at by now.
load_both() {
    load "$trash"
    [ -n "$marked" ] || vbs_refuse "$trash has no mark in $store"
    waiting_file=$file waiting_made=$made waiting_rest=$rest
    load "$id"
    [ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
    if [ "$file" = "$waiting_file" ]; then
        if exists "$1"; then settle "$1"; elif exists "$2"; then settle "$2"; fi
    fi
}
