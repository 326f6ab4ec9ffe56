# The staged copy `trash` takes the name and the id of a volume, whose content goes to the trash under the id `trash`.
same_group
look "$name" "$waiting" "$kept"
if either "$waiting"; then
    if ! either "$kept"; then
        expect "$name" "$id" "$size"
        refuse_if_open "$name"
        must lvrename "$vg" "$name" "$kept"
    elif at "$name"; then
        vbs_refuse "$vg/$name exists and is not ours"
    fi
    must lvrename "$vg" "$waiting" "$name"
elif ! either "$kept"; then
    vbs_refuse "neither $vg/$waiting nor $vg/$kept is there"
fi
either "$name" || [ -n "$acted" ] || vbs_refuse "$vg/$name is not there"
settle "$kept"
