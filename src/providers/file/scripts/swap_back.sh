# Takes a swap back: the volume's former content returns from the trash, the copy is staged again.
same_store
live=$path/$name.img
waiting=$store/$trash.$vbs_lineage.img
kept=$store/trash/$trash.$vbs_lineage.img
if ! exists "$store/$trash.json" && ! exists "$kept" && ! exists "$waiting"; then exit 0; fi
load_both "$waiting" "$kept"
if exists "$kept" && [ "$kept" -ef "$live" ]; then
    # Interrupted before the commit point: the volume still has its content.
    rm -f -- "$kept"
elif exists "$kept"; then
    if ! exists "$waiting"; then
        refuse_if_open "$live"
        known_live
        ln -T -- "$live" "$waiting"
    fi
    [ "$waiting" -ef "$live" ] || vbs_refuse "$live is not the copy that was swapped in"
    mv -fT -- "$kept" "$live"
fi
exists "$waiting" || vbs_refuse "neither $kept nor $waiting is there"
settle "$waiting"
vbs_sync "$store/trash" "$store" "$path"
