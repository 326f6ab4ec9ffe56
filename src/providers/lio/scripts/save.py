# Brings what the file says of one target in line with the kernel; all else in it stays as it is. rtslib restores the file when
# the host starts, and is too slow to be asked for every change: what it would write of this target is put together here,
# but for what it knows of port groups (alua_tpgs), which are the kernel's own.
import stat
made, noted = seat + '/saved.made', seat + '/saved.path'
def text(*parts):
    try:
        with open('/'.join(parts)) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ''
def entries(*parts):
    try:
        return sorted(os.listdir('/'.join(parts)))
    except FileNotFoundError:
        return []
def changed(file):
    try:
        return str(os.stat(file).st_mtime_ns)
    except OSError:
        return ''
# rtslib is asked where it restores from, and again whenever another one has been installed.
path, source, at = (text(noted).split('\n') + ['', ''])[:3]
if not at or at != changed(source):
    import site
    site.main()
    # Debian's is /etc/rtslib-fb-target/saveconfig.json, others' /etc/target/saveconfig.json.
    from rtslib_fb import root as library
    path, source = library.default_save_file, library.__file__
    with open(noted, 'w') as file:
        file.write('\n'.join((path, source, changed(source))) + '\n')
directory = os.path.dirname(path)
os.makedirs(directory, mode=0o700, exist_ok=True)
def links(place):
    return [entry for entry in entries(place) if os.path.islink(place + '/' + entry)]
def settings(place):
    found = {}
    for entry in entries(place):
        mode = os.stat(place + '/' + entry).st_mode
        # As rtslib has it: what can be read and written.
        if stat.S_ISREG(mode) and mode & stat.S_IWUSR and mode & stat.S_IRUSR:
            found[entry] = text(place, entry)
    return found
def numbers(place):
    def number(value):
        try:
            return int(value)
        except ValueError:
            return value
    return {entry: number(value) for entry, value in settings(place).items()}
def logins(place, into):
    for key in ('userid', 'password', 'userid_mutual', 'password_mutual'):
        value = text(place, 'auth', key)
        if value and value != 'NULL':
            into['chap_' + ('mutual_' + key[:-7] if key.endswith('_mutual') else key)] = value
    return into
def the_backstore():
    for adapter in entries(root, 'core'):
        place = '/'.join((root, 'core', adapter, name))
        if adapter.startswith('iblock_') and os.path.isdir(place):
            attributes, info = numbers(place + '/attrib'), text(place, 'info')
            return {'name': name, 'plugin': 'block', 'attributes': attributes, 'dev': text(place, 'udev_path'),
                    'wwn': text(place, 'wwn', 'vpd_unit_serial').rpartition(': ')[2],
                    'readonly': 'readonly: 1' in ' '.join(info.split()),
                    'write_back': attributes.get('emulate_write_cache') == 1}
def index(lun):
    return int(lun.rpartition('_')[2])
def the_lun(place, lun):
    alias = links(place + '/' + lun)[0]
    group = text(place, lun, 'alua_tg_pt_gp').partition('\n')[0].partition(':')[2].strip()
    return {'alias': alias, 'index': index(lun), 'alua_tg_pt_gp_name': group or None,
            'storage_object': '/backstores/block/' + os.path.basename(os.readlink('/'.join((place, lun, alias))))}
def the_mapped(place, lun):
    alias = links(place + '/' + lun)[0]
    leads_to = os.path.basename(os.readlink('/'.join((place, lun, alias))))
    return {'alias': alias, 'index': index(lun), 'tpg_lun': index(leads_to),
            'write_protect': text(place, lun, 'write_protect') == '1'}
def linked(place):
    return [lun for lun in entries(place) if lun.startswith('lun_') and links(place + '/' + lun)]
def the_acl(place, initiator):
    place += '/' + initiator
    acl = {'node_wwn': initiator, 'attributes': numbers(place + '/attrib'),
           'mapped_luns': [the_mapped(place, lun) for lun in linked(place)]}
    if text(place, 'tag'):
        acl['tag'] = text(place, 'tag')
    return logins(place, acl)
def the_portal(place, portal):
    address, _, port = portal.rpartition(':')
    on = lambda name: text(place, portal, name) == '1'
    return {'ip_address': address, 'port': int(port), 'iser': on('iser'), 'offload': on('cxgbit')}
def the_target():
    place = '/'.join((root, 'iscsi', wwn, 'tpgt_1'))
    if os.path.isdir(place):
        group = {'tag': 1, 'enable': text(place, 'enable') == '1', 'attributes': numbers(place + '/attrib'),
                 'parameters': settings(place + '/param'),
                 'luns': [the_lun(place + '/lun', lun) for lun in linked(place + '/lun')],
                 'portals': [the_portal(place + '/np', portal) for portal in entries(place, 'np')],
                 'node_acls': [the_acl(place + '/acls', initiator) for initiator in entries(place, 'acls')]}
        found = {'wwn': wwn, 'fabric': 'iscsi', 'tpgs': [logins(place, group)]}
        parameters = settings('/'.join((root, 'iscsi', wwn, 'param')))
        return {**found, 'parameters': parameters} if parameters else found
def read():
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return b''
# One for each export, whose guard is held: what a killed frame left of it holds secrets, and goes.
temporary = path + '.' + name
def drop_temporary():
    if os.path.lexists(temporary):
        os.unlink(temporary)
drop_temporary()
# Nobody is let in yet, so nothing is lost where the host starts without it: the first grant saves both. Most of what an export
# takes is python getting ready for this.
acls = '/'.join((root, 'iscsi', wwn, 'tpgt_1', 'acls'))
if os.path.isdir(acls) and not os.listdir(acls) and wwn.encode() not in read():
    sys.exit(0)
import json
for attempt in range(5):
    before = read()
    config = json.loads(before) if before.strip() else {}
    had = bool(before.strip())
    for kind in ('storage_objects', 'targets', 'fabric_modules'):
        config.setdefault(kind, [])
    def put(kind, is_it, now):
        kept = config[kind]
        places = [i for i, entry in enumerate(kept) if is_it(entry)]
        if now and places:
            kept[places[0]] = now
        elif now:
            kept.append(now)
        config[kind] = [e for i, e in enumerate(kept) if not is_it(e) or (now and e is now)]
    put('storage_objects', lambda e: e.get('plugin') == 'block' and e.get('name') == name, the_backstore())
    put('targets', lambda e: e.get('fabric') == 'iscsi' and e.get('wwn') == wwn, the_target())
    empty = not any(config[kind] for kind in config if isinstance(config[kind], list))
    if empty:
        # A file that was not there before the first export goes with the last one.
        if os.path.exists(made):
            if read() != before:
                continue
            if had:
                os.unlink(path)
            os.unlink(made)
            break
        if not had:
            break
    elif not had:
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT, 0o600))
    whole = json.dumps(config, sort_keys=True, indent=2).encode() + b'\n'
    if before and json.loads(before) == config:
        break
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        # A disk that is full may take a part of it and say nothing until it is asked for more.
        with os.fdopen(file, 'wb') as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(whole)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        drop_temporary()
        stop(path + ' could not be written and is as it was: ' + error.strerror)
    # Somebody else may have saved meanwhile: then what they wrote is read again.
    if read() != before:
        drop_temporary()
        continue
    os.rename(temporary, path)
    place = os.open(directory, os.O_RDONLY)
    os.fsync(place)
    os.close(place)
    break
else:
    sys.exit(path + ' is being written by somebody else all the time')
