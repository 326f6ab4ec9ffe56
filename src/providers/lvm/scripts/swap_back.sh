# Takes a swap back: the volume's former content returns from the trash, the copy is staged again.
same_group
look "$name" "$waiting" "$kept"
if former "$name"; then
    # It has returned, or never went. The copy may have been taken back as well.
    either "$waiting" || exit 0
elif former "$kept"; then
    either "$kept"
    if ! either "$waiting"; then
        either "$name" || vbs_refuse "$vg/$name is not there"
        refuse_if_open "$name"
        must lvrename "$vg" "$name" "$waiting"
    elif at "$name"; then
        vbs_refuse "$vg/$name exists and is not ours"
    fi
    must lvrename "$vg" "$kept" "$name"
else
    vbs_refuse "the former content of $vg/$name, the logical volume $uuid, is neither there nor at $vg/$kept"
fi
settle "$waiting"
