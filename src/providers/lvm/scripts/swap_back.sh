# Takes a swap back: the volume's former content returns from the trash, the copy is staged again.
same_group
look "$name" "$waiting" "$kept"
if either "$kept"; then
    if ! either "$waiting"; then
        either "$name" || vbs_refuse "$vg/$name is not there"
        refuse_if_open "$name"
        must lvrename "$vg" "$name" "$waiting"
    elif at "$name"; then
        vbs_refuse "$vg/$name exists and is not ours"
    fi
    must lvrename "$vg" "$kept" "$name"
elif ! either "$waiting"; then
    exit 0
fi
settle "$waiting"
