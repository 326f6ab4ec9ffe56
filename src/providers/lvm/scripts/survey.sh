# Everything about every volume group of this host in one report, which LVM makes under its own locks; the number of
# processes does not depend on what there is. Sections begin with a line that holds their name and nothing else.
# No field here costs a process or a message of its own for each logical volume, and lvm.conf cannot change how any of
# them is written.
# Root owns its own directory, and nobody else is its owner; asking `id` would cost a process.
[ -O / ] || vbs_refuse "LVM needs root on this host: log in as root, or set become = \"sudo\" in the host's block"
command -v lvm >/dev/null || vbs_refuse "lvm2 >= 2.03.11 is needed, none found. Install lvm2, or a newer one"
export LVM_SUPPRESS_FD_WARNINGS=1
# The report takes longest: what comes before it is asked meanwhile.
{
    printf 'report\n'
    failed=0
    timeout 60 lvm fullreport --all --reportformat json --units b --nosuffix \
        --config 'log{report_command_log=0} report{time_format="%s" list_item_separator="," mark_hidden_devices=1 binary_values_as_numeric=0 compact_output=0 compact_output_cols="" columns_as_rows=0 prefixes=0}' \
        --configreport vg -o vg_name,vg_uuid,vg_free,vg_extent_size,vg_permissions,vg_missing_pv_count,vg_exported,vg_systemid,vg_lock_type,vg_mda_size,vg_mda_free \
        --configreport pv -o pv_name,pv_uuid,pv_missing \
        --configreport lv -o lv_name,lv_uuid,lv_size,lv_tags,lv_time,lv_role,lv_layout,lv_active,lv_device_open,lv_health_status,origin,origin_uuid,origin_size,pool_lv,pool_lv_uuid,data_percent,metadata_percent,lv_metadata_size,lv_merging,lv_merge_failed,lv_snapshot_invalid,lv_check_needed \
        --configreport pvseg -o pvseg_start --select 'pvseg_start < 0' \
        --configreport seg -o lv_uuid,segtype,seg_monitor,chunk_size,zero --select 'segtype=thin-pool' || failed=$?
    printf '\nend\n%s\n' "$failed"
} | {
    printf 'version\n'
    lvm version </dev/null 2>/dev/null || :
    printf 'tools\n'
    command -v thin_check || :
    printf 'config\n'
    lvm lvmconfig --typeconfig full devices activation </dev/null || :
    printf 'epochs\n'
    for file in /var/lib/vbs/guard/vg/*/*/"epoch.$lineage"; do
        [ -e "$file" ] || continue
        number=
        read -r number <"$file" || [ -n "$number" ] || vbs_refuse "$file cannot be read"
        printf '%s %s\n' "$number" "$file"
    done
    cat
}
