# The staged copy `trash` takes the name and the id of a volume, whose content goes to the trash under the id `trash`.
same_group
look "$name" "$waiting" "$kept"
if either "$waiting"; then
    if either "$kept"; then
        former "$kept" || vbs_refuse "$vg/$kept is not the logical volume $uuid, whose content is to be kept"
        if at "$name"; then vbs_refuse "$vg/$name exists and is not ours"; fi
    else
        expect "$name" "$id" "$size"
        former "$name" || vbs_refuse "$vg/$name is not the logical volume $uuid, whose content is to be kept"
        refuse_if_open "$name"
        must lvrename "$vg" "$name" "$kept"
    fi
    must lvrename "$vg" "$waiting" "$name"
elif ! former "$kept"; then
    vbs_refuse "neither $vg/$waiting nor the former content is there"
fi
either "$name" || [ -n "$acted" ] || vbs_refuse "$vg/$name is not there"
settle "$kept"
