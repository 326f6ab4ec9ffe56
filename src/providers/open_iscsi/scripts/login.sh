# Logs this host in to a target and waits for its disk. Accepts whatever of it is there already. Standard input holds the
# secrets, a line each: first the one for the login, where `user` is given, then the target's, where `mutual_user` is.
same_store
read_mark "$id"
save_seated

if ! [ -e "$records/ifaces/$interface" ]; then
    must '15' -m iface -I "$interface" -o new
    must '' -m iface -I "$interface" -o update -n iface.transport_name -v tcp
    must '' -m iface -I "$interface" -o update -n iface.initiatorname -v "$initiator"
fi
named=
while IFS= read -r line; do
    if [ "$line" = "iface.initiatorname = $initiator" ]; then named=yes; fi
done <"$records/ifaces/$interface"
[ -n "$named" ] ||
    vbs_refuse "$records/ifaces/$interface does not log in as $initiator: somebody changed it"

# What is secret goes into the record, which only root can read, by way of the shell's own input and output: iscsiadm takes
# it only as an argument. Everything of a kind is set anew, so that what was there before does not count.
secret= mutual_secret=
if [ -n "$user" ]; then IFS= read -r secret; fi
if [ -n "$mutual_user" ]; then IFS= read -r mutual_secret; fi
method=None
if [ -n "$user" ]; then method=CHAP; fi
settings="node.startup = manual
node.session.scan = manual
node.session.initial_login_retry_max = 2
node.session.auth.authmethod = $method"
if [ -n "$user" ]; then
    settings="$settings
node.session.auth.username = $user
node.session.auth.password = $secret"
fi
if [ -n "$mutual_user" ]; then
    settings="$settings
node.session.auth.username_in = $mutual_user
node.session.auth.password_in = $mutual_secret"
fi

# What the record $1 is to hold into $wanted, and what it holds into $current.
read_record() {
    current= wanted= named=
    while IFS= read -r line; do
        current="$current$line
"
        case $line in
            'node.session.auth.'* | 'node.startup = '* | 'node.session.scan = '* | 'node.session.initial_login_retry_max = '*) ;;
            'node.name = '*)
                named=yes
                wanted="$wanted$line
$settings
"
                ;;
            *) wanted="$wanted$line
" ;;
        esac
    done <"$1"
}

# Puts $wanted in the place of the record $1, whole or not at all: a record that is cut off is none to iscsiadm.
replace_record() {
    {
        printf '%s' "$wanted" >"$record_new" && mv -fT -- "$record_new" "$1"
    } || {
        rm -f -- "$record_new"
        vbs_stop 1 "$1 could not be written and is as it was"
    }
}

forget_new_record
for portal in $portals; do
    address=${portal%:*}
    address=${address#[}
    address=${address%]}
    must '15' -m node -T "$target" -p "$portal" -I "$interface" -o new
    found=
    for record in "$records/nodes/$target/$address,${portal##*:}"*/"$interface" "$records/nodes/$target/$address,${portal##*:}"*; do
        [ -f "$record" ] || continue
        found=yes
        read_record "$record"
        [ -n "$named" ] || vbs_stop 1 "$record holds no line node.name: this open-iscsi writes another format"
        if [ "$current" != "$wanted" ]; then replace_record "$record"; fi
    done
    [ -n "$found" ] || vbs_stop 1 "iscsiadm made no record for $target at $portal below $records/nodes"
    find_sessions
    if [ -z "$sessions" ]; then must '15' -m node -T "$target" -p "$portal" -I "$interface" --login; fi
done

find_sessions
[ -n "$sessions" ] || vbs_stop 1 "there is no session to $target after the login"
for session in $sessions; do
    # One that lost its target goes on trying by itself, every few seconds.
    patience=60
    while read_state "$session" && [ "$state" != LOGGED_IN ]; do
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] ||
            vbs_stop 1 "session $session to $target is $state and did not get in again within 30 s: is $portals reachable from here, and is the secret the one that the target has?"
        sleep 0.5
    done
    # .../host3/session1
    host=$(cd -P "/sys/class/iscsi_session/session$session/device/.." && pwd -P)
    host=${host##*/}
    find_disks "$session"
    if [ -z "$disks" ]; then echo "0 0 $lun" >"/sys/class/scsi_host/$host/scan"; fi
    patience=100
    while find_disks "$session" && [ -z "$disks" ]; do
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || vbs_stop 1 "no disk has come of LUN $lun of $target within 10 s"
        sleep 0.1
    done
    for disk in $disks; do
        # One that came while the target was silent has neither size nor serial until it is looked at again.
        patience=20
        while [ "$patience" -gt 0 ] && ! is_read "$disk"; do
            patience=$((patience - 1))
            echo 1 >"/sys/block/$disk/device/rescan" || :
            sleep 0.5
        done
        # A server may have room for 32 characters alone: the digits decide.
        digits_of "$serial"
        expected=$digits
        digits_of "$told"
        if [ "$digits" != "$expected" ]; then
            leave
            forget_seated
            vbs_refuse "$target shows a disk with the serial \"$told\", and \"$serial\" was to be attached: logged out again"
        fi
    done
done
udevadm settle --timeout=10 || :
# While the network was down udev could not read the disk and took its name away, and nothing tells it to look again.
if ! [ -e "$device" ]; then
    for disk in $disks; do udevadm trigger --action=change "/sys/block/$disk" || :; done
    udevadm settle --timeout=10 || :
fi
patience=50
while ! [ -e "$device" ]; do
    patience=$((patience - 1))
    [ "$patience" -gt 0 ] || vbs_stop 1 "udev has made no $device within 15 s"
    sleep 0.1
done
for disk in $disks; do
    if [ "$device" -ef "/dev/$disk" ]; then exit 0; fi
done
vbs_refuse "$device leads to $(readlink -f -- "$device"), and the disk of this session is$disks: two disks claim one name"
