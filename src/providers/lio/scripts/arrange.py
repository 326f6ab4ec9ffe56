# Brings about in configfs what the words after the first four say, in their order, and leaves alone what is so already. One
# process for all of it: a program for each directory and link would take longer than the kernel needs for the export.
import os, sys
wwn, name, seat, root, *words = sys.argv[1:]
found = None
def stop(why):
    sys.stderr.write(why + '\n')
    sys.exit(1)
# As save_mark of the shell does: replaced whole or not at all. It comes in the environment, which root alone can read: what is held
# against secrets is in it.
def mark(path):
    text = os.environ['seated']
    try:
        with open(path + '.new', 'w') as file:
            file.write(text + '\n')
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + '.new', path)
    except OSError:
        if os.path.exists(path + '.new'):
            os.unlink(path + '.new')
        raise
def directory(path):
    if not os.path.isdir(path):
        os.mkdir(path)
def put(path, value):
    with open(path, 'w') as file:
        file.write(value)
def is_linked(path):
    return any(entry.is_symlink() for entry in os.scandir(path))
def link(path, to):
    if not is_linked(os.path.dirname(path)):
        os.symlink(to, path)
def remove(*paths):
    for path in paths:
        try:
            os.rmdir(path)
        except OSError:
            pass
# A logical volume under the name that it keeps when it is renamed.
def lasting(device):
    kernel = os.path.basename(os.path.realpath(device))
    try:
        with open('/sys/class/block/' + kernel + '/dm/uuid') as file:
            by_uuid = '/dev/disk/by-id/dm-uuid-' + file.read().strip()
    except OSError:
        return device
    return by_uuid if os.path.exists(by_uuid) else device
def the_backstores():
    adapters = [entry.path for entry in os.scandir(root + '/core') if entry.name.startswith('iblock_')]
    return [path + '/' + name for path in adapters if os.path.isdir(path + '/' + name)]
def is_enabled(backstore):
    with open(backstore + '/enable') as file:
        return file.read().strip() == '1'
def new_adapter():
    if not os.path.isdir(root + '/core'):
        stop(root + '/core does not exist: is configfs mounted?')
    for number in range(4096):
        path = root + '/core/iblock_' + str(number)
        try:
            os.mkdir(path)
            return path
        except FileExistsError:
            continue
    stop('every number of a backstore in ' + root + '/core is taken')
def backstore(device, access, serial):
    global found
    for found in the_backstores():
        if is_enabled(found):
            return
        # One that was being made knows no device, and is made anew.
        remove(found, os.path.dirname(found))
    device, adapter = lasting(device), new_adapter()
    found = adapter + '/' + name
    doing = 'the kernel does not take ' + device
    try:
        os.mkdir(found)
        put(found + '/control', 'udev_path=' + device)
        put(found + '/udev_path', device)
        if access == 'read_only':
            put(found + '/control', 'readonly=1')
        # Before a LUN leads to it: afterwards the kernel refuses.
        put(found + '/wwn/vpd_unit_serial', serial)
        doing += ': something else has it open for itself'
        put(found + '/enable', '1')
    except OSError as error:
        remove(found, adapter)
        stop(doing + ' (' + error.strerror + ')')
def portal(path):
    try:
        directory(path)
    except OSError as error:
        stop('nobody can listen at ' + os.path.basename(path) + ' (' + error.strerror + '): does this host have the address, and is '
             'the port free?')
def secret(path):
    # The kernel takes a line end for a part of it; NULL takes what was there away.
    put(path, secrets.readline().rstrip('\n') or 'NULL')
secrets = os.fdopen(3)
kinds = {'mark': (mark, 1), 'backstore': (backstore, 3), 'directory': (directory, 1), 'value': (put, 2), 'secret': (secret, 1), 'portal': (portal, 1),
         'link': (link, 2), 'lun': (lambda path: link(path + '/vbs', found), 1)}
while words:
    kind, count = kinds[words.pop(0)]
    given, words = words[:count], words[count:]
    try:
        kind(*given)
    except OSError as error:
        stop(given[0] + ': ' + error.strerror)
