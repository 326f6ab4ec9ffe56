# The staged copy `trash` takes the name and the id of a volume, whose content goes to the trash under the id `trash`.
# The commit point is the rename over the volume's name; marks follow. Every state in between is recognised by where
# the two files are, so that running it again, and taking it back, go on from there.
same_store
live=$path/$name.img
waiting=$store/$trash.$vbs_lineage.img
kept=$store/trash/$trash.$vbs_lineage.img
load_both "$waiting" "$kept"
if exists "$waiting"; then
    mine "$live" || vbs_refuse "$live is not the file that was made as $id"
    [ "$now_size" = "$size" ] || vbs_refuse "$live has $now_size bytes, and $size were planned for"
    stamp "$waiting"
    [ "$now_file" = "$waiting_file" ] || vbs_refuse "$waiting is not the copy that was made"
    if ! exists "$kept"; then
        refuse_if_open "$live"
        ln -T -- "$live" "$kept"
    fi
    [ "$kept" -ef "$live" ] || vbs_refuse "$kept exists and is not ours"
    mv -fT -- "$waiting" "$live"
fi
exists "$kept" || vbs_refuse "neither $waiting nor $kept is there"
settle "$kept"
vbs_sync "$store/trash" "$store" "$path"
